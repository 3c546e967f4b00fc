//! Enrolment: a link that is used once, and the certificates that follow from it.
//!
//! What is not obvious: whoever holds a link may become the box that it was made for, and nothing else; of a wrong one, a used one and one that
//! has run out nobody is told which it was. A box that was revoked gets no other certificate until somebody makes a new link for it.

use super::Fleet;
use super::authority::{AuthorityError, Request, Revoked};
use crate::hq::access::{Secret, hash};
use crate::hq::store::fleet::{BoxKey, What, certificates as rows, due};
use crate::hq::store::{Store, StoreError, WriteError};
use crate::time::WallTime;
use crate::wire::v1::V1;
use crate::wire::v1::fleet::{BrokerAddress, CertificateIssued, EnrolRequest, Enrolled};
use std::time::Duration;

/// What every token begins with, so that a scanner finds one that lies about in public.
pub const TOKEN_PREFIX: &str = "ffen_";
/// Certificates of a box that are signed over the broker at most so often: a box asks once an hour.
const RENEWED_EVERY: Duration = Duration::from_secs(10 * 60);
/// Requests that are signed in one round.
const MOST_REQUESTS: u32 = 200;
/// Longest name of software, and of an architecture.
const MAX_NAME: usize = 200;

/// Why a box is not enrolled.
#[derive(Debug, thiserror::Error)]
pub enum EnrolError {
    /// Head office does not say where the broker is.
    #[error("boxes cannot enrol here yet: give [fleet] with `broker` in head office's config file")]
    NotSetUp,
    /// Whatever is wrong with a token.
    #[error("this link is not good, was used, or has run out; ask for another one")]
    Token,
    /// The signing request, or the authority.
    #[error(transparent)]
    Authority(#[from] AuthorityError),
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// A link that was made. It is shown once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// `https://HQ/enrol#TOKEN`.
    pub link: Secret,
    /// When it runs out.
    pub until: WallTime,
}

/// Makes a link for a box; one that was made before is worth nothing any more.
///
/// # Errors
/// [`EnrolError::NotSetUp`], or the database.
pub fn make_link(
    fleet: &Fleet,
    store: &Store,
    (box_id, life): (i64, Option<Duration>),
    now: WallTime,
) -> Result<Link, EnrolError> {
    if fleet.broker.is_none() {
        return Err(EnrolError::NotSetUp);
    }
    let token = Secret::random(TOKEN_PREFIX);
    let until = now + life.unwrap_or(fleet.link_life);
    store.write::<_, StoreError>(|all| {
        Ok(rows::put_link(all, box_id, (&hash(token.reveal()), now, until))?)
    })?;
    Ok(Link { link: token.behind(&format!("{}/enrol#", fleet.public_url)), until })
}

/// A link as a QR code, SVG.
#[must_use]
pub fn qr_svg(link: &str) -> Option<String> {
    let code = qrcode::QrCode::new(link.as_bytes()).ok()?;
    Some(code.render::<qrcode::render::svg::Color<'_>>().min_dimensions(240, 240).build())
}

/// A link as a QR code for a dark or a light terminal.
#[must_use]
pub fn qr_text(link: &str) -> Option<String> {
    let code = qrcode::QrCode::new(link.as_bytes()).ok()?;
    Some(code.render::<qrcode::render::unicode::Dense1x2>().quiet_zone(true).build())
}

/// Enrols whoever holds the token: signs the request's key for the token's box, and uses the token up.
///
/// # Errors
/// [`EnrolError`]; the token is used up only where this succeeds.
pub fn enrol(
    fleet: &Fleet,
    store: &Store,
    asked: &EnrolRequest,
    now: WallTime,
) -> Result<(Enrolled, i64), EnrolError> {
    let broker = fleet.broker.clone().ok_or(EnrolError::NotSetUp)?;
    // Before the token, so that it takes as long whether that is good or not, and a bad request uses none up.
    let request = Request::read(&asked.csr)?;
    if asked.software.len() > MAX_NAME || asked.arch.len() > MAX_NAME {
        return Err(EnrolError::Authority(AuthorityError::Request));
    }
    let ca = ca_of(fleet, now)?;
    let token = hash(&asked.token);
    let (key, issued) = store.write::<_, EnrolError>(|all| {
        let key = rows::take_link(all, &token, now)?.ok_or(WriteError::Refused(EnrolError::Token))?;
        let issued = fleet.authority.sign(&request, key.names.box_id.as_str(), now);
        let issued = issued.map_err(|fault| WriteError::Refused(fault.into()))?;
        rows::put(all, key.box_id, &issued, now)?;
        Ok((key, issued))
    })?;
    tracing::info!(
        "box {} has enrolled ({} on {}); its certificate ends {}",
        key.names.box_id,
        shown(&asked.software),
        shown(&asked.arch),
        issued.until.unix_ms()
    );
    let enrolled = Enrolled {
        tenant: key.names.tenant.to_string(),
        store: key.names.store.to_string(),
        box_id: key.names.box_id.to_string(),
        broker: BrokerAddress { host: broker.host, port: broker.port },
        certificate: issued.pem,
        ca,
        until_ms: issued.until.unix_ms(),
    };
    Ok((enrolled, key.box_id))
}

/// What somebody sent, for the log: no signs that end a line.
fn shown(text: &str) -> String {
    text.chars().filter(|sign| !sign.is_control()).take(80).collect()
}

/// The authorities that the broker's certificate may be of.
fn ca_of(fleet: &Fleet, now: WallTime) -> Result<String, AuthorityError> {
    match &fleet.broker_ca {
        Some(pem) => Ok(pem.clone()),
        None => Ok(fleet.authority.certificate(now)?.to_owned()),
    }
}

/// What is said on `certificate/issued` of a box; none where it has no certificate that holds.
///
/// # Errors
/// [`EnrolError`].
pub fn issued(
    fleet: &Fleet,
    store: &Store,
    box_id: i64,
    now: WallTime,
) -> Result<Option<CertificateIssued>, EnrolError> {
    let newest = store.read(|ask| rows::of_box(ask, box_id, 1))?.into_iter().next();
    let Some(newest) = newest.filter(|row| row.revoked.is_none() && row.until > now) else { return Ok(None) };
    let ca = ca_of(fleet, now)?;
    Ok(Some(CertificateIssued { v: V1, certificate: newest.pem, ca, until_ms: newest.until.unix_ms() }))
}

/// Signs the requests that came over the broker; how many were signed. One that cannot be signed is logged and holds up no other.
///
/// # Errors
/// [`EnrolError`]: the requests cannot be read.
pub fn renew(fleet: &Fleet, store: &Store, now: WallTime) -> Result<usize, EnrolError> {
    let waiting = store.read(|ask| rows::requests(ask, MOST_REQUESTS))?;
    let mut signed = 0;
    for (key, csr) in waiting {
        match renew_one(fleet, store, (&key, &csr), now) {
            Ok(is_signed) => signed += usize::from(is_signed),
            Err(fault) => tracing::error!(%fault, "box {} gets no certificate yet", key.names.box_id),
        }
    }
    Ok(signed)
}

/// Whether a request was signed. It is forgotten where it was answered or refused: a box that got nothing asks again.
fn renew_one(
    fleet: &Fleet,
    store: &Store,
    (key, csr): (&BoxKey, &str),
    now: WallTime,
) -> Result<bool, EnrolError> {
    let newest = store.read(|ask| rows::of_box(ask, key.box_id, 1))?.into_iter().next();
    let request = Request::read(csr);
    let verdict = match (&newest, &request) {
        (_, Err(fault)) => Err(fault.to_string()),
        (None, _) => Err("it was never enrolled here".to_owned()),
        (Some(row), _) if row.revoked.is_some() => Err("it was revoked; make a new link for it".to_owned()),
        (Some(row), Ok(request)) if row.key_hash == request.key_hash() => Ok(None),
        (Some(row), _) if now.since(row.issued) < RENEWED_EVERY => Err("it asks too often".to_owned()),
        (Some(_), Ok(request)) => Ok(Some(request)),
    };
    let issued = match verdict {
        Ok(Some(request)) => Some(fleet.authority.sign(request, key.names.box_id.as_str(), now)?),
        Ok(None) => None,
        Err(why) => {
            tracing::warn!("box {} gets no certificate: {why}", key.names.box_id);
            store.write::<_, StoreError>(|all| Ok(rows::drop_request(all, key.box_id)?))?;
            return Ok(false);
        }
    };
    let is_said = store.write::<_, StoreError>(|all| {
        rows::drop_request(all, key.box_id)?;
        // Somebody may have revoked it while this was signed.
        let newest = rows::of_box(all, key.box_id, 1)?.into_iter().next();
        if newest.is_none_or(|row| row.revoked.is_some()) {
            return Ok(false);
        }
        match &issued {
            Some(issued) => rows::put(all, key.box_id, issued, now)?,
            // It asks again for the key that was signed last: the answer is said again.
            None => due(all, key.box_id, What::Certificate)?,
        }
        Ok(true)
    })?;
    Ok(is_said && issued.is_some())
}

/// Revokes a box's certificates; how many. The broker has to be given the list of the revoked.
///
/// # Errors
/// [`StoreError`].
pub fn revoke(store: &Store, box_id: i64, now: WallTime) -> Result<usize, StoreError> {
    store.write(|all| Ok(rows::revoke(all, box_id, now)?))
}

/// The list of the revoked, PEM.
///
/// # Errors
/// [`EnrolError`].
pub fn revoked_list(fleet: &Fleet, store: &Store, now: WallTime) -> Result<String, EnrolError> {
    let revoked: Vec<Revoked> = store.read(|ask| rows::revoked(ask, now))?;
    Ok(fleet.authority.revoked(&revoked, now)?)
}
