//! Runs a network with ONNX Runtime.
//!
//! Outputs are only ever borrowed between two runs: their memory is bound once and the next run
//! writes over it, so a tensor that is kept would change under its keeper. One session runs on the
//! thread that calls it; nothing spins while it waits, because a box with four cameras has better
//! uses for its cores.

mod library;
mod session;

pub use library::{ENVIRONMENT, PROJECT_LIBRARY, find_library};
pub use session::look_into;

use super::decode::{DecodeError, Head, Output, Outputs, Values};
use super::letterbox::{Letterbox, TensorMut};
use super::manifest::{Element, HeadSpec, InputSpec, Layout, Manifest};
use super::{DetectError, Detection, Detector, DetectorSettings, nms};
use crate::capture::Picture;
use crate::time::FrameTime;
use ::ort::session::{
    HasSelectedOutputs, RunOptions, Session, SessionInputValue, SessionInputs, SessionOutputs,
};
use ::ort::value::{Tensor, TensorElementType};
use std::fmt;
use std::time::Duration;

/// A network that finds people, with its buffers.
pub struct OrtDetector {
    manifest: Manifest,
    head: Head,
    letterbox: Letterbox,
    input: InputTensor,
    /// The second input of exports with the post-processing inside: `(1, 2)` width and height.
    sizes: Option<SizesTensor>,
    session: Session,
    options: RunOptions<HasSelectedOutputs>,
    inference_cpu: Duration,
}

/// The input tensor, filled anew for every frame.
#[derive(Debug)]
enum InputTensor {
    F32(Tensor<f32>),
    U8(Tensor<u8>),
}

/// The picture's size as an input, and whether the network lists it before the picture.
#[derive(Debug)]
struct SizesTensor {
    tensor: Tensor<i64>,
    comes_first: bool,
}

impl fmt::Debug for OrtDetector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OrtDetector").field("manifest", &self.manifest).finish_non_exhaustive()
    }
}

impl OrtDetector {
    /// Loads the manifest, the library and the network, and checks that they fit.
    ///
    /// # Errors
    /// [`DetectError`] names the file, the library, the provider or the tensor, and what to do.
    pub fn open(settings: &DetectorSettings) -> Result<Self, DetectError> {
        if settings.threads == 0 {
            return Err(DetectError::Threads);
        }
        let manifest = Manifest::load(&settings.manifest)?;
        let environment = library::environment(settings.library.as_deref())?;
        let session = session::open(&environment, settings, &manifest)?;
        let outputs: Vec<&str> = session.outputs().iter().map(::ort::value::Outlet::name).collect();
        let head = Head::new(&manifest, &outputs);
        session::check(&session, &manifest, &head)?;
        let failed = |e: ::ort::Error| DetectError::Open {
            model: manifest.name.clone(),
            file: manifest.file.clone(),
            reason: e.to_string(),
        };
        Ok(Self {
            letterbox: Letterbox::new(&manifest.input),
            input: InputTensor::new(&manifest.input).map_err(failed)?,
            sizes: SizesTensor::new(&manifest, &session).map_err(failed)?,
            options: session::bind_outputs(&session, &head).map_err(failed)?,
            inference_cpu: Duration::ZERO,
            head,
            session,
            manifest,
        })
    }

    /// Runs the network on the filled input and adds its people, in model px.
    fn run(&mut self, out: &mut Vec<Detection>) -> Result<(), DetectError> {
        let picture: SessionInputValue<'_> = match &self.input {
            InputTensor::F32(tensor) => tensor.into(),
            InputTensor::U8(tensor) => tensor.into(),
        };
        let failed =
            |e: ::ort::Error| DetectError::Run { model: self.manifest.name.clone(), reason: e.to_string() };
        let before = thread_cpu();
        let ran = match &self.sizes {
            None => self.session.run_with_options([picture], &self.options),
            Some(sizes) => {
                let mut both = [picture, (&sizes.tensor).into()];
                both.rotate_left(usize::from(sizes.comes_first));
                self.session.run_with_options(SessionInputs::<0>::ValueSlice(&both), &self.options)
            }
        };
        self.inference_cpu += thread_cpu().saturating_sub(before);
        let outputs = RunOutputs(ran.map_err(failed)?);
        let wrong = |reason| DetectError::Output { model: self.manifest.name.clone(), reason };
        self.head.decode(&outputs, self.manifest.thresholds.score, out).map_err(wrong)
    }
}

