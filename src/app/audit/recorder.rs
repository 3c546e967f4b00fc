//! One camera's part of the audit, on the thread that counts: draws minutes, veils their pictures, and hands them on.
//!
//! The thread that counts must not wait for a disk or an encoder. So this only makes pictures coarse (a
//! few times a second, in the minutes that are kept) and puts them into a bounded queue; what does not
//! fit is left out and counted as lost in the clip. No picture leaves this file but as a `VeiledPicture`.
//!
//! A minute is drawn when it begins and decided when the pipeline gives it out, later by the longest U-turn. Only a minute
//! that was seen from its start to its end, and of which nothing came in parts, is one of those that are weighed.

use super::format::{Clip, ClipCrossing, ClipId, ClipLine, Drawn, VERSION};
use crate::analytics::LineMinute;
use crate::audit::draw::Verdict;
use crate::audit::{AuditSettings, MinuteDraw, Traffic, Veil, VeiledPicture};
use crate::capture::Frame;
use crate::capture::sampling::RateGate;
use crate::count::{Crossing, Direction, LineSettings};
use crate::detect::Detection;
use crate::geom::{ImagePoint, PictureSize};
use crate::pipeline::CameraEvent;
use crate::time::{MINUTE_MS, WallTime};
use crate::wire::v1::MadeBy;
use std::collections::VecDeque;
use std::sync::mpsc::SyncSender;
use std::time::Duration;

/// A minute whose first frame comes later than this after its start is not drawn, nor weighed.
const LATEST_START: Duration = Duration::from_secs(2);

/// A minute of which more than this was not seen is not weighed.
const MOST_UNSEEN: Duration = Duration::from_secs(3);

/// A clip that lost more pictures than one in this many cannot be tallied.
const LOST_AT_MOST_ONE_IN: u32 = 10;

/// Minutes that are not given out yet: those of the longest U-turn, and a few.
const MOST_OPEN: usize = 16;

/// Crossings kept for a clip's timeline. More than ten a second is no door.
const MOST_CROSSINGS: usize = 600;

/// What goes to the thread that writes.
#[derive(Debug)]
pub enum Job {
    /// A picture of a clip; the first one begins it.
    Picture {
        /// Which.
        clip: ClipId,
        /// When, ms after the start of the minute.
        at_ms: u32,
        /// The picture.
        picture: VeiledPicture,
    },
    /// The minute is given out and whole: the clip is one. Its pictures are filled in by the writer.
    Finish(Box<Clip>),
    /// It is not.
    Discard(ClipId),
    /// A whole minute went by, kept or not, in which this was counted.
    Minute {
        /// How it was drawn.
        drawn: Drawn,
        /// Crossings over all lines.
        crossings: u64,
    },
}

/// One camera's part.
#[derive(Debug)]
pub struct Recorder {
    made_by: MadeBy,
    lines: Vec<LineSettings>,
    /// What the lines were drawn on; none: the size of the first frame.
    picture: Option<PictureSize>,
    draw: MinuteDraw,
    traffic: Traffic,
    veil: Veil,
    gate: RateGate,
    /// The minute of the last frame.
    current: Option<WallTime>,
    open: VecDeque<OpenMinute>,
    jobs: SyncSender<Job>,
    /// Jobs other than pictures that did not fit.
    lost_jobs: u64,
}

/// A minute that was drawn and is not given out yet.
#[derive(Debug)]
struct OpenMinute {
    start: WallTime,
    drawn: Drawn,
    clip: Option<ClipId>,
    pictures: u32,
    lost: u32,
    crossings: Vec<Crossing>,
    /// What the lines counted, as far as they are given out.
    given_out: Vec<LineMinute>,
}

impl Recorder {
    /// A camera's part; the same seed draws the same minutes.
    #[must_use]
    pub fn new(
        settings: &AuditSettings,
        camera: (MadeBy, Vec<LineSettings>, Option<PictureSize>),
        seed: u64,
        jobs: SyncSender<Job>,
    ) -> Self {
        let (made_by, lines, picture) = camera;
        Self {
            made_by,
            lines,
            picture,
            draw: MinuteDraw::new(settings.clips_per_day, seed),
            traffic: Traffic::default(),
            veil: Veil::new(settings.width_px),
            gate: RateGate::new(Some(settings.fps)),
            current: None,
            open: VecDeque::new(),
            jobs,
            lost_jobs: 0,
        }
    }

    /// Takes a frame that was counted, with who was found in it.
    pub fn frame(&mut self, frame: &Frame, people: &[Detection]) {
        let (size, minute) = (frame.picture.size(), frame.at.wall.minute());
        self.picture.get_or_insert(size);
        self.veil.found(frame.at, size, people);
        if self.current.replace(minute) != Some(minute) {
            self.begin(minute, frame.at.wall);
        }
        let is_kept = self.open.back().is_some_and(|open| open.start == minute && open.clip.is_some());
        if is_kept && self.gate.admits(frame.at) {
            self.veil.hold(frame.at, &frame.picture);
        }
        while let Some(picture) = self.veil.next(frame.at) {
            self.hand_on(picture);
        }
        self.count_dropped();
    }

    /// A frame was not looked at: whoever is on it was not found, so what is held back must not come out.
    pub fn not_seen(&mut self) {
        self.veil.drop_held();
        self.count_dropped();
    }

