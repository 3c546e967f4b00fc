//! A picture of a camera when somebody asks for one, with everybody in it pixelated before it is packed.
//!
//! The thread that counts makes it between two frames, because it has what is needed: the picture, and all that was found
//! around it for a second before and after. Nothing but a `VeiledPicture` leaves it. Whatever is in doubt ends without a
//! picture: a network that fails or that tells only of people it is sure of, a place that is not known yet, frames that come too
//! seldom, a camera that looks down and is watched without a network.

use crate::audit::veil::{COVER, LONGEST_GAP};
use crate::audit::{Stillness, Veil, VeiledPicture};
use crate::capture::Frame;
use crate::config::{EdgeSettings, Pictures};
use crate::detect::{Detection, DetectorKind, Manifest};
use crate::geom::ImageBox;
use crate::ids::CameraId;
use crate::time::FrameTime;
use crate::wire::v1::fleet::{MAX_PICTURE_BYTES, Picture};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use image::ExtendedColorType;
use image::codecs::jpeg::JpegEncoder;
use std::collections::BTreeMap;
use std::sync::mpsc::{RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Widest picture, px. Enough to see a lens that was turned away or covered; a face that everything missed is a few px wide two
/// metres from the camera.
pub(super) const WIDTH_PX: u32 = 480;

/// A network that tells of people only from a higher score on would leave half-hidden ones out of the mosaic.
const HIGHEST_SCORE: f32 = 0.25;

/// A picture takes two seconds of frames.
const PATIENCE: Duration = Duration::from_secs(8);

/// Of what JPEG allows: a mosaic has nothing that more would keep.
const JPEG_QUALITY: u8 = 75;

/// What was asked for, or why there is none.
type Answer = Result<Taken, String>;

/// A veiled picture.
struct Taken {
    picture: VeiledPicture,
    /// How many people were found on it.
    people: u32,
}

/// Where pictures are asked for; the same for all cameras of a service.
#[derive(Clone, Default)]
pub(super) struct Patrol {
    asked: Arc<Mutex<BTreeMap<CameraId, SyncSender<Answer>>>>,
}

impl Patrol {
    /// A picture of a camera as it is now; takes some seconds.
    ///
    /// # Errors
    /// In words, why there is none.
    pub(super) fn picture(&self, Permit { camera }: &Permit) -> Result<Picture, String> {
        let (reply, answer) = sync_channel(1);
        self.lock().insert(camera.clone(), reply);
        let answer = answer.recv_timeout(PATIENCE);
        self.lock().remove(camera);
        match answer {
            Ok(Ok(taken)) => packed(camera, &taken),
            Ok(Err(why)) => Err(why),
            Err(RecvTimeoutError::Timeout) => Err(format!("camera {camera} gives no pictures")),
            Err(RecvTimeoutError::Disconnected) => Err(format!("camera {camera} was started anew")),
        }
    }

    fn taken(&self, camera: &CameraId) -> Option<SyncSender<Answer>> {
        self.lock().remove(camera)
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<CameraId, SyncSender<Answer>>> {
        // Every change is one call, so a poisoned table is still whole.
        self.asked.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A camera of which pictures may be made. Only [`permit`] makes one.
#[derive(Debug)]
pub(super) struct Permit {
    camera: CameraId,
}

/// Whether pictures may be made here, and of this camera.
///
/// # Errors
/// In words, why not.
pub(super) fn permit(settings: &EdgeSettings, camera: &CameraId) -> Result<Permit, String> {
    if !pictures_allowed(settings) {
        return Err("this box gives no pictures: its own file says [fleet] pictures = \"never\"".to_owned());
    }
    let Some(known) = settings.cameras.iter().find(|one| one.id == *camera) else {
        return Err(format!("there is no camera {camera} on this box"));
    };
    if known.detector == DetectorKind::Foreground {
        let why = "looks down and is watched without a network, so whoever stands still could be missed; no picture is made of it";
        return Err(format!("camera {camera} {why}"));
    }
    let manifest = Manifest::load(&settings.detector.manifest).map_err(|fault| fault.to_string())?;
    if manifest.thresholds.score > HIGHEST_SCORE {
        return Err(format!(
            "model {} tells of nobody below a score of {}; for pictures its manifest has to say {HIGHEST_SCORE} or less",
            manifest.name, manifest.thresholds.score
        ));
    }
    Ok(Permit { camera: camera.clone() })
}

/// Whether the box's own file lets pictures out.
pub(super) fn pictures_allowed(settings: &EdgeSettings) -> bool {
    settings.fleet.as_ref().is_some_and(|fleet| fleet.pictures == Pictures::Veiled)
}

fn packed(camera: &CameraId, taken: &Taken) -> Result<Picture, String> {
    let (picture, mut jpeg) = (&taken.picture, Vec::new());
    let size = picture.size();
    let mut encoder = JpegEncoder::new_with_quality(&mut jpeg, JPEG_QUALITY);
    let encoded = encoder.encode(picture.rgb(), size.width, size.height, ExtendedColorType::Rgb8);
    encoded.map_err(|fault| format!("the picture cannot be packed: {fault}"))?;
    if jpeg.len() > MAX_PICTURE_BYTES {
        return Err(format!("the picture takes {} bytes, more than is sent", jpeg.len()));
    }
    let taken_ms = picture.at().wall.unix_ms();
    Ok(Picture { camera: camera.to_string(), taken_ms, people: taken.people, jpeg: STANDARD.encode(jpeg) })
}

/// One camera's part, on the thread that counts.
pub(super) struct Watchman {
    patrol: Patrol,
    camera: CameraId,
    place: Stillness,
    taking: Option<Taking>,
    moved: Vec<ImageBox>,
    covered: Vec<Detection>,
}

/// A picture that is being made.
struct Taking {
    reply: SyncSender<Answer>,
    veil: Veil,
    begun: FrameTime,
    last: FrameTime,
    /// How many people were found on the picture that is held back.
    people: Option<u32>,
}

impl Watchman {
    pub(super) fn new(patrol: Patrol, camera: CameraId) -> Self {
        let (moved, covered) = (Vec::new(), Vec::new());
        Self { patrol, camera, place: Stillness::default(), taking: None, moved, covered }
    }

    /// Takes a frame and the people that were found on it.
    pub(super) fn frame(&mut self, frame: &Frame, people: &[Detection]) {
        self.place.look(frame.at, &frame.picture);
        if let Some(reply) = self.patrol.taken(&self.camera) {
            self.taking = Some(Taking {
                reply,
                veil: Veil::new(WIDTH_PX),
                begun: frame.at,
                last: frame.at,
                people: None,
            });
        }
        let Some(mut taking) = self.taking.take() else { return };
        self.moved.clear();
        if !self.place.moved(&frame.picture, &mut self.moved) {
            let why = "what this place looks like is not known until the camera was there for half a minute; ask again";
            return taking.end(Err(why.to_owned()));
        }
        self.covered.clear();
        self.covered.extend_from_slice(people);
        self.covered.extend(self.moved.iter().map(|bbox| Detection { bbox: *bbox, score: 0.0 }));
        if let Some(answer) = taking.frame(frame, people.len(), &self.covered) {
            return taking.end(answer);
        }
        self.taking = Some(taking);
    }

    /// A frame could not be looked at, so nobody knows who is on it.
    pub(super) fn not_seen(&mut self, why: &str) {
        let waiting = self.patrol.taken(&self.camera);
        for reply in waiting.into_iter().chain(self.taking.take().map(|taking| taking.reply)) {
            tell(&reply, Err(format!("its pictures cannot be looked at ({why}), so none is made")));
        }
    }
}

impl Taking {
    /// Takes a frame; what came of it all, once that is known.
    fn frame(&mut self, frame: &Frame, people: usize, covered: &[Detection]) -> Option<Answer> {
        let is_late = frame.at.since(std::mem::replace(&mut self.last, frame.at)) > LONGEST_GAP;
        self.veil.found(frame.at, frame.picture.size(), covered);
        // So that what was found a second before it is known too.
        if self.people.is_none() && frame.at.since(self.begun) >= COVER {
            self.people = Some(u32::try_from(people).unwrap_or(u32::MAX));
            self.veil.hold(frame.at, &frame.picture);
        }
        if is_late || self.veil.next_dropped().is_some() {
            return Some(Err("pictures come too seldom to know who is on them".to_owned()));
        }
        let picture = self.veil.next(frame.at)?;
        Some(Ok(Taken { picture, people: self.people.unwrap_or_default() }))
    }

    fn end(self, answer: Answer) {
        tell(&self.reply, answer);
    }
}

fn tell(reply: &SyncSender<Answer>, answer: Answer) {
    if reply.try_send(answer).is_err() {
        tracing::debug!("nobody waits for the picture any more");
    }
}

#[cfg(test)]
mod tests;
