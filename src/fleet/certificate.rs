//! From when to when a certificate is valid.
//!
//! For telling only: whether a certificate is to be trusted is decided by the TLS library and nowhere else.

use crate::time::WallTime;
use x509_parser::pem::Pem;

/// The time in which a certificate is valid.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Validity {
    /// Its first moment.
    pub from: WallTime,
    /// Its last.
    pub until: WallTime,
}

/// That of the first certificate in a PEM text, which is the box's own; none where there is none that can be read.
#[must_use]
pub fn validity(pem: &[u8]) -> Option<Validity> {
    let is_certificate = |pem: &Pem| pem.label == "CERTIFICATE";
    let first = Pem::iter_from_buffer(pem).filter_map(Result::ok).find(is_certificate)?;
    let certificate = first.parse_x509().ok()?;
    let at = |seconds: i64| WallTime::from_unix_ms(seconds.saturating_mul(1000));
    let validity = certificate.validity();
    Some(Validity { from: at(validity.not_before.timestamp()), until: at(validity.not_after.timestamp()) })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Made with `openssl req -x509 -newkey ed25519 -nodes -subj /CN=box-1 -days 365` on 2026-11-30.
    const PEM: &str = include_str!("certificate/test.pem");

    #[test]
    fn the_first_certificate_of_a_file_says_when_it_runs_out() {
        let text = format!("a word before it\n{PEM}{}", PEM.replace('A', "B"));
        let from = WallTime::from_unix_ms(1_796_072_303_000);
        let until = WallTime::from_unix_ms(1_827_608_303_000);
        assert_eq!(validity(text.as_bytes()), Some(Validity { from, until }));
    }

    #[test]
    fn what_is_no_certificate_says_nothing() {
        let cut = &PEM[..PEM.len() / 2];
        for bytes in [
            b"".as_slice(),
            b"\xff\xfe",
            cut.as_bytes(),
            PEM.replace("CERTIFICATE", "PRIVATE KEY").as_bytes(),
        ] {
            assert_eq!(validity(bytes), None);
        }
    }
}
