//! Listens, and answers with [`router`](super::router).
//!
//! What is not obvious: axum's own server waits for ever for a request's head. So this one stands on hyper's connections itself, with
//! a time by which the head has to be there, and with a number of connections beyond which nobody is let in.

use super::{Service, router};
use axum::extract::ConnectInfo;
use axum::{Extension, Router};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::service::TowerToHyperService;
use std::future::Future;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};

/// Connections at once: some hundred people with a live page each, and those who look.
const MOST_CONNECTIONS: usize = 1024;
/// From a connection's first byte, or its last answer, to the end of the next request's head.
const HEAD_PATIENCE: Duration = Duration::from_secs(20);
/// Longest head of a request, bytes.
const MOST_HEAD_BYTES: usize = 16 * 1024;
/// After a fault of the system, such as too many open files, before the next connection is taken.
const AFTER_FAULT: Duration = Duration::from_millis(200);
/// What is being answered when the service stops may take so long.
const LAST_ANSWERS: Duration = Duration::from_secs(5);

/// Answers until `stop` is done; then ends what is being answered, within some seconds.
pub async fn serve(service: Arc<Service>, listener: TcpListener, stop: impl Future<Output = ()> + Send) {
    let keeping = service.oidc.clone().map(|oidc| tokio::spawn(async move { oidc.keep_known().await }));
    let routes = router(service);
    let places = Arc::new(Semaphore::new(MOST_CONNECTIONS));
    let (stopping, stopped) = watch::channel(());
    let mut stop = pin!(stop);
    loop {
        let taken = tokio::select! {
            () = &mut stop => break,
            taken = listener.accept() => taken,
        };
        let (stream, peer) = match taken {
            Ok(taken) => taken,
            Err(fault) => {
                tracing::warn!("a connection was not taken: {fault}");
                tokio::time::sleep(AFTER_FAULT).await;
                continue;
            }
        };
        // Closed at once where there is no place: waiting would only fill the system's queue.
        let Ok(place) = Arc::clone(&places).try_acquire_owned() else { continue };
        let (routes, stopped) = (with_peer(&routes, peer), stopped.clone());
        tokio::spawn(async move {
            answer(stream, routes, stopped).await;
            drop(place);
        });
    }
    drop((listener, stopped));
    if let Some(keeping) = keeping {
        keeping.abort();
    }
    // Fails where nobody is connected any more, which is as good.
    let _told = stopping.send(());
    if tokio::time::timeout(LAST_ANSWERS, stopping.closed()).await.is_err() {
        tracing::info!("some connections were still open when the service stopped");
    }
}

/// The routes, which learn whom they answer. Wrapped, because a layer on the routes themselves would be laid on each.
fn with_peer(routes: &Router, peer: SocketAddr) -> Router {
    Router::new().fallback_service(routes.clone()).layer(Extension(ConnectInfo(peer)))
}

async fn answer(stream: TcpStream, routes: Router, mut stopped: watch::Receiver<()>) {
    let mut builder = Builder::new(TokioExecutor::new());
    builder.http1().timer(TokioTimer::new()).header_read_timeout(HEAD_PATIENCE).max_buf_size(MOST_HEAD_BYTES);
    let mut connection =
        pin!(builder.serve_connection(TokioIo::new(stream), TowerToHyperService::new(routes)));
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        _ = stopped.changed() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(fault) = ended {
        tracing::debug!("a connection ended: {fault}");
    }
}
