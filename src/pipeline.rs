//! One camera: frames and detections in, crossings and minutes out. The only place where its stages meet.
//!
//! It owns no clock, no camera and no network: whoever runs it hands in frames with their
//! times, and what the network found. So a recording played through it gives exactly the records that the camera
//! gave.

use crate::analytics::{LineMinute, MinuteLedger};
use crate::calibration::Floor;
use crate::count::{Crossing, LineSettings, Tripwire, TripwireError};
use crate::detect::Detection;
use crate::geom::{PictureSize, Polygon};
use crate::health::ConditionChange;
use crate::time::FrameTime;
use crate::track::{PlaneName, Sighting, TrackSettings, TrackSteps, Tracker};
use crate::visitors::VisitorSettings;
use crate::zones::ZoneSettings;
use std::time::Duration;

/// How one camera counts.
#[derive(Debug, Clone, PartialEq)]
pub struct PipelineSettings {
    /// Size of the picture that the lines were drawn on. A picture of the same shape and another
    /// size is scaled to it; one of another shape is not counted. None: the size of the first frame.
    pub picture: Option<PictureSize>,
    /// Frames a second to look at, by their times; none: every frame.
    pub rate: Option<f64>,
    /// The lines.
    pub lines: Vec<LineSettings>,
    /// Detections whose foot lies in one of these are not people (posters, mirrors, mannequins).
    pub exclusion: Vec<Polygon>,
    /// The zones.
    pub zones: Vec<ZoneSettings>,
    /// How visitors are told apart.
    pub visitors: VisitorSettings,
    /// Two frames further apart than this leave a gap in coverage.
    pub longest_gap: Duration,
    /// How people are followed.
    pub tracking: TrackSettings,
    /// Where the floor is, if that is known.
    pub floor: Option<Floor>,
    /// Whether it is learned, where it is not given. Boxes of the foreground are of one size and teach nothing.
    pub learns_floor: bool,
}

/// What a camera has to say.
#[derive(Debug, Clone, PartialEq)]
pub enum CameraEvent {
    /// Somebody crossed a line.
    Crossing(Crossing),
    /// A minute of a line, or a part of one, is over.
    Minute(LineMinute),
    /// Its pictures cannot be counted on any more, or can again.
    Condition(ConditionChange),
}

/// A frame without its pixels: what counting needs to know of it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SeenFrame {
    /// 1-based number of the decoded frame.
    pub number: u64,
    /// When it was taken.
    pub at: FrameTime,
    /// Its size, in whose px the detections are.
    pub size: PictureSize,
    /// Frames dropped since the one before.
    pub dropped: u32,
}

/// Why a frame cannot be counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum FrameRefused {
    /// The camera's picture has another shape than the one that the lines were drawn on.
    #[error(
        "the picture is {got} px, the lines were drawn on {expected} px; \
         set the camera back or draw the lines anew"
    )]
    OtherShape {
        /// What came.
        got: PictureSize,
        /// What the lines were drawn on.
        expected: PictureSize,
    },
}

/// Minutes wait this much longer than the longest U-turn time and the longest gap that still counts as seen, for
/// tracks that are not confirmed yet: their crossings come up to a tentative track's life late.
const CONFIRMATION_HOLD: Duration = Duration::from_secs(2);

/// Sides may differ by this share between two pictures of "the same shape": cameras round to multiples of 8 or 16 px.
const SHAPE_TOLERANCE: f32 = 0.02;

/// The stages of one camera, joined.
pub struct Pipeline {
    picture: Option<PictureSize>,
    exclusion: Vec<Polygon>,
    tracker: Tracker,
    wires: Vec<Tripwire>,
    minutes: MinuteLedger,
    // Kept between frames for their memory.
    people: Vec<Detection>,
    steps: TrackSteps,
    crossings: Vec<Crossing>,
    closed: Vec<LineMinute>,
}

impl Pipeline {
    /// A camera's pipeline at the start of a run.
    ///
    /// # Errors
    /// [`TripwireError`] where a line cannot count.
    pub fn new(settings: PipelineSettings, start: FrameTime) -> Result<Self, TripwireError> {
        let ids = settings.lines.iter().map(|line| line.id.clone()).collect();
        let u_turn = settings.lines.iter().map(|line| line.u_turn).max().unwrap_or_default();
        let longest_gap = settings.longest_gap.max(two_frames_at(settings.rate));
        let minutes = MinuteLedger::new(ids, start, longest_gap, u_turn.max(longest_gap) + CONFIRMATION_HOLD);
        let wires = settings.lines.into_iter().map(Tripwire::new).collect::<Result<_, _>>()?;
        Ok(Self {
            picture: settings.picture,
            exclusion: settings.exclusion,
            tracker: match settings.floor {
                None if !settings.learns_floor => Tracker::on_image(settings.tracking),
                floor => Tracker::new(settings.tracking, floor),
            },
            wires,
            minutes,
            people: Vec::new(),
            steps: TrackSteps::default(),
            crossings: Vec::new(),
            closed: Vec::new(),
        })
    }

