//! How many people are in the store: entries minus exits over every door, and what keeps that from drifting.
//!
//! Every missed exit would stay inside for ever, so the sum is corrected: at the beginning of the business day nobody is
//! inside, nobody stays longer than a set time, and as many are inside as are seen at once. Each correction is told
//! beside the figure, because a figure that is corrected often is not to be trusted. It is never below zero:
//! somebody who goes out of an empty store was missed when coming in, and that is told too.
//!
//! Doors report a few seconds late and not in step. So changes wait, in the order of their time, until their
//! minute is closed; [`Occupancy::people_now`] counts those that wait too.

use crate::time::{MINUTE_MS, WallTime};
use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

const MINUTE: Duration = Duration::from_millis(MINUTE_MS.unsigned_abs());

/// More than any store holds; what comes above it is passed over.
const MOST_PEOPLE: usize = 100_000;

/// What happens to the number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// Somebody came in.
    In(Who),
    /// Somebody went out.
    Out(Who),
    /// Somebody who came in as a visitor, and is inside, is found to be staff.
    InWasStaff,
    /// Somebody who went out as a visitor is found to be staff.
    OutWasStaff,
    /// So many are seen in zones at once.
    Seen(u32),
    /// A business day begins.
    Opening,
}

/// Who passes a door.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Who {
    /// Anybody not known to be staff.
    Visitor,
    /// Staff.
    Staff,
}

/// People added (above 0) and taken away (below 0) because the sum could not be right.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Corrections {
    /// Taken away when the business day began.
    pub opening: i64,
    /// Taken away because nobody stays so long.
    pub max_stay: i64,
    /// Added because more were seen at once.
    pub zones: i64,
    /// Added because somebody went out of an empty store.
    pub below_zero: i64,
}

impl Corrections {
    /// All of them added up.
    #[must_use]
    pub const fn sum(&self) -> i64 {
        self.opening + self.max_stay + self.zones + self.below_zero
    }
}

/// One minute of the store.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct OccupancyMinute {
    /// Start of the minute.
    pub start: WallTime,
    /// People inside at its end.
    pub people: u32,
    /// Those of them who are no staff.
    pub without_staff: u32,
    /// Fewest at once.
    pub min: u32,
    /// Most at once.
    pub max: u32,
    /// Mean over the minute.
    pub mean: f64,
    /// What was corrected in it.
    pub corrections: Corrections,
}

/// What is kept over a restart: how many are inside, who of them is staff, and since when.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Inside {
    /// When each came in, the earliest first.
    pub since: Vec<WallTime>,
    /// How many of them are staff.
    pub staff: u32,
}

/// People in the store.
#[derive(Debug, Clone)]
pub struct Occupancy {
    max_stay: Option<Duration>,
    /// Up to here everything is settled.
    settled: WallTime,
    inside: Guests,
    waiting: BTreeMap<(WallTime, u64), Change>,
    next: u64,
    /// Of what was settled since the last minute was given out.
    corrections: Corrections,
}

#[derive(Debug, Clone, Default)]
struct Guests {
    since: VecDeque<WallTime>,
    staff: u32,
}

impl Occupancy {
    /// A store with these people inside, as of `start`. Nobody stays longer than `max_stay`, where that is set.
    #[must_use]
    pub fn new(max_stay: Option<Duration>, start: WallTime, inside: Inside) -> Self {
        let since: VecDeque<_> = inside.since.into_iter().take(MOST_PEOPLE).collect();
        let staff = inside.staff.min(count(since.len()));
        Self {
            max_stay,
            settled: start,
            inside: Guests { since, staff },
            waiting: BTreeMap::new(),
            next: 0,
            corrections: Corrections::default(),
        }
    }

    /// Notes what happened at a time. What comes after its minute was closed counts from now on.
    pub fn change(&mut self, at: WallTime, change: Change) {
        self.waiting.insert((at.max(self.settled), self.next), change);
        self.next += 1;
    }

    /// Settles the minute that begins at `start`, with everything before it.
    pub fn close_minute(&mut self, start: WallTime) -> OccupancyMinute {
        self.settle(start);
        // What is corrected before the minute began is told with it: it is told nowhere else.
        let end = start + MINUTE;
        let mut people = count(self.inside.since.len());
        let (mut min, mut max, mut person_ms) = (people, people, 0_u64);
        let mut from = start;
        while let Some(first) = self.waiting.first_entry().filter(|first| first.key().0 < end) {
            let ((at, _), change) = first.remove_entry();
            let at = at.max(from);
            person_ms += u64::from(people) * whole_ms(at.since(from));
            from = at;
            self.inside.apply(at, change, &mut self.corrections);
            people = count(self.inside.since.len());
            (min, max) = (min.min(people), max.max(people));
        }
        person_ms += u64::from(people) * whole_ms(end.since(from));
        self.inside.let_out(end, self.max_stay, &mut self.corrections);
        self.settled = end;
        let people = count(self.inside.since.len());
        OccupancyMinute {
            start,
            people,
            without_staff: people - self.inside.staff,
            min: min.min(people),
            max,
            mean: person_ms as f64 / MINUTE_MS as f64,
            corrections: std::mem::take(&mut self.corrections),
        }
    }

