//! Feeds over HTTP: `POST /v1/till`, `/v1/staffing` or `/v1/badges` with a token.
//!
//! It listens on this machine only, because it speaks no TLS: a till elsewhere comes through a proxy that does, or through
//! the broker. What is answered is final: 200 says that it is on disk.

use super::{Close, Feed, FeedSender, Format, MOST_FEED_BYTES, NotTaken, Receipt, Way};
use crate::site::till::{TillHttpSettings, Token};
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, Path, Request, State};
use axum::http::{HeaderMap, HeaderName, StatusCode, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Json, Router};
use serde_json::{Value, json};
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::sync::Semaphore;

/// A till that could not be answered now asks again after this long.
const RETRY_AFTER_S: &str = "10";
/// Requests that are read at once: each may hold [`MOST_FEED_BYTES`]. A box has one till or two.
const MOST_AT_ONCE: usize = 4;
/// Reasons in an answer; all of them are counted, and kept on the box.
const MOST_REASONS: usize = 100;

#[derive(Clone)]
struct Desk {
    token: Arc<Token>,
    feeds: Arc<[Feed]>,
    to: FeedSender,
    places: Arc<Semaphore>,
}

/// Starts to listen; gives the address, and what frees it again.
///
/// # Errors
/// Where the address is taken, or the system gives no thread.
pub fn start(settings: &TillHttpSettings, feeds: &[Feed], to: FeedSender) -> io::Result<(SocketAddr, Close)> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let listener = runtime.block_on(tokio::net::TcpListener::bind(settings.listen))?;
    let address = listener.local_addr()?;
    let routes = routes(settings.token.clone(), feeds, to);
    let (close, closed) = tokio::sync::oneshot::channel::<()>();
    let thread = std::thread::Builder::new().name("feeds http".to_owned()).spawn(move || {
        let served = runtime.block_on(async {
            tokio::select! {
                served = async { axum::serve(listener, routes).await } => served,
                Ok(()) = closed => Ok(()),
            }
        });
        if let Err(fault) = served {
            tracing::error!("feeds over HTTP ended: {fault}");
        }
        // A request that waits for the disk is answered by nobody any more, and is sent again.
        runtime.shutdown_background();
    })?;
    let close = move || {
        if close.send(()).is_err() || thread.join().is_err() {
            tracing::debug!("feeds over HTTP had ended before");
        }
    };
    Ok((address, Box::new(close)))
}

/// What is answered, without a socket.
pub fn routes(token: Token, feeds: &[Feed], to: FeedSender) -> Router {
    let places = Arc::new(Semaphore::new(MOST_AT_ONCE));
    let desk = Desk { token: Arc::new(token), feeds: feeds.into(), to, places };
    Router::new()
        .route("/v1/{feed}", post(take))
        .layer(DefaultBodyLimit::max(MOST_FEED_BYTES))
        // Before a body is read: nobody without the token fills the memory.
        .layer(from_fn_with_state(desk.clone(), with_token))
        .with_state(desk)
}

async fn with_token(State(desk): State<Desk>, request: Request, next: Next) -> Response {
    let given = text_of(request.headers(), header::AUTHORIZATION);
    if !desk.token.is(given.strip_prefix("Bearer ").unwrap_or_default().as_bytes()) {
        return refused(StatusCode::UNAUTHORIZED, "send the token as `Authorization: Bearer TOKEN`");
    }
    // Not read to be refused: what says that it is too large is believed.
    let length = text_of(request.headers(), header::CONTENT_LENGTH).parse::<u64>().unwrap_or(0);
    if length > MOST_FEED_BYTES as u64 {
        return refused(
            StatusCode::PAYLOAD_TOO_LARGE,
            "more than is read at once; send it in several pieces",
        );
    }
    let Ok(_place) = desk.places.try_acquire() else {
        return later("other requests are being read; send it again later");
    };
    next.run(request).await
}

fn text_of(headers: &HeaderMap, name: HeaderName) -> &str {
    headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
}

