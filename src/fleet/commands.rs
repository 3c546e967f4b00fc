//! Which of head office's commands are done: each once, in time, and no more of them than a person sends.
//!
//! What is not obvious: that a command was begun is noted on disk before it is, so the time between is the one in which a crash
//! could hide that. A command that was begun and that no run finished is answered as failed and never tried again. An id is
//! remembered for a day after its end, and where more would have to be remembered than is kept, a command is refused rather than an id
//! forgotten.

use crate::time::{FrameTime, WallTime};
use crate::wire::v1::V1;
use crate::wire::v1::fleet::{Command, CommandOutcome, CommandResult};
use std::collections::VecDeque;
use std::time::Duration;

/// Most bytes of a command: an id, a camera, a name and a reason.
pub const MOST_BYTES: usize = 8 * 1024;

/// Longest id; one of ours is a UUID.
const MOST_ID_BYTES: usize = 64;

/// Commands that may come at once, and how long it takes until one more may. A person at a page sends a few a minute.
const BURST: u32 = 10;
const ONE_MORE_EVERY: Duration = Duration::from_secs(6);

/// A command that may still be done in a week is no command. What is remembered stays small by it.
const LONGEST_LIFE: Duration = Duration::from_secs(24 * 3600);

/// So long after its end an id is still known: a broker that was away brings old messages.
const REMEMBERED_FOR: Duration = Duration::from_secs(24 * 3600);

/// Ids that are remembered. At [`ONE_MORE_EVERY`] nobody reaches it but by trying to.
const MOST_REMEMBERED: usize = 5000;

/// What is to be done with a message.
#[derive(Debug, Clone, PartialEq)]
pub enum Decision {
    /// It is to be done, once what is remembered is on disk.
    Do(Command),
    /// It is answered, and not done.
    Answer(CommandResult),
    /// It was answered already, is being done, or cannot be answered.
    Nothing(Silence),
}

/// Why a message is not answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Silence {
    /// This id was taken before.
    Known,
    /// It has no id, or one that could not be told of.
    NoId,
    /// More come than a person sends.
    TooMany,
}

/// Whether the clock is known to be right: a clock that is not cannot say what is late.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClockTrust {
    /// It is.
    Right,
    /// Nobody has set it yet.
    Unknown,
}

/// An id that was taken.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Taken {
    id: String,
    until: WallTime,
    stage: Stage,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// By this run, and not finished yet.
    Begun,
    /// By a run before, and not finished by it.
    LeftOver,
    Answered,
}

/// Decides, and remembers.
#[derive(Debug)]
pub struct CommandDesk {
    taken: VecDeque<Taken>,
    /// Commands that may come now, and when that was worked out, by the clock's `elapsed`.
    left: u32,
    counted_at: Duration,
}

impl CommandDesk {
    /// A desk that remembers this, which an earlier one gave as [`CommandDesk::memory`]. Lines that cannot be read are passed over.
    #[must_use]
    pub fn new(memory: &str) -> Self {
        let taken = memory.lines().filter_map(remembered).take(MOST_REMEMBERED).collect();
        Self { taken, left: BURST, counted_at: Duration::ZERO }
    }

