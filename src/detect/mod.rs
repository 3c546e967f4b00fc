//! Finds people in one picture: by a network without memory, or by what differs from the empty place.
//!
//! ```text
//! Picture -> letterbox -> the network's run -> decode -> nms -> Detection
//!   px       model px         tensors          model px        source px
//! ```
//!
//! All but the run is pure, and each step owns its buffers, so a frame costs no memory after the
//! first. What a network takes and gives is said by its manifest, never by code.

pub mod decode;
#[cfg(feature = "capture-opencv")]
pub mod foreground;
pub mod fused;
pub mod inspect;
pub mod kind;
pub mod letterbox;
pub mod manifest;
pub mod nms;
#[cfg(feature = "detect-ort")]
pub mod ort;

#[cfg(feature = "detect-ort")]
pub use self::ort::OrtDetector;
pub use decode::{DecodeError, Head};
#[cfg(feature = "capture-opencv")]
pub use foreground::ForegroundDetector;
pub use fused::FusedDetector;
pub use kind::DetectorKind;
pub use letterbox::{Letterbox, PictureError, SourceFromModel};
pub use manifest::{HeadKind, Manifest, ManifestError};

use crate::capture::Picture;
use crate::geom::ImageBox;
use crate::time::FrameTime;
use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

/// One box with its score, in source-image px. Only people leave this stage, so it has no class.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Detection {
    /// Where, in px of the source picture.
    pub bbox: ImageBox,
    /// How sure, 0 to 1.
    pub score: f32,
}

/// Something that finds people.
pub trait Detector: Send {
    /// Clears `out` and fills it with the people in `picture`, which was taken `at`, best first.
    ///
    /// Pictures of one camera are given in the order of their times: some detectors remember.
    ///
    /// # Errors
    /// [`DetectError`] names the model and what failed.
    fn detect(
        &mut self,
        picture: &Picture,
        at: FrameTime,
        out: &mut Vec<Detection>,
    ) -> Result<(), DetectError>;

    /// The model's name, which goes into every record.
    fn model(&self) -> &str;

    /// CPU time spent inside the network's `run` so far.
    fn inference_cpu(&self) -> Duration;
}

/// Why there are no detections.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DetectError {
    /// The manifest or its network's file.
    #[error(transparent)]
    Manifest(#[from] ManifestError),
    /// No ONNX Runtime anywhere.
    #[error(
        "the ONNX Runtime library is missing (looked for {looked_for}); run `make setup`, or set \
         FOOTFALL_ONNXRUNTIME to libonnxruntime.so"
    )]
    LibraryMissing {
        /// Every place, in order.
        looked_for: String,
    },
    /// There is a file and it is not ONNX Runtime.
    #[error(
        "cannot load the ONNX Runtime library {path}: {reason}; run `make setup`, or set FOOTFALL_ONNXRUNTIME"
    )]
    LibraryUnsound {
        /// The library.
        path: PathBuf,
        /// What the loader said.
        reason: String,
    },
    /// An ONNX Runtime from before the functions that we call.
    #[error(
        "the ONNX Runtime library {path} is version {found}, footfall needs 1.{needed} or newer; run `make setup`, \
         or set FOOTFALL_ONNXRUNTIME"
    )]
    LibraryTooOld {
        /// The library.
        path: PathBuf,
        /// Its version.
        found: String,
        /// The oldest minor version that will do.
        needed: u32,
    },
    /// A process can load one library only.
    #[error("the ONNX Runtime library {loaded} is loaded already; {asked} needs a process of its own")]
    LibraryInUse {
        /// The one in use.
        loaded: PathBuf,
        /// The other one.
        asked: PathBuf,
    },
    /// The library was built without it, or it cannot be started here.
    #[error(
        "execution provider {wanted} is not available: {reason}; this ONNX Runtime library has {available}"
    )]
    Provider {
        /// As asked for.
        wanted: Provider,
        /// What is wrong.
        reason: String,
        /// What could be asked for instead.
        available: String,
    },
    /// `threads` is 0.
    #[error("a detector needs at least 1 thread, got 0")]
    Threads,
    /// ONNX Runtime refuses the network.
    #[error("model {model}: ONNX Runtime cannot open {file}: {reason}")]
    Open {
        /// The model's name.
        model: String,
        /// The ONNX file.
        file: PathBuf,
        /// What ONNX Runtime said.
        reason: String,
    },
    /// The network's inputs or outputs are not those of the manifest.
    #[error("model {model}: {mismatch}")]
    Mismatch {
        /// The model's name.
        model: String,
        /// Which one, as it is and as the manifest has it.
        mismatch: String,
    },
    /// The picture cannot be looked at.
    #[error("model {model}: {reason}")]
    Picture {
        /// The model's name.
        model: String,
        /// What is wrong with it.
        reason: PictureError,
    },
    /// The run itself failed.
    #[error("model {model}: the run failed: {reason}")]
    Run {
        /// The model's name.
        model: String,
        /// What ONNX Runtime said.
        reason: String,
    },
    /// The run gave something else than the manifest says.
    #[error("model {model}: {reason}")]
    Output {
        /// The model's name.
        model: String,
        /// Which output, and how.
        reason: DecodeError,
    },
}

impl DetectError {
    /// Whether the next picture may go well. A wrong file, library or setting stays wrong.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::Picture { .. } | Self::Run { .. })
    }
}

/// Which network, run how.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DetectorSettings {
    /// The model's manifest (`models/*.toml`).
    pub manifest: PathBuf,
    /// The ONNX Runtime library; none: `FOOTFALL_ONNXRUNTIME`, then the usual places.
    pub library: Option<PathBuf>,
    /// What executes the network.
    pub provider: Provider,
    /// Threads inside one `run`; at least 1.
    pub threads: usize,
}

/// What executes the network.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Provider {
    /// ONNX Runtime's own kernels, always there.
    #[default]
    Cpu,
    /// Intel OpenVINO.
    OpenVino,
    /// NVIDIA CUDA.
    Cuda,
    /// NVIDIA TensorRT.
    TensorRt,
    /// Apple Core ML.
    CoreMl,
}

impl Provider {
    /// Every provider, for messages and help.
    pub const ALL: [Self; 5] = [Self::Cpu, Self::OpenVino, Self::Cuda, Self::TensorRt, Self::CoreMl];

    /// As written in the config.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Cpu => "cpu",
            Self::OpenVino => "openvino",
            Self::Cuda => "cuda",
            Self::TensorRt => "tensorrt",
            Self::CoreMl => "coreml",
        }
    }

    /// By its name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|provider| provider.name() == name)
    }
}

impl fmt::Display for Provider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waiting_helps_with_a_bad_picture_and_not_with_a_bad_file() {
        let reason = PictureError::Empty(crate::geom::PictureSize { width: 0, height: 0 });
        assert!(DetectError::Picture { model: "m".into(), reason }.is_transient());
        assert!(!DetectError::Threads.is_transient());
    }

    #[test]
    fn a_provider_is_found_by_the_name_it_shows() {
        for provider in Provider::ALL {
            assert_eq!(Provider::parse(&provider.to_string()), Some(provider));
        }
        assert_eq!(Provider::parse("gpu"), None);
    }
}