    /// Settles everything before `until`. A clock that was set back settles nothing, and goes on from there.
    fn settle(&mut self, until: WallTime) {
        while let Some(first) = self.waiting.first_entry().filter(|first| first.key().0 < until) {
            let ((at, _), change) = first.remove_entry();
            self.inside.apply(at, change, &mut self.corrections);
        }
        self.inside.let_out(until, self.max_stay, &mut self.corrections);
        self.settled = until;
    }

    /// People inside, and those of them who are no staff, with everything that is known by now.
    #[must_use]
    pub fn people_now(&self) -> (u32, u32) {
        let (mut people, mut staff) = (count(self.inside.since.len()), self.inside.staff);
        for change in self.waiting.values() {
            (people, staff) = after(people, staff, *change);
        }
        (people, people - staff)
    }

    /// What is to be kept over a restart, settled and waiting together.
    #[must_use]
    pub fn inside(&self) -> Inside {
        let mut guests = self.inside.clone();
        let mut ignored = Corrections::default();
        for ((at, _), change) in &self.waiting {
            guests.apply(*at, *change, &mut ignored);
        }
        Inside { since: guests.since.into(), staff: guests.staff }
    }
}

/// People and staff after a change; the numbers of [`Guests::apply`] without the times.
const fn after(people: u32, staff: u32, change: Change) -> (u32, u32) {
    match change {
        Change::In(Who::Visitor) => (people + 1, staff),
        Change::In(Who::Staff) => (people + 1, staff + 1),
        Change::Out(who) => {
            let people = people.saturating_sub(1);
            let staff = if matches!(who, Who::Staff) { staff.saturating_sub(1) } else { staff };
            (people, if staff < people { staff } else { people })
        }
        Change::InWasStaff => (people, if staff < people { staff + 1 } else { people }),
        Change::OutWasStaff => (people, staff.saturating_sub(1)),
        Change::Seen(seen) => (if seen > people { seen } else { people }, staff),
        Change::Opening => (0, 0),
    }
}

impl Guests {
    fn apply(&mut self, at: WallTime, change: Change, corrections: &mut Corrections) {
        let before = count(self.since.len());
        let (people, staff) = after(before, self.staff, change);
        match change {
            Change::Out(_) if before == 0 => corrections.below_zero += 1,
            Change::Seen(_) => corrections.zones += i64::from(people) - i64::from(before),
            Change::Opening => corrections.opening -= i64::from(before),
            _ => {}
        }
        // Who has been here longest is taken to go first: nobody knows who it was.
        while self.since.len() > people as usize {
            self.since.pop_front();
        }
        while self.since.len() < (people as usize).min(MOST_PEOPLE) {
            self.since.push_back(at);
        }
        self.staff = staff.min(count(self.since.len()));
    }

    fn let_out(&mut self, now: WallTime, max_stay: Option<Duration>, corrections: &mut Corrections) {
        let Some(max_stay) = max_stay else { return };
        while self.since.front().is_some_and(|since| now.since(*since) > max_stay) {
            self.since.pop_front();
            corrections.max_stay -= 1;
        }
        self.staff = self.staff.min(count(self.since.len()));
    }
}

fn count(people: usize) -> u32 {
    u32::try_from(people).unwrap_or(u32::MAX)
}

