//! How many people are in the store: entries minus exits over all doors, and what was put right.
//!
//! A count that is off by one stays off by one, so the difference drifts. It is put right where something is known: a business
//! day begins with nobody inside; nobody stays longer than the longest stay; more people were seen in the zones at once; and
//! nobody can leave an empty store. Each correction is published beside the figure, so that
//! `people = people before + entries - exits + corrections` holds for every minute.
//!
//! The resolution is a minute. Who leaves is taken to be whoever came first: that is what ends stays soonest, and so
//! corrects least.

use crate::calendar::Day;
use crate::time::WallTime;
use std::collections::VecDeque;
use std::time::Duration;

/// What was added (above zero) or taken away (below) to put the figure right.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Corrections {
    /// People left over from the business day before.
    pub opening: i64,
    /// People who would have stayed longer than anybody does.
    pub max_stay: i64,
    /// People who were seen in zones and had not been counted.
    pub zones: i64,
    /// People who left an empty store.
    pub below_zero: i64,
}

impl Corrections {
    /// All of them together.
    #[must_use]
    pub const fn sum(&self) -> i64 {
        self.opening + self.max_stay + self.zones + self.below_zero
    }
}

/// What all doors together counted in a minute.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct MinuteFlow {
    /// Who came in.
    pub entries: u32,
    /// Who went out.
    pub exits: u32,
    /// Staff who came in minus staff who went out.
    pub staff_change: i64,
    /// How many different people were surely in the zones at one time; none where nobody looked.
    pub seen_at_once: Option<u32>,
}

/// How many people were inside in one minute.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct OccupancyMinute {
    /// Start of the minute.
    pub start: WallTime,
    /// People inside at its end.
    pub people: u32,
    /// The lower of begin and end.
    pub min: u32,
    /// The higher of begin and end.
    pub max: u32,
    /// The mean of begin and end.
    pub mean: f64,
    /// People inside at its end, without staff.
    pub without_staff: u32,
    /// How much of it the worst door really saw.
    pub seen: Duration,
    /// Whether every door's line lies where it was drawn.
    pub valid: bool,
    /// Whether a door's minute was missing or not whole.
    pub part: bool,
    /// What was put right.
    pub corrections: Corrections,
}

/// Who is inside.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Occupancy {
    /// People by the minute in which they came, the oldest first. Ends with the longest stay, so it cannot grow for ever.
    inside: VecDeque<(WallTime, u32)>,
    staff: u32,
    day: Option<Day>,
}

impl Occupancy {
    /// What was remembered of an earlier run.
    #[must_use]
    pub fn restored(inside: Vec<(WallTime, u32)>, staff: u32, day: Option<Day>) -> Self {
        let mut occupancy = Self { inside: inside.into(), staff: 0, day };
        occupancy.inside.retain(|(_, people)| *people > 0);
        occupancy.staff = staff.min(occupancy.people());
        occupancy
    }