    /// What is to be done with a message that has come now.
    pub fn decide(&mut self, payload: &[u8], now: FrameTime, clock: ClockTrust) -> Decision {
        // Before anything is read of it: whoever sends thousands gets no work done by it.
        if !self.may_one_more_come(now.elapsed) {
            return Decision::Nothing(Silence::TooMany);
        }
        if payload.len() > MOST_BYTES {
            return Decision::Nothing(Silence::NoId);
        }
        let command: Result<Command, _> = serde_json::from_slice(payload);
        let id = match &command {
            Ok(command) => Some(command.id.clone()),
            Err(_) => id_alone(payload),
        };
        let Some(id) = id.filter(|id| is_id(id)) else { return Decision::Nothing(Silence::NoId) };
        if clock == ClockTrust::Right {
            self.taken.retain(|taken| now.wall.since(taken.until) <= REMEMBERED_FOR);
        }
        let answer = |outcome, detail: &str| Decision::Answer(answer(&id, outcome, detail, now.wall));
        if let Some(known) = self.taken.iter_mut().find(|taken| taken.id == id) {
            if known.stage != Stage::LeftOver {
                return Decision::Nothing(Silence::Known);
            }
            known.stage = Stage::Answered;
            return answer(
                CommandOutcome::Failed,
                "the service ended while it did this; it is not done again",
            );
        }
        if self.taken.len() >= MOST_REMEMBERED {
            return answer(CommandOutcome::Refused, "more commands than this box remembers; send fewer");
        }
        let expires = command.as_ref().map_or(now.wall, |command| WallTime::from_unix_ms(command.expires_ms));
        let until = expires.max(now.wall).min(now.wall + LONGEST_LIFE);
        self.taken.push_back(Taken { id: id.clone(), until, stage: Stage::Answered });
        let Ok(command) = command else {
            return answer(CommandOutcome::Refused, "this box does not understand this command");
        };
        if clock == ClockTrust::Unknown {
            return answer(
                CommandOutcome::Refused,
                "this box's clock is not known to be right, so it cannot tell what is late",
            );
        }
        if expires <= now.wall {
            return answer(CommandOutcome::Expired, "it came after its end and was not done");
        }
        if expires.since(now.wall) > LONGEST_LIFE {
            return answer(
                CommandOutcome::Refused,
                "it ends more than a day from now; give it an earlier end",
            );
        }
        if let Some(last) = self.taken.back_mut() {
            last.stage = Stage::Begun;
        }
        Decision::Do(command)
    }

    /// Notes that this command was answered.
    pub fn answered(&mut self, id: &str) {
        if let Some(taken) = self.taken.iter_mut().find(|taken| taken.id == id) {
            taken.stage = Stage::Answered;
        }
    }

    /// All that must outlive a restart: a line for each id.
    #[must_use]
    pub fn memory(&self) -> String {
        let line = |taken: &Taken| {
            let stage = if taken.stage == Stage::Answered { "answered" } else { "begun" };
            format!("{} {} {stage}\n", taken.id, taken.until.unix_ms())
        };
        self.taken.iter().map(line).collect()
    }

    fn may_one_more_come(&mut self, now: Duration) -> bool {
        let since = now.saturating_sub(self.counted_at);
        let more = u32::try_from(since.as_millis() / ONE_MORE_EVERY.as_millis()).unwrap_or(BURST).min(BURST);
        if more > 0 {
            self.left = (self.left + more).min(BURST);
            self.counted_at = now;
        }
        let may = self.left > 0;
        self.left = self.left.saturating_sub(1);
        may
    }
}

/// What came of a command, without a picture.
#[must_use]
pub fn answer(id: &str, outcome: CommandOutcome, detail: &str, now: WallTime) -> CommandResult {
    let detail = detail.to_owned();
    CommandResult { v: V1, id: id.to_owned(), outcome, detail, at_ms: now.unix_ms(), picture: None }
}

fn remembered(line: &str) -> Option<Taken> {
    let mut words = line.split(' ');
    let (id, until, stage) = (words.next()?, words.next()?, words.next()?);
    let stage = match stage {
        "answered" => Stage::Answered,
        "begun" => Stage::LeftOver,
        _ => return None,
    };
    let until = WallTime::from_unix_ms(until.parse().ok()?);
    (is_id(id) && words.next().is_none()).then(|| Taken { id: id.to_owned(), until, stage })
}

fn is_id(text: &str) -> bool {
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    (1..=MOST_ID_BYTES).contains(&text.len()) && text.chars().all(fits)
}

