//! The clip that `footfall count --video` writes: boxes, tracks, lines and totals over what the camera saw.

use super::count::{Seen, Watcher};
use super::draw::{BoxMark, ClipWriter, LineMark, Overlay, Trail, ZoneKind, ZoneMark, draw};
use crate::analytics::LineTotal;
use crate::calibration::Floor;
use crate::capture::Picture;
use crate::count::{Anchor, Band};
use crate::geom::{FloorPoint, ImageBox, ImagePoint, PictureSize, Polygon, Segment};
use crate::pipeline::PipelineSettings;
use crate::track::Sighting;
use crate::zones::{Area, ZoneNow};
use std::borrow::Cow;
use std::collections::VecDeque;
use std::path::{Path, PathBuf};

/// Frames for which a track's way is drawn: some four seconds at ten a second.
const TRAIL_FRAMES: u64 = 40;

/// Height in px for which a band given in heights is drawn: it is as wide as for a person who stands at the line.
const USUAL_HEIGHT_SHARE: f32 = 0.15;

/// A clip being drawn.
pub struct Film {
    path: PathBuf,
    writer: Option<ClipWriter>,
    pipeline: PipelineSettings,
    /// Frames a second of the drawn clip, where somebody says it.
    fps: Option<f64>,
    trails: Vec<LivingTrail>,
    picture: Picture,
    /// Time of the first frame and how many were drawn, which give the rate where nobody states it.
    first_frames: Vec<f64>,
    waiting: Vec<Picture>,
}

/// Where one point of a track was in the last frames, by the frame's number, oldest first.
struct LivingTrail {
    track: u64,
    anchor: Anchor,
    points: VecDeque<(u64, ImagePoint)>,
}

/// Pictures kept until the clip's rate is known from their times.
const RATE_FRAMES: usize = 3;

impl Film {
    /// A clip that will be written to `path` as the frames come.
    #[must_use]
    pub fn new(path: &Path, pipeline: &PipelineSettings, fps: Option<f64>) -> Self {
        Self {
            path: path.to_owned(),
            writer: None,
            pipeline: pipeline.clone(),
            fps,
            trails: Vec::new(),
            picture: Picture::default(),
            first_frames: Vec::new(),
            waiting: Vec::new(),
        }
    }

    /// Ends the clip.
    ///
    /// # Errors
    /// Where it could not be written to its end.
    pub fn finish(mut self) -> anyhow::Result<()> {
        self.write_waiting()?;
        match self.writer {
            Some(writer) => Ok(writer.finish()?),
            None => Ok(()),
        }
    }

    fn follow(&mut self, seen: &Seen<'_>) {
        let number = seen.frame.number;
        let onto = Scale::of(&self.pipeline, seen.frame.picture.size());
        // Sightings of a track that is confirmed only now come later than their frames.
        for (sighting, anchor) in each_with(seen.sightings, &anchors(&self.pipeline)) {
            let (track, point) = (sighting.track.0, onto.point(anchor.of(&sighting.bbox)));
            let known = self.trails.iter_mut().find(|trail| trail.track == track && trail.anchor == anchor);
            match known {
                Some(trail) => trail.points.push_back((sighting.frame, point)),
                None => {
                    self.trails.push(LivingTrail { track, anchor, points: [(sighting.frame, point)].into() })
                }
            }
        }
        // Without this a long clip would carry the way of everybody who was ever in it.
        for trail in &mut self.trails {
            trail.points.retain(|(frame, _)| number.saturating_sub(*frame) < TRAIL_FRAMES);
        }
        self.trails.retain(|trail| !trail.points.is_empty());
    }