fn whole_ms(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const IN: Change = Change::In(Who::Visitor);
    const OUT: Change = Change::Out(Who::Visitor);

    fn s(seconds: i64) -> WallTime {
        WallTime::from_unix_ms(1000 * seconds)
    }

    /// What happens at which second, and what the minutes then say.
    #[track_caller]
    fn check(max_stay_s: Option<u64>, changes: &[(i64, Change)], minutes: i64, expected: &[&str]) {
        let mut store = Occupancy::new(max_stay_s.map(Duration::from_secs), s(0), Inside::default());
        changes.iter().for_each(|(at, change)| store.change(s(*at), *change));
        let shown = |minute: OccupancyMinute| {
            let OccupancyMinute { people, without_staff, min, max, mean, corrections, .. } = minute;
            let Corrections { opening, max_stay, zones, below_zero } = corrections;
            let staff = people - without_staff;
            let corrected =
                [(opening, "opening"), (max_stay, "stay"), (zones, "zones"), (below_zero, "below zero")];
            let corrected =
                corrected.iter().filter(|(by, _)| *by != 0).map(|(by, why)| format!(", {why} {by:+}"));
            format!("{people} ({staff} staff), {min}-{max}, mean {mean:.2}{}", corrected.collect::<String>())
        };
        let shown: Vec<String> =
            (0..minutes).map(|minute| shown(store.close_minute(s(60 * minute)))).collect();
        assert_eq!(shown, expected);
    }

    #[test]
    fn who_came_in_and_not_out_is_inside() {
        check(
            None,
            &[(0, IN), (30, IN), (45, OUT), (70, OUT)],
            2,
            &["1 (0 staff), 0-2, mean 1.25", "0 (0 staff), 0-1, mean 0.17"],
        );
    }

    #[test]
    fn doors_may_report_out_of_order() {
        check(None, &[(45, OUT), (30, IN), (0, IN)], 1, &["1 (0 staff), 0-2, mean 1.25"]);
    }

    #[test]
    fn somebody_who_leaves_an_empty_store_does_not_make_it_less_than_empty() {
        check(None, &[(10, OUT), (20, IN)], 1, &["1 (0 staff), 0-1, mean 0.67, below zero +1"]);
    }

    #[test]
    fn a_business_day_begins_with_an_empty_store() {
        check(
            None,
            &[(0, IN), (0, IN), (30, Change::Opening)],
            1,
            &["0 (0 staff), 0-2, mean 1.00, opening -2"],
        );
    }

    #[test]
    fn nobody_stays_longer_than_the_longest_stay() {
        let expected = ["1 (0 staff), 0-1, mean 1.00", "0 (0 staff), 0-1, mean 1.00, stay -1"];
        check(Some(100), &[(0, IN)], 2, &expected);
    }

    #[test]
    fn as_many_are_inside_as_are_seen_at_once() {
        check(
            None,
            &[(0, IN), (30, Change::Seen(3)), (40, Change::Seen(2))],
            1,
            &["3 (0 staff), 0-3, mean 2.00, zones +2"],
        );
    }

    #[test]
    fn staff_are_inside_and_told_apart_also_when_that_is_found_out_later() {
        let changes = [(0, IN), (0, Change::In(Who::Staff)), (60, Change::InWasStaff), (130, OUT)];
        let expected =
            ["2 (1 staff), 0-2, mean 2.00", "2 (2 staff), 2-2, mean 2.00", "1 (1 staff), 1-2, mean 1.17"];
        check(None, &changes, 3, &expected);
    }

    #[test]
    fn what_is_told_after_its_minute_counts_from_then_on() {
        let mut store = Occupancy::new(None, s(0), Inside::default());
        assert_eq!(store.close_minute(s(0)).people, 0);
        store.change(s(10), IN);
        assert_eq!(store.people_now(), (1, 1));
        assert_eq!(store.close_minute(s(60)).people, 1);
    }

    #[test]
    fn the_same_people_are_inside_after_a_restart() {
        let mut store = Occupancy::new(None, s(0), Inside::default());
        for (at, change) in [(0, IN), (5, Change::In(Who::Staff)), (70, IN)] {
            store.change(s(at), change);
        }
        store.close_minute(s(0));
        let again = Occupancy::new(None, s(80), store.inside());
        assert_eq!((again.people_now(), again.inside()), (store.people_now(), store.inside()));
    }

    fn any_change() -> impl Strategy<Value = Change> {
        prop_oneof![
            Just(IN),
            Just(OUT),
            Just(Change::In(Who::Staff)),
            Just(Change::Out(Who::Staff)),
            Just(Change::InWasStaff),
            Just(Change::OutWasStaff),
            (0_u32..9).prop_map(Change::Seen),
            Just(Change::Opening),
        ]
    }

    proptest! {
        #[test]
        fn people_are_entries_minus_exits_and_what_was_corrected(
            changes in prop::collection::vec((0_i64..600, any_change()), 0..60), max_stay in prop::option::of(30_u64..300),
        ) {
            let mut store = Occupancy::new(max_stay.map(Duration::from_secs), s(0), Inside::default());
            for (at, change) in &changes {
                store.change(s(*at), *change);
            }
            let minutes: Vec<_> = (0..10).map(|minute| store.close_minute(s(60 * minute))).collect();
            let moved: i64 = changes.iter().map(|(_, change)| match change {
                Change::In(_) => 1,
                Change::Out(_) => -1,
                _ => 0,
            }).sum();
            let corrected: i64 = minutes.iter().map(|minute| minute.corrections.sum()).sum();
            let last = minutes.last().unwrap();
            prop_assert_eq!(i64::from(last.people), moved + corrected);
            for minute in minutes {
                prop_assert!(minute.without_staff <= minute.people && minute.min <= minute.people);
                prop_assert!(f64::from(minute.min) <= minute.mean + 1e-9 && minute.mean <= f64::from(minute.max) + 1e-9);
            }
        }

        #[test]
        fn a_restart_at_any_moment_changes_nothing(
            changes in prop::collection::vec((0_i64..300, any_change()), 0..40), restart in 1_usize..5,
        ) {
            let play = |restarts_after: Option<usize>| {
                let mut store = Occupancy::new(None, s(0), Inside::default());
                let mut people = Vec::new();
                for minute in 0..5_usize {
                    let start = 60 * i64::try_from(minute).unwrap();
                    for (at, change) in changes.iter().filter(|(at, _)| (start..start + 60).contains(at)) {
                        store.change(s(*at), *change);
                    }
                    people.push(store.close_minute(s(start)).people);
                    if restarts_after == Some(minute) {
                        store = Occupancy::new(None, s(start + 60), store.inside());
                    }
                }
                people
            };
            prop_assert_eq!(play(Some(restart)), play(None));
        }
    }
}
