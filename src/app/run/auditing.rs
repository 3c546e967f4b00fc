//! The service's side of the audit: what records, and what notices that somebody has tallied.

use super::board::Board;
use crate::app::audit::figures::{LineFigure, figures};
use crate::app::audit::folder::AuditFolder;
use crate::app::audit::recorder::{Job, Recorder};
use crate::app::audit::writer::AuditWriter;
use crate::audit::AuditSettings;
use crate::config::CameraSettings;
use crate::time::{Clock, FrameTime};
use crate::wire::v1::MadeBy;
use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;
use std::sync::mpsc::SyncSender;
use std::time::Duration;

/// How often it is looked whether there is a new tally.
const LOOK_EVERY: Duration = Duration::from_secs(60);

/// What the board calls it when nothing can be kept.
const ABOUT: &str = "audit";

/// What a camera's thread needs to take part.
#[derive(Clone)]
pub(super) struct Tap {
    settings: Arc<AuditSettings>,
    jobs: SyncSender<Job>,
}

impl Tap {
    /// The recorder of one camera. Which minutes it draws nobody can know beforehand.
    pub(super) fn recorder(&self, camera: &CameraSettings, made_by: MadeBy) -> Recorder {
        let lines = camera.pipeline.lines.clone();
        let seed = RandomState::new().hash_one(camera.id.as_str());
        Recorder::new(&self.settings, (made_by, lines, camera.pipeline.picture), seed, self.jobs.clone())
    }
}

/// The running audit of a box.
pub(super) struct Auditing {
    tap: Tap,
    writer: AuditWriter,
}

impl Auditing {
    /// Starts the thread that writes.
    pub(super) fn start(
        settings: &AuditSettings,
        board: &Arc<Board>,
        clock: &Arc<dyn Clock>,
    ) -> anyhow::Result<Self> {
        let (board, told_at) = (Arc::clone(board), Arc::clone(clock));
        let told = move |trouble: Option<String>| match trouble {
            None => drop(board.solved(ABOUT)),
            Some(text) => {
                if board.problem(ABOUT, &text, told_at.now().wall) {
                    tracing::warn!("audit: {text}");
                }
            }
        };
        let (writer, jobs) = AuditWriter::start(settings, Arc::clone(clock), Box::new(told))?;
        tracing::info!(
            "audit: about {} clips of a minute a day and camera are kept in {}",
            settings.clips_per_day,
            settings.folder.display()
        );
        Ok(Self { tap: Tap { settings: Arc::new(settings.clone()), jobs }, writer })
    }

    /// For the cameras.
    pub(super) fn tap(&self) -> Tap {
        self.tap.clone()
    }

    /// Ends the thread; every counting thread must have ended before.
    pub(super) fn stop(self) {
        let Self { tap, writer } = self;
        drop(tap);
        writer.join();
    }
}

/// Notices new tallies, also with `footfall audit` run beside the service.
#[derive(Debug, Default)]
pub(super) struct TallyWatch {
    look_at: Duration,
    seen: Option<u64>,
}

impl TallyWatch {
    /// Tells the board the figures where there is a tally that was not there before.
    pub(super) fn look(&mut self, audit: Option<&Auditing>, board: &Board, now: FrameTime) {
        let Some(audit) = audit.filter(|_| now.elapsed >= self.look_at) else { return };
        self.look_at = now.elapsed + LOOK_EVERY;
        let folder = AuditFolder::at(&audit.tap.settings.folder);
        let version = folder.tallies_version();
        if self.seen.replace(version) != Some(version) {
            board.audited(figures(&folder).iter().filter_map(LineFigure::on_wire).collect());
        }
    }
}
