//! Feeds as CSV files that a till or a person puts into a folder.
//!
//! A file is taken when it has not changed for a while, and moved to `done/` when what it says is on the box's disk;
//! so a file that is still there was not taken. Rows that were put aside are listed in `aside/NAME.csv` with
//! their reasons, for a person to mend and put in again. Whoever writes over a network had better write
//! `NAME.csv.part` and rename it.

use super::{Close, Feed, FeedSender, Format, MOST_FEED_BYTES, NotTaken, Receipt, Way};
use crate::site::till::TillFolderSettings;
use crate::time::{Clock, WallTime};
use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, UNIX_EPOCH};

/// Files that were done with are deleted after this long.
const KEEP_DONE: Duration = Duration::from_secs(30 * 86_400);
/// Files taken at one look; the others come next.
const MOST_FILES: usize = 100;

/// How a folder is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FolderNews {
    /// All is well.
    Fine,
    /// What is wrong, and what to do; it is tried again.
    Trouble(String),
}

/// Length of a file, and when it was changed, ms.
type State = (u64, u64);

/// A folder that is watched.
pub struct Watched {
    feed: Feed,
    folder: PathBuf,
    to: FeedSender,
    clock: Arc<dyn Clock>,
    settle: Duration,
    /// Each file's length and time of change, and since when (even clock) these are so.
    last: BTreeMap<PathBuf, (State, Duration)>,
}

/// Whether the watch goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Going {
    On,
    /// Nobody takes anything any more.
    Ended,
}

/// Starts to watch a folder; gives what ends it, before the next look.
///
/// # Errors
/// Where the system gives no thread.
pub fn start(
    feed: Feed,
    settings: &TillFolderSettings,
    to: FeedSender,
    clock: Arc<dyn Clock>,
    tell: impl Fn(FolderNews) + Send + 'static,
) -> io::Result<Close> {
    let is_closed = Arc::new(AtomicBool::new(false));
    let close = Arc::clone(&is_closed);
    let mut watched = Watched::new(feed, &settings.path, settings.settle, to, clock);
    let poll_every = settings.poll_every;
    std::thread::Builder::new().name(format!("{feed} folder")).spawn(move || {
        while !is_closed.load(Ordering::Relaxed) {
            match watched.look() {
                Ok(Going::On) => tell(FolderNews::Fine),
                Ok(Going::Ended) => return,
                Err(fault) => tell(FolderNews::Trouble(fault)),
            }
            std::thread::sleep(poll_every);
        }
    })?;
    Ok(Box::new(move || close.store(true, Ordering::Relaxed)))
}

impl Watched {
    fn new(feed: Feed, folder: &Path, settle: Duration, to: FeedSender, clock: Arc<dyn Clock>) -> Self {
        Self { feed, folder: folder.to_owned(), to, clock, settle, last: BTreeMap::new() }
    }

    /// Takes the files that have not changed for a while.
    fn look(&mut self) -> Result<Going, String> {
        let found = self.files().map_err(|fault| {
            let folder = self.folder.display();
            format!(
                "the folder {folder} cannot be read ({fault}); check that it is there and who may read it"
            )
        })?;
        let now = self.clock.now().elapsed;
        let mut still_there = BTreeMap::new();
        let mut outcome = Ok(Going::On);
        for (path, state) in found {
            let known = self.last.get(&path).filter(|(known, _)| *known == state);
            let since = known.map_or(now, |(_, since)| *since);
            let is_settled = known.is_some() && now.saturating_sub(since) >= self.settle;
            if is_settled && outcome != Ok(Going::Ended) {
                // A file that cannot be taken does not hold up the others.
                match self.can_put_away().and_then(|()| self.take(&path)) {
                    Ok(Going::Ended) => outcome = Ok(Going::Ended),
                    Ok(Going::On) => {}
                    Err(fault) => outcome = Err(fault),
                }
            }
            if path.exists() {
                still_there.insert(path, (state, since));
            }
        }
        self.last = still_there;
        self.forget_old();
        outcome
    }

    /// Nothing is taken that could not be put away: it would be taken again and again.
    fn can_put_away(&self) -> Result<(), String> {
        let probe = self.folder.join("done").join(".probe");
        let made = fs::create_dir_all(self.folder.join("done")).and_then(|()| fs::write(&probe, ""));
        made.and_then(|()| fs::remove_file(&probe)).map_err(|fault| {
            let folder = self.folder.display();
            format!("the box cannot write in {folder}/done ({fault}), so it takes nothing; let it write in that folder")
        })
    }