/// The id of something that is no command of this version.
fn id_alone(payload: &[u8]) -> Option<String> {
    let read: serde_json::Value = serde_json::from_slice(payload).ok()?;
    read.get("id")?.as_str().map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::v1::fleet::CommandKind;
    use proptest::prelude::*;

    const NOW_MS: i64 = 1_795_348_800_000;

    fn at(s: u64) -> FrameTime {
        FrameTime::of_run(WallTime::from_unix_ms(NOW_MS), Duration::from_secs(s))
    }

    /// A command that ends so many seconds after the start.
    fn command(id: &str, what: &str, ends_s: i64) -> Vec<u8> {
        let expires_ms = NOW_MS + 1000 * ends_s;
        format!(
            "{{\"v\":1,\"id\":\"{id}\",{what},\"expires_ms\":{expires_ms},\"asked_by\":\"eva\",\"why\":\"to see\"}}"
        )
        .into_bytes()
    }

    fn reread(id: &str) -> Vec<u8> {
        command(id, "\"what\":\"reread\"", 60)
    }

    /// What a fresh desk answers, and whether it would be done.
    #[track_caller]
    fn check(payload: &[u8], clock: ClockTrust, expected: CommandOutcome, words: &str) {
        match CommandDesk::new("").decide(payload, at(0), clock) {
            Decision::Answer(told) => {
                assert_eq!(told.outcome, expected, "{told:?}");
                assert!(told.detail.contains(words), "{told:?}");
            }
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_command_in_time_is_done() {
        let payload = command("c-1", "\"what\":\"snapshot\",\"camera\":\"door\"", 60);
        let Decision::Do(todo) = CommandDesk::new("").decide(&payload, at(0), ClockTrust::Right) else {
            panic!("it is to be done")
        };
        assert_eq!(todo.kind, CommandKind::Snapshot { camera: "door".to_owned() });
        assert_eq!((todo.asked_by.as_str(), todo.why.as_str()), ("eva", "to see"));
    }

    #[test]
    fn what_is_late_not_understood_too_far_ahead_or_not_to_be_judged_is_answered_and_not_done() {
        let right = ClockTrust::Right;
        check(&command("a", "\"what\":\"reread\"", 0), right, CommandOutcome::Expired, "after its end");
        check(&command("a", "\"what\":\"sing\"", 60), right, CommandOutcome::Refused, "does not understand");
        check(
            &command("a", "\"what\":\"snapshot\"", 60),
            right,
            CommandOutcome::Refused,
            "does not understand",
        );
        check(
            &command("a", "\"what\":\"reread\"", 90_000),
            right,
            CommandOutcome::Refused,
            "more than a day",
        );
        check(&reread("a"), ClockTrust::Unknown, CommandOutcome::Refused, "clock");
    }

    #[test]
    fn a_command_that_comes_twice_is_done_once() {
        let mut desk = CommandDesk::new("");
        assert!(matches!(desk.decide(&reread("a"), at(0), ClockTrust::Right), Decision::Do(_)));
        let again = desk.decide(&reread("a"), at(1), ClockTrust::Right);
        assert_eq!(again, Decision::Nothing(Silence::Known));
        desk.answered("a");
        assert_eq!(desk.decide(&reread("a"), at(90), ClockTrust::Right), Decision::Nothing(Silence::Known));
    }

    #[test]
    fn a_command_that_was_answered_before_a_restart_is_not_done_after_it() {
        let mut desk = CommandDesk::new("");
        desk.decide(&reread("a"), at(0), ClockTrust::Right);
        desk.answered("a");
        let mut next = CommandDesk::new(&desk.memory());
        assert_eq!(next.decide(&reread("a"), at(5), ClockTrust::Right), Decision::Nothing(Silence::Known));
    }

    #[test]
    fn a_command_in_whose_middle_the_box_died_fails_once_and_is_not_tried_again() {
        let mut desk = CommandDesk::new("");
        desk.decide(&reread("a"), at(0), ClockTrust::Right);
        let mut next = CommandDesk::new(&desk.memory());
        let Decision::Answer(told) = next.decide(&reread("a"), at(5), ClockTrust::Right) else { panic!() };
        assert_eq!(told.outcome, CommandOutcome::Failed);
        assert_eq!(next.decide(&reread("a"), at(6), ClockTrust::Right), Decision::Nothing(Silence::Known));
    }

    #[test]
    fn a_refused_command_is_known_too() {
        let mut desk = CommandDesk::new("");
        let unknown = command("a", "\"what\":\"sing\"", 60);
        assert!(matches!(desk.decide(&unknown, at(0), ClockTrust::Right), Decision::Answer(_)));
        assert_eq!(desk.decide(&unknown, at(1), ClockTrust::Right), Decision::Nothing(Silence::Known));
    }

    #[test]
    fn of_thousands_a_handful_is_looked_at_and_later_commands_are_done_again() {
        let mut desk = CommandDesk::new("");
        let taken = |desk: &mut CommandDesk, from: u32, at: FrameTime| {
            let command = |n: &u32| command(&format!("c{n}"), "\"what\":\"reread\"", 3600);
            let todo = |n: &u32| matches!(desk.decide(&command(n), at, ClockTrust::Right), Decision::Do(_));
            (from..from + 5000).filter(todo).count()
        };
        assert_eq!(taken(&mut desk, 0, at(0)), 10);
        assert_eq!(taken(&mut desk, 10_000, at(6)), 1);
        assert_eq!(taken(&mut desk, 20_000, at(1000)), 10);
        assert!(desk.taken.len() == 21);
    }

    #[test]
    fn ids_are_forgotten_a_day_after_their_end_and_not_before() {
        let mut desk = CommandDesk::new("");
        desk.decide(&reread("a"), at(0), ClockTrust::Right);
        desk.answered("a");
        let day = 24 * 3600;
        desk.decide(&reread("b"), at(day), ClockTrust::Right);
        assert!(desk.memory().contains("a "), "{}", desk.memory());
        desk.decide(&reread("c"), at(day + 120), ClockTrust::Right);
        assert!(!desk.memory().contains("a "), "{}", desk.memory());
    }

    #[test]
    fn a_box_that_remembers_all_it_can_refuses_and_forgets_none() {
        let line = |n: usize| format!("c{n} {} answered\n", NOW_MS + 60_000);
        let memory: String = (0..MOST_REMEMBERED).map(line).collect();
        let mut desk = CommandDesk::new(&memory);
        let Decision::Answer(told) = desk.decide(&reread("new"), at(0), ClockTrust::Right) else { panic!() };
        assert_eq!(told.outcome, CommandOutcome::Refused);
        assert_eq!(desk.memory(), memory);
    }

    #[test]
    fn what_has_no_id_that_could_be_told_is_not_answered() {
        for payload in
            [b"".as_slice(), b"{", b"[]", b"{\"id\":7}", b"{\"id\":\"\"}", b"{\"id\":\"a b\"}", &[b'['; 9000]]
        {
            let decided = CommandDesk::new("").decide(payload, at(0), ClockTrust::Right);
            assert_eq!(decided, Decision::Nothing(Silence::NoId));
        }
    }

    proptest! {
        #[test]
        fn no_bytes_and_no_memory_make_it_panic_or_do_something_twice(
            payload in prop::collection::vec(any::<u8>(), 0..300),
            memory in "\\PC{0,200}",
        ) {
            let mut desk = CommandDesk::new(&memory);
            let first = desk.decide(&payload, at(0), ClockTrust::Right);
            let second = desk.decide(&payload, at(1), ClockTrust::Right);
            prop_assert!(!matches!(first, Decision::Do(_)) || second == Decision::Nothing(Silence::Known));
            prop_assert_eq!(CommandDesk::new(&desk.memory()).taken.len(), desk.taken.len());
        }
    }
}
