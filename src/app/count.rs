//! `footfall count`: the pipeline of the service over a clip or a recording, as fast as it goes.
//!
//! It writes the records that the box would send, with a clock that starts where it is told to, so two
//! runs over one clip give the same bytes and any count can be argued about with a file in hand.

use crate::analytics::{LineTotal, ZoneTotal};
use crate::app::exit::Failure;
use crate::app::health::Health;
use crate::app::sights::Sights;
use crate::app::usage::{peak_rss_mb, process_cpu};
use crate::calendar::Schedule;
use crate::calibration::{Floor, FloorError};
use crate::capture::Frame;
use crate::config::Span;
use crate::detect::Detection;
use crate::geom::{ImagePoint, PictureSize};
use crate::health::HealthSettings;
use crate::ids::CameraId;
use crate::pipeline::{CameraEvent, Pipeline, PipelineSettings, SeenFrame};
use crate::recording::Moment;
use crate::time::Clock;
use crate::track::{PlaneName, Sighting};
use crate::wire::v1::{Fact, JsonLines, MadeBy};
use crate::zones::AllowedHours;
use crate::zones::{Area, VisitRule, ZoneNow};
use anyhow::Context;
use indicatif::{ProgressBar, ProgressStyle};
use std::io::Write;
use std::time::Duration;

/// A clip is shorter than this; so far around its start it is known when the store is open.
const HOURS_AROUND: Duration = Duration::from_secs(8 * 86_400);

/// What to count, and how.
#[derive(Debug, Clone)]
pub struct CountJob {
    /// The lines and how they count.
    pub pipeline: PipelineSettings,
    /// How the pictures are watched, where there are pictures.
    pub health: Option<HealthSettings>,
    /// When the store is open, for zones that go by it; none: nobody says.
    pub hours: Option<Schedule>,
    /// Whose records these are.
    pub camera: CameraId,
    /// Version of the geometry.
    pub geometry: String,
}

/// Draws what was seen; gets every frame that was used.
pub trait Watcher {
    /// Takes one frame with what was found and followed in it, and the totals so far.
    ///
    /// # Errors
    /// Where the drawing cannot be kept.
    fn watch(&mut self, seen: &Seen<'_>) -> anyhow::Result<()>;
}

/// One frame that was used, as a [`Watcher`] sees it.
#[derive(Debug)]
pub struct Seen<'a> {
    /// The frame.
    pub frame: &'a Frame,
    /// What the network found, px of this frame.
    pub detections: &'a [Detection],
    /// Confirmed tracks seen now, px of the configured picture.
    pub sightings: &'a [Sighting],
    /// Totals of each line so far.
    pub totals: &'a [LineTotal],
    /// Every zone as it is now.
    pub zones: &'a [ZoneNow],
}

/// What a count came to.
#[derive(Debug, Clone, PartialEq)]
pub struct CountSummary {
    /// Frames decoded.
    pub frames: u64,
    /// Frames looked at.
    pub frames_used: u64,
    /// Totals of each line.
    pub lines: Vec<LineTotal>,
    /// Totals of each zone, and what a stay had to be to count there.
    pub zones: Vec<(ZoneTotal, VisitRule)>,
    /// CPU time of the process, start-up included.
    pub cpu: Duration,
    /// Time that passed, opening the network and the clip included.
    pub wall: Duration,
    /// CPU time inside the network's `run`.
    pub inference_cpu: Duration,
    /// Most memory in use, MB; none where the system does not say.
    pub peak_rss_mb: Option<f64>,
    /// The network.
    pub model: String,
}