    fn overlay(&self, seen: &Seen<'_>) -> Overlay {
        let size = seen.frame.picture.size();
        let onto = Scale::of(&self.pipeline, size);
        let now = |sighting: &&Sighting| sighting.frame == seen.frame.number;
        let now: Vec<Sighting> = seen.sightings.iter().filter(now).copied().collect();
        let boxed = |s: &Sighting| BoxMark { bbox: onto.bbox(&s.bbox), score: None, track: Some(s.track.0) };
        let points = each_with(&now, &anchors(&self.pipeline));
        let trail = |living: &LivingTrail| Trail {
            track: living.track,
            points: living.points.iter().map(|(_, point)| *point).collect(),
        };
        Overlay {
            trails: self.trails.iter().map(trail).collect(),
            boxes: now.iter().map(boxed).collect(),
            feet: points.iter().map(|(sighting, anchor)| onto.point(anchor.of(&sighting.bbox))).collect(),
            caption: format!("frame {}", seen.frame.number),
            zones: zone_marks(&self.pipeline, Some(seen.zones), size),
            ..marks(&self.pipeline, seen.totals, size)
        }
    }

    fn write_waiting(&mut self) -> anyhow::Result<()> {
        for picture in std::mem::take(&mut self.waiting) {
            self.write(&picture)?;
        }
        Ok(())
    }

    fn write(&mut self, picture: &Picture) -> anyhow::Result<()> {
        if self.writer.is_none() {
            self.writer = Some(ClipWriter::create(&self.path, picture.size(), self.rate())?);
        }
        match &mut self.writer {
            Some(writer) => Ok(writer.write(picture)?),
            None => Ok(()),
        }
    }

    /// Frames a second of the drawn clip, so that it plays as fast as the original.
    fn rate(&self) -> f64 {
        if let Some(fps) = self.fps {
            return fps;
        }
        match (self.first_frames.first(), self.first_frames.last()) {
            (Some(first), Some(last)) if last > first => {
                (self.first_frames.len() - 1) as f64 / (last - first)
            }
            _ => crate::capture::pictures::DEFAULT_FPS,
        }
    }
}

impl Watcher for Film {
    fn watch(&mut self, seen: &Seen<'_>) -> anyhow::Result<()> {
        self.follow(seen);
        let overlay = self.overlay(seen);
        self.picture.clone_from(&seen.frame.picture);
        let mut picture = std::mem::take(&mut self.picture);
        draw(&overlay, &mut picture)?;
        if self.first_frames.len() < RATE_FRAMES {
            self.first_frames.push(seen.frame.at.elapsed.as_secs_f64());
            self.waiting.push(picture);
            return Ok(());
        }
        self.write_waiting()?;
        self.write(&picture)?;
        self.picture = picture;
        Ok(())
    }
}

/// Each of `seen` once with each of the points that count.
fn each_with<T: Copy>(seen: &[T], anchors: &[Anchor]) -> Vec<(T, Anchor)> {
    seen.iter().flat_map(|one| anchors.iter().map(|anchor| (*one, *anchor))).collect()
}

/// The points of a person that count on any of the lines, each once; the foot where there is no line.
#[must_use]
pub fn anchors(pipeline: &PipelineSettings) -> Vec<Anchor> {
    let counts = |anchor: &Anchor| pipeline.lines.iter().any(|line| line.anchor == *anchor);
    let anchors: Vec<Anchor> = Anchor::ALL.into_iter().filter(counts).collect();
    if anchors.is_empty() { vec![Anchor::default()] } else { anchors }
}

/// From px of the configured picture to px of the one that is drawn on, which may have another size.
#[derive(Debug, Clone, Copy)]
struct Scale {
    x: f32,
    y: f32,
}

impl Scale {
    fn of(pipeline: &PipelineSettings, size: PictureSize) -> Self {
        let from = pipeline.picture.unwrap_or(size);
        let share = |to: u32, from: u32| to as f32 / from.max(1) as f32;
        Self { x: share(size.width, from.width), y: share(size.height, from.height) }
    }

    fn point(self, point: ImagePoint) -> ImagePoint {
        ImagePoint::new(point.x * self.x, point.y * self.y)
    }

    fn bbox(self, bbox: &ImageBox) -> ImageBox {
        bbox.scaled(self.x, self.y)
    }

    fn segment(self, segment: Segment) -> Segment {
        Segment::new(self.point(segment.a), self.point(segment.b))
    }

    /// None where nothing is left of it on a very small picture.
    fn polygon(self, polygon: &Polygon) -> Option<Polygon> {
        Polygon::new(polygon.corners().iter().map(|corner| self.point(*corner)).collect()).ok()
    }

