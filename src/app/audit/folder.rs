//! The folder of an audit on disk: clips, tallies and sums of minutes. [`format`](super::format) says what lies in it.
//!
//! What is written whole is written beside its place first and then moved there, so that nobody reads a half; a tally is one
//! line at the end of a file, and a line that a power cut left in half is passed over. Only this user may look into the folders
//! of clips and of minutes, also where somebody had made them wider.

use super::format::{Clip, ClipId, DayOfMinutes, Tally};
use crate::time::WallTime;
use anyhow::Context;
use serde_json as json;
use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Sums of minutes are kept this long: the oldest that an estimate may look at.
pub const SUMS_KEPT: Duration = Duration::from_secs(100 * 86_400);

/// Clips that were begun are given up when nothing came for this long, longer than the longest wait for a minute's numbers.
pub const STALE_AFTER: Duration = Duration::from_secs(20 * 60);

/// Of a file or folder: for this user only.
const OTHERS: u32 = 0o077;

/// A clip of one minute has at most 600 pictures; nothing that is larger was written here.
const MOST_BYTES: u64 = 64 << 20;

/// Where an audit is kept.
#[derive(Debug, Clone)]
pub struct AuditFolder {
    root: PathBuf,
}

/// What was deleted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Swept {
    /// Clips that were kept as long as was said.
    pub too_old: usize,
    /// Clips that there was no more room for.
    pub no_room: usize,
}

impl AuditFolder {
    /// The folder as it is; what is not there is read as empty.
    #[must_use]
    pub fn at(root: &Path) -> Self {
        Self { root: root.to_owned() }
    }

    /// Makes what is missing, readable for this user only.
    ///
    /// # Errors
    /// What the disk says.
    pub fn make(&self) -> anyhow::Result<()> {
        for folder in [self.clips_folder(), self.minutes_folder()] {
            let made = fs::DirBuilder::new().recursive(true).mode(0o700).create(&folder);
            made.with_context(|| format!("cannot make the folder {}", folder.display()))?;
            tighten(&folder);
        }
        Ok(())
    }

    fn clips_folder(&self) -> PathBuf {
        self.root.join("clips")
    }

    fn minutes_folder(&self) -> PathBuf {
        self.root.join("minutes")
    }

    fn tallies_file(&self) -> PathBuf {
        self.root.join("tallies.jsonl")
    }

    fn clip_file(&self, id: &ClipId, ending: &str) -> PathBuf {
        self.clips_folder().join(format!("{}.{ending}", id.as_str()))
    }

