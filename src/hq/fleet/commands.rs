//! Asks a box to do something: now or not at all.

use crate::hq::access::{Origin, Secret, note_in};
use crate::hq::store::fleet::commands as rows;
use crate::hq::store::{Store, StoreError, WriteError};
use crate::ids::CameraId;
use crate::wire::v1::fleet::CommandKind;
use std::time::Duration;

/// How long a command is good for, where nobody says otherwise, and at most.
pub const USUAL_LIFE: Duration = Duration::from_secs(60);
/// A command that comes much later than somebody asked surprises whoever is there.
pub const LONGEST_LIFE: Duration = Duration::from_secs(3600);
/// Commands of one box in an hour: a picture every minute would be a camera that is watched.
const MOST_PER_HOUR: u32 = 30;
/// Shortest and longest reason.
pub const REASON: std::ops::RangeInclusive<usize> = 3..=300;

/// Why a box is not asked.
#[derive(Debug, thiserror::Error)]
pub enum CommandError {
    /// No such command.
    #[error(
        "{what:?} with camera {camera:?} is no command; give snapshot or restart_camera with a camera, or reread without one"
    )]
    Kind {
        /// What was asked.
        what: String,
        /// Of which camera.
        camera: Option<String>,
    },
    /// Without a reason.
    #[error("say why, in 3 to 300 letters: it is kept in the audit log, and on the box")]
    Reason,
    /// For how long.
    #[error("a command is good for 5 to 3600 s")]
    Life,
    /// Too many.
    #[error("this box was asked {MOST_PER_HOUR} things within the hour; wait before you ask for more")]
    TooOften,
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What somebody asks.
#[derive(Debug, Clone)]
pub struct Asked {
    /// `snapshot`, `restart_camera` or `reread`.
    pub what: String,
    /// Of which camera.
    pub camera: Option<String>,
    /// Why.
    pub why: String,
    /// For how long it is good.
    pub life: Duration,
}

/// Whether a reason is one.
#[must_use]
pub fn is_reason(why: &str) -> bool {
    REASON.contains(&why.trim().chars().count()) && !why.chars().any(char::is_control)
}

/// Asks a box to do something; the command's number. It is in the audit log before it is said.
///
/// # Errors
/// [`CommandError`].
pub fn ask(
    store: &Store,
    (box_id, about): (i64, &str),
    asked: &Asked,
    (account_id, from): (i64, Origin<'_>),
) -> Result<i64, CommandError> {
    let unknown = || CommandError::Kind {
        what: asked.what.chars().take(40).collect(),
        camera: asked.camera.as_ref().map(|camera| camera.chars().take(40).collect()),
    };
    let kind = rows::kind(&asked.what, asked.camera.as_deref()).ok_or_else(unknown)?;
    if let CommandKind::Snapshot { camera } | CommandKind::RestartCamera { camera } = &kind {
        CameraId::parse(camera).map_err(|_fault| unknown())?;
    }
    if !is_reason(&asked.why) {
        return Err(CommandError::Reason);
    }
    if asked.life < Duration::from_secs(5) || asked.life > LONGEST_LIFE {
        return Err(CommandError::Life);
    }
    let name = Secret::random("");
    let why = asked.why.trim();
    let camera = asked.camera.as_deref().map(|camera| format!(" {camera}")).unwrap_or_default();
    let detail = format!("{about}: {}{camera}, because: {why}", asked.what);
    store.write(|all| {
        if rows::count_since(all, box_id, from.at - Duration::from_secs(3600))? >= MOST_PER_HOUR {
            return Err(WriteError::Refused(CommandError::TooOften));
        }
        note_in(all, from, (Some(account_id), "command_asked", &detail))?;
        let times = (from.at, from.at + asked.life);
        Ok(rows::put(all, (box_id, name.reveal(), &kind), (account_id, why), times)?)
    })
}

/// The picture of a command, and a line in the audit log for the look at it; none where there is none, or not any more.
///
/// # Errors
/// [`StoreError`].
pub fn look_at_picture(
    store: &Store,
    (box_id, about): (i64, &str),
    command_id: i64,
    (account_id, from): (i64, Origin<'_>),
) -> Result<Option<Vec<u8>>, StoreError> {
    store.write(|all| {
        let Some(picture) = rows::picture(all, box_id, command_id)? else { return Ok(None) };
        let detail = format!("{about}: picture of command {command_id}");
        note_in(all, from, (Some(account_id), "picture_seen", &detail))?;
        Ok(Some(picture))
    })
}
