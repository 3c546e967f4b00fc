//! What a box counts with: its own file, or what head office desired, and how it stands to that.
//!
//! Pure. [`Memory`] is all that is remembered over a restart, and it is written before anything is done; so whatever moment
//! the box dies in, it knows at the next start what it was trying, and how often it tried.

use crate::time::WallTime;
use crate::wire::v1::V1;
use crate::wire::v1::fleet::{ConfigDesired, ConfigReported, ConfigStatus, MAX_CONFIG_BYTES};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// A configuration that ends the process this often before it has counted for long enough is given up.
const MOST_STARTS: u32 = 3;
/// Most faults that are reported; a person mends the first ones first.
const MOST_FAULTS: usize = 50;

/// What head office desired once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Desired {
    /// Its version.
    pub version: u64,
    /// TOML.
    pub text: String,
}

/// A configuration that has not counted for long enough.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trial {
    /// What is tried.
    pub desired: Desired,
    /// Processes that began with it.
    pub starts: u32,
}

/// Why the newest version is not in force.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NotTaken {
    /// Its version.
    pub version: u64,
    /// SHA-256 of its text, hex.
    pub hash: String,
    /// Whether it was in force for a while.
    pub was_tried: bool,
    /// What is wrong with it.
    pub faults: Vec<String>,
}

/// What is remembered.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Memory {
    /// The last one that did; none: the box's own file.
    pub good: Option<Desired>,
    /// The one that is tried.
    pub trial: Option<Trial>,
    /// The newest one, where it is neither.
    pub not_taken: Option<NotTaken>,
    /// Since when all that is so, UTC ms.
    pub at_ms: i64,
}

/// What to do after something was desired.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Nothing: it is known, or older than what is known.
    Nothing,
    /// Remember, and say that it was refused.
    Refused,
    /// Remember, and count with it.
    Try,
}

impl Memory {
    /// What is in force; none: the box's own file.
    #[must_use]
    pub fn in_force(&self) -> Option<&Desired> {
        self.trial.as_ref().map(|trial| &trial.desired).or(self.good.as_ref())
    }

    /// The newest version that was ever desired; 0: none.
    #[must_use]
    pub fn newest(&self) -> u64 {
        let trial = self.trial.as_ref().map(|trial| trial.desired.version);
        let good = self.good.as_ref().map(|good| good.version);
        let not_taken = self.not_taken.as_ref().map(|other| other.version);
        trial.max(good).max(not_taken).unwrap_or(0)
    }

    /// Takes what head office desires. `check` gives every fault of a text.
    pub fn desired(
        &mut self,
        desired: ConfigDesired,
        check: impl FnOnce(&str) -> Vec<String>,
        now: WallTime,
    ) -> Step {
        let hash = hash(&desired.text);
        if desired.version < self.newest() || self.knows(desired.version, &hash) {
            return Step::Nothing;
        }
        let faults = if desired.text.len() > MAX_CONFIG_BYTES {
            vec![format!("the text has {} bytes, more than {MAX_CONFIG_BYTES}", desired.text.len())]
        } else if !hash.eq_ignore_ascii_case(&desired.hash) {
            vec!["the text is not the one of which the hash speaks; send it again".to_owned()]
        } else {
            check(&desired.text)
        };
        let version = desired.version;
        if !faults.is_empty() {
            self.not_taken = Some(NotTaken { version, hash, was_tried: false, faults: first(faults) });
            self.at_ms = now.unix_ms();
            return Step::Refused;
        }
        // What was on trial never did for long enough, so the last good one stays what it is.
        let desired = Desired { version, text: desired.text };
        self.trial = Some(Trial { desired, starts: 1 });
        self.not_taken = None;
        self.at_ms = now.unix_ms();
        Step::Try
    }

    /// A process begins. What ended too many before is given up; tells whether it was.
    pub fn started(&mut self, now: WallTime) -> bool {
        match &mut self.trial {
            Some(trial) if trial.starts < MOST_STARTS => {
                trial.starts += 1;
                false
            }
            Some(trial) => {
                let text = format!(
                    "the service ended {} times before it had counted with it for long enough",
                    trial.starts
                );
                self.failed(vec![text], now);
                true
            }
            None => false,
        }
    }

    /// What is on trial has counted for long enough.
    pub fn counted(&mut self, now: WallTime) {
        if let Some(trial) = self.trial.take() {
            self.good = Some(trial.desired);
            self.at_ms = now.unix_ms();
        }
    }