async fn take(
    State(desk): State<Desk>,
    Path(name): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let Some(feed) = desk.feeds.iter().copied().find(|feed| feed.name() == name) else {
        return refused(StatusCode::NOT_FOUND, "this box takes no such feed");
    };
    let kind = text_of(&headers, header::CONTENT_TYPE);
    let format = match kind.split(';').next().unwrap_or_default().trim() {
        "application/json" | "application/x-ndjson" => Format::Json,
        "text/csv" => Format::Csv,
        _ => return refused(StatusCode::UNSUPPORTED_MEDIA_TYPE, "send application/json or text/csv"),
    };
    let hand = move || desk.to.hand(feed, Way::Http, format, body.into());
    match tokio::task::spawn_blocking(hand).await {
        Ok(Ok(receipt)) => taken(&receipt),
        Ok(Err(not_taken)) => busy(&not_taken),
        Err(_) => busy(&NotTaken::NoAnswer),
    }
}

fn taken(receipt: &Receipt) -> Response {
    let reason = |(row, why): &(u32, String)| json!({"row": row, "reason": why});
    let aside: Vec<Value> = receipt.aside.iter().take(MOST_REASONS).map(reason).collect();
    let nothing_good = receipt.accepted == 0 && receipt.duplicates == 0 && !receipt.aside.is_empty();
    let status = if nothing_good { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    let answer = json!({
        "accepted": receipt.accepted,
        "duplicates": receipt.duplicates,
        "put_aside": receipt.aside.len(),
        "reasons": aside,
    });
    (status, Json(answer)).into_response()
}

fn busy(why: &NotTaken) -> Response {
    later(&why.to_string())
}

fn later(why: &str) -> Response {
    let mut response = refused(StatusCode::SERVICE_UNAVAILABLE, why);
    response.headers_mut().insert(header::RETRY_AFTER, header::HeaderValue::from_static(RETRY_AFTER_S));
    response
}

fn refused(status: StatusCode, why: &str) -> Response {
    (status, Json(json!({"error": why}))).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::feeds::{door, tests::named};
    use std::io::{Read, Write};
    use std::net::TcpStream;
    use std::sync::mpsc::sync_channel;

    const TOKEN: &str = "let-me-in-please-1";

    /// Sends a request, as `answer` says what becomes of what it hands over; gives status and body.
    fn ask(head: &str, body: &str, answer: Option<Result<Receipt, NotTaken>>) -> (u16, String) {
        ask_of_length(head, body, None, answer)
    }

    /// The same, where the head may claim another length than the body has.
    fn ask_of_length(
        head: &str,
        body: &str,
        length: Option<usize>,
        answer: Option<Result<Receipt, NotTaken>>,
    ) -> (u16, String) {
        let (sender, taken) = door();
        let token = Token::new(TOKEN.to_owned()).unwrap();
        let settings = TillHttpSettings { listen: "127.0.0.1:0".parse().unwrap(), token };
        let (address, close) = start(&settings, &[Feed::Till], sender).unwrap();
        let answering = answer.map(|answer| named(move || taken.recv().unwrap().answer(answer)));
        let mut stream = TcpStream::connect(address).unwrap();
        let length = length.unwrap_or(body.len());
        let request = format!(
            "POST {head}\r\nHost: box\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n{body}"
        );
        stream.write_all(request.as_bytes()).unwrap();
        let mut response = String::new();
        stream.read_to_string(&mut response).unwrap();
        answering.map(std::thread::JoinHandle::join);
        close();
        let (head, body) = response.split_once("\r\n\r\n").unwrap();
        (head.split(' ').nth(1).unwrap().parse().unwrap(), body.to_owned())
    }

    fn sale(path: &str, token: &str, kind: &str) -> String {
        format!("{path} HTTP/1.1\r\nAuthorization: Bearer {token}\r\nContent-Type: {kind}")
    }

    #[test]
    fn a_sale_is_answered_with_what_became_of_it() {
        let receipt = Receipt { accepted: 1, duplicates: 2, aside: vec![(4, "no id".to_owned())] };
        let (status, body) =
            ask(&sale("/v1/till", TOKEN, "application/json; charset=utf-8"), "[]", Some(Ok(receipt)));
        let body: Value = serde_json::from_str(&body).unwrap();
        let expected = json!({"accepted": 1, "duplicates": 2, "put_aside": 1, "reasons": [{"row": 4, "reason": "no id"}]});
        assert_eq!((status, body), (200, expected));
    }

    #[test]
    fn a_request_of_which_nothing_was_good_is_no_success() {
        let receipt = Receipt { aside: vec![(0, "not JSON".to_owned())], ..Receipt::default() };
        assert_eq!(ask(&sale("/v1/till", TOKEN, "application/json"), "x", Some(Ok(receipt))).0, 422);
    }

    #[test]
    fn what_is_not_on_disk_is_to_be_sent_again() {
        let answer = Some(Err(NotTaken::NotStored("disk full".to_owned())));
        let (status, body) = ask(&sale("/v1/till", TOKEN, "text/csv"), "id\n", answer);
        assert!(status == 503 && body.contains("disk full"), "{status} {body}");
    }

    #[test]
    fn nobody_without_the_token_tells_the_box_anything() {
        for token in ["", "let-me-in-please-2", "let-me-in-please-11"] {
            assert_eq!(ask(&sale("/v1/till", token, "application/json"), "[]", None).0, 401);
        }
        assert_eq!(ask("/v1/till HTTP/1.1\r\nContent-Type: application/json", "[]", None).0, 401);
    }

    #[test]
    fn an_address_that_was_closed_can_be_listened_on_again() {
        let token = Token::new(TOKEN.to_owned()).unwrap();
        let settings = TillHttpSettings { listen: "127.0.0.1:0".parse().unwrap(), token: token.clone() };
        let (address, close) = start(&settings, &[Feed::Till], door().0).unwrap();
        let same = TillHttpSettings { listen: address, token };
        assert!(start(&same, &[Feed::Till], door().0).is_err());
        close();
        let (_, close) = start(&same, &[Feed::Till], door().0).unwrap();
        close();
    }

    #[test]
    fn what_the_box_does_not_take_is_refused() {
        assert_eq!(ask(&sale("/v1/staffing", TOKEN, "application/json"), "[]", None).0, 404);
        assert_eq!(ask(&sale("/v1/till", TOKEN, "application/xml"), "<a/>", None).0, 415);
        let too_large =
            ask_of_length(&sale("/v1/till", TOKEN, "text/csv"), "", Some(MOST_FEED_BYTES + 1), None);
        assert_eq!(too_large.0, 413);
    }

    #[test]
    fn who_sends_in_more_pieces_at_once_than_are_read_is_told_to_come_again() {
        let (sender, taken) = door();
        let token = Token::new(TOKEN.to_owned()).unwrap();
        let settings = TillHttpSettings { listen: "127.0.0.1:0".parse().unwrap(), token };
        let (address, close) = start(&settings, &[Feed::Till], sender).unwrap();
        let head = sale("/v1/till", TOKEN, "application/json");
        // Each says that something comes, and sends none of it yet.
        let open = |_| {
            let mut stream = TcpStream::connect(address).unwrap();
            write!(stream, "POST {head}\r\nHost: box\r\nConnection: close\r\nContent-Length: 2\r\n\r\n")
                .unwrap();
            stream
        };
        let mut streams: Vec<TcpStream> = (0..=MOST_AT_ONCE).map(open).collect();
        let (told, answers) = sync_channel(MOST_AT_ONCE + 1);
        for (place, stream) in streams.iter().enumerate() {
            let (mut stream, told) = (stream.try_clone().unwrap(), told.clone());
            named(move || {
                let mut text = String::new();
                stream.read_to_string(&mut text).unwrap();
                told.send((place, text)).unwrap();
            });
        }
        let (refused, text) = answers.recv().unwrap();
        assert!(text.starts_with("HTTP/1.1 503") && text.to_lowercase().contains("retry-after"), "{text}");
        let answering = named(move || {
            for _ in 0..MOST_AT_ONCE {
                taken.recv().unwrap().answer(Ok(Receipt { accepted: 1, ..Receipt::default() }));
            }
        });
        for (place, stream) in streams.iter_mut().enumerate().filter(|(place, _)| *place != refused) {
            stream.write_all(b"[]").unwrap_or_else(|fault| panic!("{place}: {fault}"));
        }
        for _ in 0..MOST_AT_ONCE {
            let (_, text) = answers.recv().unwrap();
            assert!(text.starts_with("HTTP/1.1 200"), "{text}");
        }
        answering.join().unwrap();
        close();
    }
}
