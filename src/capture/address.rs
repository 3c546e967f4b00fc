//! What a camera's `source` setting names: a file, a folder, a network stream, a USB camera.
//!
//! A network address may hold a user and a password. They leave this type only through
//! [`SourceAddress::secret_url`], for the library that opens the stream; every way of showing an
//! address hides them.

use std::fmt;
use std::path::{Path, PathBuf};

/// Where frames come from. `Display` and `Debug` show it without its credential.
#[derive(Clone, PartialEq, Eq)]
pub enum SourceAddress {
    /// A video file.
    File(PathBuf),
    /// A folder of PNG and JPEG pictures, taken in the order of their names.
    Pictures(PathBuf),
    /// `rtsp://`, `rtsps://`, `http://` or `https://` (MJPEG).
    Network(NetworkUrl),
    /// A USB camera by its number (`usb:0` is `/dev/video0`).
    Usb(u32),
}

/// A stream's address with its credential kept apart from what may be shown.
#[derive(Clone, PartialEq, Eq)]
pub struct NetworkUrl {
    secret: String,
    shown: String,
}

/// Why a `source` is not understood. Never repeats the text of a URL, which may hold a password.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    /// Nothing was given.
    #[error("a source cannot be empty; give a file, a folder, rtsp://..., http://... or usb:0")]
    Empty,
    /// The scheme is not one that we can open.
    #[error("source scheme {0:?} is not known; use rtsp, rtsps, http, https, usb or file")]
    Scheme(String),
    /// A URL without a host.
    #[error("the {0} source names no host")]
    NoHost(String),
    /// A USB camera without a number.
    #[error("usb camera {0:?} is not a number; usb:0 is /dev/video0")]
    Usb(String),
}

impl SourceAddress {
    /// Reads a `source` setting. A path that ends in `/` is a folder of pictures, or says so with `pictures:`.
    ///
    /// # Errors
    /// [`AddressError`] says what is not understood.
    pub fn parse(text: &str) -> Result<Self, AddressError> {
        if text.trim().is_empty() {
            return Err(AddressError::Empty);
        }
        if let Some(number) = text.strip_prefix("usb:") {
            return number.parse().map(Self::Usb).map_err(|_no_number| AddressError::Usb(number.to_owned()));
        }
        if let Some(folder) = text.strip_prefix("pictures:") {
            return Ok(Self::Pictures(PathBuf::from(folder)));
        }
        if let Some((scheme, rest)) = text.split_once("://") {
            return Self::parse_url(&scheme.to_ascii_lowercase(), rest);
        }
        if text.ends_with('/') {
            return Ok(Self::Pictures(PathBuf::from(text)));
        }
        Ok(Self::File(PathBuf::from(text)))
    }

    fn parse_url(scheme: &str, rest: &str) -> Result<Self, AddressError> {
        match scheme {
            "file" => Ok(Self::File(PathBuf::from(rest))),
            "rtsp" | "rtsps" | "http" | "https" => NetworkUrl::split(scheme, rest).map(Self::Network),
            other => Err(AddressError::Scheme(other.to_owned())),
        }
    }

    /// Whether frames arrive in their own time and cannot be asked for again.
    #[must_use]
    pub fn is_live(&self) -> bool {
        matches!(self, Self::Network(_) | Self::Usb(_))
    }

    /// The URL with its credential, for the library that opens it and for nobody else.
    #[must_use]
    pub fn secret_url(&self) -> Option<&str> {
        match self {
            Self::Network(url) => Some(&url.secret),
            _ => None,
        }
    }

    /// Host and TCP port of a network source, to see whether anybody listens there.
    #[must_use]
    pub fn host_and_port(&self) -> Option<(&str, u16)> {
        match self {
            Self::Network(url) => url.host_and_port(),
            _ => None,
        }
    }

    /// The file or folder, where it is one.
    #[must_use]
    pub fn path(&self) -> Option<&Path> {
        match self {
            Self::File(path) | Self::Pictures(path) => Some(path),
            _ => None,
        }
    }
}

