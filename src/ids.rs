//! Names of things: checked once, here, and never again.
//!
//! An id goes into MQTT topics and, at some brokers, into subjects and file names,
//! so it holds only `a-z`, `0-9`, `_` and `-`.

use std::fmt;
use std::sync::Arc;

/// Longest id that is accepted.
///
/// Four ids and the fixed words make a topic; 64 keeps it far below the 65,535 bytes of MQTT
/// and below the 255 of a file name.
pub const MAX_ID_LEN: usize = 64;

/// Why a text is not an id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IdError {
    /// Nothing was given.
    #[error("an id cannot be empty")]
    Empty,
    /// The text is too long.
    #[error("id {text:?} has {len} characters, at most {MAX_ID_LEN} are allowed")]
    TooLong {
        /// What was given.
        text: String,
        /// Its length in bytes.
        len: usize,
    },
    /// The text holds a character that is not allowed.
    #[error("id {text:?} holds {found:?}; use only a-z, 0-9, _ and -")]
    Character {
        /// What was given.
        text: String,
        /// The first character that is not allowed.
        found: char,
    },
    /// A box of that name would be taken for something else by the broker.
    #[error(
        "no box can be called {text:?}: {} are names of head office's at the broker; call it for example {text}-1",
        RESERVED_FOR_HEAD_OFFICE.join(", ")
    )]
    Reserved {
        /// What was given.
        text: String,
    },
}

/// What no box is called. `footfall/v1/acme/hq/sales` is where a chain's sales come in, and would be the place of a box `sales` in
/// a store `hq`; `head-office` is whom the brokers of `deploy/` let write to every box.
const RESERVED_FOR_HEAD_OFFICE: [&str; 4] = ["sales", "orders", "staffing", "head-office"];

fn checked(text: &str, allow_upper: Case) -> Result<Arc<str>, IdError> {
    if text.is_empty() {
        return Err(IdError::Empty);
    }
    if text.len() > MAX_ID_LEN {
        return Err(IdError::TooLong { text: text.chars().take(MAX_ID_LEN).collect(), len: text.len() });
    }
    let allowed = |c: char| {
        matches!(c, 'a'..='z' | '0'..='9' | '_' | '-') || (allow_upper == Case::Any && c.is_ascii_uppercase())
    };
    match text.chars().find(|c| !allowed(*c)) {
        Some(found) => Err(IdError::Character { text: text.to_owned(), found }),
        None => Ok(Arc::from(text)),
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Case {
    Lower,
    Any,
}

macro_rules! id {
    ($(#[$doc:meta])* $name:ident $(, but not $reserved:ident)?) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(Arc<str>);

        impl $name {
            /// Checks a text; see the module for what is allowed.
            ///
            /// # Errors
            /// [`IdError`] says what is wrong with the text.
            pub fn parse(text: &str) -> Result<Self, IdError> {
                $(if $reserved.contains(&text) {
                    return Err(IdError::Reserved { text: text.to_owned() });
                })?
                checked(text, Case::Lower).map(Self)
            }

            /// The id as text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

id! {
    /// Who owns the stores.
    TenantId
}
id! {
    /// A shop.
    StoreId
}
id! {
    /// The edge computer in a store; unique in the world.
    BoxId, but not RESERVED_FOR_HEAD_OFFICE
}
id! {
    /// A camera of one box.
    CameraId
}
id! {
    /// A line of one camera.
    LineId
}
id! {
    /// A zone of one camera.
    ZoneId
}

id! {
    /// Another sensor of the store, of one box: at a door, or for beacons.
    SensorId
}

id! {
    /// Some stores of one owner.
    RegionId
}
id! {
    /// What stands in a zone for a while, to be compared with others.
    DisplayId
}

macro_rules! any_case {
    ($name:ident) => {
        impl $name {
            /// A name given on the command line to a one-off count, where capitals are allowed too.
            ///
            /// # Errors
            /// [`IdError`] says what is wrong with the text.
            pub fn parse_any_case(text: &str) -> Result<Self, IdError> {
                checked(text, Case::Any).map(Self)
            }
        }
    };
}

any_case!(LineId);
any_case!(ZoneId);

/// One person as followed by one camera in one run. Never reused, and never an identity.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TrackId(pub u64);

impl fmt::Display for TrackId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_of_small_letters_digits_underscore_and_dash_is_taken() {
        assert_eq!(BoxId::parse("box_7-a").unwrap().as_str(), "box_7-a");
    }

    #[test]
    fn a_fault_names_the_first_character_that_is_not_allowed() {
        let fault = StoreId::parse("shop.1").unwrap_err();
        assert_eq!(fault.to_string(), "id \"shop.1\" holds '.'; use only a-z, 0-9, _ and -");
    }

    #[test]
    fn empty_and_endless_ids_are_refused() {
        assert_eq!(LineId::parse(""), Err(IdError::Empty));
        assert!(matches!(LineId::parse(&"a".repeat(65)), Err(IdError::TooLong { len: 65, .. })));
    }

    #[test]
    fn a_box_is_not_called_what_head_office_is_at_the_broker() {
        for name in RESERVED_FOR_HEAD_OFFICE {
            let fault = BoxId::parse(name).unwrap_err().to_string();
            assert!(fault.contains(name) && fault.contains(&format!("{name}-1")), "{fault}");
            assert!(BoxId::parse(&format!("{name}-1")).is_ok() && StoreId::parse(name).is_ok());
        }
    }

    #[test]
    fn capitals_are_allowed_only_on_the_command_line() {
        assert!(LineId::parse("V500").is_err());
        assert!(LineId::parse_any_case("V500").is_ok());
    }
}
