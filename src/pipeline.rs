//! One camera: frames and detections in, crossings, visits and minutes out. The only place where its stages meet.
//!
//! It owns no clock, no camera and no network: whoever runs it hands in frames with their
//! times, and what the network found. So a recording played through it gives exactly the records that the camera
//! gave.

mod quarters;

use crate::analytics::{FlowQuarter, FlowStep, HeatQuarter, LineMinute, MinuteLedger, Place, PlaceNames};
use crate::analytics::{QuarterSettings, QueueMinute, ZoneLedger, ZoneMinute};
use crate::calibration::Floor;
use crate::count::{Crossing, LineRole, LineSettings, Tripwire, TripwireError};
use crate::detect::Detection;
use crate::geom::{PictureSize, Polygon};
use crate::health::ConditionChange;
use crate::ids::LineId;
use crate::time::FrameTime;
use crate::track::{PlaneName, Sighting, TrackSettings, TrackSteps, Tracker};
use crate::visitors::{BadgeReading, Finding, Space, StaffTrack, Stay, VisitorSettings, Visitors};
use crate::zones::{
    Alarm, AllowedHours, Ground, QueueAlert, QueueStep, QueueVisit, Standing, Visit, ZoneNow, ZoneSettings,
    ZoneStep, Zones,
};
use quarters::Quarters;
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
    /// What is told by the quarter of an hour.
    pub quarters: QuarterSettings,
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
    /// Somebody was in a zone for long enough, and is no more.
    Visit(Visit),
    /// A minute of a zone, or a part of one, is over.
    ZoneMinute(ZoneMinute),
    /// Somebody waited in a queue, and does no more.
    Queue(QueueVisit),
    /// A minute of a queue, or a part of one, is over.
    QueueMinute(QueueMinute),
    /// A queue is too long, or no more.
    Alert(QueueAlert),
    /// Presence that is not allowed lasts, or is over.
    Alarm(Alarm),
    /// A track is one of staff; what was counted of it before is corrected by further parts of minutes.
    Staff(StaffTrack),
    /// How people moved in a quarter of an hour.
    Flow(FlowQuarter),
    /// Where people were in a quarter of an hour.
    Heat(HeatQuarter),
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

/// Which part of what is open a draft is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Draft {
    /// Minutes, visits, queues, alarms, and crossings that are still being decided.
    Open,
    /// Flow and heat of quarters of an hour.
    Quarters,
}

/// The stages of one camera, joined.
#[derive(Clone)]
pub struct Pipeline {
    picture: Option<PictureSize>,
    exclusion: Vec<Polygon>,
    tracker: Tracker,
    wires: Vec<Tripwire>,
    /// What each line's crossings stand for, in the order of the settings.
    doors: Vec<(LineId, LineRole)>,
    ground: Ground,
    visitors: Visitors,
    minutes: MinuteLedger,
    zones: Zones,
    zone_minutes: ZoneLedger,
    quarters: Quarters,
    // Kept between frames for their memory.
    people: Vec<Detection>,
    steps: TrackSteps,
    crossings: Vec<Crossing>,
    findings: Vec<Finding>,
    staff: Vec<StaffTrack>,
    closed: Vec<LineMinute>,
    standings: Vec<Standing>,
    zone_steps: Vec<(usize, ZoneStep)>,
    closed_zones: Vec<ZoneMinute>,
    closed_queues: Vec<QueueMinute>,
}