impl CountSummary {
    /// The object that `--json` prints.
    #[must_use]
    pub fn to_json(&self) -> serde_json::Value {
        let line =
            |l: &LineTotal| (l.line.to_string(), serde_json::json!({ "in": l.entries, "out": l.exits }));
        serde_json::json!({
            "frames": self.frames,
            "frames_used": self.frames_used,
            "lines": self.lines.iter().map(line).collect::<serde_json::Map<_, _>>(),
            "zones": self.zones.iter().map(zone_json).collect::<serde_json::Map<_, _>>(),
            "cpu_seconds": rounded(self.cpu.as_secs_f64()),
            "wall_seconds": rounded(self.wall.as_secs_f64()),
            "inference_cpu_seconds": rounded(self.inference_cpu.as_secs_f64()),
            "peak_rss_mb": self.peak_rss_mb.map(rounded),
            "model": self.model,
        })
    }

    /// The same for people.
    #[must_use]
    pub fn to_text(&self) -> String {
        let mut text = String::new();
        for total in &self.lines {
            text +=
                &format!("{:<20} in {:>5}   out {:>5}\n", total.line.as_str(), total.entries, total.exits);
        }
        for (total, rule) in &self.zones {
            text += &zone_text(total, rule);
        }
        let per_frame = |span: Duration| 1e3 * span.as_secs_f64() / self.frames_used.max(1) as f64;
        text += &format!(
            "{} of {} frames looked at with {}; CPU {:.1} ms a frame, {:.1} of it in the network; memory {:.0} MB",
            self.frames_used,
            self.frames,
            self.model,
            per_frame(self.cpu),
            per_frame(self.inference_cpu),
            self.peak_rss_mb.unwrap_or(f64::NAN),
        );
        text
    }
}

/// A zone's visits. Where nobody visited it there is no dwell, and 0 would be a lie.
fn zone_json((total, rule): &(ZoneTotal, VisitRule)) -> (String, serde_json::Value) {
    let seconds = |span: Option<Duration>| span.map(|span| rounded(span.as_secs_f64()));
    let waited = u32::try_from(total.queued).ok().filter(|people| *people > 0);
    let value = serde_json::json!({
        "visits": total.dwells.len(),
        "engaged": total.engaged,
        "dwell_s_mean": seconds(total.mean_dwell()),
        "dwell_s_median": seconds(total.median_dwell()),
        "dwell_s_longest": seconds(total.dwells.iter().max().copied()),
        "most_present": total.most_present,
        "queued": total.queued,
        "abandoned": total.abandoned,
        "wait_s_mean": seconds(waited.map(|people| total.wait / people)),
        "rule": {
            "visit_after_s": rounded(rule.visit_after.as_secs_f64()),
            "leave_after_s": rounded(rule.leave_after.as_secs_f64()),
            "engaged_after_s": rounded(rule.engaged_after.as_secs_f64()),
        },
    });
    (total.zone.to_string(), value)
}

fn zone_text(total: &ZoneTotal, rule: &VisitRule) -> String {
    let span =
        |span: Option<Duration>| span.map_or("-".to_owned(), |span| format!("{:.1} s", span.as_secs_f64()));
    let mut text = format!(
        "{:<20} visits {:>5}   engaged {:>5}   dwell: mean {}, median {} (a visit lasts {} or longer, an engaged one {})\n",
        total.zone.as_str(),
        total.dwells.len(),
        total.engaged,
        span(total.mean_dwell()),
        span(total.median_dwell()),
        Span(rule.visit_after),
        Span(rule.engaged_after),
    );
    if let Some(people) = u32::try_from(total.queued).ok().filter(|people| *people > 0) {
        let mean = span(Some(total.wait / people));
        text += &format!(
            "{:<20} queued {people:>5}   gave up {:>5}   waited on the average {mean}\n",
            "", total.abandoned
        );
    }
    text
}

fn rounded(number: f64) -> f64 {
    (number * 1e3).round() / 1e3
}

