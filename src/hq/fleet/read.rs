//! Reads what a box says of itself, and refuses what cannot be. Pure.
//!
//! What is not obvious: a box is trusted with its own numbers only. Texts of it end up on pages and in the database, so each has a length;
//! numbers end up in sums, so each has a range; and a picture is a JPEG of a size that was agreed on, or none.

use super::authority::MAX_CSR_BYTES;
use crate::wire::v1::WireError;
use crate::wire::v1::fleet::{
    CertificateRequest, CommandResult, ConfigReported, Health, MAX_CONFIG_BYTES, MAX_FLEET_MESSAGE_BYTES,
    MAX_PICTURE_BYTES, SoftwareReported,
};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// Longest of the texts of a box that say something in words.
const MAX_WORDS: usize = 2_000;
/// Longest name: of software, of a system, of a condition.
const MAX_NAME: usize = 200;
/// Faults, cameras and conditions of a camera in one message.
const MAX_FAULTS: usize = 200;
const MAX_CAMERAS: usize = 64;
const MAX_CONDITIONS: usize = 16;
/// Bytes of a message on `health`.
const MAX_HEALTH_BYTES: usize = 64 * 1024;
/// Times of boxes: 2020 to 2100. A clock that was never set says 1970, and the message counts by when it came.
const TIMES_MS: std::ops::RangeInclusive<i64> = 0..=4_102_444_800_000;
/// A disk, a memory: up to 1 EiB.
const MOST_BYTES: u64 = 1 << 60;

/// What a box says of itself.
#[derive(Debug, Clone, PartialEq)]
pub enum Told {
    /// What it counts with.
    Config(ConfigReported),
    /// What it runs.
    Software(SoftwareReported),
    /// How it is.
    Health(Box<Health>),
    /// What came of a command, and the JPEG of its picture.
    Command(CommandResult, Option<Vec<u8>>),
    /// It asks for a certificate.
    Certificate(CertificateRequest),
}

