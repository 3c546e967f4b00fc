//! The clip that `footfall count --video` writes: boxes, tracks, lines and totals over what the camera saw.

use super::count::{CountJob, LineTotal, Seen, Watcher};
use super::draw::{BoxMark, ClipWriter, LineMark, Overlay, Trail, ZoneKind, ZoneMark, draw};
use crate::capture::Picture;
use crate::count::{Anchor, Band};
use crate::geom::PictureSize;
use crate::pipeline::PipelineSettings;
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
    fps: Option<f64>,
    every: u64,
    trails: Vec<LivingTrail>,
    picture: Picture,
    /// Time of the first frame and how many were drawn, which give the rate where nobody states it.
    first_frames: Vec<f64>,
    waiting: Vec<Picture>,
}

struct LivingTrail {
    trail: Trail,
    last_frame: u64,
}

/// Pictures kept until the clip's rate is known from their times.
const RATE_FRAMES: usize = 3;

impl Film {
    /// A clip that will be written to `path` as the frames come.
    #[must_use]
    pub fn new(path: &Path, job: &CountJob) -> Self {
        Self {
            path: path.to_owned(),
            writer: None,
            pipeline: job.pipeline.clone(),
            fps: job.fps,
            every: job.every,
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
        for sighting in seen.sightings {
            let foot = sighting.bbox.foot();
            match self.trails.iter_mut().find(|living| living.trail.track == sighting.track.0) {
                Some(living) => {
                    living.trail.points.push(foot);
                    living.last_frame = number;
                }
                None => self.trails.push(LivingTrail {
                    trail: Trail { track: sighting.track.0, points: vec![foot] },
                    last_frame: number,
                }),
            }
        }
        // Without this a long clip would carry the way of everybody who was ever in it.
        self.trails.retain(|living| number.saturating_sub(living.last_frame) <= TRAIL_FRAMES);
    }

    fn overlay(&self, seen: &Seen<'_>) -> Overlay {
        let now = seen.sightings.iter().filter(|sighting| sighting.frame == seen.frame.number);
        Overlay {
            trails: self.trails.iter().map(|living| living.trail.clone()).collect(),
            boxes: now
                .clone()
                .map(|s| BoxMark { bbox: s.bbox, score: None, track: Some(s.track.0) })
                .collect(),
            feet: now.map(|sighting| sighting.bbox.foot()).collect(),
            caption: format!("frame {}", seen.frame.number),
            ..marks(&self.pipeline, seen.totals, seen.frame.picture.size())
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
            return fps / self.every as f64;
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

/// What is configured, as marks on a picture; lines carry their totals where there are any.
#[must_use]
pub fn marks(pipeline: &PipelineSettings, totals: &[LineTotal], size: PictureSize) -> Overlay {
    let zone = |polygon: &crate::geom::Polygon, label: &str, kind| ZoneMark {
        polygon: polygon.clone(),
        label: label.to_owned(),
        kind,
    };
    let excluded = pipeline.exclusion.iter().map(|polygon| zone(polygon, "not counted", ZoneKind::Exclusion));
    let active = pipeline.lines.iter().flat_map(|line| {
        let label = format!("{}: seen here", line.id);
        line.activation.iter().map(move |polygon| zone(polygon, &label, ZoneKind::Activation))
    });
    let lines = pipeline.lines.iter().map(|line| {
        let total = totals.iter().find(|total| total.line == line.id);
        let label = match total {
            Some(total) => format!("{}  in {}  out {}", line.id, total.entries, total.exits),
            None => anchor_label(line.id.as_str(), line.anchor),
        };
        let band_px = match line.band {
            Band::Px(width_px) => width_px,
            Band::Heights(share) => share * USUAL_HEIGHT_SHARE * size.height as f32,
        };
        LineMark { segment: line.segment, band_px, label }
    });
    Overlay { zones: excluded.chain(active).collect(), lines: lines.collect(), ..Overlay::default() }
}

fn anchor_label(line: &str, anchor: Anchor) -> String {
    match anchor {
        Anchor::Foot => line.to_owned(),
        Anchor::Centre => format!("{line} (centre)"),
        Anchor::Head => format!("{line} (head)"),
    }
}