/// One count under way.
struct Count<'a, 'w> {
    job: &'a CountJob,
    sights: &'a mut dyn Sights,
    health: Option<Health>,
    events: JsonLines<&'a mut dyn Write>,
    watcher: Option<&'a mut (dyn Watcher + 'w)>,
    progress: ProgressBar,
    made_by: MadeBy,
    totals: Vec<LineTotal>,
    zone_totals: Vec<ZoneTotal>,
    zones_now: Vec<ZoneNow>,
    detections: Vec<Detection>,
    told: Vec<CameraEvent>,
    frames_used: u64,
}

/// Counts what there is to see; every record goes to `events` as one line of JSON. `clock` began with the opening.
///
/// # Errors
/// Where nothing can be seen, a line lies outside the picture, or a file cannot be written.
pub fn count_sights<'a>(
    job: &'a CountJob,
    sights: &'a mut dyn Sights,
    clock: &dyn Clock,
    events: &'a mut dyn Write,
    watcher: Option<&'a mut (dyn Watcher + '_)>,
) -> anyhow::Result<CountSummary> {
    let made_by = MadeBy {
        camera: job.camera.clone(),
        run: sights.start().wall,
        model: sights.model().to_owned(),
        geometry: job.geometry.clone(),
        plane: PlaneName::Image,
    };
    let totals = job.pipeline.lines.iter().map(|line| LineTotal::none_yet(line.id.clone()));
    let mut count = Count {
        totals: totals.collect(),
        zone_totals: job.pipeline.zones.iter().map(|zone| ZoneTotal::none_yet(zone.id.clone())).collect(),
        zones_now: Vec::new(),
        progress: progress_bar(sights.frames()),
        events: JsonLines::new(events),
        health: job.health.map(Health::of_clip),
        job,
        sights,
        watcher,
        made_by,
        detections: Vec::new(),
        told: Vec::new(),
        frames_used: 0,
    };
    let frames = count.play()?;
    Ok(CountSummary {
        frames,
        frames_used: count.frames_used,
        lines: count.totals,
        zones: job
            .pipeline
            .zones
            .iter()
            .map(|zone| zone.rule)
            .zip(count.zone_totals)
            .map(|(r, t)| (t, r))
            .collect(),
        cpu: process_cpu(),
        wall: clock.now().elapsed,
        inference_cpu: count.sights.inference_cpu(),
        peak_rss_mb: peak_rss_mb(),
        model: count.made_by.model,
    })
}

impl Count<'_, '_> {
    /// Plays all there is; gives the number of frames decoded.
    fn play(&mut self) -> anyhow::Result<u64> {
        let start = self.sights.start();
        let mut pipeline = Pipeline::new(self.job.pipeline.clone(), start)?;
        if let Some(hours) = &self.job.hours {
            pipeline.allowed_hours(&AllowedHours::open_around(hours, start.wall, HOURS_AROUND));
        }
        loop {
            match self.sights.next(&mut self.detections)? {
                Moment::Frame(frame) => self.look(&mut pipeline, frame)?,
                Moment::Interrupted(at) => {
                    // As the service does with a frame that it cannot look at.
                    pipeline.interrupted();
                    pipeline.tick(at, &mut self.told);
                    self.tell()?;
                }
                Moment::End { frames, at } => {
                    pipeline.finish(at, &mut self.told);
                    self.tell()?;
                    self.progress.finish_and_clear();
                    return Ok(frames);
                }
            }
        }
    }

    fn look(&mut self, pipeline: &mut Pipeline, seen: SeenFrame) -> anyhow::Result<()> {
        if self.frames_used == 0 {
            self.check_places(seen.size)?;
        }
        self.frames_used += 1;
        self.progress.set_position(seen.number);
        if let Some((health, frame)) = self.health.as_mut().zip(self.sights.frame()) {
            health.look(frame, pipeline, &mut self.told);
        }
        let stepped = pipeline.step(seen, &self.detections, &mut self.told);
        self.made_by.plane = pipeline.plane();
        if let Err(refused) = stepped {
            let refused =
                anyhow::Error::new(refused).context(format!("{}: frame {}", self.sights.name(), seen.number));
            if self.frames_used == 1 {
                return Err(refused);
            }
            // As the service does: the picture may change back, and what was counted before is counted.
            tracing::warn!("{refused:#}");
            pipeline.tick(seen.at, &mut self.told);
            return self.tell();
        }
        self.tell()?;
        let Some((watcher, frame)) = self.watcher.as_deref_mut().zip(self.sights.frame()) else {
            return Ok(());
        };
        self.zones_now.clear();
        self.zones_now.extend(pipeline.zones_now());
        watcher.watch(&Seen {
            frame,
            zones: &self.zones_now,
            detections: &self.detections,
            sightings: pipeline.sightings(),
            totals: &self.totals,
        })
    }