/// Why a message is not taken.
#[derive(Debug, thiserror::Error)]
pub enum Untold {
    /// No topic of the fleet.
    #[error("the topic is none of the fleet's")]
    Topic,
    /// Its shape.
    #[error(transparent)]
    Wire(#[from] WireError),
    /// A part of it cannot be.
    #[error("{what} is {got}, which cannot be")]
    Cannot {
        /// Which part.
        what: &'static str,
        /// What it says, or how long it is.
        got: String,
    },
}

/// Whether boxes say something of themselves on this topic: what follows the box's name.
#[must_use]
pub fn is_told(kind: &str) -> bool {
    matches!(
        kind,
        "config/reported" | "software/reported" | "health" | "command/result" | "certificate/request"
    )
}

/// Reads a message by its topic: what follows the box's name.
///
/// # Errors
/// [`Untold`]: nothing of it is taken.
pub fn told(kind: &str, payload: &[u8]) -> Result<Told, Untold> {
    at_most("the message", payload.len(), MAX_FLEET_MESSAGE_BYTES)?;
    match kind {
        "config/reported" => config(payload),
        "software/reported" => software(payload),
        "health" => health(payload),
        "command/result" => command(payload),
        "certificate/request" => {
            let request: CertificateRequest = parse(payload)?;
            at_most("the signing request", request.csr.len(), MAX_CSR_BYTES)?;
            Ok(Told::Certificate(request))
        }
        _ => Err(Untold::Topic),
    }
}

fn parse<T: serde::de::DeserializeOwned>(payload: &[u8]) -> Result<T, Untold> {
    Ok(serde_json::from_slice(payload).map_err(WireError::from)?)
}

fn at_most(what: &'static str, got: usize, most: usize) -> Result<(), Untold> {
    if got > most { Err(Untold::Cannot { what, got: format!("{got} long, at most {most}") }) } else { Ok(()) }
}

fn time(what: &'static str, ms: i64) -> Result<(), Untold> {
    if TIMES_MS.contains(&ms) { Ok(()) } else { Err(Untold::Cannot { what, got: ms.to_string() }) }
}

fn number(what: &'static str, got: Option<f64>, range: std::ops::RangeInclusive<f64>) -> Result<(), Untold> {
    match got {
        Some(got) if !range.contains(&got) => Err(Untold::Cannot { what, got: got.to_string() }),
        _ => Ok(()),
    }
}

fn bytes(what: &'static str, got: Option<u64>) -> Result<(), Untold> {
    match got {
        Some(got) if got > MOST_BYTES => Err(Untold::Cannot { what, got: got.to_string() }),
        _ => Ok(()),
    }
}

fn hash(what: &'static str, got: &str) -> Result<(), Untold> {
    // A box that counts with its own file may have none to tell.
    let is_hash = got.is_empty() || (got.len() == 64 && got.bytes().all(|byte| byte.is_ascii_hexdigit()));
    if is_hash { Ok(()) } else { Err(Untold::Cannot { what, got: format!("{} long", got.len()) }) }
}

fn config(payload: &[u8]) -> Result<Told, Untold> {
    let reported: ConfigReported = parse(payload)?;
    hash("hash", &reported.hash)?;
    time("at_ms", reported.at_ms)?;
    at_most("the list of faults", reported.faults.len(), MAX_FAULTS)?;
    for fault in &reported.faults {
        at_most("a fault", fault.len(), MAX_WORDS)?;
    }
    at_most("the text", reported.text.as_ref().map_or(0, String::len), MAX_CONFIG_BYTES)?;
    Ok(Told::Config(reported))
}

fn software(payload: &[u8]) -> Result<Told, Untold> {
    let reported: SoftwareReported = parse(payload)?;
    at_most("running", reported.running.len(), MAX_NAME)?;
    at_most("architecture", reported.architecture.len(), MAX_NAME)?;
    at_most("desired", reported.desired.as_ref().map_or(0, String::len), MAX_NAME)?;
    at_most("detail", reported.detail.len(), MAX_WORDS)?;
    time("at_ms", reported.at_ms)?;
    Ok(Told::Software(reported))
}

fn health(payload: &[u8]) -> Result<Told, Untold> {
    at_most("the message", payload.len(), MAX_HEALTH_BYTES)?;
    let health: Health = parse(payload)?;
    for (what, ms) in [
        ("at_ms", Some(health.at_ms)),
        ("since_ms", Some(health.since_ms)),
        ("certificate_until_ms", health.certificate_until_ms),
    ] {
        ms.map_or(Ok(()), |ms| time(what, ms))?;
    }
    for (what, text) in
        [("software", Some(&health.software)), ("os", health.os.as_ref()), ("arch", Some(&health.arch))]
    {
        at_most(what, text.map_or(0, String::len), MAX_NAME)?;
    }
    number("temperature_c", health.temperature_c, -100.0..=250.0)?;
    number("load", health.load, 0.0..=100_000.0)?;
    number("behind_s", health.behind_s, 0.0..=1e10)?;
    for (what, of) in [
        ("disk_free", health.disk_free),
        ("disk_size", health.disk_size),
        ("memory_free", health.memory_free),
        ("memory_size", health.memory_size),
        ("memory_used", health.memory_used),
        ("waiting", Some(health.waiting)),
        ("discarded", Some(health.discarded)),
    ] {
        bytes(what, of)?;
    }
    at_most("the list of cameras", health.cameras.len(), MAX_CAMERAS)?;
    for camera in &health.cameras {
        at_most("a camera's name", camera.camera.len(), MAX_NAME)?;
        number("fps", Some(camera.fps), 0.0..=1_000.0)?;
        number("inference_ms", camera.inference_ms, 0.0..=3_600_000.0)?;
        number("inference_p95_ms", camera.inference_p95_ms, 0.0..=3_600_000.0)?;
        bytes("dropped", Some(camera.dropped))?;
        at_most("the list of conditions", camera.conditions.len(), MAX_CONDITIONS)?;
        for condition in &camera.conditions {
            at_most("a condition", condition.len(), MAX_NAME)?;
        }
    }
    Ok(Told::Health(Box::new(health)))
}

fn command(payload: &[u8]) -> Result<Told, Untold> {
    let result: CommandResult = parse(payload)?;
    at_most("id", result.id.len(), MAX_NAME)?;
    at_most("detail", result.detail.len(), MAX_WORDS)?;
    time("at_ms", result.at_ms)?;
    let Some(picture) = &result.picture else { return Ok(Told::Command(result, None)) };
    at_most("a camera's name", picture.camera.len(), MAX_NAME)?;
    time("taken_ms", picture.taken_ms)?;
    at_most("the picture", picture.jpeg.len(), MAX_PICTURE_BYTES.div_ceil(3) * 4)?;
    let jpeg = STANDARD
        .decode(&picture.jpeg)
        .ok()
        .filter(|jpeg| jpeg.starts_with(&[0xff, 0xd8, 0xff]))
        .ok_or_else(|| Untold::Cannot { what: "the picture", got: "no JPEG in base64".to_owned() })?;
    Ok(Told::Command(result, Some(jpeg)))
}
