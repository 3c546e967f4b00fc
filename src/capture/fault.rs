//! Why a source gives no frame.
//!
//! Texts name the source as [`SourceAddress`] shows it, never with a credential. So no text of a
//! library is repeated for a network source: it may hold the whole URL.

use super::SourceAddress;
use crate::geom::PictureSize;
use std::path::PathBuf;
use std::time::Duration;

/// Why a source gives no frame, and what to do about it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CaptureError {
    /// The file or folder is not there.
    #[error("{address} does not exist; check the path")]
    Missing {
        /// What was to be opened.
        address: SourceAddress,
    },
    /// The file or folder is there and cannot be read.
    #[error("{address} cannot be read: {cause}; check who may read it")]
    Unreadable {
        /// What was to be opened.
        address: SourceAddress,
        /// What the system says.
        cause: String,
    },
    /// The file is no video.
    #[error("{address} is not a video that can be played; check it with ffprobe, or convert it to MP4")]
    NotVideo {
        /// What was to be opened.
        address: SourceAddress,
    },
    /// A clip or a folder without a frame.
    #[error(
        "{address} holds no frame; give a clip, or a folder with PNG or JPEG pictures, that is not empty"
    )]
    NoFrames {
        /// What was to be read.
        address: SourceAddress,
    },
    /// One picture of a folder cannot be decoded.
    #[error("picture {} cannot be decoded: {cause}; replace or remove it", path.display())]
    Picture {
        /// The picture.
        path: PathBuf,
        /// What is wrong with it.
        cause: String,
    },
    /// One picture of a folder has another size than the first.
    #[error("picture {} is {got} px, those before it are {before} px; a folder holds one size", path.display())]
    PictureSize {
        /// The picture.
        path: PathBuf,
        /// Its size.
        got: PictureSize,
        /// The size of the others.
        before: PictureSize,
    },
    /// A rate that is not between 0.001 and 1000.
    #[error("{address}: {fps} frames a second is not a rate; give 0.001 to 1000")]
    Rate {
        /// What was to be opened.
        address: SourceAddress,
        /// What was given.
        fps: String,
    },
    /// Nobody answers at the address.
    #[error("{address} cannot be reached: {cause}; check that the camera is on, its address and its port")]
    Unreachable {
        /// The camera.
        address: SourceAddress,
        /// What the system says.
        cause: String,
    },
    /// The camera did not begin to stream in time.
    #[error("{address} gave no stream within {after:?}; check the camera and the network")]
    OpenTimedOut {
        /// The camera.
        address: SourceAddress,
        /// How long we waited.
        after: Duration,
    },
    /// Somebody answers, but not with a stream.
    #[error(
        "{address} answers but gives no stream; check user, password and path, and that a camera is there"
    )]
    NoStream {
        /// The camera.
        address: SourceAddress,
    },
    /// The USB camera does not open.
    #[error(
        "{address} cannot be opened; check that /dev/video{number} is there, not in use, and ours to read"
    )]
    NoDevice {
        /// The camera.
        address: SourceAddress,
        /// Its number.
        number: u32,
    },
    /// The camera still holds the connection and sends nothing.
    #[error("{address} gave no frame for {after:?}; it is taken as lost")]
    Froze {
        /// The camera.
        address: SourceAddress,
        /// How long we waited.
        after: Duration,
    },
    /// Frames come, and they are all the same.
    #[error("{address} gave the same picture for {after:?}; it hangs, or changed its size")]
    Still {
        /// The camera.
        address: SourceAddress,
        /// For how long.
        after: Duration,
    },
    /// The camera ended the stream, or the connection broke.
    #[error("{address} ended its stream; the camera restarted or the connection broke")]
    Ended {
        /// The camera.
        address: SourceAddress,
    },
    /// A clip or a folder that is played once is over, where a camera was expected to go on.
    #[error("{address} is played to its end; set play to live-loop to play it over and over")]
    PlayedOut {
        /// The clip.
        address: SourceAddress,
    },
    /// A frame of a clip that cannot be decoded.
    #[error("{address}: frame {frame} cannot be decoded; the file is damaged, check it with ffprobe")]
    Broken {
        /// The clip.
        address: SourceAddress,
        /// Which frame, from 1.
        frame: u64,
    },
    /// Another size than before, in the middle of a stream.
    #[error("{address} changed its picture from {before} to {got} px; check that its lines still fit")]
    SizeChanged {
        /// The source.
        address: SourceAddress,
        /// Size of the frame that just came.
        got: PictureSize,
        /// Size of those before.
        before: PictureSize,
    },
    /// Pixels of a kind that we do not take.
    #[error(
        "{address} gives pixels of OpenCV type {kind}; 8-bit grey, colour or colour with alpha is needed"
    )]
    PixelKind {
        /// The source.
        address: SourceAddress,
        /// OpenCV's number of the type.
        kind: i32,
    },
    /// The library failed.
    #[error("{address}: OpenCV failed: {cause}")]
    Library {
        /// The source.
        address: SourceAddress,
        /// Its text for files and USB cameras, only its number for a network source.
        cause: String,
    },
    /// The program was built without what the source needs.
    #[error(
        "{address}: this build has no OpenCV and reads only folders of pictures; build with capture-opencv"
    )]
    NotBuilt {
        /// What was to be opened.
        address: SourceAddress,
    },
}

impl CaptureError {
    /// What gave frames gives no more: a camera is lost, a clip is over.
    #[must_use]
    pub fn at_end_of(address: SourceAddress) -> Self {
        if address.is_live() { Self::Ended { address } } else { Self::PlayedOut { address } }
    }

    /// Whether it may be gone by itself when we try again later.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Unreachable { .. }
            | Self::OpenTimedOut { .. }
            // A camera that boots answers before it can stream.
            | Self::NoStream { .. }
            | Self::NoDevice { .. }
            | Self::Froze { .. }
            | Self::Still { .. }
            | Self::Ended { .. }
            | Self::PlayedOut { .. }
            | Self::SizeChanged { .. } => true,
            Self::Missing { .. }
            | Self::Unreadable { .. }
            | Self::NotVideo { .. }
            | Self::Picture { .. }
            | Self::PictureSize { .. }
            | Self::Rate { .. }
            | Self::PixelKind { .. }
            | Self::Broken { .. }
            | Self::NotBuilt { .. } => false,
            // A live source without a frame is one that is not ready yet.
            Self::NoFrames { address } | Self::Library { address, .. } => address.is_live(),
        }
    }
}