    /// The CSV files, each with its length and when it changed, ms.
    fn files(&self) -> io::Result<Vec<(PathBuf, State)>> {
        let mut files = Vec::new();
        for entry in fs::read_dir(&self.folder)? {
            let path = entry?.path();
            let is_hidden = path.file_name().is_none_or(|name| name.to_string_lossy().starts_with('.'));
            let is_csv =
                path.extension().and_then(OsStr::to_str).is_some_and(|end| end.eq_ignore_ascii_case("csv"));
            // A file that is moved away at this moment is none.
            let Ok(about) = fs::metadata(&path) else { continue };
            if is_csv && !is_hidden && about.is_file() {
                files.push((path, (about.len(), changed_ms(&about))));
            }
        }
        // Names of tills' exports begin with the date.
        files.sort();
        files.truncate(MOST_FILES);
        Ok(files)
    }

    fn take(&self, path: &Path) -> Result<Going, String> {
        let shown = path.display();
        let before = state_of(path);
        let bytes = read_limited(path)
            .map_err(|fault| format!("the file {shown} cannot be read ({fault}); check who may read it"))?;
        let receipt = if bytes.len() > MOST_FEED_BYTES {
            let mb = MOST_FEED_BYTES / 1024 / 1024;
            let why = format!("the file is larger than {mb} MiB; put it in as several");
            Receipt { aside: vec![(0, why)], ..Receipt::default() }
        } else {
            match self.to.hand(self.feed, Way::Folder, Format::Csv, bytes) {
                Ok(receipt) => receipt,
                Err(NotTaken::Stopped) => return Ok(Going::Ended),
                Err(fault) => return Err(format!("the file {shown}: {fault}")),
            }
        };
        if state_of(path) != before {
            // It grew while it was read; what is known of it already counts once.
            return Ok(Going::On);
        }
        self.put_away(path, &receipt).map_err(|fault| {
            format!("the file {shown} is taken and cannot be moved to done/ ({fault}); let the box write in its folder")
        })?;
        let Receipt { accepted, duplicates, aside } = &receipt;
        tracing::info!("{shown}: {accepted} new, {duplicates} known, {} put aside", aside.len());
        Ok(Going::On)
    }

    /// First the reasons, then the move: a crash between them takes the file once more, and finds all of it known.
    fn put_away(&self, path: &Path, receipt: &Receipt) -> io::Result<()> {
        let name = path.file_name().unwrap_or_default();
        if !receipt.aside.is_empty() {
            let folder = self.folder.join("aside");
            fs::create_dir_all(&folder)?;
            fs::write(free_name(&folder, name), reasons(receipt))?;
        }
        let folder = self.folder.join("done");
        fs::create_dir_all(&folder)?;
        fs::rename(path, free_name(&folder, name))
    }

    fn forget_old(&self) {
        let Ok(done) = fs::read_dir(self.folder.join("done")) else { return };
        let now = self.clock.now().wall;
        for path in done.filter_map(|entry| entry.ok().map(|entry| entry.path())) {
            let changed = fs::metadata(&path).map(|about| changed_ms(&about)).unwrap_or(u64::MAX);
            let changed = WallTime::from_unix_ms(i64::try_from(changed).unwrap_or(i64::MAX));
            if now.since(changed) > KEEP_DONE
                && let Err(fault) = fs::remove_file(&path)
            {
                tracing::debug!("{} cannot be deleted: {fault}", path.display());
            }
        }
    }
}

