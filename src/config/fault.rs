//! What is wrong with a config file, and where.
//!
//! An installer mends a file once and not fault by fault, so faults are collected and shown
//! together. None of them repeats a setting that may hold a credential: the texts of `source`,
//! `broker`, `user` and `password_file` never get in here, and no line of the file is quoted.

use super::span::{Span, SpanError};
use crate::calendar::{CalendarError, HoursError};
use crate::calibration::{CalibrationError, FloorError};
use crate::capture::AddressError;
use crate::geom::PictureSize;
use crate::geom::polygon::PolygonError;
use crate::ids::IdError;
use crate::secrets::SecretError;
use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Faults that are kept; more than this says "this is not a config file" well enough.
pub const MAX_FAULTS: usize = 100;

/// A place in the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.line, self.column)
    }
}

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq)]
pub struct Fault {
    /// Where: the value, or the table in which one is missing.
    pub at: Place,
    /// Which setting, like `camera.door.line.entrance.from`; empty where it is the file as a whole.
    pub key: String,
    /// What is wrong with it and what to do.
    pub kind: FaultKind,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}  ", self.at)?;
        if !self.key.is_empty() {
            write!(f, "{}  ", self.key)?;
        }
        write!(f, "{}", self.kind)
    }
}

/// What is wrong, and what to do about it.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum FaultKind {
    /// The text is not TOML.
    #[error("this is not TOML: {0}")]
    Syntax(String),
    /// A key that nothing reads.
    #[error("there is no such setting; {}", near_or_known(*.near, .known))]
    UnknownKey {
        /// A known key that is spelled alike.
        near: Option<&'static str>,
        /// Every key that may stand here.
        known: Vec<&'static str>,
    },
    /// A key that must be there is not.
    #[error("is missing; give for example {example}")]
    Missing {
        /// A line that would do.
        example: &'static str,
    },
    /// The value is of another type.
    #[error("is {got}, expected {wanted}")]
    WrongType {
        /// What can stand here, with an example.
        wanted: &'static str,
        /// What stands here.
        got: &'static str,
    },
    /// A number that is too small or too large.
    #[error("{got} is out of range; give {range}")]
    OutOfRange {
        /// What was given.
        got: String,
        /// What can be given, in words.
        range: String,
    },
    /// Infinity or not a number.
    #[error("{got} is not a number that can be measured; give a finite one")]
    NotFinite {
        /// What was given.
        got: f64,
    },
    /// Not one of the words that can stand here.
    #[error("{got:?} is not known here; give {}", in_words(.choices))]
    Choice {
        /// What was given.
        got: String,
        /// What can be given.
        choices: Vec<&'static str>,
    },
    /// Not a length of time.
    #[error(transparent)]
    Span(#[from] SpanError),
    /// A length of time that is too short or too long.
    #[error("{} is out of range; give {} to {}", Span(*.got), Span(*.least), Span(*.most))]
    SpanOutOfRange {
        /// What was given.
        got: Duration,
        /// The shortest that can be given.
        least: Duration,
        /// The longest that can be given.
        most: Duration,
    },
    /// Not an id.
    #[error(transparent)]
    Id(#[from] IdError),
    /// Something that head office may not change.
    #[error("stays in the box's own file and is not changed from afar; leave it out")]
    NotFromAfar,
    /// A credential in a configuration from head office.
    #[error("holds a user or a password, which does not travel; give user and password_file beside it")]
    CredentialFromAfar,
    /// Another name than the identity's.
    #[error("the identity of this box says {known:?}; leave it out here")]
    OtherName {
        /// What the identity says.
        known: String,
    },
    /// A folder that does not say who the box is.
    #[error("{0}")]
    Identity(String),
    /// Two of one name.
    #[error("{id:?} is taken by the {what} at {first}; give every {what} a name of its own")]
    Duplicate {
        /// What is named so.
        what: &'static str,
        /// The name.
        id: String,
        /// Where it was used first.
        first: Place,
    },
    /// A camera address that is not understood.
    #[error(transparent)]
    Address(#[from] AddressError),
    /// A camera address that is not understood, and of which nothing may be shown.
    #[error(
        "the source is not understood (not shown, it may hold a password); give rtsp://host/path, http://host/path, a file, a folder/ or usb:0"
    )]
    AddressHidden,
    /// A user for something that asks for none.
    #[error("is for network cameras (rtsp, http); leave it out")]
    LoginOfFile,
    /// A user in the address and another beside it.
    #[error("the source holds a user of its own; give the user in one of the two places")]
    TwoLogins,
    /// Not a broker's address.
    #[error(
        "the broker is not understood (not shown, it may hold a password); give host:port such as \"mqtt.example.org:8883\", without mqtt:// and without a user"
    )]
    Broker,
    /// A password in the file itself.
    #[error(
        "a password does not belong in this file, which is shown and copied; write it into a file of its own and name that in password_file"
    )]
    PasswordInFile,
    /// A password in the source, in a config file that others may read.
    #[error(
        "holds a password, and this config file {0}; or write the password into a file of its own and name that in password_file"
    )]
    SourceInOpenFile(FileProblem),
    /// A broker elsewhere, and nothing encrypted.
    #[error(
        "the broker is on another machine and nothing would be encrypted: add [mqtt.tls], or write unencrypted = true where you trust every machine in the network between"
    )]
    Unencrypted,
    /// One of a pair.
    #[error("does nothing without {other}; give both or neither")]
    Alone {
        /// The other one.
        other: &'static str,
    },
    /// Two settings that say the same in different ways.
    #[error("and {other} say the same; give one of the two")]
    Both {
        /// The other one.
        other: &'static str,
    },
    /// Not the size of a picture.
    #[error(
        "{got:?} is not the size of a picture; give width x height in px, each {least} to {most}, such as \"1280x720\""
    )]
    PictureSize {
        /// What was given.
        got: String,
        /// The shortest side that is taken.
        least: u32,
        /// The longest side that is taken.
        most: u32,
    },
    /// A point without two coordinates.
    #[error("holds {got} numbers; give a point [x, y] in px")]
    NotAPoint {
        /// How many there are.
        got: usize,
    },
    /// A point beside the picture.
    #[error("[{x}, {y}] lies outside the picture of {picture}; give coordinates from 0 to {} and 0 to {}", .picture.width, .picture.height)]
    OutsidePicture {
        /// To the right, px.
        x: f64,
        /// Down, px.
        y: f64,
        /// The picture that was configured.
        picture: PictureSize,
    },
    /// A line that nobody can cross.
    #[error("the line is {length} px long, at least {least} px are needed; set from and to further apart")]
    LineTooShort {
        /// Its length, px.
        length: f32,
        /// The shortest that is taken, px.
        least: f32,
    },
    /// No zone, or no date.
    #[error(transparent)]
    Calendar(#[from] CalendarError),
    /// No hours.
    #[error(transparent)]
    Hours(#[from] HoursError),
    /// The store's hours, where nothing says them.
    #[error(
        "goes by the store's hours, and nothing says them; say when the store is open: [site] with its hours"
    )]
    NoHours,
    /// A token that can be guessed.
    #[error("the file that is named here holds a token of less than {least} characters; make a longer one")]
    ShortToken {
        /// The shortest that is taken.
        least: usize,
    },
    /// Columns by name and by number.
    #[error("some columns have names and some numbers; give all in the same way")]
    MixedColumns,
    /// Points that enclose nothing.
    #[error(transparent)]
    Polygon(#[from] PolygonError),
    /// A calibration file that cannot be used.
    #[error("{} {reason}", .path.display())]
    Calibration {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: CalibrationError,
    },
    /// A calibration that does not fit the picture, or a line on it.
    #[error(transparent)]
    Floor(#[from] FloorError),
    /// None where at least one is needed.
    #[error("there is no {what}; add at least one, for example {example}")]
    None {
        /// Of what.
        what: &'static str,
        /// A line that would do.
        example: &'static str,
    },
    /// A name that nothing in the file has.
    #[error("there is no {what} {got:?} in this file; {}", near_or_give(.near.as_deref(), .what))]
    NotNamed {
        /// What is named.
        what: &'static str,
        /// The name.
        got: String,
        /// A name that is there and is spelled alike.
        near: Option<String>,
    },
    /// A name that several things have.
    #[error("there are several {what}s {got:?} in this store; say which one with {by}")]
    Several {
        /// What is named.
        what: &'static str,
        /// The name.
        got: String,
        /// The settings that tell them apart.
        by: &'static str,
    },
    /// A day that does not come after another.
    #[error("does not come after {other}; give a later day")]
    NotAfter {
        /// The other one.
        other: &'static str,
    },
    /// Two times of one thing that share some days.
    #[error("overlaps {id:?} at {first}; end that one first")]
    Overlaps {
        /// The name of both.
        id: String,
        /// Where the other stands.
        first: Place,
    },
    /// More than are taken.
    #[error("holds {got} entries, at most {most} are taken")]
    TooMany {
        /// How many there are.
        got: usize,
        /// How many are taken.
        most: usize,
    },
    /// A file that the setting names and that cannot be used.
    #[error("{} {problem}", .path.display())]
    File {
        /// The file, where it was looked for.
        path: PathBuf,
        /// What is wrong with it.
        problem: FileProblem,
    },
    /// The same, where the name of the file must not be shown.
    #[error(
        "the file that is named here {0} (its name is not shown, it may be a password put here by mistake)"
    )]
    SecretFile(FileProblem),
    /// The same for a clip or a folder of pictures.
    #[error(
        "the file or folder that is named here {0} (its name is not shown, it may be an address with a password)"
    )]
    SourceFile(FileProblem),
}

