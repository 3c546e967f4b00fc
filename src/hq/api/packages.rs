//! Packages for the boxes: announced with a signed manifest, brought as a file, and fetched by whoever knows its hash.

use super::caller::{Caller, Visitor};
use super::faults::{Fault, Faults};
use super::input::{Json, Path};
use super::{Answer, Service};
use crate::hq::access::{self, Role};
use crate::hq::fleet::packages::{self, PackageError};
use crate::hq::store::fleet::packages as rows;
use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use std::io::Read as _;
use std::sync::Arc;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// Bytes that are read at once, and pieces that wait for a slow box.
const PIECE: usize = 128 * 1024;
const PIECES: usize = 4;

/// A package in an address.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
struct Hashed {
    /// SHA-256 of the file, 64 small hexadecimal digits.
    #[param(example = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")]
    sha256: String,
}

/// Every package that was announced.
#[derive(Debug, Serialize, ToSchema)]
struct Packages {
    /// The newest first.
    packages: Vec<PackageBody>,
}

/// A package.
#[derive(Debug, Serialize, ToSchema)]
struct PackageBody {
    /// Its name.
    package: String,
    /// Its version.
    version: String,
    /// For which machines.
    architecture: String,
    /// Names it in roll-outs.
    sha256: String,
    /// Bytes.
    size: u64,
    /// When it was announced, UTC ms.
    at_ms: i64,
    /// Whether its file is here.
    is_here: bool,
}

/// A package that is to be announced.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct PackageToAnnounce {
    /// The text that was signed: JSON with package, version, architecture, sha256 and size.
    #[schema(max_length = 4096)]
    manifest: String,
    /// Ed25519 signature of it, base64.
    #[schema(max_length = 100)]
    signature: String,
}

pub(super) fn routes() -> OpenApiRouter<Arc<Service>> {
    OpenApiRouter::new()
        .routes(routes!(list, announce))
        // A file is taken piece by piece, and no more of it than its manifest says.
        .routes(routes!(bring, fetch))
}

/// Who may bring packages: an administrator of some chain.
fn is_administrator(caller: &Caller) -> Result<(), Fault> {
    if caller.within(Role::Admin).chains().is_empty() {
        return Err(Fault::forbidden("admin", "packages are for administrators of a chain"));
    }
    Ok(())
}

/// The packages that boxes can be given
#[utoipa::path(get, path = "/api/v1/packages", tag = "fleet", responses((status = 200, body = Packages), Faults))]
async fn list(State(service): State<Arc<Service>>, _caller: Caller) -> Answer<Packages> {
    let rows = service.ask(|store| store.read(rows::list)).await?;
    let body = |row: rows::PackageRow| PackageBody {
        package: row.of.package,
        version: row.of.version,
        architecture: row.of.architecture,
        sha256: row.of.sha256,
        size: row.of.size,
        at_ms: row.at.unix_ms(),
        is_here: row.is_here,
    };
    Ok(axum::Json(Packages { packages: rows.into_iter().map(body).collect() }))
}

/// Announce a package by its signed manifest; its file follows
#[utoipa::path(post, path = "/api/v1/packages", tag = "fleet", request_body = PackageToAnnounce,
    responses((status = 204, description = "Its file may be brought."), Faults))]
async fn announce(
    State(service): State<Arc<Service>>,
    caller: Caller,
    Json(body): Json<PackageToAnnounce>,
) -> Result<StatusCode, Fault> {
    is_administrator(&caller)?;
    service
        .ask(move |store| {
            let by = (Some(caller.account_id()), caller.at());
            let of = packages::announce(store, (&body.manifest, &body.signature), by)?;
            let detail = format!("{} {} {} ({})", of.package, of.version, of.architecture, of.sha256);
            access::note(store, caller.origin(), (Some(caller.account_id()), "package_announced", &detail))?;
            Ok::<_, PackageError>(())
        })
        .await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Bring the file of a package that was announced
#[utoipa::path(put, path = "/api/v1/packages/{sha256}", tag = "fleet", params(Hashed),
    request_body(content = Vec<u8>, content_type = "application/octet-stream"),
    responses((status = 204, description = "It is what its manifest says, and can be given to boxes."), Faults))]
async fn bring(
    State(service): State<Arc<Service>>,
    caller: Caller,
    Path(of): Path<Hashed>,
    request: Request,
) -> Result<StatusCode, Fault> {
    is_administrator(&caller)?;
    let fleet = service.fleet()?;
    let (at, sha256) = (caller.at(), of.sha256.clone());
    let mut incoming = service.ask(move |store| fleet.packages.begin(store, &sha256, at)).await?;
    let mut pieces = request.into_body().into_data_stream();
    while let Some(piece) = tokio_stream::StreamExt::next(&mut pieces).await {
        let piece =
            piece.map_err(|fault| Fault::bad("body", format!("the file did not arrive whole: {fault}")))?;
        incoming = service
            .ask(move |_| {
                incoming.take(&piece)?;
                Ok::<_, PackageError>(incoming)
            })
            .await?;
    }
    service
        .ask(move |store| {
            incoming.finish(store)?;
            let who = (Some(caller.account_id()), "package_brought", &*of.sha256);
            access::note(store, caller.origin(), who)?;
            Ok::<_, PackageError>(())
        })
        .await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The file of a package: for boxes
#[utoipa::path(get, path = "/api/v1/packages/{sha256}", tag = "fleet", params(Hashed), security(()),
    responses((status = 200, body = Vec<u8>, content_type = "application/vnd.debian.binary-package"), Faults))]
async fn fetch(
    State(service): State<Arc<Service>>,
    visitor: Visitor,
    Path(of): Path<Hashed>,
) -> Result<Response, Fault> {
    service.door.package(&visitor)?;
    let Ok(fleet) = service.fleet() else { return Err(Fault::not_found()) };
    let found = service.ask(move |_| fleet.packages.open(&of.sha256)).await?;
    let (mut file, size) = found.ok_or_else(Fault::not_found)?;
    let (to, pieces) = mpsc::channel::<std::io::Result<Bytes>>(PIECES);
    // A thread is only held while it reads: a box may be slow.
    tokio::spawn(async move {
        loop {
            let read = tokio::task::spawn_blocking(move || {
                let mut piece = vec![0; PIECE];
                let read = file.read(&mut piece);
                (read.map(|read| Bytes::from(piece).slice(..read)), file)
            });
            let Ok((piece, read_from)) = read.await else { return };
            file = read_from;
            let is_over = !matches!(&piece, Ok(piece) if !piece.is_empty());
            if piece.as_ref().is_ok_and(Bytes::is_empty) || to.send(piece).await.is_err() || is_over {
                return;
            }
        }
    });
    let headers = [
        (header::CONTENT_TYPE, "application/vnd.debian.binary-package".to_owned()),
        (header::CONTENT_LENGTH, size.to_string()),
        // What lies under a hash never changes.
        (header::CACHE_CONTROL, "public, max-age=31536000, immutable".to_owned()),
    ];
    Ok((headers, Body::from_stream(ReceiverStream::new(pieces))).into_response())
}

impl From<PackageError> for Fault {
    fn from(fault: PackageError) -> Self {
        match fault {
            PackageError::Store(fault) => fault.into(),
            PackageError::File { .. } => Self::inside(&fault),
            PackageError::NotAnnounced => Self::not_found(),
            PackageError::TooMany | PackageError::Announced => Self::conflict("packages", fault.to_string()),
            _ => Self::refused("package", fault.to_string()),
        }
    }
}