impl Detector for OrtDetector {
    fn detect(
        &mut self,
        picture: &Picture,
        _at: FrameTime,
        out: &mut Vec<Detection>,
    ) -> Result<(), DetectError> {
        out.clear();
        let tensor = match &mut self.input {
            InputTensor::F32(tensor) => TensorMut::F32(tensor.extract_tensor_mut().1),
            InputTensor::U8(tensor) => TensorMut::U8(tensor.extract_tensor_mut().1),
        };
        let unseen = |reason| DetectError::Picture { model: self.manifest.name.clone(), reason };
        let source_from_model = self.letterbox.fill(picture, tensor).map_err(unseen)?;
        self.run(out)?;
        match self.manifest.thresholds.nms_iou {
            Some(max_iou) => nms::suppress(out, max_iou),
            None => nms::sort_best_first(out),
        }
        for found in out.iter_mut() {
            found.bbox = source_from_model.apply(&found.bbox);
        }
        // A box may lie wholly beside the picture, in the grey of a letterbox.
        out.retain(|found| found.bbox.is_sound());
        Ok(())
    }

    fn model(&self) -> &str {
        &self.manifest.name
    }

    fn inference_cpu(&self) -> Duration {
        self.inference_cpu
    }
}

/// CPU time of the calling thread, on which a session with one thread runs all of its work.
fn thread_cpu() -> Duration {
    let now = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    Duration::new(u64::try_from(now.tv_sec).unwrap_or(0), u32::try_from(now.tv_nsec).unwrap_or(0))
}

impl InputTensor {
    fn new(input: &InputSpec) -> ::ort::Result<Self> {
        let (width, height) = (i64::from(input.width), i64::from(input.height));
        let shape = match input.layout {
            Layout::Nchw => [1, 3, height, width],
            Layout::Nhwc => [1, height, width, 3],
        };
        let len = 3 * input.width as usize * input.height as usize;
        Ok(match input.element {
            Element::F32 => Self::F32(Tensor::from_array((shape, vec![0.0; len]))?),
            Element::U8 => Self::U8(Tensor::from_array((shape, vec![0; len]))?),
        })
    }
}

impl SizesTensor {
    fn new(manifest: &Manifest, session: &Session) -> ::ort::Result<Option<Self>> {
        let HeadSpec::Detr { sizes: Some(name), .. } = &manifest.head else { return Ok(None) };
        let (width, height) = (i64::from(manifest.input.width), i64::from(manifest.input.height));
        Ok(Some(Self {
            tensor: Tensor::from_array(([1_usize, 2], vec![width, height]))?,
            comes_first: session.inputs().first().is_some_and(|input| input.name() == name),
        }))
    }
}

/// The outputs of one run, by name.
struct RunOutputs<'a>(SessionOutputs<'a>);

impl Outputs for RunOutputs<'_> {
    fn get<'a>(&'a self, name: &'a str) -> Result<Output<'a>, DecodeError> {
        // The library's own look-up panics on an empty name.
        let found = (!name.is_empty()).then(|| self.0.get(name)).flatten();
        let value = found.ok_or_else(|| DecodeError::Missing { output: name.to_owned() })?;
        let wrong = |_| DecodeError::Type {
            output: name.to_owned(),
            got: value.dtype().to_string(),
            expected: "f32, i64 or i32",
        };
        let (shape, values) = match value.dtype().tensor_type() {
            Some(TensorElementType::Int64) => {
                value.try_extract_tensor().map(|(shape, values)| (shape, Values::I64(values)))
            }
            Some(TensorElementType::Int32) => {
                value.try_extract_tensor().map(|(shape, values)| (shape, Values::I32(values)))
            }
            _ => value.try_extract_tensor().map(|(shape, values)| (shape, Values::F32(values))),
        }
        .map_err(wrong)?;
        Ok(Output { name, shape, values })
    }
}
