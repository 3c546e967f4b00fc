//! Keys and certificates of a box: made, asked for, and looked at. The one file that knows the libraries for it.
//!
//! A key is made here and leaves the box never; what head office gives back is looked at as if an enemy had sent it.

use crate::ids::BoxId;
use crate::time::WallTime;
use rcgen::{CertificateParams, DistinguishedName, DnType, KeyPair, PublicKeyData};
use x509_parser::pem::Pem;

/// Most certificates that lead from a box to the authority, or that a broker may be of.
const MOST_CERTIFICATES: usize = 8;

/// Why a key cannot be made, or a certificate is not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// The system gives no random numbers, or the library fails.
    #[error("a key could not be made: {0}")]
    NotMade(String),
    /// A file that holds no key.
    #[error("the key cannot be read; enrol the box again")]
    NoKey,
    /// No certificate in PEM.
    #[error("what head office sent as {0} is no certificate in PEM")]
    NoCertificate(&'static str),
    /// A certificate for somebody else's key.
    #[error("the certificate is not for the key of this box")]
    OtherKey,
    /// A certificate with another name.
    #[error("the certificate is for {got:?}, this box is {expected:?}")]
    OtherName {
        /// Who it is for.
        got: String,
        /// Who this is.
        expected: String,
    },
    /// A certificate that does not hold now.
    #[error(
        "the certificate holds from {from} to {until}, and by the clock of this box it is {now}; set the clock (`timedatectl`), and try again"
    )]
    NotNow {
        /// From when.
        from: WallTime,
        /// Until when.
        until: WallTime,
        /// What the clock says.
        now: WallTime,
    },
}

/// A key of this box. `Debug` does not show it.
pub struct BoxKey {
    pair: KeyPair,
}

impl std::fmt::Debug for BoxKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("BoxKey").finish_non_exhaustive()
    }
}

impl BoxKey {
    /// A new one.
    ///
    /// # Errors
    /// [`KeyError::NotMade`].
    pub fn generate() -> Result<Self, KeyError> {
        let pair = KeyPair::generate().map_err(|fault| KeyError::NotMade(fault.to_string()))?;
        Ok(Self { pair })
    }

    /// Reads one from its file's text.
    ///
    /// # Errors
    /// [`KeyError::NoKey`].
    pub fn parse(pem: &str) -> Result<Self, KeyError> {
        let pair = KeyPair::from_pem(pem).map_err(|_shows_nothing_of_it| KeyError::NoKey)?;
        Ok(Self { pair })
    }

    /// The text of its file.
    #[must_use]
    pub fn to_pem(&self) -> String {
        self.pair.serialize_pem()
    }

    /// A signing request, PEM. Whose key it is head office knows itself, so the name is for people.
    ///
    /// # Errors
    /// [`KeyError::NotMade`].
    pub fn request(&self, name: &str) -> Result<String, KeyError> {
        let mut params = CertificateParams::default();
        params.distinguished_name = DistinguishedName::new();
        params.distinguished_name.push(DnType::CommonName, name);
        let made = params.serialize_request(&self.pair).and_then(|request| request.pem());
        made.map_err(|fault| KeyError::NotMade(fault.to_string()))
    }

    /// Until when the first certificate of this chain holds, which must be for this key and this box, now.
    ///
    /// # Errors
    /// [`KeyError`] says what is wrong with it.
    pub fn certified(&self, chain: &str, box_id: &BoxId, now: WallTime) -> Result<WallTime, KeyError> {
        let none = KeyError::NoCertificate("the certificate");
        let all = certificates(chain).ok_or_else(|| none.clone())?;
        let first = all.first().and_then(|pem| pem.parse_x509().ok()).ok_or(none)?;
        if first.public_key().raw != self.pair.subject_public_key_info() {
            return Err(KeyError::OtherKey);
        }
        let name = first.subject().iter_common_name().next().and_then(|name| name.as_str().ok());
        if name != Some(box_id.as_str()) {
            let got = name.unwrap_or_default().chars().take(80).collect();
            return Err(KeyError::OtherName { got, expected: box_id.to_string() });
        }
        let at =
            |time: x509_parser::time::ASN1Time| WallTime::from_unix_ms(time.timestamp().saturating_mul(1000));
        let (from, until) = (at(first.validity().not_before), at(first.validity().not_after));
        if now < from || now >= until {
            return Err(KeyError::NotNow { from, until, now });
        }
        Ok(until)
    }
}

