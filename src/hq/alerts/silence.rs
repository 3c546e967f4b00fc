//! A box, or one of its cameras, of which nothing comes while its store is open.

use super::{Rule, Subject, Verdict, Verdicts};
use crate::time::WallTime;
use crate::wire::v1::{BoxStatus, CameraStatus, State};
use serde_json::json;
use std::time::Duration;

/// A store's time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StoreTime {
    /// Since when it is open; none: it is closed.
    pub open_since: Option<WallTime>,
}

/// What is known of a box.
#[derive(Debug, Clone, PartialEq)]
pub struct BoxSeen {
    /// Its store.
    pub store_id: i64,
    /// Its name.
    pub name: String,
    /// When its last record arrived; none: it has never sent one, and is not looked for.
    pub last_record: Option<WallTime>,
    /// Its last message on `state`, and when it came.
    pub state: Option<(State, WallTime)>,
}

/// Judges a box and its cameras. Silence counts from the last record or from opening, whichever is later: what was silent at
/// night is not late in the morning.
#[must_use]
pub fn about_box(seen: &BoxSeen, time: StoreTime, patience: Duration, now: WallTime) -> Verdicts {
    let mut verdicts = Verdicts::new();
    let subject = |about: String| Subject { rule: Rule::NoData, store_id: seen.store_id, about };
    let Some(last_record) = seen.last_record else { return verdicts };
    let is_fresh = now.since(last_record) <= patience;
    if is_fresh {
        verdicts.insert(subject(seen.name.clone()), Verdict::Fine { since: last_record });
    } else if let Some(open_since) = time.open_since
        && now.since(last_record.max(open_since)) > patience
    {
        let minutes = now.since(last_record).as_secs() / 60;
        let values = json!({ "box": seen.name, "minutes": minutes });
        verdicts.insert(subject(seen.name.clone()), Verdict::wrong(last_record, values));
    }
    let Some((state, since)) = &seen.state else { return verdicts };
    if state.state != BoxStatus::Online || !is_fresh {
        // What the cameras of a box do that is not there, nobody knows.
        return verdicts;
    }
    for camera in &state.cameras {
        let about = subject(format!("{}/{}", seen.name, camera.camera));
        let silent_since = time.open_since.map(|open_since| open_since.max(*since));
        if camera.state == CameraStatus::Up {
            verdicts.insert(about, Verdict::Fine { since: *since });
        } else if silent_since.is_some_and(|silent_since| now.since(silent_since) > patience) {
            let values = json!({ "kind": "camera", "box": seen.name, "camera": camera.camera });
            verdicts.insert(about, Verdict::wrong(*since, values));
        }
    }
    verdicts
}
