//! What a receiver of badges (Bluetooth beacons) tells: `{"badge": "b-17", "camera": "door", "zone": "till", "at_ms": 1760000000000}`.
//!
//! `camera` and `zone` say where the receiver stands; without them it stands for everything that is seen. `at_ms` may be left
//! out by a receiver without a clock. Objects come one by one, in a list, or one a line.

use crate::ids::{CameraId, ZoneId};
use crate::time::WallTime;
use crate::visitors::{BadgeId, BadgeReading};
use serde_json::Value;
use std::time::Duration;

/// Readings taken of one message; a receiver tells a dozen a second.
const MOST_READINGS: usize = 1000;
/// Largest message, bytes: so many readings with the longest names that they can have. Read as JSON, a larger one could
/// take many times its size in memory.
const MOST_BYTES: usize = 512 * 1024;
/// Entries put aside that are told one by one; a message with more is no receiver's.
const MOST_ASIDE: usize = 100;
/// Longest badge id, bytes.
const MOST_ID_BYTES: usize = 128;
/// How far a receiver's clock may be off.
const MOST_OFF: Duration = Duration::from_secs(300);

/// A reading, and the camera that it is for; none: all of them.
pub type Heard = (Option<CameraId>, BadgeReading);

/// Reads a message; gives the readings, and what was put aside with its place from 1 and why.
#[must_use]
pub fn read(bytes: &[u8], now: WallTime) -> (Vec<Heard>, Vec<(u32, String)>) {
    let (mut heard, mut aside) = (Vec::new(), Vec::new());
    if bytes.len() > MOST_BYTES {
        let why =
            format!("{} bytes are more than the {MOST_BYTES} of the largest message of badges", bytes.len());
        return (heard, vec![(0, why)]);
    }
    let values = serde_json::Deserializer::from_slice(bytes).into_iter::<Value>();
    let mut entry = 0;
    for value in values {
        let entries = match value {
            Ok(Value::Array(list)) => list,
            Ok(one) => vec![one],
            Err(fault) => {
                aside.push((entry + 1, format!("it is not JSON ({fault})")));
                break;
            }
        };
        for one in entries {
            entry += 1;
            match reading(&one, now) {
                _ if heard.len() >= MOST_READINGS => {
                    aside.push((entry, format!("more than {MOST_READINGS} readings in one message")));
                    return (heard, aside);
                }
                Ok(reading) => heard.push(reading),
                Err(_) if aside.len() >= MOST_ASIDE => {
                    aside.push((
                        entry,
                        format!("more than {MOST_ASIDE} entries are no readings; the rest is not read"),
                    ));
                    return (heard, aside);
                }
                Err(why) => aside.push((entry, why)),
            }
        }
    }
    (heard, aside)
}

fn reading(value: &Value, now: WallTime) -> Result<Heard, String> {
    let text = |key: &str| match value.get(key) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.as_str())),
        Some(_) => Err(format!("{key} is no text")),
    };
    let badge = text("badge")?.filter(|badge| !badge.is_empty() && badge.len() <= MOST_ID_BYTES);
    let badge = badge.ok_or("badge is missing, empty or too long")?;
    let camera = text("camera")?.map(CameraId::parse).transpose().map_err(|fault| fault.to_string())?;
    let zone = text("zone")?.map(ZoneId::parse).transpose().map_err(|fault| fault.to_string())?;
    let at = match value.get("at_ms") {
        None | Some(Value::Null) => now,
        Some(at) => WallTime::from_unix_ms(at.as_i64().ok_or("at_ms is no whole number")?),
    };
    if at.since(now).max(now.since(at)) > MOST_OFF {
        return Err("at_ms is more than 5 minutes off; set the receiver's clock, or leave it out".to_owned());
    }
    Ok((camera, BadgeReading { badge: BadgeId::of(badge), zone, at }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const NOW: WallTime = WallTime::from_unix_ms(1_760_000_000_000);

    #[track_caller]
    fn check(text: &str, heard: usize, aside: &[(u32, &str)]) {
        let (read, why) = read(text.as_bytes(), NOW);
        assert_eq!(read.len(), heard, "{why:?}");
        assert_eq!(why.len(), aside.len(), "{why:?}");
        for ((row, why), (expected, part)) in why.iter().zip(aside) {
            assert!(row == expected && why.contains(part), "{row}: {why}");
        }
    }

    #[test]
    fn readings_come_one_by_one_in_a_list_or_one_a_line() {
        check(r#"{"badge":"b-17"}"#, 1, &[]);
        check(
            r#"[{"badge":"b-17","camera":"door","zone":"till","at_ms":1760000000000},{"badge":"b"}]"#,
            2,
            &[],
        );
        check("{\"badge\":\"a\"}\n{\"badge\":\"b\"}\n", 2, &[]);
        check("[]", 0, &[]);
    }

    #[test]
    fn a_reading_without_a_time_was_made_now() {
        let (heard, _) = read(br#"{"badge":"b"}"#, NOW);
        assert_eq!((heard[0].0.clone(), heard[0].1.at, heard[0].1.zone.clone()), (None, NOW, None));
    }

    #[test]
    fn what_is_no_reading_is_put_aside_with_its_place_and_the_rest_is_taken() {
        check(
            r#"[{"badge":""},{"badge":"b"},{"zone":"till"},{"badge":7}]"#,
            1,
            &[(1, "badge"), (3, "badge"), (4, "badge")],
        );
        check(r#"{"badge":"b","at_ms":1}"#, 0, &[(1, "clock")]);
        check(r#"{"badge":"b","camera":"Door 1"}"#, 0, &[(1, "holds")]);
        check("{\"badge\":\"a\"} nonsense", 1, &[(2, "JSON")]);
    }

    #[test]
    fn a_message_of_nonsense_takes_little_memory_and_so_does_one_that_is_too_large() {
        let nonsense = format!("[{}1]", "1,".repeat(200_000));
        let (heard, aside) = read(nonsense.as_bytes(), NOW);
        assert_eq!((heard.len(), aside.len()), (0, MOST_ASIDE + 1));
        let large = format!("[{}1]", "1,".repeat(MOST_BYTES));
        let (heard, aside) = read(large.as_bytes(), NOW);
        assert!(heard.is_empty() && aside.len() == 1 && aside[0].1.contains("more than"), "{aside:?}");
    }

    #[test]
    fn a_message_that_is_nested_too_deeply_is_not_followed_down() {
        check(&"[".repeat(100_000), 0, &[(1, "recursion limit")]);
    }

    proptest! {
        #[test]
        fn no_message_makes_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let (heard, _) = read(&bytes, NOW);
            prop_assert!(heard.len() <= MOST_READINGS);
        }
    }
}