/// One more byte than is allowed says that there are more.
fn read_limited(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    fs::File::open(path)?.take(MOST_FEED_BYTES as u64 + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn state_of(path: &Path) -> Option<State> {
    fs::metadata(path).ok().map(|about| (about.len(), changed_ms(&about)))
}

fn changed_ms(about: &fs::Metadata) -> u64 {
    let since = about.modified().ok().and_then(|at| at.duration_since(UNIX_EPOCH).ok()).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

/// The reasons as a table with the columns `row,reason`.
fn reasons(receipt: &Receipt) -> String {
    let mut text = "row,reason\n".to_owned();
    for (row, why) in &receipt.aside {
        text += &format!("{row},\"{}\"\n", why.replace('"', "\"\""));
    }
    text
}

/// A name in the folder that is not taken: `a.csv`, `a.2.csv`, ...
fn free_name(folder: &Path, name: &OsStr) -> PathBuf {
    let first = folder.join(name);
    let numbered = (2_u32..).map(|number| first.with_extension(format!("{number}.csv")));
    let mut names = std::iter::once(first.clone()).chain(numbered);
    names.find(|path| !path.exists()).unwrap_or(first)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::feeds::{door, tests::named};
    use crate::time::SystemClock;
    use std::thread::JoinHandle;

    /// A watched folder, and somebody who answers everything in this way and keeps what was handed over.
    fn watched(folder: &Path, answer: Result<Receipt, NotTaken>) -> (Watched, JoinHandle<Vec<Vec<u8>>>) {
        let (sender, taken) = door();
        let answering = named(move || {
            let mut seen = Vec::new();
            for handed in taken {
                seen.push(handed.bytes.clone());
                handed.answer(answer.clone());
            }
            seen
        });
        let clock = Arc::new(SystemClock::start());
        (Watched::new(Feed::Till, folder, Duration::ZERO, sender, clock), answering)
    }

    fn names(folder: &Path) -> Vec<String> {
        let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
        let name = |entry: io::Result<fs::DirEntry>| entry.unwrap().file_name().into_string().unwrap();
        let mut names: Vec<String> = entries.map(name).collect();
        names.sort();
        names
    }

    #[test]
    fn a_file_is_taken_when_it_no_longer_changes_and_then_moved_away() {
        let folder = tempfile::tempdir().unwrap();
        let (mut watched, answering) = watched(folder.path(), Ok(Receipt::default()));
        fs::write(folder.path().join("a.csv"), "id\n1\n").unwrap();
        watched.look().unwrap();
        fs::write(folder.path().join("a.csv"), "id\n1\n2\n").unwrap();
        watched.look().unwrap();
        assert_eq!(names(folder.path()), ["a.csv"], "it was still being written");
        watched.look().unwrap();
        assert_eq!(
            (names(folder.path()), names(&folder.path().join("done"))),
            (vec!["done".into()], vec!["a.csv".into()])
        );
        drop(watched);
        assert_eq!(answering.join().unwrap(), [b"id\n1\n2\n"]);
    }

    #[test]
    fn what_is_no_csv_file_or_not_finished_stays_where_it_is() {
        let folder = tempfile::tempdir().unwrap();
        let (mut watched, _) = watched(folder.path(), Ok(Receipt::default()));
        for name in ["a.csv.part", "b.txt", ".c.csv"] {
            fs::write(folder.path().join(name), "id\n").unwrap();
        }
        (0..3).for_each(|_| assert_eq!(watched.look(), Ok(Going::On)));
        assert_eq!(names(folder.path()), [".c.csv", "a.csv.part", "b.txt"]);
    }

    #[test]
    fn rows_that_were_put_aside_are_listed_with_their_reasons() {
        let folder = tempfile::tempdir().unwrap();
        let receipt =
            Receipt { aside: vec![(3, "the amount \"x\" is no number".to_owned())], ..Receipt::default() };
        let (mut watched, _) = watched(folder.path(), Ok(receipt));
        for _ in 0..2 {
            fs::write(folder.path().join("a.csv"), "id\n").unwrap();
            (0..2).for_each(|_| assert_eq!(watched.look(), Ok(Going::On)));
        }
        let listed = fs::read_to_string(folder.path().join("aside/a.csv")).unwrap();
        assert_eq!(listed, "row,reason\n3,\"the amount \"\"x\"\" is no number\"\n");
        assert_eq!(names(&folder.path().join("done")), ["a.2.csv", "a.csv"]);
    }

    #[test]
    fn a_file_that_could_not_be_stored_stays_and_is_taken_later() {
        let folder = tempfile::tempdir().unwrap();
        let (mut watched, answering) =
            watched(folder.path(), Err(NotTaken::NotStored("disk full".to_owned())));
        fs::write(folder.path().join("a.csv"), "id\n").unwrap();
        watched.look().unwrap();
        for _ in 0..2 {
            assert!(watched.look().unwrap_err().contains("disk full"));
        }
        assert_eq!(names(folder.path()), ["a.csv", "done"]);
        drop(watched);
        assert_eq!(answering.join().unwrap().len(), 2, "it was tried again");
    }

    #[test]
    fn a_file_that_is_too_large_is_put_away_with_the_reason() {
        let folder = tempfile::tempdir().unwrap();
        let (mut watched, answering) = watched(folder.path(), Ok(Receipt::default()));
        fs::write(folder.path().join("a.csv"), vec![b'x'; MOST_FEED_BYTES + 1]).unwrap();
        (0..2).for_each(|_| assert_eq!(watched.look(), Ok(Going::On)));
        assert!(fs::read_to_string(folder.path().join("aside/a.csv")).unwrap().contains("larger than"));
        drop(watched);
        assert!(answering.join().unwrap().is_empty());
    }

    #[test]
    fn a_folder_that_is_not_there_is_told_and_looked_for_again() {
        let folder = tempfile::tempdir().unwrap();
        let (mut watched, _) = watched(&folder.path().join("till"), Ok(Receipt::default()));
        assert!(watched.look().unwrap_err().contains("cannot be read"));
        fs::create_dir(folder.path().join("till")).unwrap();
        assert_eq!(watched.look(), Ok(Going::On));
    }
}