    fn count_dropped(&mut self) {
        while let Some(at) = self.veil.next_dropped() {
            let minute = at.wall.minute();
            if let Some(open) = self.open.iter_mut().find(|open| open.start == minute) {
                open.pictures += 1;
                open.lost += 1;
            }
        }
    }

    /// Takes what the pipeline gave out.
    pub fn event(&mut self, event: &CameraEvent) {
        match event {
            CameraEvent::Crossing(crossing) => {
                self.traffic.crossing(crossing.at.wall);
                let minute = crossing.at.wall.minute();
                if let Some(open) = self.open.iter_mut().find(|open| open.start == minute)
                    && open.crossings.len() < MOST_CROSSINGS
                {
                    open.crossings.push(crossing.clone());
                }
            }
            CameraEvent::Minute(minute) => self.given_out(minute),
            // Zones are not audited.
            _ => {}
        }
    }

    fn begin(&mut self, start: WallTime, first_frame: WallTime) {
        if first_frame.since(start) > LATEST_START || self.open.iter().any(|open| open.start == start) {
            return;
        }
        let stratum = self.traffic.before(start);
        let (chance, verdict) = self.draw.draw(stratum);
        let clip = (verdict == Verdict::Keep).then(|| ClipId::of(self.made_by.camera.as_str(), start));
        let drawn = Drawn {
            camera: self.made_by.camera.to_string(),
            start_ms: start.unix_ms(),
            stratum: stratum.name().to_owned(),
            chance,
            geometry: self.made_by.geometry.clone(),
            model: self.made_by.model.clone(),
        };
        if self.open.len() == MOST_OPEN
            && let Some(clip) = self.open.pop_front().and_then(|open| open.clip)
        {
            self.send(Job::Discard(clip));
        }
        let (crossings, given_out) = (Vec::new(), Vec::new());
        self.open.push_back(OpenMinute { start, drawn, clip, pictures: 0, lost: 0, crossings, given_out });
    }

    fn hand_on(&mut self, picture: VeiledPicture) {
        let at = picture.at().wall;
        let minute = at.minute();
        let Some(open) = self.open.iter_mut().find(|open| open.start == minute) else { return };
        let Some(clip) = open.clip.clone() else { return };
        open.pictures += 1;
        let at_ms = ms_into(open.start, at);
        if self.jobs.try_send(Job::Picture { clip, at_ms, picture }).is_err() {
            open.lost += 1;
        }
    }

    fn given_out(&mut self, minute: &LineMinute) {
        let Some(place) = self.open.iter().position(|open| open.start == minute.start) else { return };
        let open = &mut self.open[place];
        open.given_out.push(minute.clone());
        if open.given_out.len() < self.lines.len() {
            return;
        }
        let Some(open) = self.open.remove(place) else { return };
        let whole = Duration::from_millis(MINUTE_MS.unsigned_abs()) - MOST_UNSEEN;
        let is_weighed = open.given_out.iter().all(|line| line.valid && !line.part && line.seen >= whole);
        if is_weighed {
            let crossings = open.given_out.iter().map(|line| u64::from(line.entries) + u64::from(line.exits));
            self.send(Job::Minute { drawn: open.drawn.clone(), crossings: crossings.sum() });
        }
        let Some(clip) = open.clip.clone() else { return };
        let is_clear = open.pictures > 0 && open.lost <= open.pictures / LOST_AT_MOST_ONE_IN;
        if is_weighed && is_clear {
            let clip = self.clip_of(&clip, open);
            self.send(Job::Finish(Box::new(clip)));
        } else {
            tracing::info!("audit: the minute {} has gaps and is not kept", clip.as_str());
            self.send(Job::Discard(clip));
        }
    }

    fn clip_of(&self, id: &ClipId, open: OpenMinute) -> Clip {
        let size = self.picture.unwrap_or(PictureSize { width: 1, height: 1 });
        let part = |point: ImagePoint| [point.x / size.width as f32, point.y / size.height as f32];
        let line = |line: &LineSettings| {
            let counted = open.given_out.iter().find(|minute| minute.line == line.id);
            let crossings = open.crossings.iter().filter(|crossing| crossing.line == line.id);
            let crossing = |crossing: &Crossing| ClipCrossing {
                at_ms: ms_into(open.start, crossing.at.wall),
                is_in: crossing.direction == Direction::In,
            };
            ClipLine {
                line: line.id.to_string(),
                from: part(line.segment.a),
                to: part(line.segment.b),
                entries: counted.map_or(0, |minute| minute.entries),
                exits: counted.map_or(0, |minute| minute.exits),
                crossings: crossings.map(crossing).collect(),
            }
        };
        let seen = open.given_out.first().map_or(Duration::ZERO, |minute| minute.seen);
        Clip {
            v: VERSION,
            id: id.as_str().to_owned(),
            lines: self.lines.iter().map(line).collect(),
            seen_ms: u64::try_from(seen.as_millis()).unwrap_or(u64::MAX),
            lost: open.lost,
            width: 0,
            height: 0,
            pictures: Vec::new(),
            drawn: open.drawn,
        }
    }

    fn send(&mut self, job: Job) {
        if self.jobs.try_send(job).is_err() {
            self.lost_jobs += 1;
            if self.lost_jobs == 1 {
                tracing::warn!("audit: the disk is too slow; minutes and clips are left out");
            }
        }
    }
}

fn ms_into(start: WallTime, at: WallTime) -> u32 {
    u32::try_from(at.since(start).as_millis()).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests;