/// What is wrong with a file that a setting names.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FileProblem {
    /// Nothing is there.
    #[error("does not exist; paths are relative to the config file")]
    NotThere,
    /// A folder, or something else that is not read like a file.
    #[error("is not a file")]
    NotAFile,
    /// A file where a folder was expected.
    #[error("is a file; for a clip write the name without a / at its end")]
    FileForFolder,
    /// A file where a folder is to be made.
    #[error("is a file; give the name of a folder")]
    NotAFolder,
    /// The folder in which a file is to be made is not there.
    #[error("cannot be made, because its folder does not exist; make the folder or give another path")]
    NoFolder,
    /// It cannot be read.
    #[error("cannot be read: {0}")]
    Unreadable(String),
    /// There is nothing in it.
    #[error("holds no text in its first line")]
    Empty,
    /// Much more than a password is in it.
    #[error("holds more than {0} bytes, which is no password")]
    TooLong(u64),
    /// Bytes that are not text.
    #[error("is not UTF-8 text")]
    NotText,
    /// A secret that is not taken.
    #[error(transparent)]
    Secret(#[from] SecretError),
    /// A path that a configuration from head office may not name.
    #[error(
        "may not be named from afar; give a path below the folder of the box's config file or of its outbox that the box does not need itself"
    )]
    NotFromAfar,
    /// A password file elsewhere.
    #[error("lies outside the box's own folder of secrets, and may not be named from afar")]
    NotInSecrets,
}

