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

/// How often figures are worked out without one: minutes that were added weigh in, and once a minute was seen with another
/// geometry or network a figure of the old one goes.
const RENEW_EVERY: Duration = Duration::from_secs(3600);

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
    /// Starts the thread that writes. Counting does not depend on it: where it cannot start, that is a problem to look at.
    pub(super) fn start(
        settings: &AuditSettings,
        board: &Arc<Board>,
        clock: &Arc<dyn Clock>,
    ) -> Option<Self> {
        let started = Self::try_start(settings, board, clock);
        let note = |fault: anyhow::Error| {
            let text = format!("{fault:#}; nothing is kept for the audit until the next start");
            tracing::warn!("audit: {text}");
            board.problem(ABOUT, &text, clock.now().wall);
        };
        started.map_err(note).ok()
    }

    fn try_start(
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
    renew_at: Duration,
}

impl TallyWatch {
    /// Tells the board the figures where there is a tally that was not there before, and every hour.
    pub(super) fn look(&mut self, audit: Option<&Auditing>, board: &Board, now: FrameTime) {
        let Some(audit) = audit.filter(|_| now.elapsed >= self.look_at) else { return };
        self.look_at = now.elapsed + LOOK_EVERY;
        let folder = AuditFolder::at(&audit.tap.settings.folder);
        let version = folder.tallies_version();
        if self.seen.replace(version) != Some(version) || now.elapsed >= self.renew_at {
            self.renew_at = now.elapsed + RENEW_EVERY;
            board.audited(figures(&folder).iter().filter_map(LineFigure::on_wire).collect());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::{SimClock, WallTime};

    fn settings(folder: std::path::PathBuf) -> AuditSettings {
        let (keep, clips_per_day) = (Duration::from_secs(3600), 8);
        AuditSettings { clips_per_day, keep, folder, fps: 5.0, width_px: 240, max_bytes: 1_000_000 }
    }

    /// An audit in this folder: what a person should look at.
    #[track_caller]
    fn check(folder: std::path::PathBuf, is_running: bool, problem: &str) {
        let board = Arc::new(Board::new(WallTime::default(), &[]));
        let clock: Arc<dyn Clock> = Arc::new(SimClock::default());
        let audit = Auditing::start(&settings(folder), &board, &clock);
        assert_eq!(audit.is_some(), is_running);
        let told = board.problems().into_iter().map(|one| one.text).collect::<String>();
        assert!(told.starts_with(problem) && told.is_empty() == is_running, "{told:?}");
        if let Some(audit) = audit {
            audit.stop();
        }
    }

    #[test]
    fn an_audit_makes_its_folder_and_ends_when_it_is_told_to() {
        let dir = tempfile::tempdir().unwrap();
        check(dir.path().join("audit"), true, "");
        assert!(dir.path().join("audit/clips").is_dir());
    }

    #[test]
    fn where_nothing_can_be_kept_the_box_counts_on_and_says_so() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("file");
        std::fs::write(&file, "").unwrap();
        check(file, false, "cannot make the folder");
    }

    #[test]
    fn a_new_tally_is_noticed_within_a_minute_and_told_once() {
        let dir = tempfile::tempdir().unwrap();
        let board = Arc::new(Board::new(WallTime::default(), &[]));
        let sim = Arc::new(SimClock::default());
        let clock: Arc<dyn Clock> = sim.clone();
        let audit = Auditing::start(&settings(dir.path().to_owned()), &board, &clock).unwrap();
        let mut watch = TallyWatch::default();
        watch.look(Some(&audit), &board, clock.now());
        assert!(board.report().audit.is_empty());
        for minute in 0..30 {
            let row = format!(
                "{{\"v\":1,\"clip\":\"door-{minute}\",\"line\":\"entrance\",\"drawn\":{{\"camera\":\"door\",\"start_ms\":{minute},\
                 \"stratum\":\"busy\",\"chance\":0.1,\"geometry\":\"g\",\"model\":\"m\"}},\"counted_in\":9,\"counted_out\":0,\
                 \"in\":10,\"out\":0,\"tallied_ms\":1}}"
            );
            let tally = serde_json::from_str(&row).unwrap();
            AuditFolder::at(dir.path()).add_tally(&tally).unwrap();
        }
        watch.look(Some(&audit), &board, clock.now());
        assert!(board.report().audit.is_empty(), "not before a minute went by");
        sim.advance(LOOK_EVERY);
        watch.look(Some(&audit), &board, clock.now());
        let told = board.report().audit.remove(0);
        assert!((told.accuracy - 0.9).abs() < 1e-9 && told.minutes == 30, "{told:?}");
        let version = board.version();
        sim.advance(LOOK_EVERY);
        watch.look(Some(&audit), &board, clock.now());
        assert_eq!(board.version(), version);
        // From now on it is counted with another geometry.
        let day = "{\"v\":1,\"camera\":\"door\",\"day_ms\":0,\"sums\":[{\"geometry\":\"other\",\"model\":\"m\",\
            \"stratum\":\"busy\",\"minutes\":1,\"crossings\":1,\"last_ms\":99}]}";
        AuditFolder::at(dir.path()).keep_day(&serde_json::from_str(day).unwrap()).unwrap();
        sim.advance(RENEW_EVERY);
        watch.look(Some(&audit), &board, clock.now());
        assert!(board.report().audit.is_empty(), "the figure is about a line that is gone");
        audit.stop();
    }
}