/// Checks that a text holds authorities, and nothing that is none.
///
/// # Errors
/// [`KeyError::NoCertificate`].
pub fn check_authorities(pem: &str) -> Result<(), KeyError> {
    certificates(pem).map(drop).ok_or(KeyError::NoCertificate("the authority"))
}

/// The certificates of a text, at least one; none where one of them cannot be read.
fn certificates(text: &str) -> Option<Vec<Pem>> {
    let all: Vec<Pem> =
        Pem::iter_from_buffer(text.as_bytes()).take(MOST_CERTIFICATES + 1).collect::<Result<_, _>>().ok()?;
    let is_certificate = |pem: &Pem| pem.label == "CERTIFICATE" && pem.parse_x509().is_ok();
    let is_sound = (1..=MOST_CERTIFICATES).contains(&all.len()) && all.iter().all(is_certificate);
    is_sound.then_some(all)
}

#[cfg(test)]
pub(in crate::fleet) mod tests {
    use super::*;
    use rcgen::{CertificateSigningRequestParams, IsCa, Issuer};

    /// An authority that signs whatever it is asked, and its certificate.
    pub(in crate::fleet) struct Authority {
        issuer: Issuer<'static, KeyPair>,
        pub(in crate::fleet) pem: String,
    }

    impl Authority {
        pub(in crate::fleet) fn new() -> Self {
            let mut params = CertificateParams::default();
            params.is_ca = IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
            params.distinguished_name.push(DnType::CommonName, "an authority");
            let pair = KeyPair::generate().unwrap();
            let pem = params.self_signed(&pair).unwrap().pem();
            Self { issuer: Issuer::new(params, pair), pem }
        }

        /// Signs a request for a name.
        pub(in crate::fleet) fn sign(&self, request: &str, name: &str) -> String {
            let mut request = CertificateSigningRequestParams::from_pem(request).unwrap();
            request.params.distinguished_name = DistinguishedName::new();
            request.params.distinguished_name.push(DnType::CommonName, name);
            request.params.not_before = rcgen::date_time_ymd(2026, 1, 1);
            request.params.not_after = rcgen::date_time_ymd(2027, 1, 1);
            request.signed_by(&self.issuer).unwrap().pem()
        }
    }

    /// A time at which what the authority signs holds: the middle of 2026.
    pub(in crate::fleet) fn within() -> WallTime {
        WallTime::from_unix_ms(1_782_000_000_000)
    }

    fn certified(name: &str, other_key: bool, now: WallTime) -> Result<WallTime, KeyError> {
        let (authority, key, other) =
            (Authority::new(), BoxKey::generate().unwrap(), BoxKey::generate().unwrap());
        let signed_for = if other_key { &other } else { &key };
        let chain = authority.sign(&signed_for.request("whatever").unwrap(), name);
        key.certified(&chain, &BoxId::parse("box-1").unwrap(), now)
    }

    #[test]
    fn a_certificate_is_taken_for_the_own_key_name_and_time_only() {
        assert_eq!(certified("box-1", false, within()), Ok(WallTime::from_unix_ms(1_798_761_600_000)));
        assert_eq!(certified("box-1", true, within()), Err(KeyError::OtherKey));
        assert!(matches!(certified("box-2", false, within()), Err(KeyError::OtherName { .. })));
        for ms in [1_700_000_000_000, 1_900_000_000_000] {
            let fault = certified("box-1", false, WallTime::from_unix_ms(ms)).unwrap_err();
            assert!(fault.to_string().contains("set the clock"), "{fault}");
        }
    }

    #[test]
    fn what_is_no_certificate_is_not_taken() {
        let key = BoxKey::generate().unwrap();
        let box_id = BoxId::parse("box-1").unwrap();
        let broken = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
        for text in ["", "hello", broken, &key.to_pem()] {
            assert!(
                matches!(key.certified(text, &box_id, within()), Err(KeyError::NoCertificate(_))),
                "{text}"
            );
            assert!(check_authorities(text).is_err(), "{text}");
        }
        assert_eq!(check_authorities(&Authority::new().pem), Ok(()));
    }

    #[test]
    fn a_key_is_read_from_its_file_again_and_not_shown() {
        let key = BoxKey::generate().unwrap();
        assert_eq!(BoxKey::parse(&key.to_pem()).unwrap().to_pem(), key.to_pem());
        assert_eq!(BoxKey::parse("x").unwrap_err(), KeyError::NoKey);
        assert_eq!(format!("{key:?}"), "BoxKey { .. }");
    }
}