impl NetworkUrl {
    fn split(scheme: &str, rest: &str) -> Result<Self, AddressError> {
        let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
        // A password may hold '/' or '#' unescaped; then the last '@' of the whole text ends it.
        let credential_end = rest[..end].rfind('@').or_else(|| rest.rfind('@'));
        let after = credential_end.map_or(rest, |at| &rest[at + 1..]);
        // What follows '?' may hold a token too (`?user=a&password=b`), so it is not shown either.
        let shown_end = after.find(['?', '#']).unwrap_or(after.len());
        let shown = &after[..shown_end];
        if shown.is_empty() || shown.starts_with('/') {
            return Err(AddressError::NoHost(scheme.to_owned()));
        }
        Ok(Self { secret: format!("{scheme}://{rest}"), shown: format!("{scheme}://{shown}") })
    }

    fn host_and_port(&self) -> Option<(&str, u16)> {
        let (scheme, rest) = self.shown.split_once("://")?;
        let usual = match scheme {
            "rtsp" => 554,
            "rtsps" => 322,
            "https" => 443,
            _ => 80,
        };
        let authority = rest.split('/').next().unwrap_or(rest);
        // An IPv6 address stands in brackets, because it has colons of its own.
        let (host, after) = match authority.strip_prefix('[') {
            Some(inner) => inner.split_once(']')?,
            None => authority.split_at(authority.find(':').unwrap_or(authority.len())),
        };
        match after.strip_prefix(':') {
            Some(port) => port.parse().ok().map(|port| (host, port)),
            None => Some((host, usual)),
        }
    }
}

impl fmt::Display for SourceAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) | Self::Pictures(path) => write!(f, "{}", path.display()),
            Self::Network(url) => f.write_str(&url.shown),
            Self::Usb(number) => write!(f, "usb:{number}"),
        }
    }
}

impl fmt::Debug for SourceAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SourceAddress({self})")
    }
}

impl fmt::Debug for NetworkUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "NetworkUrl({})", self.shown)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> String {
        let address = SourceAddress::parse(text).unwrap();
        assert_eq!(format!("{address:?}"), format!("SourceAddress({address})"));
        address.to_string()
    }

    #[test]
    fn a_password_is_never_shown() {
        assert_eq!(shown("rtsp://admin:se/cr@t@10.0.0.7:554/main"), "rtsp://10.0.0.7:554/main");
        assert_eq!(shown("http://10.0.0.7/video?user=a&password=b"), "http://10.0.0.7/video");
        assert_eq!(shown("RTSP://admin:secret@cam/"), "rtsp://cam/");
    }

    #[test]
    fn the_library_that_opens_the_stream_gets_the_whole_address() {
        let address = SourceAddress::parse("rtsp://a:b@cam/1?x=2").unwrap();
        assert_eq!(address.secret_url(), Some("rtsp://a:b@cam/1?x=2"));
    }

    #[test]
    fn the_port_is_the_one_given_or_the_usual_one() {
        let of = |text: &str| {
            let address = SourceAddress::parse(text).unwrap();
            address.host_and_port().map(|(host, port)| format!("{host} {port}"))
        };
        assert_eq!(of("rtsp://a:b@10.0.0.7:8554/main?x=1").as_deref(), Some("10.0.0.7 8554"));
        assert_eq!(of("rtsp://cam/main").as_deref(), Some("cam 554"));
        assert_eq!(of("http://[fe80::1]:81/v").as_deref(), Some("fe80::1 81"));
        assert_eq!(of("https://[fe80::1]").as_deref(), Some("fe80::1 443"));
        assert_eq!(of("http://cam:port/"), None);
        assert_eq!(of("usb:0"), None);
    }

    #[test]
    fn files_folders_and_usb_cameras_are_told_apart() {
        assert!(matches!(SourceAddress::parse("a/b.avi"), Ok(SourceAddress::File(_))));
        assert!(matches!(SourceAddress::parse("a/b/"), Ok(SourceAddress::Pictures(_))));
        assert_eq!(SourceAddress::parse("usb:1"), Ok(SourceAddress::Usb(1)));
    }

    #[test]
    fn faults_do_not_repeat_the_text() {
        assert!(!SourceAddress::parse("ftp://me:secret@x").unwrap_err().to_string().contains("secret"));
        assert_eq!(SourceAddress::parse("rtsp://me:secret@/x"), Err(AddressError::NoHost("rtsp".into())));
    }
}
