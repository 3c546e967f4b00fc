//! How much of the service anybody gets: by address, by account, in size, in time and at once.

use super::Service;
use axum::extract::{ConnectInfo, Request, State};
use axum::middleware::Next;
use axum::response::Response;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;

/// Where a request comes from, behind the proxy where there is one.
#[derive(Debug, Clone, Copy)]
pub(super) struct Address(pub(super) IpAddr);

/// Notes where a request comes from.
pub(super) async fn address(
    State(_service): State<Arc<Service>>,
    mut request: Request,
    next: Next,
) -> Response {
    let peer = request.extensions().get::<ConnectInfo<SocketAddr>>();
    let address = peer.map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |peer| peer.0.ip());
    request.extensions_mut().insert(Address(address));
    next.run(request).await
}
