//! How a command ends: one message for people, one number for scripts.
//!
//! The number follows from the type of the error, wherever in the chain of causes it stands, so that a command
//! only has to return what went wrong.

use crate::capture::CaptureError;
use crate::config::ConfigError;
use crate::count::TripwireError;
use crate::detect::DetectError;
use crate::detect::inspect::InspectError;
use crate::detect::manifest::ManifestError;
use crate::pipeline::FrameRefused;
use crate::publish::PublishError;
use crate::recording::RecordingError;
use std::io::{self, Write};
use std::process::ExitCode;

/// How a command ended. The numbers are a promise to scripts and to systemd units.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Ending {
    /// All went well.
    Fine = 0,
    /// Something that nobody foresaw.
    Unexpected = 1,
    /// Wrong arguments; given by the argument parser itself.
    Usage = 2,
    /// The config file has faults.
    Config = 3,
    /// A clip, a camera, a file of detections, a model or a library cannot be used.
    Input = 4,
    /// Records could not be stored on disk.
    Storage = 5,
    /// What was expected did not arrive.
    NotSeen = 6,
}

impl Ending {
    /// Every ending, for the help and its test.
    pub const ALL: [Self; 7] =
        [Self::Fine, Self::Unexpected, Self::Usage, Self::Config, Self::Input, Self::Storage, Self::NotSeen];

    /// The number that the process ends with.
    #[must_use]
    pub const fn code(self) -> u8 {
        self as u8
    }

    /// For the help.
    #[must_use]
    pub const fn meaning(self) -> &'static str {
        match self {
            Self::Fine => "all went well",
            Self::Unexpected => "something unforeseen failed",
            Self::Usage => "the arguments are wrong",
            Self::Config => "the config file cannot be read or has faults",
            Self::Input => "a clip, a camera, a file of detections, a model or a library cannot be used",
            Self::Storage => "records could not be stored on disk",
            Self::NotSeen => "`--expect`: what was expected did not arrive in time",
        }
    }

    /// What stands at the end of a program's help.
    #[must_use]
    pub fn help(program: &str) -> String {
        let line = |ending: &Self| format!("\n  {}  {}", ending.code(), ending.meaning());
        let list: String = Self::ALL.iter().map(line).collect();
        format!(
            "Exit codes:{list}\n\n\
             Logs go to standard error; FOOTFALL_LOG=debug shows more, FOOTFALL_LOG=warn less.\n\
             Start with:\n  {program} config default > {program}.toml"
        )
    }

    /// What an error means.
    #[must_use]
    pub fn of(error: &anyhow::Error) -> Self {
        error.chain().find_map(Self::of_cause).unwrap_or(Self::Unexpected)
    }

    /// One line for each module whose errors mean something to a script.
    fn of_cause(cause: &(dyn std::error::Error + 'static)) -> Option<Self> {
        if let Some(failure) = cause.downcast_ref::<Failure>() {
            return Some(failure.ending());
        }
        // Certificates are named in the config file; a system without threads is nobody's setting.
        let is_bad_certificate = |fault: &PublishError| !matches!(fault, PublishError::System(_));
        #[cfg(feature = "capture-opencv")]
        if cause.is::<super::draw::DrawError>() {
            return Some(Self::Input);
        }
        let table = [
            (cause.is::<ConfigError>(), Self::Config),
            (cause.downcast_ref().is_some_and(is_bad_certificate), Self::Config),
            (cause.is::<CaptureError>(), Self::Input),
            (cause.is::<DetectError>(), Self::Input),
            (cause.is::<ManifestError>(), Self::Input),
            (cause.is::<InspectError>(), Self::Input),
            (cause.is::<FrameRefused>(), Self::Input),
            (cause.is::<TripwireError>(), Self::Input),
            (cause.is::<RecordingError>(), Self::Input),
        ];
        table.iter().find(|(is_it, _)| *is_it).map(|(_, ending)| *ending)
    }
}

/// A failure that only a command can see, with the way it ends.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Failure {
    /// A config file without faults that lacks what the command needs.
    #[error("{0}")]
    Config(String),
    /// A clip, a model or a combination of both that cannot be used.
    #[error("{0}")]
    Input(String),
    /// Counted records that are not on disk.
    #[error("{0}")]
    Storage(String),
    /// `watch --expect` did not see it.
    #[error("{0}")]
    NotSeen(String),
}