    /// People inside by the minute in which they came, the oldest first.
    pub fn inside(&self) -> impl Iterator<Item = (WallTime, u32)> + '_ {
        self.inside.iter().copied()
    }

    /// People inside.
    #[must_use]
    pub fn people(&self) -> u32 {
        self.inside.iter().fold(0, |sum: u32, (_, people)| sum.saturating_add(*people))
    }

    /// Staff among them.
    #[must_use]
    pub const fn staff(&self) -> u32 {
        self.staff
    }

    /// The business day of the last minute.
    #[must_use]
    pub const fn day(&self) -> Option<Day> {
        self.day
    }

    /// Takes the next minute, and says what is so at its end.
    pub fn minute(
        &mut self,
        start: WallTime,
        day: Day,
        flow: &MinuteFlow,
        max_stay: Duration,
    ) -> OccupancyMinute {
        let mut corrections = Corrections::default();
        if self.day.is_some_and(|last| last != day) {
            corrections.opening = -i64::from(self.people());
            self.inside.clear();
            self.staff = 0;
        }
        self.day = Some(day);
        while let Some((came, people)) = self.inside.front().copied()
            && start.since(came) > max_stay
        {
            self.inside.pop_front();
            corrections.max_stay -= i64::from(people);
        }
        let before = self.people();
        self.come(start, flow.entries);
        // Who was seen may have left before the minute was over, so nobody is missed who was inside at its fullest.
        let unseen = flow.seen_at_once.unwrap_or(0).saturating_sub(self.people());
        self.come(start, unseen);
        corrections.zones = i64::from(unseen);
        let missing = self.go(flow.exits);
        corrections.below_zero = i64::from(missing);
        let people = self.people();
        let staff = (i64::from(self.staff) + flow.staff_change).clamp(0, i64::from(people));
        self.staff = u32::try_from(staff).unwrap_or(people);
        OccupancyMinute {
            start,
            people,
            min: before.min(people),
            max: before.max(people),
            mean: f64::midpoint(f64::from(before), f64::from(people)),
            without_staff: people - self.staff,
            seen: Duration::ZERO,
            valid: true,
            part: false,
            corrections,
        }
    }

    fn come(&mut self, at: WallTime, people: u32) {
        if people == 0 {
            return;
        }
        match self.inside.back_mut() {
            Some((came, there)) if *came == at => *there = there.saturating_add(people),
            _ => self.inside.push_back((at, people)),
        }
    }

    /// Lets people out, and says how many were not there.
    fn go(&mut self, mut people: u32) -> u32 {
        while people > 0
            && let Some((_, there)) = self.inside.front_mut()
        {
            let leaving = people.min(*there);
            *there -= leaving;
            people -= leaving;
            if *there == 0 {
                self.inside.pop_front();
            }
        }
        people
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const STAY: Duration = Duration::from_secs(3 * 60);

    fn day(text: &str) -> Day {
        Day::parse(text).unwrap()
    }

    /// Minutes as `in/out`, or `in/out/seen at once`; a `|` begins the next business day.
    #[track_caller]
    fn check(minutes: &str, expected: &str) {
        let (mut occupancy, mut today) = (Occupancy::default(), day("2026-11-22"));
        let mut shown = Vec::new();
        for (n, minute) in (0_i64..).zip(minutes.split_whitespace()) {
            let minute = minute.strip_prefix('|').map_or(minute, |rest| {
                today = today.after();
                rest
            });
            let mut numbers = minute.split('/').map(|number| number.parse::<u32>().unwrap());
            let (entries, exits) = (numbers.next().unwrap(), numbers.next().unwrap());
            let flow = MinuteFlow { entries, exits, staff_change: 0, seen_at_once: numbers.next() };
            let start = WallTime::from_unix_ms(n * 60_000);
            let got = occupancy.minute(start, today, &flow, STAY);
            let c = got.corrections;
            let all = [("open", c.opening), ("stay", c.max_stay), ("zones", c.zones), ("zero", c.below_zero)];
            let said: Vec<_> =
                all.iter().filter(|(_, n)| *n != 0).map(|(word, n)| format!("{word}{n:+}")).collect();
            shown.push(format!(
                "{}{}",
                got.people,
                if said.is_empty() { String::new() } else { format!("({})", said.join(",")) }
            ));
        }
        assert_eq!(shown.join(" "), expected);
    }

    #[test]
    fn who_came_and_did_not_leave_is_inside() {
        check("3/0 2/1 0/4", "3 4 0");
    }

    #[test]
    fn nobody_leaves_an_empty_store() {
        check("1/3 2/0", "0(zero+2) 2");
    }

    #[test]
    fn a_business_day_begins_with_nobody() {
        check("5/1 |2/0", "4 2(open-4)");
    }

    #[test]
    fn nobody_stays_longer_than_the_longest_stay_and_the_first_leaves_first() {
        check("2/0 1/0 0/1 0/0 0/0 0/0", "2 3 2 2 1(stay-1) 0(stay-1)");
    }

    #[test]
    fn people_who_were_seen_are_there() {
        check("1/0/4 0/0/2 0/1", "4(zones+3) 4 3");
        // Two who were seen and left within the minute are not inside after it.
        check("2/2/2 0/1/1", "0 0(zones+1)");
    }

    #[test]
    fn staff_are_part_of_the_people_inside() {
        let mut occupancy = Occupancy::default();
        let flow = MinuteFlow { entries: 5, staff_change: 2, ..MinuteFlow::default() };
        let first = occupancy.minute(WallTime::default(), day("2026-11-22"), &flow, STAY);
        assert_eq!((first.people, first.without_staff), (5, 3));
        let flow = MinuteFlow { exits: 4, ..MinuteFlow::default() };
        let then = occupancy.minute(WallTime::default(), day("2026-11-22"), &flow, STAY);
        assert_eq!((then.people, then.without_staff), (1, 0));
    }

    proptest! {
        #[test]
        fn what_comes_goes_and_is_corrected_adds_up(
            minutes in prop::collection::vec((0_u32..9, 0_u32..9, -3_i64..4, prop::option::of(0_u32..20), any::<bool>()), 1..60)
        ) {
            let (mut occupancy, mut today, mut before) = (Occupancy::default(), day("2026-11-22"), 0);
            for (n, (entries, exits, staff_change, seen_at_once, next_day)) in (0_i64..).zip(minutes) {
                if next_day && n % 7 == 0 { today = today.after(); }
                let flow = MinuteFlow { entries, exits, staff_change, seen_at_once };
                let got = occupancy.minute(WallTime::from_unix_ms(n * 60_000), today, &flow, STAY);
                let expected = before + i64::from(entries) - i64::from(exits) + got.corrections.sum();
                prop_assert_eq!(i64::from(got.people), expected);
                prop_assert!(got.min <= got.max && got.without_staff <= got.people);
                prop_assert!(got.people + exits >= seen_at_once.unwrap_or(0));
                let again = Occupancy::restored(occupancy.inside().collect(), occupancy.staff(), occupancy.day());
                prop_assert_eq!(&again, &occupancy);
                before = expected;
            }
        }
    }
}