    /// What is in force does not do: a trial is given up for the last good one, and that for the box's own file.
    pub fn failed(&mut self, faults: Vec<String>, now: WallTime) {
        let Some(given_up) = self.trial.take().map(|trial| trial.desired).or_else(|| self.good.take()) else {
            return;
        };
        // Of something newer that was refused nothing more need be said than that.
        if self.newest() <= given_up.version {
            let hash = hash(&given_up.text);
            self.not_taken =
                Some(NotTaken { version: given_up.version, hash, was_tried: true, faults: first(faults) });
        }
        self.at_ms = now.unix_ms();
    }

    /// What to tell head office; `own` is the part of the box's own file that may be changed from afar, where it may travel.
    #[must_use]
    pub fn report(&self, own: Option<String>) -> ConfigReported {
        let (version, status, faults) = match (&self.not_taken, &self.trial, &self.good) {
            (Some(other), ..) if other.was_tried => {
                (other.version, ConfigStatus::RolledBack, other.faults.clone())
            }
            (Some(other), ..) => (other.version, ConfigStatus::Refused, other.faults.clone()),
            (None, Some(trial), _) => (trial.desired.version, ConfigStatus::Trial, Vec::new()),
            (None, None, Some(good)) => (good.version, ConfigStatus::Applied, Vec::new()),
            (None, None, None) => (0, ConfigStatus::Local, Vec::new()),
        };
        let text = self.in_force().map(|desired| desired.text.clone()).or(own);
        ConfigReported {
            v: V1,
            version,
            status,
            in_force: self.in_force().map_or(0, |desired| desired.version),
            hash: text.as_deref().map(hash).unwrap_or_default(),
            faults,
            text,
            at_ms: self.at_ms,
        }
    }

    fn knows(&self, version: u64, hash_of_text: &str) -> bool {
        let not_taken = self.not_taken.as_ref();
        let is_other = not_taken.is_some_and(|other| other.version == version && other.hash == hash_of_text);
        let is = |desired: Option<&Desired>| {
            desired.is_some_and(|known| known.version == version && hash(&known.text) == hash_of_text)
        };
        is_other || is(self.good.as_ref()) || is(self.trial.as_ref().map(|trial| &trial.desired))
    }
}

fn first(mut faults: Vec<String>) -> Vec<String> {
    let more = faults.len().saturating_sub(MOST_FAULTS);
    faults.truncate(MOST_FAULTS);
    if more > 0 {
        faults.push(format!("and {more} more"));
    }
    faults
}

