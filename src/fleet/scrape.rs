//! `GET /metrics`: the box's figures for a Prometheus on the same machine.
//!
//! It listens on this machine only, as there is neither TLS nor a login. One answer is worked out at a time: whoever asks
//! meanwhile is told to come again, so that nobody keeps the box busy by asking.

use super::metrics::CONTENT_TYPE;
use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, TryLockError};
use std::time::Duration;

/// A disk that hangs must not keep whoever asks waiting: Prometheus gives up after ten seconds.
const PATIENCE: Duration = Duration::from_secs(8);

/// Works the text out; none while the service is being built.
pub type Figures = Box<dyn Fn() -> Option<String> + Send>;

/// Starts to listen; gives the address. The thread ends with the process.
///
/// # Errors
/// Where the address is taken, or the system gives no thread.
pub fn start(listen: SocketAddr, figures: Figures) -> io::Result<SocketAddr> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let listener = runtime.block_on(tokio::net::TcpListener::bind(listen))?;
    let address = listener.local_addr()?;
    let routes = Router::new().route("/metrics", get(metrics)).with_state(Arc::new(Mutex::new(figures)));
    std::thread::Builder::new().name("metrics".to_owned()).spawn(move || {
        let served = runtime.block_on(async { axum::serve(listener, routes).await });
        if let Err(fault) = served {
            tracing::error!("metrics over HTTP ended: {fault}");
        }
    })?;
    Ok(address)
}

async fn metrics(State(figures): State<Arc<Mutex<Figures>>>) -> Response {
    let work = tokio::task::spawn_blocking(move || match figures.try_lock() {
        Ok(figures) => figures(),
        // What panicked once while it was worked out may do so again, and is no reason to say nothing any more.
        Err(TryLockError::Poisoned(figures)) => figures.into_inner()(),
        Err(TryLockError::WouldBlock) => None,
    });
    match tokio::time::timeout(PATIENCE, work).await {
        Ok(Ok(Some(text))) => ([(header::CONTENT_TYPE, CONTENT_TYPE)], text).into_response(),
        _ => (StatusCode::SERVICE_UNAVAILABLE, "the figures cannot be had now; ask again\n").into_response(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Read, Write};
    use std::net::TcpStream;

    /// Status and all that is answered to a request of this method and path.
    fn ask(address: SocketAddr, request: &str) -> (u16, String) {
        let mut stream = TcpStream::connect(address).unwrap();
        let head = format!("{request} HTTP/1.1\r\nHost: box\r\nConnection: close\r\n\r\n");
        stream.write_all(head.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        (answer.split(' ').nth(1).unwrap().parse().unwrap(), answer)
    }

    fn listening(figures: Figures) -> SocketAddr {
        start("127.0.0.1:0".parse().unwrap(), figures).unwrap()
    }

    #[test]
    fn whoever_asks_gets_the_figures_with_their_type_and_nothing_else_is_there() {
        let address = listening(Box::new(|| Some("# EOF\n".to_owned())));
        let (status, answer) = ask(address, "GET /metrics");
        assert!(
            status == 200 && answer.contains(CONTENT_TYPE) && answer.ends_with("\r\n\r\n# EOF\n"),
            "{answer}"
        );
        assert_eq!(ask(address, "GET /").0, 404);
        assert_eq!(ask(address, "POST /metrics").0, 405);
    }

    #[test]
    fn a_service_that_is_being_built_says_to_ask_again() {
        assert_eq!(ask(listening(Box::new(|| None)), "GET /metrics").0, 503);
    }

    #[test]
    fn one_who_asks_while_another_is_answered_is_told_to_come_again() {
        let (begun, has_begun) = std::sync::mpsc::sync_channel(1);
        let (go_on, may_go_on) = std::sync::mpsc::sync_channel::<()>(1);
        let figures = move || {
            begun.send(()).unwrap();
            may_go_on.recv().unwrap();
            Some("slow\n".to_owned())
        };
        let address = listening(Box::new(figures));
        std::thread::scope(|scope| {
            let first = scope.spawn(move || ask(address, "GET /metrics").0);
            has_begun.recv().unwrap();
            assert_eq!(ask(address, "GET /metrics").0, 503);
            go_on.send(()).unwrap();
            assert_eq!(first.join().unwrap(), 200);
        });
    }
}
