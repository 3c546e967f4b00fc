//! `[fleet]`: whether, and how far, head office looks after this box. Off where the table is not there.

use super::check::{FilesBeside, existing_file, folder_that_can_be_made, wanted};
use super::document::Table;
use super::fault::FaultKind;
use super::identity::{self, Identity};
use std::path::{Path, PathBuf};

const DEFAULT_STATE: &str = "fleet";
const DEFAULT_SECRETS: &str = "secrets";

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
}

pub(super) fn fleet(table: &mut Table<'_>, files: &dyn FilesBeside) -> Option<FleetSettings> {
    let state = match table.get("state") {
        None => Some(files.resolve(Path::new(DEFAULT_STATE))),
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
    let pictures = table.get("pictures").and_then(|e| e.choice(&Pictures::ALL)).unwrap_or_default();
    let update = table.get("update").map(|e| e.table(|table| update(table, files)));
    Some(FleetSettings {
        state: state?,
        identity: wanted(identity)?,
        secrets: secrets.unwrap_or_else(|| Some(files.resolve(Path::new(DEFAULT_SECRETS))))?,
        twin,
        pictures,
        update: wanted(update)?,
    })
}

fn update(table: &mut Table<'_>, files: &dyn FilesBeside) -> Option<UpdateSettings> {
    let key_file = table.need("key_file", "key_file = \"secrets/release.pub\"");
    Some(UpdateSettings { key_file: existing_file(&key_file?, files)? })
}