/// SHA-256 of a text, hex in small letters.
#[must_use]
pub fn hash(text: &str) -> String {
    Sha256::digest(text.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn message(version: u64, text: &str) -> ConfigDesired {
        ConfigDesired { v: V1, version, hash: hash(text), text: text.to_owned() }
    }

    /// Texts that begin with "bad" have a fault.
    fn check(text: &str) -> Vec<String> {
        if text.starts_with("bad") { vec![format!("{text} is bad")] } else { Vec::new() }
    }

    fn at(ms: i64) -> WallTime {
        WallTime::from_unix_ms(ms)
    }

    fn told(memory: &Memory) -> (ConfigStatus, u64, u64) {
        let report = memory.report(Some("own".to_owned()));
        (report.status, report.version, report.in_force)
    }

    #[test]
    fn a_box_without_a_wish_of_head_office_counts_with_its_own_file() {
        let report = Memory::default().report(Some("own".to_owned()));
        assert_eq!((report.status, report.version, report.in_force), (ConfigStatus::Local, 0, 0));
        assert_eq!((report.text.as_deref(), report.hash), (Some("own"), hash("own")));
    }

    #[test]
    fn a_configuration_is_on_trial_until_it_has_counted() {
        let mut memory = Memory::default();
        assert_eq!(memory.desired(message(1, "a"), check, at(5)), Step::Try);
        assert_eq!(told(&memory), (ConfigStatus::Trial, 1, 1));
        memory.counted(at(6));
        assert_eq!(told(&memory), (ConfigStatus::Applied, 1, 1));
        assert_eq!(memory.at_ms, 6);
    }

    #[test]
    fn what_has_faults_changes_nothing_and_says_all_of_them() {
        let mut memory = Memory::default();
        memory.desired(message(1, "a"), check, at(5));
        memory.counted(at(6));
        assert_eq!(memory.desired(message(2, "bad"), check, at(7)), Step::Refused);
        assert_eq!(told(&memory), (ConfigStatus::Refused, 2, 1));
        assert_eq!(memory.report(None).faults, ["bad is bad"]);
    }

    #[test]
    fn a_text_that_is_not_the_announced_one_is_refused() {
        let mut memory = Memory::default();
        let other = ConfigDesired { hash: hash("b"), ..message(1, "a") };
        assert_eq!(memory.desired(other, check, at(1)), Step::Refused);
        let long = "a".repeat(MAX_CONFIG_BYTES + 1);
        assert_eq!(memory.desired(message(2, &long), check, at(1)), Step::Refused);
        // The right text under the same version is another thing, and is taken.
        assert_eq!(memory.desired(message(2, "a"), check, at(2)), Step::Try);
    }

    #[test]
    fn what_ends_the_process_three_times_is_given_up_for_the_last_good_one() {
        let mut memory = Memory::default();
        memory.desired(message(1, "a"), check, at(1));
        memory.counted(at(2));
        memory.desired(message(2, "b"), check, at(3));
        assert!(!memory.started(at(4)) && !memory.started(at(5)), "it ended twice so far");
        assert!(memory.started(at(6)));
        assert_eq!(told(&memory), (ConfigStatus::RolledBack, 2, 1));
        assert_eq!(memory.desired(message(2, "b"), check, at(7)), Step::Nothing, "it is not tried again");
    }

    #[test]
    fn what_does_not_start_is_given_up_and_so_is_a_good_one_that_no_longer_does() {
        let mut memory = Memory::default();
        memory.desired(message(1, "a"), check, at(1));
        memory.counted(at(2));
        memory.desired(message(2, "b"), check, at(3));
        memory.failed(vec!["no model".to_owned()], at(4));
        assert_eq!(told(&memory), (ConfigStatus::RolledBack, 2, 1));
        assert_eq!(memory.report(None).faults, ["no model"]);
        memory.failed(vec!["no model".to_owned()], at(5));
        assert_eq!(told(&memory).2, 0, "its own file is left");
    }

    proptest! {
        #[test]
        fn whatever_happens_what_is_in_force_was_sound_and_good_ones_only_go_when_they_fail(
            events in prop::collection::vec((0_u8..5, 0_u64..6, any::<bool>()), 0..40)
        ) {
            let mut memory = Memory::default();
            for (ms, (event, version, is_bad)) in (0_i64..).zip(events) {
                let before = memory.clone();
                let text = if is_bad { format!("bad {version}") } else { format!("fine {version}") };
                match event {
                    0 => {
                        let step = memory.desired(message(version, &text), check, at(ms));
                        prop_assert!(step != Step::Nothing || memory == before);
                        prop_assert!(step != Step::Refused || memory.in_force() == before.in_force());
                        prop_assert!(version >= before.newest() || step == Step::Nothing);
                        prop_assert_eq!(&memory.good, &before.good);
                    }
                    1 => { memory.started(at(ms)); prop_assert_eq!(&memory.good, &before.good); }
                    2 => memory.counted(at(ms)),
                    3 => memory.failed(vec!["why".to_owned()], at(ms)),
                    _ => {
                        // A restart: what was written is what is read.
                        let text = serde_json::to_string(&memory).unwrap();
                        memory = serde_json::from_str(&text).unwrap();
                        prop_assert_eq!(&memory, &before);
                    }
                }
                prop_assert!(memory.in_force().is_none_or(|desired| desired.text.starts_with("fine")));
                prop_assert!(memory.trial.as_ref().is_none_or(|trial| trial.starts <= MOST_STARTS));
                prop_assert!(memory.newest() >= before.newest());
                // The same wish again is never news.
                if let Some(desired) = memory.in_force().cloned() && desired.version == memory.newest() {
                    let again = message(desired.version, &desired.text);
                    prop_assert_eq!(memory.clone().desired(again, check, at(ms)), Step::Nothing);
                }
            }
        }

        #[test]
        fn a_trial_ends_after_three_starts_whatever_lies_between(versions in prop::collection::vec(1_u64..4, 1..4)) {
            let mut memory = Memory::default();
            for version in versions {
                memory.desired(message(version, "fine"), check, at(1));
            }
            for _ in 0..MOST_STARTS {
                memory.started(at(2));
            }
            prop_assert!(memory.trial.is_none());
        }
    }
}
