//! Finds people in one picture, without memory of the one before.

use crate::capture::Picture;
use crate::geom::ImageBox;
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
    /// Clears `out` and fills it with the people in `picture`, best first.
    ///
    /// # Errors
    /// [`DetectError`] names the model and what failed.
    fn detect(&mut self, picture: &Picture, out: &mut Vec<Detection>) -> Result<(), DetectError>;

    /// The model's name, which goes into every record.
    fn model(&self) -> &str;

    /// CPU time spent inside the network's `run` so far.
    fn inference_cpu(&self) -> Duration;
}

/// Why there are no detections.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DetectError {
    /// placeholder, replaced by the detection work
    #[error("{0}")]
    Other(String),
}

/// Which network, run how.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DetectorSettings {
    /// The model's manifest (`models/*.toml`).
    pub manifest: std::path::PathBuf,
    /// The ONNX Runtime library; none: `FOOTFALL_ONNXRUNTIME`, then the usual places.
    pub library: Option<std::path::PathBuf>,
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