    /// A length whose direction is not known; only pictures of one shape are counted, so both shares are alike.
    fn length(self, length_px: f32) -> f32 {
        0.5 * (self.x + self.y) * length_px
    }
}

/// What is configured, as marks on a picture of `size`; lines carry their totals where there are any.
#[must_use]
pub fn marks(pipeline: &PipelineSettings, totals: &[LineTotal], size: PictureSize) -> Overlay {
    let onto = Scale::of(pipeline, size);
    let lines = pipeline.lines.iter().map(|line| {
        let total = totals.iter().find(|total| total.line == line.id);
        let label = match total {
            Some(total) => format!("{}  in {}  out {}", line.id, total.entries, total.exits),
            None => anchor_label(line.id.as_str(), line.anchor),
        };
        let band_px = match line.band {
            Band::Px(width_px) => onto.length(width_px),
            Band::Heights(share) => share * USUAL_HEIGHT_SHARE * size.height as f32,
        };
        LineMark { segment: onto.segment(line.segment), band_px, label }
    });
    Overlay { zones: zone_marks(pipeline, None, size), lines: lines.collect(), ..Overlay::default() }
}

/// Every zone, with who is in it where that is known.
fn zone_marks(pipeline: &PipelineSettings, now: Option<&[ZoneNow]>, size: PictureSize) -> Vec<ZoneMark> {
    let onto = Scale::of(pipeline, size);
    let zone = |polygon: &Polygon, label: &str, kind| {
        onto.polygon(polygon).map(|polygon| ZoneMark { polygon, label: label.to_owned(), kind })
    };
    let excluded =
        pipeline.exclusion.iter().filter_map(|polygon| zone(polygon, "not counted", ZoneKind::Exclusion));
    let active = pipeline.lines.iter().flat_map(|line| {
        let label = format!("{}: seen here", line.id);
        line.activation.iter().filter_map(move |polygon| zone(polygon, &label, ZoneKind::Activation))
    });
    let visited = pipeline.zones.iter().flat_map(|settings| {
        let now = now.and_then(|now| now.iter().find(|now| now.zone == settings.id));
        let waiting =
            now.and_then(|now| now.queue).map(|people| format!("  waiting {people}")).unwrap_or_default();
        let label = match now {
            Some(now) => format!("{}  now {}  visits {}{waiting}", settings.id, now.present, now.visits),
            None => settings.id.to_string(),
        };
        let service =
            settings.queue.as_ref().map(|queue| (&queue.service, format!("{}: served here", settings.id)));
        let areas = std::iter::once((&settings.area, label)).chain(service);
        areas.filter_map(|(area, label)| {
            zone(&*on_picture(area, pipeline.floor.as_ref())?, &label, ZoneKind::Visits)
        })
    });
    excluded.chain(active).chain(visited).collect()
}

/// A zone's outline in px of the configured picture. None where a part of it lies behind the camera.
fn on_picture<'a>(area: &'a Area, floor: Option<&Floor>) -> Option<Cow<'a, Polygon>> {
    match area {
        Area::Image(polygon) => Some(Cow::Borrowed(polygon)),
        Area::Floor(polygon) => {
            let corner = |p: &FloorPoint| floor?.in_image(p.x_m, p.y_m);
            let corners = polygon.corners().iter().map(corner).collect::<Option<Vec<_>>>()?;
            Polygon::new(corners).ok().map(Cow::Owned)
        }
    }
}

