//! The audit's own thread: encodes veiled pictures, writes clips and sums, and deletes what is too old.
//!
//! Nothing waits for it. It ends when every recorder is gone, and throws away what they had begun: a clip of a minute that
//! ended with the service has a gap.

use super::folder::{AuditFolder, STALE_AFTER, Swept};
use super::format::{Clip, ClipId, ClipPicture, DayOfMinutes, Drawn};
use super::recorder::Job;
use crate::audit::{AuditSettings, VeiledPicture};
use crate::time::{Clock, WallTime};
use anyhow::Context;
use image::ExtendedColorType;
use image::codecs::jpeg::JpegEncoder;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::Write;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::thread::JoinHandle;
use std::time::Duration;

/// Jobs that may wait: a burst of all cameras at the end of a minute, and some seconds of pictures.
const QUEUE: usize = 128;

/// How often what is too old is deleted.
const SWEEP_EVERY: Duration = Duration::from_secs(3600);

/// Of what JPEG allows: a mosaic has nothing that more would keep.
const JPEG_QUALITY: u8 = 70;

const DAY_MS: i64 = 86_400_000;

/// What the thread says of itself: why nothing can be kept, or none when a whole clip could be again. Anything less would say
/// so several times a second where large writes fail and small ones do not.
pub type Told = Box<dyn Fn(Option<String>) + Send>;

/// The running thread.
#[derive(Debug)]
pub struct AuditWriter {
    thread: JoinHandle<()>,
}

impl AuditWriter {
    /// Makes the folder, deletes what is too old, and starts the thread. The sender is for the recorders; with the last of them it ends.
    ///
    /// # Errors
    /// Where the folder cannot be made.
    pub fn start(
        settings: &AuditSettings,
        clock: Arc<dyn Clock>,
        told: Told,
    ) -> anyhow::Result<(Self, SyncSender<Job>)> {
        let (sender, jobs) = sync_channel(QUEUE);
        let mut desk = Desk::new(settings)?;
        desk.sweep(clock.now().wall);
        let work = move || desk.work(&jobs, clock.as_ref(), &told);
        let thread = std::thread::Builder::new().name("audit".to_owned()).spawn(work)?;
        Ok((Self { thread }, sender))
    }

    /// Waits for the end, which comes when the last recorder is gone.
    pub fn join(self) {
        if self.thread.join().is_err() {
            tracing::error!("the audit's thread panicked; please report this");
        }
    }
}

/// What the thread works with. Tests drive it without one.
#[derive(Debug)]
pub struct Desk {
    folder: AuditFolder,
    keep: Duration,
    most_bytes: u64,
    begun: BTreeMap<ClipId, Begun>,
    days: BTreeMap<String, DayOfMinutes>,
    jpeg: Vec<u8>,
}

/// What a job came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Done {
    /// A clip is whole, and can be seen.
    Clip,
    /// Anything less.
    Part,
}

/// A clip that is being written.
#[derive(Debug)]
struct Begun {
    /// None after something could not be written: where the next picture begins is not known then, so the clip is lost.
    file: Option<File>,
    /// When its last picture was taken.
    last: WallTime,
    size: (u32, u32),
    pictures: Vec<ClipPicture>,
}

impl Desk {
    /// Makes the folder, and throws away what an earlier run left unfinished.
    ///
    /// # Errors
    /// Where the folder cannot be made.
    pub fn new(settings: &AuditSettings) -> anyhow::Result<Self> {
        let folder = AuditFolder::at(&settings.folder);
        folder.make()?;
        folder.discard_begun();
        Ok(Self {
            folder,
            keep: settings.keep,
            most_bytes: settings.max_bytes,
            begun: BTreeMap::new(),
            days: BTreeMap::new(),
            jpeg: Vec::new(),
        })
    }

    fn work(&mut self, jobs: &Receiver<Job>, clock: &dyn Clock, told: &Told) {
        let mut swept_at = clock.now().elapsed;
        loop {
            match jobs.recv_timeout(SWEEP_EVERY) {
                Ok(job) => match self.take(job) {
                    Err(fault) => told(Some(format!("{fault:#}; nothing is kept for the audit"))),
                    Ok(Done::Clip) => told(None),
                    Ok(Done::Part) => {}
                },
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => break,
            }
            let now = clock.now();
            if now.elapsed.saturating_sub(swept_at) >= SWEEP_EVERY {
                swept_at = now.elapsed;
                self.sweep(now.wall);
            }
        }
        self.folder.discard_begun();
    }

