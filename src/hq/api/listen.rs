//! Opens the door: requests on a socket, until told to stop.

use super::{Service, router};
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;

/// Answers requests on a socket (which does not block) until `stop` is over; those that have begun are then still answered.
///
/// # Errors
/// What the system says of the socket.
pub async fn serve(
    listener: TcpListener,
    service: Arc<Service>,
    stop: impl Future<Output = ()> + Send + 'static,
) -> std::io::Result<()> {
    let listener = tokio::net::TcpListener::from_std(listener)?;
    let answers = router(service).into_make_service_with_connect_info::<SocketAddr>();
    axum::serve(listener, answers).with_graceful_shutdown(stop).await
}