    /// A clip given without a configuration says only now how large its picture is.
    fn check_places(&self, seen: PictureSize) -> Result<(), Failure> {
        let pipeline = &self.job.pipeline;
        let size = pipeline.picture.unwrap_or(seen);
        let fault = |fault: FloorError| Failure::Input(format!("calibration: {fault}"));
        let floor = pipeline.floor.clone().map(|floor| floor.for_picture(size)).transpose().map_err(fault)?;
        for line in &pipeline.lines {
            check_points(
                &format!("line {}", line.id),
                &[line.segment.a, line.segment.b],
                size,
                floor.as_ref(),
            )?;
        }
        for zone in &pipeline.zones {
            let service = zone.queue.as_ref().map(|queue| &queue.service);
            for area in std::iter::once(&zone.area).chain(service) {
                if let Area::Image(polygon) = area {
                    // A zone may reach over the horizon: nobody stands there.
                    check_points(&format!("zone {}", zone.id), polygon.corners(), size, None)?;
                } else if floor.is_none() {
                    return Err(Failure::Input(format!(
                        "zone {}: it lies on the floor; say with --calibration where the floor is",
                        zone.id
                    )));
                }
            }
        }
        Ok(())
    }

    /// Writes what the pipeline said, and adds it up.
    fn tell(&mut self) -> anyhow::Result<()> {
        for event in self.told.drain(..) {
            match &event {
                CameraEvent::Crossing(crossing) => {
                    self.totals.iter_mut().for_each(|total| total.add(crossing));
                }
                CameraEvent::Visit(visit) => self.zone_totals.iter_mut().for_each(|total| total.visit(visit)),
                CameraEvent::ZoneMinute(minute) => {
                    self.zone_totals.iter_mut().for_each(|total| total.minute(minute));
                }
                CameraEvent::Queue(queued) => {
                    self.zone_totals.iter_mut().for_each(|total| total.queued(queued));
                }
                _ => {}
            }
            let fact = Fact::of(&self.made_by, &event);
            self.events.write(fact).context("cannot write the events")?;
        }
        Ok(())
    }
}

/// That points lie in the picture, and on the floor where there is one.
fn check_points(
    what: &str,
    points: &[ImagePoint],
    size: PictureSize,
    floor: Option<&Floor>,
) -> Result<(), Failure> {
    if let Some(stray) = points.iter().find(|point| !size.contains(**point)) {
        return Err(Failure::Input(format!(
            "{what}: [{}, {}] lies outside the picture of {size}; give coordinates from 0 to {} and 0 to {}",
            stray.x, stray.y, size.width, size.height
        )));
    }
    let held = floor.map_or(Ok(()), |floor| floor.holds(what, points));
    held.map_err(|fault| Failure::Input(format!("calibration: {fault}")))
}

fn progress_bar(frames: Option<u64>) -> ProgressBar {
    // indicatif draws on stderr, and only where that is a terminal.
    let bar = frames.map_or_else(ProgressBar::no_length, ProgressBar::new);
    let shape = "{wide_bar} {pos}/{len} frames, {per_sec}, {eta} left";
    bar.with_style(ProgressStyle::with_template(shape).unwrap_or_else(|_| ProgressStyle::default_bar()))
}