    /// Takes one frame and what was found in it; what is decided now is added to `out`.
    ///
    /// # Errors
    /// [`FrameRefused`] where the frame does not fit the lines; its time then counts as not seen.
    pub fn step(
        &mut self,
        frame: SeenFrame,
        detections: &[Detection],
        out: &mut Vec<CameraEvent>,
    ) -> Result<(), FrameRefused> {
        let picture = *self.picture.get_or_insert(frame.size);
        let Some((x, y)) = scale(frame.size, picture) else {
            self.minutes.interrupted();
            return Err(FrameRefused::OtherShape { got: frame.size, expected: picture });
        };
        self.tracker.picture_is(picture);
        self.people.clear();
        let scaled = detections.iter().map(|d| Detection { bbox: d.bbox.scaled(x, y), ..*d });
        let excluded = |d: &Detection| self.exclusion.iter().any(|zone| zone.contains(d.bbox.foot()));
        self.people.extend(scaled.filter(|d| !excluded(d)));

        self.minutes.frame(frame.at, frame.dropped);
        self.tracker.step(frame.number, frame.at, &self.people, &mut self.steps);
        for sighting in &self.steps.sightings {
            self.wires.iter_mut().for_each(|wire| wire.see(sighting, &mut self.crossings));
        }
        for track in &self.steps.ended {
            self.wires.iter_mut().for_each(|wire| wire.forget(*track));
        }
        self.tick(frame.at, out);
        Ok(())
    }

    /// Lets time go by without a frame, so that minutes close also while the camera is away.
    pub fn tick(&mut self, now: FrameTime, out: &mut Vec<CameraEvent>) {
        self.wires.iter_mut().for_each(|wire| wire.settle(now, &mut self.crossings));
        self.give_out_crossings(out);
        self.minutes.close(now, &mut self.closed);
        out.extend(self.closed.drain(..).map(CameraEvent::Minute));
    }

    /// Notes that frames stopped coming: what follows does not join on to what was.
    pub fn interrupted(&mut self) {
        self.minutes.interrupted();
    }

    /// The camera has been looking elsewhere since `since`: its lines and zones do not lie where they were drawn, and
    /// what they count is not valid until [`Pipeline::in_place`].
    pub fn moved(&mut self, since: FrameTime, now: FrameTime) {
        self.minutes.moved(since, now);
    }

    /// Somebody has seen that lines and zones lie right.
    pub fn in_place(&mut self, now: FrameTime) {
        self.minutes.in_place(now);
    }

    /// Ends the run: everything held back comes out, the open minute as a part of one.
    pub fn finish(&mut self, now: FrameTime, out: &mut Vec<CameraEvent>) {
        self.wires.iter_mut().for_each(|wire| wire.finish(&mut self.crossings));
        self.give_out_crossings(out);
        self.minutes.finish(now, &mut self.closed);
        out.extend(self.closed.drain(..).map(CameraEvent::Minute));
    }

    fn give_out_crossings(&mut self, out: &mut Vec<CameraEvent>) {
        for crossing in self.crossings.drain(..) {
            self.minutes.crossing(&crossing);
            out.push(CameraEvent::Crossing(crossing));
        }
    }

    /// On which plane people are followed now.
    #[must_use]
    pub fn plane(&self) -> PlaneName {
        self.tracker.plane()
    }

    /// Sightings of the frame stepped through last, in px of the configured picture: for drawing.
    #[must_use]
    pub fn sightings(&self) -> &[Sighting] {
        &self.steps.sightings
    }
}

/// At a low rate two frames are further apart than any gap one would otherwise allow.
fn two_frames_at(rate: Option<f64>) -> Duration {
    rate.and_then(|rate| Duration::try_from_secs_f64(2.0 / rate).ok()).unwrap_or_default()
}

/// Factors that bring px of a picture of size `from` to one of size `to`; none where the shapes differ.
fn scale(from: PictureSize, to: PictureSize) -> Option<(f32, f32)> {
    if from == to {
        return Some((1.0, 1.0));
    }
    let x = to.width as f32 / from.width as f32;
    let y = to.height as f32 / from.height as f32;
    ((x / y - 1.0).abs() <= SHAPE_TOLERANCE).then_some((x, y))
}