fn anchor_label(line: &str, anchor: Anchor) -> String {
    match anchor {
        Anchor::Foot => line.to_owned(),
        other => format!("{line} ({})", other.name()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::capture::Frame;
    use crate::count::{LineRole, LineSettings};
    use crate::ids::{LineId, TrackId};
    use crate::time::FrameTime;
    use crate::track::TrackSettings;
    use crate::visitors::VisitorSettings;
    use std::time::Duration;

    const CONFIGURED: PictureSize = PictureSize { width: 200, height: 100 };
    const DOUBLE: PictureSize = PictureSize { width: 400, height: 200 };

    fn line(anchor: Anchor) -> LineSettings {
        let zone = [(0.0, 0.0), (50.0, 0.0), (50.0, 20.0)].map(|(x, y)| ImagePoint::new(x, y));
        LineSettings {
            id: LineId::parse("door").unwrap(),
            segment: Segment::new(ImagePoint::new(100.0, 10.0), ImagePoint::new(100.0, 90.0)),
            band: Band::Px(8.0),
            anchor,
            u_turn: Duration::ZERO,
            activation: vec![Polygon::new(zone.to_vec()).unwrap()],
            role: LineRole::default(),
        }
    }

    fn pipeline(anchors: &[Anchor]) -> PipelineSettings {
        PipelineSettings {
            picture: Some(CONFIGURED),
            rate: None,
            lines: anchors.iter().map(|anchor| line(*anchor)).collect(),
            exclusion: Vec::new(),
            zones: Vec::new(),
            visitors: VisitorSettings::default(),
            quarters: crate::analytics::QuarterSettings::default(),
            longest_gap: Duration::from_secs(2),
            tracking: TrackSettings::default(),
            floor: None,
            learns_floor: true,
        }
    }

    fn film(anchors: &[Anchor]) -> Film {
        Film {
            path: PathBuf::new(),
            writer: None,
            pipeline: pipeline(anchors),
            fps: None,
            trails: Vec::new(),
            picture: Picture::default(),
            first_frames: Vec::new(),
            waiting: Vec::new(),
        }
    }

    /// Follows somebody who is seen in every frame up to `last`, on frames of `size`, and gives what is drawn then.
    fn drawn(film: &mut Film, last: u64, size: PictureSize) -> Overlay {
        let mut overlay = Overlay::default();
        for number in 1..=last {
            let bbox = ImageBox::new(number as f32, 20.0, number as f32 + 10.0, 60.0);
            let sighting = Sighting { track: TrackId(1), bbox, frame: number, at: FrameTime::default() };
            let picture = Picture { width: size.width, height: size.height, bgr: Vec::new() };
            let frame = Frame { number, at: FrameTime::default(), picture };
            let seen =
                Seen { frame: &frame, detections: &[], sightings: &[sighting], totals: &[], zones: &[] };
            film.follow(&seen);
            overlay = film.overlay(&seen);
        }
        overlay
    }

    #[test]
    fn a_frame_of_twice_the_configured_size_is_drawn_on_at_twice_the_coordinates() {
        let overlay = drawn(&mut film(&[Anchor::Foot]), 1, DOUBLE);
        let line = &overlay.lines[0];
        let expected = Segment::new(ImagePoint::new(200.0, 20.0), ImagePoint::new(200.0, 180.0));
        assert_eq!((line.segment, line.band_px), (expected, 16.0));
        assert_eq!(overlay.zones[0].polygon.corners()[2], ImagePoint::new(100.0, 40.0));
        assert_eq!(overlay.boxes[0].bbox, ImageBox::new(2.0, 40.0, 22.0, 120.0));
        assert_eq!(overlay.feet, [ImagePoint::new(12.0, 120.0)]);
        assert_eq!(overlay.trails[0].points, overlay.feet);
    }

    #[test]
    fn the_points_that_count_are_drawn_and_no_other() {
        let points = |anchors: &[Anchor]| drawn(&mut film(anchors), 1, CONFIGURED).feet;
        let (head, centre) = (ImagePoint::new(6.0, 20.0), ImagePoint::new(6.0, 40.0));
        assert_eq!(points(&[Anchor::Head]), [head]);
        assert_eq!(points(&[Anchor::Head, Anchor::Centre, Anchor::Head]), [centre, head]);
        assert_eq!(points(&[]), [ImagePoint::new(6.0, 60.0)]);
    }

    #[test]
    fn a_trail_shows_the_last_frames_only() {
        let overlay = drawn(&mut film(&[Anchor::Foot]), 100, CONFIGURED);
        let points = &overlay.trails[0].points;
        assert_eq!(points.len() as u64, TRAIL_FRAMES);
        assert_eq!((points[0].x, points[39].x), (61.0 + 5.0, 100.0 + 5.0));
    }
}