    /// A file for the pictures of a clip that is being made.
    ///
    /// # Errors
    /// What the disk says.
    pub fn begin(&self, id: &ClipId) -> anyhow::Result<File> {
        let path = self.clip_file(id, "part");
        let file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&path);
        file.with_context(|| format!("cannot write {}", path.display()))
    }

    /// Makes a clip of what was begun; it can be seen from now on.
    ///
    /// # Errors
    /// What the disk says.
    pub fn finish(&self, id: &ClipId, clip: &Clip) -> anyhow::Result<()> {
        let pictures = self.clip_file(id, "mjpeg");
        let moved = fs::rename(self.clip_file(id, "part"), &pictures)
            .with_context(|| format!("cannot write {}", pictures.display()));
        let finished = moved.and_then(|()| write_whole(&self.clip_file(id, "json"), &json::to_vec(clip)?));
        if finished.is_err() {
            // Half a clip is none, and must not stay unseen.
            ["part", "json", "new", "mjpeg"].iter().for_each(|ending| remove(&self.clip_file(id, ending)));
        }
        finished
    }

    /// Throws away what was begun.
    pub fn discard(&self, id: &ClipId) {
        remove(&self.clip_file(id, "part"));
    }

    /// Throws away clips that were begun and never finished: those of a run that ended in the middle of a minute.
    pub fn discard_begun(&self) {
        files_in(&self.clips_folder(), "part").iter().for_each(|path| remove(path));
    }

    /// Names of all clips, the oldest first.
    #[must_use]
    pub fn clip_ids(&self) -> Vec<ClipId> {
        let files = files_in(&self.clips_folder(), "json");
        let id = |path: &PathBuf| ClipId::parse(path.file_stem()?.to_str()?);
        let mut ids: Vec<ClipId> = files.iter().filter_map(id).collect();
        // The minute stands at the end of the name.
        let minute = |id: &ClipId| id.as_str().rsplit('-').next().map(str::to_owned);
        ids.sort_by_cached_key(|id| (minute(id), id.clone()));
        ids
    }

    /// One clip; none where it is gone or cannot be read.
    #[must_use]
    pub fn clip(&self, id: &ClipId) -> Option<Clip> {
        let clip: Clip = json::from_slice(&read(&self.clip_file(id, "json"))?).ok()?;
        (clip.v == super::format::VERSION && clip.id == id.as_str()).then_some(clip)
    }

    /// All clips that can be read, the oldest first.
    #[must_use]
    pub fn clips(&self) -> Vec<Clip> {
        self.clip_ids().iter().filter_map(|id| self.clip(id)).collect()
    }

    /// The pictures of a clip, one JPEG after another.
    #[must_use]
    pub fn pictures(&self, id: &ClipId) -> Option<Vec<u8>> {
        read(&self.clip_file(id, "mjpeg"))
    }

    /// Of each clip and line the first tally, the only one that was made without knowing what the box had counted.
    #[must_use]
    pub fn tallies(&self) -> Vec<Tally> {
        let text = read(&self.tallies_file()).unwrap_or_default();
        let rows = text.split(|byte| *byte == b'\n').filter_map(|row| json::from_slice::<Tally>(row).ok());
        let mut first: BTreeMap<_, Tally> = BTreeMap::new();
        for tally in rows.filter(|tally| !tally.is_correction) {
            first.entry((tally.clip.clone(), tally.line.clone())).or_insert(tally);
        }
        first.into_values().collect()
    }

    /// Keeps a tally, on disk when this returns.
    ///
    /// # Errors
    /// What the disk says.
    pub fn add_tally(&self, tally: &Tally) -> anyhow::Result<()> {
        let path = self.tallies_file();
        let cannot = || format!("cannot write {}", path.display());
        // A line feed before it as well: a line that a power cut left in half must not spoil this one.
        let line = [b"\n", json::to_vec(tally)?.as_slice(), b"\n"].concat();
        let mut file =
            OpenOptions::new().create(true).append(true).mode(0o600).open(&path).with_context(cannot)?;
        file.write_all(&line).with_context(cannot)?;
        file.sync_data().with_context(cannot)?;
        sync_folder_of(&path).with_context(cannot)
    }

    /// Changes whenever a tally is added.
    #[must_use]
    pub fn tallies_version(&self) -> u64 {
        fs::metadata(self.tallies_file()).map_or(0, |file| file.len())
    }

    /// All sums of minutes, by day.
    #[must_use]
    pub fn days(&self) -> Vec<DayOfMinutes> {
        let files = files_in(&self.minutes_folder(), "json");
        let mut days: Vec<DayOfMinutes> =
            files.iter().filter_map(|path| json::from_slice(&read(path)?).ok()).collect();
        days.sort_by_key(|day| day.day_ms);
        days
    }

    fn day_file(&self, camera: &str, day: WallTime) -> PathBuf {
        let day = jiff::Timestamp::from_millisecond(day.unix_ms()).unwrap_or_default();
        self.minutes_folder().join(format!("{camera}-{}.json", day.strftime("%Y%m%d")))
    }

    /// The sums of one camera and day; none yet where there is no file.
    #[must_use]
    pub fn day(&self, camera: &str, day: WallTime) -> DayOfMinutes {
        let found = read(&self.day_file(camera, day)).and_then(|text| json::from_slice(&text).ok());
        found.unwrap_or_else(|| DayOfMinutes::none_yet(camera, day))
    }

    /// Keeps the sums of one camera and day.
    ///
    /// # Errors
    /// What the disk says.
    pub fn keep_day(&self, day: &DayOfMinutes) -> anyhow::Result<()> {
        let path = self.day_file(&day.camera, WallTime::from_unix_ms(day.day_ms));
        write_whole(&path, &json::to_vec(day)?)
    }

    /// Deletes what is older than `keep`, what was begun and given up, and, where clips take more than `most_bytes`, the oldest, those that are tallied first.
    pub fn sweep(&self, now: WallTime, keep: Duration, most_bytes: u64) -> Swept {
        let mut swept = Swept::default();
        let mut clips = self.clips();
        clips.retain(|clip| {
            let is_old = now.since(WallTime::from_unix_ms(clip.drawn.start_ms)) > keep;
            if is_old {
                self.delete(clip);
                swept.too_old += 1;
            }
            !is_old
        });
        self.delete_orphans(&clips, now);
        let tallied = self.tallies();
        let is_tallied = |clip: &Clip| tallied.iter().any(|tally| tally.clip == clip.id);
        clips.sort_by_key(|clip| (!is_tallied(clip), clip.drawn.start_ms));
        let bytes = |clip: &Clip| clip.pictures.iter().map(|one| u64::from(one.bytes)).sum::<u64>();
        let mut taken: u64 = clips.iter().map(bytes).sum();
        for clip in &clips {
            if taken <= most_bytes {
                break;
            }
            self.delete(clip);
            taken -= bytes(clip);
            swept.no_room += 1;
        }
        for day in self.days() {
            let day_start = WallTime::from_unix_ms(day.day_ms);
            if now.since(day_start) > SUMS_KEPT {
                remove(&self.day_file(&day.camera, day_start));
            }
        }
        swept
    }

    fn delete(&self, clip: &Clip) {
        if let Some(id) = ClipId::parse(&clip.id) {
            // The one that makes it a clip goes last, so that pictures never stay behind unseen.
            remove(&self.clip_file(&id, "mjpeg"));
            remove(&self.clip_file(&id, "json"));
        }
    }

    /// Pictures whose clip is not there or cannot be read would never be deleted. What is a few minutes old is left alone:
    /// the service may be writing it while a command sweeps.
    fn delete_orphans(&self, clips: &[Clip], now: WallTime) {
        let belongs = |path: &Path| {
            let stem = path.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
            clips.iter().any(|clip| clip.id == stem)
        };
        for ending in ["mjpeg", "json", "new"] {
            let files = files_in(&self.clips_folder(), ending);
            let is_stale = |path: &Path| {
                let written = written_at(path);
                // Also where it seems to come from the future: a clock that was wrong must not keep pictures for good.
                now.since(written).max(written.since(now)) > STALE_AFTER
            };
            files.iter().filter(|path| !belongs(path) && is_stale(path)).for_each(|path| remove(path));
        }
        let begun = files_in(&self.clips_folder(), "part");
        let given_up = begun.iter().filter(|path| now.since(written_at(path)) > STALE_AFTER);
        given_up.for_each(|path| remove(path));
    }
}

