//! `footfall audit serve`: the page on which a person counts clips again.
//!
//! It listens on this machine only, and is careful all the same, because a browser on it may have other pages open and the
//! machine other users. Whatever shows or takes something needs the key that stands in the address which was printed, in
//! a header of its own: another site's page can neither read the key nor send that header. And the
//! `Host` must be the address that is listened on, so that a name that is made to lead here (DNS rebinding) leads to nothing.
//!
//! What the box counted is not sent for a line that is not tallied: nobody can be led by it.

use super::figures::figures;
use super::folder::AuditFolder;
use super::format::{Clip, ClipId, ClipLine, Tally};
use super::{Kept, MOST_PEOPLE, as_json, is_tallied, keep_tally};
use crate::site::till::same_secret;
use crate::time::{Clock, SystemClock};
use anyhow::Context;
use axum::body::Body;
use axum::extract::{DefaultBodyLimit, Path, Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use rustix::rand::{GetRandomFlags, getrandom};
use serde_json::{Value, json};
use std::io::{Write, stdout};
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// The header that carries the key.
pub const KEY_HEADER: &str = "x-audit-key";

/// A tally is two numbers.
const MOST_BODY_BYTES: usize = 4096;

/// How often it is looked whether the command is to end.
const LOOK_UP_EVERY: Duration = Duration::from_millis(100);

const PAGE: &str = include_str!("page/page.html");
const STYLE: &str = include_str!("page/page.css");
const SCRIPT: &str = include_str!("page/page.js");

/// What the page may load: its own two files and pictures that it made itself.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src blob: data:; connect-src 'self'; \
    base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

#[derive(Clone)]
struct Desk {
    folder: Arc<AuditFolder>,
    key: Arc<str>,
    /// What is listened on.
    address: IpAddr,
    clock: Arc<dyn Clock>,
}

/// Serves the page until told to stop.
///
/// # Errors
/// Where the address is taken.
pub fn serve(folder: AuditFolder, listen: SocketAddr) -> anyhow::Result<()> {
    let stop = Arc::new(AtomicBool::new(false));
    for signal in [signal_hook::consts::SIGTERM, signal_hook::consts::SIGINT] {
        signal_hook::flag::register(signal, Arc::clone(&stop)).context("cannot listen for signals")?;
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let listener = tokio::net::TcpListener::bind(listen).await;
        let listener = listener.with_context(|| {
            format!("cannot listen on {listen}; give another port, such as --listen 127.0.0.1:0")
        })?;
        let (address, key) = (listener.local_addr()?, new_key()?);
        tell(address, &key)?;
        let desk = Desk {
            folder: Arc::new(folder),
            key: key.into(),
            address: address.ip(),
            clock: Arc::new(SystemClock::start()),
        };
        let stopped = async move {
            while !stop.load(Ordering::Relaxed) {
                tokio::time::sleep(LOOK_UP_EVERY).await;
            }
        };
        axum::serve(listener, pages(desk)).with_graceful_shutdown(stopped).await?;
        Ok(())
    })
}

fn tell(address: SocketAddr, key: &str) -> std::io::Result<()> {
    let port = address.port();
    let text = format!(
        "Open http://{address}/#{key}\n\
         From another machine or a phone, first: ssh -L {port}:{address} BOX, and open the same there.\n\
         Ctrl-C ends it; what was tallied is kept.\n"
    );
    let mut out = stdout().lock();
    out.write_all(text.as_bytes())?;
    out.flush()
}

/// 128 bits that nobody can guess, in hexadecimal, from the system's generator.
fn new_key() -> anyhow::Result<String> {
    let mut random = [0_u8; 16];
    // So few bytes come whole or not at all.
    getrandom(&mut random, GetRandomFlags::empty())
        .context("the system gives no random numbers for a key")?;
    Ok(format!("{:032x}", u128::from_be_bytes(random)))
}