impl Failure {
    const fn ending(&self) -> Ending {
        match self {
            Self::Config(_) => Ending::Config,
            Self::Input(_) => Ending::Input,
            Self::Storage(_) => Ending::Storage,
            Self::NotSeen(_) => Ending::NotSeen,
        }
    }
}

/// Shows what went wrong in this program, with its causes, and gives the number to end with.
pub fn finish(program: &str, result: anyhow::Result<()>) -> ExitCode {
    let ending = match &result {
        Ok(()) => Ending::Fine,
        // Whoever reads our output has seen enough: `footfall config default | head`.
        Err(error) if is_closed_pipe(error) => Ending::Fine,
        Err(error) => {
            // Nothing is left to be done where even this cannot be written.
            writeln!(io::stderr(), "{program}: {error:#}").ok();
            Ending::of(error)
        }
    };
    ExitCode::from(ending.code())
}

fn is_closed_pipe(error: &anyhow::Error) -> bool {
    let closed = |cause: &io::Error| cause.kind() == io::ErrorKind::BrokenPipe;
    error.chain().any(|cause| cause.downcast_ref().is_some_and(closed))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::capture::SourceAddress;
    use crate::detect::Manifest;
    use crate::geom::PictureSize;
    use crate::ids::LineId;
    use anyhow::Context;
    use std::path::Path;

    fn check(error: impl Into<anyhow::Error>, expected: Ending) {
        let wrapped = Err::<(), _>(error.into()).context("while counting").unwrap_err();
        assert_eq!(Ending::of(&wrapped), expected, "{wrapped:#}");
    }

    #[test]
    fn the_number_follows_from_the_cause_however_deep_it_lies() {
        check(ConfigError::WhichCamera { there: String::new() }, Ending::Config);
        check(Failure::Config("no broker".into()), Ending::Config);
        let (path, cause) = ("key.pem".into(), "no key in it".into());
        check(PublishError::ClientCertificate { path, cause }, Ending::Config);
        check(PublishError::System(io::Error::other("no thread")), Ending::Unexpected);
        check(Failure::Input("clip is empty".into()), Ending::Input);
        check(Failure::Storage("disk full".into()), Ending::Storage);
        check(Failure::NotSeen("no crossing".into()), Ending::NotSeen);
        check(io::Error::other("odd"), Ending::Unexpected);
    }

    #[test]
    fn what_cannot_be_captured_found_crossed_or_drawn_is_a_fault_of_the_input() {
        let size = PictureSize { width: 4, height: 3 };
        check(CaptureError::Missing { address: SourceAddress::Usb(1) }, Ending::Input);
        check(DetectError::Threads, Ending::Input);
        check(InspectError::NoPicture { seen: "nothing".into() }, Ending::Input);
        check(FrameRefused::OtherShape { got: size, expected: size }, Ending::Input);
        let line = LineId::parse("door").unwrap();
        check(TripwireError::NoLength { line, length_px: 0.0 }, Ending::Input);
        check(Manifest::parse(Path::new("m.toml"), "").unwrap_err(), Ending::Input);
        check(RecordingError::NoOpening { line: 1 }, Ending::Input);
    }

    #[cfg(feature = "capture-opencv")]
    #[test]
    fn a_drawing_that_cannot_be_written_is_a_fault_of_the_input() {
        let fault = super::super::draw::DrawError::Write { path: "p.png".into(), cause: "full".into() };
        check(fault, Ending::Input);
    }

    #[test]
    fn numbers_are_those_that_were_promised() {
        let codes: Vec<u8> = Ending::ALL.iter().map(|ending| ending.code()).collect();
        assert_eq!(codes, [0, 1, 2, 3, 4, 5, 6]);
    }

    #[test]
    fn a_reader_that_went_away_is_no_failure() {
        let closed = anyhow::Error::new(io::Error::from(io::ErrorKind::BrokenPipe));
        assert!(is_closed_pipe(&closed.context("writing")));
        assert!(!is_closed_pipe(&anyhow::anyhow!("broken pipe")));
    }
}
