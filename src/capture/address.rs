//! What a camera's `source` setting names: a file, a folder, a network stream, a USB camera.
//!
//! A network address may hold a user and a password. They leave this type only through
//! [`SourceAddress::secret_url`], for the library that opens the stream; every way of showing an
//! address hides them.
//!
//! Not obvious: where a credential ends is a guess when a password holds a `/` that is not written as `%2F`
//! (`rtsp://me:1/2@cam/main`) or a path holds an `@` (`rtsp://cam:1/2@main`). So nothing before the last `@`
//! is ever shown, except an IP address, and a path is shown only where it is plain.

use std::fmt;
use std::path::{Path, PathBuf};

/// Shown for a path that may hold a credential.
const HIDDEN_PATH: &str = "/...";
/// Shown for a whole address of which any part may be a credential.
const HIDDEN_HOST: &str = "...";
/// Words in a path, in small letters, beside which a credential may stand.
const TELLTALES: [&str; 9] = ["user", "pass", "pwd", "admin", "login", "auth", "token", "secret", "key"];
/// No scheme is longer; what is may hold anything.
const LONGEST_SCHEME: usize = 16;

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
    /// Host and TCP port; none where the text does not say where its credential ends.
    peer: Option<(String, u16)>,
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
    /// What stands before `://` is too odd to be repeated: it may be a credential in the wrong place.
    #[error("the source does not begin with a scheme; use rtsp, rtsps, http, https, usb or file")]
    OddScheme,
    /// A known scheme without its slashes, which would be taken for a file.
    #[error("the {0} source lacks its slashes; write {0}://host/path")]
    NoSlashes(String),
    /// A URL without a host, or with one that is none.
    #[error("the {0} source names no host; write {0}://host/path, an IPv6 address in [ ]")]
    NoHost(String),
    /// A port that is none.
    #[error("the port of the {0} source is not a number from 1 to 65535")]
    Port(String),
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
        if let Some((scheme, _)) = text.split_once(':')
            && let scheme = scheme.to_ascii_lowercase()
            && usual_port(&scheme).is_some()
        {
            return Err(AddressError::NoSlashes(scheme));
        }
        if text.ends_with('/') {
            return Ok(Self::Pictures(PathBuf::from(text)));
        }
        Ok(Self::File(PathBuf::from(text)))
    }

    fn parse_url(scheme: &str, rest: &str) -> Result<Self, AddressError> {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'.' | b'-');
        match (scheme, usual_port(scheme)) {
            ("file", _) => Ok(Self::File(PathBuf::from(rest))),
            (_, Some(usual_port)) => NetworkUrl::split(scheme, rest, usual_port).map(Self::Network),
            (other, None) if (1..=LONGEST_SCHEME).contains(&other.len()) && other.bytes().all(plain) => {
                Err(AddressError::Scheme(other.to_owned()))
            }
            _ => Err(AddressError::OddScheme),
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

    /// Host and TCP port of a network source, to see whether anybody listens there. None where it is not sure
    /// which part of the text is the host.
    #[must_use]
    pub fn host_and_port(&self) -> Option<(&str, u16)> {
        match self {
            Self::Network(url) => url.peer.as_ref().map(|(host, port)| (host.as_str(), *port)),
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
    fn split(scheme: &str, rest: &str, usual_port: u16) -> Result<Self, AddressError> {
        let secret = format!("{scheme}://{rest}");
        let end = end_of_authority(rest);
        // FFmpeg reads it so as well: the last '@' before the path ends the credential.
        let strict = Authority::parse(rest[..end].rsplit('@').next().unwrap_or(""));
        let Some(last_at) = rest[end..].rfind('@') else {
            let host = strict.map_err(|fault| fault.of(scheme))?;
            let shown = format!("{scheme}://{}{}", host.text, shown_path(&rest[end..]));
            return Ok(Self { secret, shown, peer: Some(host.peer(usual_port)) });
        };
        // An '@' after the first '/', '?' or '#': either that stands in the password, or the '@' in the path.
        let after = &rest[end + last_at + 1..];
        let after_end = end_of_authority(after);
        let last = Authority::parse(&after[..after_end]);
        let (shown, host) = match (strict, last) {
            (_, Ok(last)) if last.is_ip() => {
                (format!("{}{}", last.text, shown_path(&after[after_end..])), Some(last))
            }
            (Ok(strict), _) if strict.is_ip() => (format!("{}{HIDDEN_PATH}", strict.text), Some(strict)),
            // Both readings are possible, so what each of them would show may be the password of the other.
            (strict, _) => (HIDDEN_HOST.to_owned(), strict.ok()),
        };
        let peer = host.map(|host| host.peer(usual_port));
        Ok(Self { secret, shown: format!("{scheme}://{shown}"), peer })
    }
}

/// `host[:port]`, checked.
struct Authority<'a> {
    text: &'a str,
    /// Without the brackets of an IPv6 address.
    host: &'a str,
    port: Option<u16>,
}

enum AuthorityFault {
    Host,
    Port,
}

impl AuthorityFault {
    fn of(self, scheme: &str) -> AddressError {
        match self {
            Self::Host => AddressError::NoHost(scheme.to_owned()),
            Self::Port => AddressError::Port(scheme.to_owned()),
        }
    }
}

impl<'a> Authority<'a> {
    fn parse(text: &'a str) -> Result<Self, AuthorityFault> {
        // An IPv6 address stands in brackets, because it has colons of its own.
        let (host, after) = match text.strip_prefix('[') {
            Some(inner) => inner.split_once(']').ok_or(AuthorityFault::Host)?,
            None => text.split_at(text.find(':').unwrap_or(text.len())),
        };
        let in_name = |letter: char| letter.is_alphanumeric() || matches!(letter, '.' | '-' | '_');
        let is_host = if text.starts_with('[') {
            // What follows '%' names the network interface.
            host.split('%').next().is_some_and(is_ipv6)
        } else {
            !host.is_empty() && host.chars().all(in_name)
        };
        if !is_host {
            return Err(AuthorityFault::Host);
        }
        let port = match after.strip_prefix(':') {
            Some(port) => Some(port.parse().ok().filter(|port| *port != 0).ok_or(AuthorityFault::Port)?),
            None if after.is_empty() => None,
            None => return Err(AuthorityFault::Host),
        };
        Ok(Self { text, host, port })
    }

    fn is_ip(&self) -> bool {
        self.text.starts_with('[') || is_ipv4(self.host)
    }

    fn peer(&self, usual_port: u16) -> (String, u16) {
        (self.host.to_owned(), self.port.unwrap_or(usual_port))
    }
}

fn is_ipv4(host: &str) -> bool {
    host.split('.').count() == 4 && host.split('.').all(|part| part.parse::<u8>().is_ok())
}

/// Whether it has the letters of one; the resolver knows the rest.
fn is_ipv6(host: &str) -> bool {
    let in_ipv6 = |byte: u8| byte.is_ascii_hexdigit() || matches!(byte, b':' | b'.');
    host.matches(':').count() >= 2 && host.bytes().all(in_ipv6)
}

/// The TCP port of a scheme that is read over the network; none for any other scheme.
fn usual_port(scheme: &str) -> Option<u16> {
    match scheme {
        "rtsp" => Some(554),
        "rtsps" => Some(322),
        "http" => Some(80),
        "https" => Some(443),
        _ => None,
    }
}

fn end_of_authority(rest: &str) -> usize {
    rest.find(['/', '?', '#']).unwrap_or(rest.len())
}

/// What may be shown of a path: all of a plain one, else that there is one. Recorders take
/// `/user=me&password=secret&channel=1`, and what follows `?` may hold the same.
fn shown_path(path: &str) -> &str {
    let path = &path[..path.find(['?', '#']).unwrap_or(path.len())];
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'/' | b'-');
    let small = path.to_ascii_lowercase();
    let is_harmless = path.bytes().all(plain) && !TELLTALES.iter().any(|telltale| small.contains(telltale));
    if is_harmless { path } else { HIDDEN_PATH }
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
    use crate::capture::CaptureError;
    use proptest::prelude::*;
    use std::time::Duration;

    fn peer(text: &str) -> Option<String> {
        let address = SourceAddress::parse(text).unwrap();
        address.host_and_port().map(|(host, port)| format!("{host} {port}"))
    }

    fn shown(text: &str) -> String {
        let address = SourceAddress::parse(text).unwrap();
        assert_eq!(format!("{address:?}"), format!("SourceAddress({address})"));
        address.to_string()
    }

    #[test]
    fn a_password_is_never_shown() {
        assert_eq!(shown("rtsp://admin:se/cr@t@10.0.0.7:554/main"), "rtsp://10.0.0.7:554/main");
        assert_eq!(shown("rtsp://admin:p@ss@cam/main"), "rtsp://cam/main");
        assert_eq!(shown("http://10.0.0.7/video?user=a&password=b"), "http://10.0.0.7/video");
        assert_eq!(shown("RTSP://admin:secret@cam/"), "rtsp://cam/");
    }

    #[test]
    fn a_password_with_an_at_sign_and_a_slash_is_not_taken_for_a_host() {
        let text = "rtsp://admin:P@ss/word@127.0.0.1:9/main";
        assert_eq!(shown(text), "rtsp://127.0.0.1:9/main");
        assert_eq!(peer(text).as_deref(), Some("127.0.0.1 9"));
        assert_eq!(shown("rtsp://admin:P@ss/word@cam/main"), "rtsp://...");
        assert_eq!(shown("rtsp://admin:12/word@cam/main"), "rtsp://...");
        assert_eq!(shown("rtsp://admin:pa?ss#word@cam/main"), "rtsp://...");
        assert_eq!(peer("rtsp://admin:pa?ss#word@cam/main"), None);
    }

    #[test]
    fn a_password_in_the_path_is_not_shown() {
        let text = "rtsp://host/user=admin&password=geheim42&channel=1";
        assert_eq!((shown(text).as_str(), peer(text).as_deref()), ("rtsp://host/...", Some("host 554")));
        assert_eq!(shown("rtsp://10.0.0.7/user=admin&password=gehe@im&channel=1"), "rtsp://10.0.0.7/...");
        assert_eq!(shown("rtsp://host:8554/USER_admin_PWD_geheim.sdp?x=1"), "rtsp://host:8554/...");
        assert_eq!(shown("rtsp://host/live%3fgeheim"), "rtsp://host/...");
        assert_eq!(shown("rtsp://host/Streaming/Channels/101"), "rtsp://host/Streaming/Channels/101");
    }

    #[test]
    fn an_at_sign_in_the_path_does_not_change_the_host() {
        assert_eq!(peer("rtsp://cam/live@main").as_deref(), Some("cam 554"));
        assert_eq!(shown("rtsp://cam/live@main"), "rtsp://...");
        assert_eq!(shown("rtsp://me:secret@10.0.0.7:88/live@main"), "rtsp://10.0.0.7:88/...");
        assert_eq!(peer("rtsp://me:secret@10.0.0.7:88/live@main").as_deref(), Some("10.0.0.7 88"));
    }

    #[test]
    fn the_library_that_opens_the_stream_gets_the_whole_address() {
        for text in
            ["rtsp://a:b@cam/1?x=2", "rtsp://admin:P@ss/word@cam/main", "rtsp://cam/user=a&password=b"]
        {
            assert_eq!(SourceAddress::parse(text).unwrap().secret_url(), Some(text));
        }
    }

    #[test]
    fn the_port_is_the_one_given_or_the_usual_one() {
        assert_eq!(peer("rtsp://a:b@10.0.0.7:8554/main?x=1").as_deref(), Some("10.0.0.7 8554"));
        assert_eq!(peer("rtsp://cam/main").as_deref(), Some("cam 554"));
        assert_eq!(peer("http://[fe80::1]:81/v").as_deref(), Some("fe80::1 81"));
        assert_eq!(peer("https://[fe80::1]").as_deref(), Some("fe80::1 443"));
        assert_eq!(peer("usb:0"), None);
    }

    #[test]
    fn a_port_out_of_range_is_a_fault_that_does_not_repeat_it() {
        for text in
            ["rtsp://cam:65536/", "http://cam:0", "rtsp://cam:/", "rtsp://admin:secret", "http://[::1]:x/"]
        {
            let fault = SourceAddress::parse(text).unwrap_err();
            assert!(matches!(fault, AddressError::Port(_)), "{fault}");
            assert!(!fault.to_string().contains("secret"), "{fault}");
        }
    }

    #[test]
    fn files_folders_and_usb_cameras_are_told_apart() {
        assert!(matches!(SourceAddress::parse("a/b.avi"), Ok(SourceAddress::File(_))));
        assert!(matches!(SourceAddress::parse("a/b/"), Ok(SourceAddress::Pictures(_))));
        assert_eq!(SourceAddress::parse("usb:1"), Ok(SourceAddress::Usb(1)));
    }

    #[test]
    fn faults_do_not_repeat_the_text() {
        let fault = |text: &str| SourceAddress::parse(text).unwrap_err();
        assert_eq!(fault("ftp://me:secret@x"), AddressError::Scheme("ftp".into()));
        assert_eq!(fault("me:secret@rtsp://cam/1"), AddressError::OddScheme);
        assert_eq!(fault("secretsecretsecret://cam/1"), AddressError::OddScheme);
        assert_eq!(fault("rtsp:/me:secret@cam/1"), AddressError::NoSlashes("rtsp".into()));
        for text in ["rtsp://me:secret@/x", "rtsp://", "http://[secret]/", "rtsp://me:secret@ca m/x"] {
            assert!(matches!(fault(text), AddressError::NoHost(_)), "{text}");
            assert!(!fault(text).to_string().contains("secret"), "{text}");
        }
    }

    /// All that is ever said of this address.
    fn sayings(address: &SourceAddress) -> Vec<String> {
        let (a, span) = (|| address.clone(), Duration::from_secs(1));
        let size = crate::geom::PictureSize { width: 1, height: 1 };
        let faults = [
            CaptureError::Missing { address: a() },
            CaptureError::Unreadable { address: a(), cause: String::new() },
            CaptureError::NotVideo { address: a() },
            CaptureError::NoFrames { address: a() },
            CaptureError::Rate { address: a(), fps: String::new() },
            CaptureError::Unreachable { address: a(), cause: String::new() },
            CaptureError::OpenTimedOut { address: a(), after: span },
            CaptureError::NoStream { address: a() },
            CaptureError::Froze { address: a(), after: span },
            CaptureError::Still { address: a(), after: span },
            CaptureError::Ended { address: a() },
            CaptureError::PlayedOut { address: a() },
            CaptureError::Broken { address: a(), frame: 1 },
            CaptureError::SizeChanged { address: a(), got: size, before: size },
            CaptureError::PixelKind { address: a(), kind: 0 },
            CaptureError::Library { address: a(), cause: String::new() },
            CaptureError::NotBuilt { address: a() },
        ];
        let said = faults.iter().flat_map(|fault| [fault.to_string(), format!("{fault:?}")]);
        said.chain([address.to_string(), format!("{address:?}")]).collect()
    }

    proptest! {
        #[test]
        fn nothing_of_a_credential_is_ever_said(
            user in "[a-z0-9:@/?#%. -]{0,12}",
            password in "[ -~]{0,24}|\\PC{0,24}",
            form in 0_usize..6,
        ) {
            let of = |user: &str, password: &str| match form {
                0 => format!("rtsp://{user}:{password}@10.0.0.7:554/main"),
                1 => format!("rtsp://{user}:{password}@cam/main"),
                2 => format!("http://{user}@cam/main?token={password}"),
                3 => format!("rtsp://cam/user={user}&password={password}&channel=1"),
                4 => format!("rtsp://10.0.0.7/user={user}_password={password}_channel=1"),
                _ => format!("rtsp://10.0.0.7:554/main?user={user}&password={password}"),
            };
            // What is said must be what is said of an address without any credential, so nothing of it is in there.
            let allowed = [
                "rtsp://10.0.0.7:554/main", "rtsp://10.0.0.7:554/...", "rtsp://10.0.0.7/...",
                "rtsp://cam/main", "rtsp://cam/...", "http://cam/main", "rtsp://...", "http://...",
            ];
            match SourceAddress::parse(&of(&user, &password)) {
                Ok(address) => {
                    let shown = address.to_string();
                    prop_assert!(allowed.contains(&shown.as_str()), "{}", shown);
                    let bare = SourceAddress::File(shown.into());
                    prop_assert_eq!(sayings(&address), sayings(&bare));
                }
                Err(fault) => prop_assert!(
                    matches!(&fault, AddressError::NoHost(s) | AddressError::Port(s) if s == "rtsp" || s == "http"),
                    "{}", fault
                ),
            }
        }
    }
}