fn pages(desk: Desk) -> Router {
    let behind_key = Router::new()
        .route("/api/clips", get(clips))
        .route("/api/clips/{clip}/pictures", get(pictures))
        .route("/api/clips/{clip}/lines/{line}", post(take_tally))
        .route("/api/result", get(result))
        .layer(DefaultBodyLimit::max(MOST_BODY_BYTES))
        .layer(from_fn_with_state(desk.clone(), with_key));
    Router::new()
        .route("/", get(|| async { asset("text/html; charset=utf-8", PAGE) }))
        .route("/page.css", get(|| async { asset("text/css; charset=utf-8", STYLE) }))
        .route("/page.js", get(|| async { asset("text/javascript; charset=utf-8", SCRIPT) }))
        .merge(behind_key)
        .layer(from_fn_with_state(desk.clone(), on_this_machine))
        .with_state(desk)
}

fn asset(kind: &'static str, text: &'static str) -> Response {
    ([(header::CONTENT_TYPE, kind)], text).into_response()
}

/// Lets through what was meant for this machine, and forbids every answer to be kept, framed or guessed at.
async fn on_this_machine(State(desk): State<Desk>, request: Request, next: Next) -> Response {
    if !is_meant_for_here(request.headers(), desk.address) {
        return (StatusCode::FORBIDDEN, "open the address that `footfall audit serve` printed")
            .into_response();
    }
    let mut response = next.run(request).await;
    for (name, value) in [
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::CACHE_CONTROL, "no-store"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
    ] {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response
}

fn is_meant_for_here(headers: &HeaderMap, address: IpAddr) -> bool {
    let of = |name| headers.get(name).and_then(|value: &HeaderValue| value.to_str().ok());
    let host = of(header::HOST).unwrap_or_default();
    let is_own_origin = of(header::ORIGIN).is_none_or(|origin| origin == format!("http://{host}"));
    is_own_host(host, address) && is_own_origin
}

/// Whether a `Host` is the address that is listened on, or `localhost`, which no foreign name server answers for. With any
/// port: a tunnel may have another.
fn is_own_host(host: &str, address: IpAddr) -> bool {
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    };
    match address {
        _ if name == "localhost" => true,
        IpAddr::V4(address) => name == address.to_string(),
        IpAddr::V6(address) => name == format!("[{address}]"),
    }
}

async fn with_key(State(desk): State<Desk>, request: Request, next: Next) -> Response {
    let given = request.headers().get(KEY_HEADER).map(HeaderValue::as_bytes).unwrap_or_default();
    if !same_secret(given, desk.key.as_bytes()) {
        return refused(StatusCode::UNAUTHORIZED, "the key is missing; open the address that was printed");
    }
    next.run(request).await
}

fn refused(status: StatusCode, why: &str) -> Response {
    (status, Json(json!({"error": why}))).into_response()
}

/// All clips, those that wait in an order that has nothing to do with what is on them.
async fn clips(State(desk): State<Desk>) -> Json<Value> {
    let tallies = desk.folder.tallies();
    let mut clips = desk.folder.clips();
    // Somebody who stops half-way has looked at a random half.
    clips.sort_by_cached_key(|clip| shuffled(&clip.id));
    Json(clips.iter().map(|clip| clip_as_json(clip, &tallies)).collect())
}