fn near_or_known(near: Option<&'static str>, known: &[&'static str]) -> String {
    match near {
        Some(near) => format!("did you mean {near:?}?"),
        None if known.is_empty() => "nothing can be set here".to_owned(),
        None => format!("known here: {}", known.join(", ")),
    }
}

fn near_or_give(near: Option<&str>, what: &str) -> String {
    match near {
        Some(near) => format!("did you mean {near:?}?"),
        None => format!("add the {what}, or name one that is there"),
    }
}

fn in_words(choices: &[&'static str]) -> String {
    let quoted: Vec<String> = choices.iter().map(|choice| format!("{choice:?}")).collect();
    match quoted.split_last() {
        Some((last, [])) => last.clone(),
        Some((last, first)) => format!("{} or {last}", first.join(", ")),
        None => "nothing".to_owned(),
    }
}

/// Why there is no configuration.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("cannot read the config file {}: {reason}; `footfall config default` prints one to start from", .path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system says.
        reason: String,
    },
    /// The file is too large to be one.
    #[error("{} is larger than {most} bytes, which no config file is", .path.display())]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// What is taken.
        most: u64,
    },
    /// The file is not text.
    #[error("{}:{at}  is not UTF-8 text from here on; save the file as UTF-8", .path.display())]
    NotText {
        /// The file.
        path: PathBuf,
        /// The first byte that is not text.
        at: Place,
    },
    /// Something is wrong in it.
    #[error("{}", listed(.path, .faults, *.more))]
    Faults {
        /// The file.
        path: PathBuf,
        /// What is wrong, in the order of the file; at least one.
        faults: Vec<Fault>,
        /// How many more there are beyond [`MAX_FAULTS`].
        more: usize,
    },
    /// A camera that is not in the file.
    #[error("there is no camera {wanted:?} in the config file; it has {there}")]
    NoSuchCamera {
        /// What was asked for.
        wanted: String,
        /// What is there.
        there: String,
    },
    /// One camera is wanted, and there are several.
    #[error("the config file has several cameras; say which one with --camera: {there}")]
    WhichCamera {
        /// What is there.
        there: String,
    },
}

fn listed(path: &Path, faults: &[Fault], more: usize) -> String {
    let count = faults.len() + more;
    let mut text = format!("{} has {count} fault{}", path.display(), if count == 1 { "" } else { "s" });
    for fault in faults {
        text.push_str(&format!("\n{}:{fault}", path.display()));
    }
    if more > 0 {
        text.push_str(&format!("\nand {more} more"));
    }
    text
}