impl Pipeline {
    /// A camera's pipeline at the start of a run.
    ///
    /// # Errors
    /// [`TripwireError`] where a line cannot count.
    pub fn new(settings: PipelineSettings, start: FrameTime) -> Result<Self, TripwireError> {
        let lines: Vec<_> = settings.lines.iter().map(|line| (line.id.clone(), line.role)).collect();
        let u_turn = settings.lines.iter().map(|line| line.u_turn).max().unwrap_or_default();
        let longest_gap = settings.longest_gap.max(two_frames_at(settings.rate));
        let lateness = u_turn.max(longest_gap) + CONFIRMATION_HOLD;
        let ground = Ground::new(settings.floor.clone());
        let space = if ground.has_floor() { Space::FloorM } else { Space::ImagePx };
        let visitors = Visitors::new(settings.visitors, lines.clone(), space, lateness);
        let zones = settings.zones.iter().map(|zone| zone.id.clone()).collect();
        let names = PlaceNames { lines: lines.iter().map(|(id, _)| id.clone()).collect(), zones };
        let zone_patience = settings.zones.iter().map(|zone| zone.lateness()).max().unwrap_or_default();
        let patience = (longest_gap, lateness.max(zone_patience) + CONFIRMATION_HOLD);
        let quarters = Quarters::new(settings.quarters, names, start, patience);
        // So that groups at the end of a minute are told with it.
        let minutes =
            MinuteLedger::new(lines.clone(), start, longest_gap, visitors.patience() + CONFIRMATION_HOLD);
        let zone_minutes =
            ZoneLedger::new(&settings.zones, start, longest_gap, longest_gap + CONFIRMATION_HOLD);
        let wires = settings.lines.into_iter().map(Tripwire::new).collect::<Result<_, _>>()?;
        Ok(Self {
            picture: settings.picture,
            exclusion: settings.exclusion,
            zones: Zones::new(settings.zones),
            zone_minutes,
            tracker: match settings.floor {
                None if !settings.learns_floor => Tracker::on_image(settings.tracking),
                floor => Tracker::new(settings.tracking, floor),
            },
            wires,
            doors: lines,
            ground,
            visitors,
            minutes,
            quarters,
            people: Vec::new(),
            steps: TrackSteps::default(),
            crossings: Vec::new(),
            findings: Vec::new(),
            staff: Vec::new(),
            closed: Vec::new(),
            standings: Vec::new(),
            zone_steps: Vec::new(),
            closed_zones: Vec::new(),
            closed_queues: Vec::new(),
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
            self.interrupted();
            return Err(FrameRefused::OtherShape { got: frame.size, expected: picture });
        };
        self.tracker.picture_is(picture);
        self.ground.picture_is(picture);
        self.people.clear();
        let scaled = detections.iter().map(|d| Detection { bbox: d.bbox.scaled(x, y), ..*d });
        let excluded = |d: &Detection| self.exclusion.iter().any(|zone| zone.contains(d.bbox.foot()));
        self.people.extend(scaled.filter(|d| !excluded(d)));

        self.minutes.frame(frame.at, frame.dropped);
        self.zone_minutes.frame(frame.at, frame.dropped);
        self.quarters.frame(frame.at, picture, &self.ground, out);
        self.tracker.step(frame.number, frame.at, &self.people, &mut self.steps);
        self.standings.clear();
        self.standings.extend(self.steps.sightings.iter().map(|sighting| self.ground.stand(sighting)));
        for sighting in &self.steps.sightings {
            self.wires.iter_mut().for_each(|wire| wire.see(sighting, &mut self.crossings));
        }
        for standing in &self.standings {
            self.visitors.see(standing);
            self.quarters.see(standing, &self.visitors);
            self.zones.see(standing);
        }
        self.visitors.frame_is_over(frame.at);
        for track in &self.steps.ended {
            self.wires.iter_mut().for_each(|wire| wire.forget(*track));
            self.zones.forget(*track);
            self.visitors.ended(*track);
            self.quarters.step(FlowStep { track: *track, place: Place::Lost, at: frame.at });
        }
        self.tick(frame.at, out);
        Ok(())
    }

    /// Lets time go by without a frame, so that minutes close also while the camera is away.
    pub fn tick(&mut self, now: FrameTime, out: &mut Vec<CameraEvent>) {
        self.wires.iter_mut().for_each(|wire| wire.settle(now, &mut self.crossings));
        self.give_out_crossings(out);
        self.zones.settle(now, &mut self.zone_steps);
        self.give_out_zone_steps(out);
        self.visitors.settle(now, &mut self.findings);
        self.give_out_findings(now, out);
        self.quarters.close(now, out);
        self.minutes.close(now, &mut self.closed);
        self.zone_minutes.close(now, &mut self.closed_zones, &mut self.closed_queues);
        self.give_out_minutes(out);
    }

    /// Notes that frames stopped coming: what follows does not join on to what was.
    pub fn interrupted(&mut self) {
        self.minutes.interrupted();
        self.zone_minutes.interrupted();
        self.quarters.interrupted();
    }

    /// Says when presence is allowed in zones that go by the store's hours.
    pub fn allowed_hours(&mut self, hours: &AllowedHours) {
        self.zones.allowed_hours(hours);
    }

    /// The camera has been looking elsewhere since `since`: its lines and zones do not lie where they were drawn, and
    /// what they count is not valid until [`Pipeline::in_place`].
    pub fn moved(&mut self, since: FrameTime, now: FrameTime) {
        self.minutes.moved(since, now);
        self.zone_minutes.moved(since, now);
        self.quarters.moved(since, now);
    }

    /// Somebody has seen that lines and zones lie right.
    pub fn in_place(&mut self, now: FrameTime) {
        self.minutes.in_place(now);
        self.zone_minutes.in_place(now);
        self.quarters.in_place(now);
    }

    /// Ends the run: everything held back comes out, the open minute as a part of one.
    pub fn finish(&mut self, now: FrameTime, out: &mut Vec<CameraEvent>) {
        self.wires.iter_mut().for_each(|wire| wire.finish(&mut self.crossings));
        self.give_out_crossings(out);
        self.zones.finish(now, &mut self.zone_steps);
        self.give_out_zone_steps(out);
        self.visitors.finish(now, &mut self.findings);
        self.give_out_findings(now, out);
        self.quarters.finish(now, out);
        self.minutes.finish(now, &mut self.closed);
        self.zone_minutes.finish(now, &mut self.closed_zones, &mut self.closed_queues);
        self.give_out_minutes(out);
    }

    /// What [`Pipeline::finish`] would give out now, while the run goes on. With what was given out before it says everything
    /// that was seen, once.
    ///
    /// A copy of the run is ended, so that there is one rule for how things end. Meant for once a second, not for each frame.
    pub fn draft(&self, what: Draft, now: FrameTime, out: &mut Vec<CameraEvent>) {
        let before = out.len();
        self.clone().finish(now, out);
        let is_quarter = |event: &CameraEvent| matches!(event, CameraEvent::Flow(_) | CameraEvent::Heat(_));
        let mut place = 0;
        out.retain(|event| {
            place += 1;
            place <= before || is_quarter(event) == (what == Draft::Quarters)
        });
    }

    fn give_out_minutes(&mut self, out: &mut Vec<CameraEvent>) {
        out.extend(self.closed.drain(..).map(CameraEvent::Minute));
        out.extend(self.closed_zones.drain(..).map(CameraEvent::ZoneMinute));
        out.extend(self.closed_queues.drain(..).map(CameraEvent::QueueMinute));
    }

    fn give_out_zone_steps(&mut self, out: &mut Vec<CameraEvent>) {
        for (zone, step) in self.zone_steps.drain(..) {
            self.zone_minutes.step(zone, &step);
            match step {
                ZoneStep::Began { track, at, staff: false, .. } => {
                    self.quarters.step(FlowStep { track, place: Place::Zone(zone), at });
                }
                ZoneStep::Ended { visit, .. } => {
                    let (track, from, to) = (visit.track, visit.enter.wall, visit.leave.wall);
                    self.visitors.stayed(Stay { track, zone: Some(visit.zone.clone()), from, to });
                    out.push(CameraEvent::Visit(visit));
                }
                ZoneStep::Queue(QueueStep::Left(left)) => out.push(CameraEvent::Queue(left)),
                ZoneStep::Queue(QueueStep::Alert(alert)) => out.push(CameraEvent::Alert(alert)),
                ZoneStep::Alarm(alarm) => out.push(CameraEvent::Alarm(alarm)),
                _ => {}
            }
        }
    }

    fn give_out_crossings(&mut self, out: &mut Vec<CameraEvent>) {
        for crossing in self.crossings.drain(..) {
            self.minutes.crossing(&crossing);
            self.visitors.crossing(&crossing);
            self.quarters.crossing(&crossing, &self.visitors, &self.doors);
            out.push(CameraEvent::Crossing(crossing));
        }
    }

    fn give_out_findings(&mut self, now: FrameTime, out: &mut Vec<CameraEvent>) {
        self.findings.drain(..).for_each(|finding| self.minutes.finding(&finding));
        self.visitors.take_staff(&mut self.staff);
        for staff in self.staff.drain(..) {
            self.quarters.step(FlowStep { track: staff.track, place: Place::Staff, at: now });
            self.zones.is_staff(staff.track);
            out.push(CameraEvent::Staff(staff));
        }
    }

    /// Takes what a badge beacon's receiver heard near this camera.
    pub fn badge(&mut self, reading: &BadgeReading) {
        self.visitors.badge(reading);
    }

    /// On which plane people are followed now.
    #[must_use]
    pub fn plane(&self) -> PlaneName {
        self.tracker.plane()
    }

    /// How every zone is now.
    pub fn zones_now(&self) -> impl Iterator<Item = ZoneNow> + '_ {
        self.zones.now()
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