/// A number that stays the same for a name and says nothing about it (FNV-1a, then mixed).
fn shuffled(id: &str) -> u64 {
    let fold = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
    let hash = id.bytes().fold(0xcbf2_9ce4_8422_2325, fold);
    (hash ^ (hash >> 32)).wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

fn clip_as_json(clip: &Clip, tallies: &[Tally]) -> Value {
    let lines: Vec<Value> = clip.lines.iter().map(|line| line_as_json(clip, line, tallies)).collect();
    json!({
        "id": clip.id, "camera": clip.drawn.camera, "start_ms": clip.drawn.start_ms,
        "width": clip.width, "height": clip.height, "lost": clip.lost, "lines": lines,
        "pictures": clip.pictures.iter().map(|one| (one.at_ms, one.bytes)).collect::<Vec<_>>(),
    })
}

fn line_as_json(clip: &Clip, line: &ClipLine, tallies: &[Tally]) -> Value {
    let drawn = json!({"line": line.line, "from": line.from, "to": line.to});
    if !is_tallied(tallies, clip, line) {
        return drawn;
    }
    let mut told = drawn;
    let tally = tallies.iter().find(|tally| tally.clip == clip.id && tally.line == line.line);
    told["counted"] = counted(line);
    told["tallied"] = json!(tally.map(|tally| json!({"in": tally.entries, "out": tally.exits})));
    told
}

fn counted(line: &ClipLine) -> Value {
    json!({"in": line.entries, "out": line.exits, "crossings": line.crossings})
}

async fn pictures(State(desk): State<Desk>, Path(clip): Path<String>) -> Response {
    let Some(bytes) = ClipId::parse(&clip).and_then(|id| desk.folder.pictures(&id)) else {
        return refused(StatusCode::NOT_FOUND, "the clip is gone: it was kept as long as was said");
    };
    ([(header::CONTENT_TYPE, "application/octet-stream")], Body::from(bytes)).into_response()
}

async fn take_tally(
    State(desk): State<Desk>,
    Path((clip, line)): Path<(String, String)>,
    Json(tally): Json<Value>,
) -> Response {
    let number =
        |key: &str| u32::try_from(tally.get(key)?.as_u64()?).ok().filter(|number| *number <= MOST_PEOPLE);
    let (Some(entries), Some(exits)) = (number("in"), number("out")) else {
        return refused(StatusCode::BAD_REQUEST, "a tally is {\"in\": N, \"out\": N}, each from 0 to 1000");
    };
    let now = desk.clock.now().wall;
    match keep_tally(&desk.folder, (&clip, &line), (entries, exits), now) {
        Ok(Kept { line, first }) => {
            let is_correction = first.is_some();
            let result = result_of(&desk.folder);
            Json(json!({"counted": counted(&line), "correction": is_correction, "result": result}))
                .into_response()
        }
        Err(fault) => refused(StatusCode::CONFLICT, &format!("{fault:#}")),
    }
}

async fn result(State(desk): State<Desk>) -> Json<Value> {
    Json(result_of(&desk.folder))
}

fn result_of(folder: &AuditFolder) -> Value {
    figures(folder).iter().map(as_json).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(address: &str, own: &[&str], strange: &[&str]) {
        let address = address.parse().unwrap();
        own.iter().for_each(|host| assert!(is_own_host(host, address), "{host}"));
        strange.iter().for_each(|host| assert!(!is_own_host(host, address), "{host}"));
    }

    #[test]
    fn only_the_address_that_is_listened_on_is_its_host() {
        let evil =
            ["", "evil.example", "evil.example:8123", "127.0.0.1.evil.example", "127.0.0.1:x", "[::2]:1"];
        check("127.0.0.1", &["127.0.0.1", "127.0.0.1:80", "localhost:8123"], &evil);
        check("127.0.0.1", &[], &["127.0.0.5:80", "[::1]:80", "localhost.evil.example:80"]);
        check("127.0.0.5", &["127.0.0.5:8123"], &["127.0.0.1:8123", "127.0.0.5.evil.example"]);
        check("::1", &["[::1]", "[::1]:8123"], &["127.0.0.1:8123", "::1"]);
    }

    #[test]
    fn every_key_is_another_one_and_only_the_same_is_the_same() {
        let (one, other) = (new_key().unwrap(), new_key().unwrap());
        assert!(one.len() == 32 && one != other);
        assert!(same_secret(one.as_bytes(), one.as_bytes()));
        assert!(!same_secret(b"", one.as_bytes()) && !same_secret(other.as_bytes(), one.as_bytes()));
    }

    #[test]
    fn the_order_of_the_clips_is_not_that_of_the_day() {
        let ids: Vec<String> = (0..30).map(|minute| format!("door-20261122t15{minute:02}z")).collect();
        let mut mixed = ids.clone();
        mixed.sort_by_key(|id| shuffled(id));
        let in_place = ids.iter().zip(&mixed).filter(|(a, b)| a == b).count();
        assert!(in_place < 5, "{mixed:?}");
    }
}