    /// Does one job.
    ///
    /// # Errors
    /// What the disk says.
    pub fn take(&mut self, job: Job) -> anyhow::Result<Done> {
        match job {
            Job::Picture { clip, at_ms, picture } => self.picture(clip, at_ms, &picture)?,
            Job::Finish(clip) => return self.finish(*clip),
            Job::Discard(clip) => {
                self.begun.remove(&clip);
                self.folder.discard(&clip);
            }
            Job::Minute { drawn, crossings } => self.minute(&drawn, crossings)?,
        }
        Ok(Done::Part)
    }

    fn picture(&mut self, clip: ClipId, at_ms: u32, picture: &VeiledPicture) -> anyhow::Result<()> {
        let size = (picture.size().width, picture.size().height);
        let last = picture.at().wall;
        if !self.begun.contains_key(&clip) {
            self.give_up_stale(last);
            let begun = Begun { file: None, last, size, pictures: Vec::new() };
            self.begun.insert(clip.clone(), begun);
            let file = self.folder.begin(&clip)?;
            self.begun.entry(clip.clone()).and_modify(|begun| begun.file = Some(file));
        }
        let Some(begun) = self.begun.get_mut(&clip) else { return Ok(()) };
        // A camera that changed its picture within the minute: its pipeline does not count those.
        if begun.file.is_none() || begun.size != size {
            return Ok(());
        }
        begun.last = last;
        let added = begun.add(at_ms, picture, &mut self.jpeg);
        if added.is_err() {
            begun.file = None;
            self.folder.discard(&clip);
        }
        added
    }

    /// The end of a clip may be lost on the way here; it must not stay open, nor its pictures lie there, until the next start.
    fn give_up_stale(&mut self, now: WallTime) {
        let folder = &self.folder;
        self.begun.retain(|clip, begun| {
            let is_live = now.since(begun.last) <= STALE_AFTER;
            if !is_live {
                folder.discard(clip);
            }
            is_live
        });
    }

    fn finish(&mut self, mut clip: Clip) -> anyhow::Result<Done> {
        let begun = ClipId::parse(&clip.id).and_then(|id| Some((self.begun.remove(&id)?, id)));
        let Some((Begun { file: Some(file), size, pictures, .. }, id)) = begun else { return Ok(Done::Part) };
        if let Err(fault) = file.sync_data() {
            self.folder.discard(&id);
            return Err(fault).context("cannot write a clip of the audit");
        }
        (clip.width, clip.height) = size;
        clip.pictures = pictures;
        self.folder.finish(&id, &clip)?;
        self.sweep(WallTime::from_unix_ms(clip.drawn.start_ms));
        Ok(Done::Clip)
    }

    fn minute(&mut self, drawn: &Drawn, crossings: u64) -> anyhow::Result<()> {
        let start = WallTime::from_unix_ms(drawn.start_ms - drawn.start_ms.rem_euclid(DAY_MS));
        let from_disk = || self.folder.day(&drawn.camera, start);
        let day = self.days.entry(drawn.camera.clone()).or_insert_with(from_disk);
        if day.day_ms != start.unix_ms() {
            *day = self.folder.day(&drawn.camera, start);
        }
        day.add(drawn, crossings);
        self.folder.keep_day(day)
    }

    /// Deletes what is too old, and what there is no room for.
    pub fn sweep(&mut self, now: WallTime) -> Swept {
        self.give_up_stale(now);
        let swept = self.folder.sweep(now, self.keep, self.most_bytes);
        if swept.too_old > 0 {
            tracing::info!("audit: {} clip(s) were kept long enough and are deleted", swept.too_old);
        }
        if swept.no_room > 0 {
            tracing::warn!(
                "audit: {} clip(s) deleted for want of room; raise max_mb or tally more",
                swept.no_room
            );
        }
        swept
    }
}

impl Begun {
    /// Adds a picture, as a JPEG made in `jpeg`.
    fn add(&mut self, at_ms: u32, picture: &VeiledPicture, jpeg: &mut Vec<u8>) -> anyhow::Result<()> {
        let Some(file) = &mut self.file else { return Ok(()) };
        jpeg.clear();
        let mut encoder = JpegEncoder::new_with_quality(&mut *jpeg, JPEG_QUALITY);
        let encoded = encoder.encode(picture.rgb(), self.size.0, self.size.1, ExtendedColorType::Rgb8);
        encoded.context("cannot encode a picture of the audit")?;
        let bytes = u32::try_from(jpeg.len()).context("a picture of 4 GB")?;
        file.write_all(jpeg).context("cannot write a clip of the audit")?;
        self.pictures.push(ClipPicture { at_ms, bytes });
        Ok(())
    }
}

#[cfg(test)]
mod tests;
