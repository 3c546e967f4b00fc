//! The pages, as `npm run build` in `ui/` left them, embedded in the binary.
//!
//! What is not obvious: a build without them works, and answers with one page that says how to build them. So head office can be built and
//! tested where there is no npm.

use axum::body::Body;
use axum::extract::Request;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use rust_embed::{EmbeddedFile, RustEmbed};
use std::fmt::Write;

#[derive(RustEmbed)]
#[folder = "ui/dist"]
#[allow_missing = true]
struct Built;

/// What is shown where the pages were not built.
const NOT_BUILT: &str = "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>Footfall</title>\
    <h1>The pages were not built</h1><p>This footfall-hq was built without its pages. Its API works. To have the pages, run \
    <code>npm ci &amp;&amp; npm run build</code> in <code>ui/</code>, and build footfall-hq again.</p></html>";

/// Vite puts what has its hash in its name here.
const HASHED: &str = "assets/";

/// A page, or what a page is made of.
pub(super) async fn page(request: Request) -> Response {
    answer(&request, Built::get)
}

fn answer(request: &Request, built: fn(&str) -> Option<EmbeddedFile>) -> Response {
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        return StatusCode::METHOD_NOT_ALLOWED.into_response();
    }
    let path = request.uri().path().trim_start_matches('/');
    if let Some(file) = built(path) {
        return sent(path, file, request.headers());
    }
    // The pages find their way by the address themselves; what has an ending is a file that is not there.
    let is_page = !path.rsplit('/').next().unwrap_or_default().contains('.');
    match built("index.html") {
        Some(index) if is_page => sent("index.html", index, request.headers()),
        None if is_page => with_type("index.html", NOT_BUILT.into()),
        _ => (StatusCode::NOT_FOUND, "there is no such file").into_response(),
    }
}

fn sent(path: &str, file: EmbeddedFile, asked: &HeaderMap) -> Response {
    let tag = tag_of(&file);
    let is_known = asked.get(header::IF_NONE_MATCH).is_some_and(|known| known.as_bytes() == tag.as_bytes());
    let mut response = if is_known {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        with_type(path, Body::from(file.data.into_owned()))
    };
    let kept = if path.starts_with(HASHED) { "public, max-age=31536000, immutable" } else { "no-cache" };
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(kept));
    if let Ok(tag) = HeaderValue::from_str(&tag) {
        headers.insert(header::ETAG, tag);
    }
    response
}

/// A weak one: the same file goes out as it is and compressed.
fn tag_of(file: &EmbeddedFile) -> String {
    let mut tag = "W/\"".to_owned();
    for byte in &file.metadata.sha256_hash()[..16] {
        write!(tag, "{byte:02x}").expect("a string takes what is written");
    }
    tag + "\""
}

fn with_type(path: &str, body: Body) -> Response {
    let kind = match path.rsplit('.').next().unwrap_or_default() {
        "html" => "text/html; charset=utf-8",
        "js" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "json" | "map" => "application/json",
        "webmanifest" => "application/manifest+json",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "ico" => "image/x-icon",
        "woff2" => "font/woff2",
        "txt" => "text/plain; charset=utf-8",
        _ => "application/octet-stream",
    };
    ([(header::CONTENT_TYPE, kind)], body).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::body::HttpBody as _;
    use rust_embed::Metadata;

    fn built(path: &str) -> Option<EmbeddedFile> {
        let data: &'static [u8] = match path {
            "index.html" => b"<!doctype html>",
            "assets/app-1a2b.js" => b"go()",
            _ => return None,
        };
        Some(EmbeddedFile { data: data.into(), metadata: Metadata::__rust_embed_new([7; 32], None, None) })
    }

    fn get(path: &str, known: Option<&str>) -> Request {
        let request = Request::get(path);
        let request = known.into_iter().fold(request, |request, tag| request.header("if-none-match", tag));
        request.body(Body::empty()).unwrap()
    }

    #[track_caller]
    fn check(path: &str, status: u16, kind: &str, kept: &str) {
        let response = answer(&get(path, None), built);
        let header = |name: &str| response.headers().get(name).map_or("", |value| value.to_str().unwrap());
        assert_eq!((response.status().as_u16(), header("content-type")), (status, kind), "{path}");
        assert_eq!(header("cache-control"), kept, "{path}");
    }

    #[test]
    fn a_page_is_the_index_whatever_its_address_and_a_file_is_itself() {
        let (html, script) = ("text/html; charset=utf-8", "text/javascript; charset=utf-8");
        check("/", 200, html, "no-cache");
        check("/index.html", 200, html, "no-cache");
        check("/store/acme/berlin", 200, html, "no-cache");
        check("/assets/app-1a2b.js", 200, script, "public, max-age=31536000, immutable");
        check("/assets/app-0000.js", 404, "text/plain; charset=utf-8", "");
        check("/../Cargo.toml", 404, "text/plain; charset=utf-8", "");
    }

    #[test]
    fn a_file_that_the_browser_has_is_not_sent_again() {
        let first = answer(&get("/", None), built);
        let tag = first.headers()["etag"].to_str().unwrap().to_owned();
        assert_eq!(answer(&get("/", Some(&tag)), built).status(), 304);
        assert_eq!(answer(&get("/", Some("W/\"other\"")), built).status(), 200);
    }

    #[test]
    fn without_the_pages_it_says_how_to_build_them() {
        let response = answer(&get("/store/acme/berlin", None), |_| None);
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers()["content-type"], "text/html; charset=utf-8");
        assert_eq!(response.body().size_hint().exact(), Some(NOT_BUILT.len() as u64));
    }

    #[test]
    fn nothing_is_sent_to_a_page() {
        let request = Request::post("/").body(Body::empty()).unwrap();
        assert_eq!(answer(&request, built).status(), 405);
    }
}