/// Takes from others what they may do in a folder. Where this user may not, somebody has to look at it.
fn tighten(folder: &Path) {
    let Ok(mode) = fs::metadata(folder).map(|found| found.permissions().mode()) else { return };
    if mode & OTHERS == 0 {
        return;
    }
    match fs::set_permissions(folder, fs::Permissions::from_mode(mode & 0o700)) {
        Ok(()) => tracing::warn!("audit: others could look into {}; now they cannot", folder.display()),
        Err(fault) => {
            tracing::warn!("audit: others may look into {}: {fault}; run chmod 700 on it", folder.display());
        }
    }
}

/// When a file was last written; the beginning of time where that cannot be read.
fn written_at(path: &Path) -> WallTime {
    fs::metadata(path)
        .map_or(WallTime::default(), |file| WallTime::from_unix_ms(file.mtime().saturating_mul(1000)))
}

fn read(path: &Path) -> Option<Vec<u8>> {
    let is_small = fs::metadata(path).ok()?.len() <= MOST_BYTES;
    if is_small { fs::read(path).ok() } else { None }
}

fn write_whole(path: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    let cannot = || format!("cannot write {}", path.display());
    let beside = path.with_extension("new");
    let mut file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&beside)
        .with_context(cannot)?;
    file.write_all(bytes).with_context(cannot)?;
    file.sync_data().with_context(cannot)?;
    fs::rename(&beside, path).with_context(cannot)?;
    sync_folder_of(path).with_context(cannot)
}

/// A new name is on disk only when its folder is.
fn sync_folder_of(path: &Path) -> std::io::Result<()> {
    path.parent().map_or(Ok(()), |folder| File::open(folder)?.sync_all())
}

/// What cannot be deleted is tried again at the next sweep.
fn remove(path: &Path) {
    if let Err(fault) = fs::remove_file(path)
        && fault.kind() != std::io::ErrorKind::NotFound
    {
        tracing::warn!("cannot delete {}: {fault}", path.display());
    }
}

fn files_in(folder: &Path, ending: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let paths = entries.map(|entry| entry.path());
    paths.filter(|path| path.extension().is_some_and(|found| found == ending)).collect()
}

#[cfg(test)]
mod tests;
