//! `[fleet]`: whether, and how far, head office looks after this box. Off where the table is not there.

use super::check::{FilesBeside, existing_file, folder_that_can_be_made, wanted};
use super::document::{SpanRule, Table};
use super::fault::FaultKind;
use super::identity::{self, Identity};
use std::path::{Path, PathBuf};
use std::time::Duration;

const DEFAULT_STATE: &str = "fleet";
const DEFAULT_SECRETS: &str = "secrets";
/// Two whole minutes of counting; below ten seconds a network has hardly been opened.
const TRIAL: SpanRule = SpanRule::of_ms(120_000, 10_000, 3_600_000);

/// How far head office looks after this box.
#[derive(Debug, Clone, PartialEq)]
pub struct FleetSettings {
    /// The folder in which the box keeps what it was told.
    pub state: PathBuf,
    /// Who the box is, with the folder that says so; none: the config file itself says it.
    pub identity: Option<(PathBuf, Identity)>,
    /// The folder in which password files lie that a configuration from afar may name.
    pub secrets: PathBuf,
    /// Whether the box takes its settings from head office.
    pub twin: bool,
    /// How long a configuration has to count before it is kept.
    pub trial: Duration,
    /// Which pictures may leave the box.
    pub pictures: Pictures,
    /// Software updates; none: the box takes none.
    pub update: Option<UpdateSettings>,
}

/// Which pictures may leave the box when head office asks for one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Pictures {
    /// None.
    #[default]
    Never,
    /// Those in which everybody is pixelated.
    Veiled,
}

impl Pictures {
    const ALL: [(&'static str, Self); 2] = [("never", Self::Never), ("veiled", Self::Veiled)];
}

/// What software updates are held to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UpdateSettings {
    /// File with the public key of whoever releases.
    pub key_file: PathBuf,
    /// File with authorities that head office's certificate may be of, beside those of the system.
    pub ca_file: Option<PathBuf>,
}

/// `outbox` is the outbox's file: what the box was told lies beside it, as the config file's folder may be read-only.
pub(super) fn fleet(table: &mut Table<'_>, outbox: &Path, files: &dyn FilesBeside) -> Option<FleetSettings> {
    let state = match table.get("state") {
        None => Some(outbox.with_file_name(DEFAULT_STATE)),
        Some(e) => folder_that_can_be_made(&e, files),
    };
    let secrets = table.get("secrets").map(|e| e.text().map(|text| files.resolve(Path::new(text))));
    let identity = table.get("identity").map(|e| {
        let folder = files.resolve(Path::new(e.text()?));
        match identity::read(&folder, files) {
            Ok(identity) => Some((folder, identity)),
            Err(why) => {
                e.fault(FaultKind::Identity(why));
                None
            }
        }
    });
    let twin = table.get("twin").and_then(|e| e.flag()).unwrap_or(true);
    let trial = table.span("trial", TRIAL);
    let pictures = table.get("pictures").and_then(|e| e.choice(&Pictures::ALL)).unwrap_or_default();
    let update = table.get("update").map(|e| {
        if identity.is_none() {
            e.fault(FaultKind::Alone { other: "identity, which says where packages come from" });
        }
        e.table(|table| update(table, files))
    });
    Some(FleetSettings {
        state: state?,
        identity: wanted(identity)?,
        secrets: secrets.unwrap_or_else(|| Some(files.resolve(Path::new(DEFAULT_SECRETS))))?,
        twin,
        trial,
        pictures,
        update: wanted(update)?,
    })
}

fn update(table: &mut Table<'_>, files: &dyn FilesBeside) -> Option<UpdateSettings> {
    let key_file =
        table.need("key_file", "key_file = \"secrets/release.pub\"").and_then(|e| existing_file(&e, files));
    let ca_file = table.get("ca_file").map(|e| existing_file(&e, files));
    Some(UpdateSettings { key_file: key_file?, ca_file: wanted(ca_file)? })
}
