//! Where a webhook may lead.

use reqwest::Url;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// Longest address, bytes.
const MAX_URL_BYTES: usize = 2_048;

/// Whether a webhook may lead into a private network.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Private {
    /// No: only to public addresses.
    #[default]
    Refused,
    /// Yes, and to this machine: the config says so.
    Allowed,
}

/// Why an address is not taken. The address itself is never shown: it may hold a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TargetError {
    /// Not an address.
    #[error("the address of a webhook is not understood; give https://host/path")]
    NotUnderstood,
    /// Not https.
    #[error("a webhook goes over https; http is taken for this machine only (127.0.0.1, ::1 or localhost)")]
    NotEncrypted,
    /// A user in the address.
    #[error("a webhook's address has no user and no password; its signature says who sends")]
    User,
    /// Into a private network.
    #[error("the webhook leads into a private network ({0}); allow that in the config if it is meant")]
    Private(IpAddr),
    /// Nowhere.
    #[error("the webhook's host has no address")]
    Nowhere,
}

/// An address that may be sent to, once it is resolved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    pub(super) url: Url,
    pub(super) host: String,
    pub(super) port: u16,
    private: Private,
}

impl Target {
    /// Checks what can be checked without asking for the host's address.
    ///
    /// # Errors
    /// [`TargetError`].
    pub fn parse(text: &str, private: Private) -> Result<Self, TargetError> {
        if text.len() > MAX_URL_BYTES {
            return Err(TargetError::NotUnderstood);
        }
        let url = Url::parse(text).map_err(|_not_an_address| TargetError::NotUnderstood)?;
        let host = url.host_str().ok_or(TargetError::NotUnderstood)?.trim_matches(['[', ']']).to_owned();
        if !url.username().is_empty() || url.password().is_some() {
            return Err(TargetError::User);
        }
        let literal = host.parse::<IpAddr>().ok();
        let is_loopback = host == "localhost" || literal.is_some_and(|ip| ip.is_loopback());
        match url.scheme() {
            "https" => {}
            "http" if is_loopback && private == Private::Allowed => {}
            "http" => return Err(TargetError::NotEncrypted),
            _ => return Err(TargetError::NotUnderstood),
        }
        let port = url.port_or_known_default().ok_or(TargetError::NotUnderstood)?;
        let target = Self { url, host, port, private };
        if let Some(ip) = literal {
            target.allowed(&[SocketAddr::new(ip, port)])?;
        }
        Ok(target)
    }

    /// Holds the addresses that a host resolved to against the rules; one that is refused refuses all, as the next look-up may
    /// give it alone.
    ///
    /// # Errors
    /// [`TargetError::Private`] or [`TargetError::Nowhere`].
    pub fn allowed(&self, addresses: &[SocketAddr]) -> Result<(), TargetError> {
        if addresses.is_empty() {
            return Err(TargetError::Nowhere);
        }
        let is_refused = |ip: IpAddr| match self.private {
            Private::Allowed => false,
            Private::Refused => !is_public(ip),
        };
        match addresses.iter().find(|address| is_refused(address.ip())) {
            Some(refused) => Err(TargetError::Private(refused.ip())),
            None => Ok(()),
        }
    }
}

/// Whether an address is out in the world: none of the ranges of IANA's special-purpose registries.
fn is_public(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => is_public_v4(ip),
        IpAddr::V6(ip) => match embedded_v4(ip) {
            Some(ip) => is_public_v4(ip),
            None => is_public_v6(ip),
        },
    }
}

fn is_public_v4(ip: Ipv4Addr) -> bool {
    let [a, b, c, _] = ip.octets();
    let is_shared = a == 100 && (64..128).contains(&b);
    let is_protocol = a == 192 && b == 0 && c == 0;
    let is_benchmark = a == 198 && (18..20).contains(&b);
    let is_special = is_shared || is_protocol || is_benchmark || a == 0 || a >= 240;
    !(is_special
        || ip.is_private()
        || ip.is_loopback()
        || ip.is_link_local()
        || ip.is_multicast()
        || ip.is_documentation())
}

fn is_public_v6(ip: Ipv6Addr) -> bool {
    let first = ip.segments()[0];
    // Only 2000::/3 is handed out; in it, 2001:db8::/32 is for documents and 2001::/23 for protocols.
    let is_global = first & 0xe000 == 0x2000;
    let is_protocol = first == 0x2001 && (ip.segments()[1] < 0x0200 || ip.segments()[1] == 0x0db8);
    is_global && !is_protocol
}

/// An IPv4 address in IPv6 clothes: mapped, 6to4 (2002::/16) or NAT64 (64:ff9b::/96).
fn embedded_v4(ip: Ipv6Addr) -> Option<Ipv4Addr> {
    let [a, b, c, d, e, f, g, h] = ip.segments();
    let of = |high: u16, low: u16| Ipv4Addr::from((u32::from(high) << 16) | u32::from(low));
    match (a, b) {
        (0x2002, _) => Some(of(b, c)),
        (0x0064, 0xff9b) if [c, d, e, f] == [0; 4] => Some(of(g, h)),
        _ => ip.to_ipv4_mapped(),
    }
}
