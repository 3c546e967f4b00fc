use super::*;
use proptest::prelude::*;
use std::collections::BTreeMap;

fn at(text: &str) -> WallTime {
    Zone::utc().parse_time(text, &WrittenTime::Iso).unwrap()
}

fn shop(zone: &str, day_starts_hour: u8) -> Calendar {
    let weekdays = ["09:00-12:30", "14:00-18:30"];
    let mut week: [DayHours; 7] = std::array::from_fn(|_| DayHours::parse(&weekdays).unwrap());
    week[4] = DayHours::parse(&["20:00-02:00"]).unwrap();
    week[6] = DayHours::closed();
    let holidays = BTreeMap::from([
        (Day::parse("2026-12-24").unwrap(), DayHours::parse(&["09:00-13:00"]).unwrap()),
        (Day::parse("2026-12-25").unwrap(), DayHours::closed()),
    ]);
    let schedule = Schedule::new(Zone::parse(zone).unwrap(), WeekHours(week), holidays);
    Calendar::new(schedule, day_starts_hour)
}

fn hours_of_day(zone: &str, starts: u8, day: &str) -> f64 {
    shop(zone, starts).span_of_day(Day::parse(day).unwrap()).length().as_secs_f64() / 3600.0
}

#[test]
fn a_day_has_23_hours_in_spring_and_25_in_autumn() {
    #[track_caller]
    fn check(zone: &str, starts: u8, day: &str, hours: f64) {
        assert!((hours_of_day(zone, starts, day) - hours).abs() < 1e-9, "{zone} {day}");
    }
    check("Europe/Vienna", 0, "2026-03-29", 23.0);
    check("Europe/Vienna", 0, "2026-10-25", 25.0);
    check("America/New_York", 0, "2026-03-08", 23.0);
    check("America/New_York", 0, "2026-11-01", 25.0);
    check("Asia/Taipei", 0, "2026-03-29", 24.0);
    // A day that begins at 4 is changed on the date before: at 2 in the night it is still Saturday's.
    check("Europe/Vienna", 4, "2026-03-28", 23.0);
    check("Europe/Vienna", 4, "2026-03-29", 24.0);
    // Clocks that change at midnight, and by half an hour.
    check("Africa/Cairo", 0, "2026-04-24", 23.0);
    check("Australia/Lord_Howe", 0, "2026-04-05", 24.5);
    // The day that Samoa left out to change sides of the date line.
    check("Pacific/Apia", 0, "2011-12-30", 0.0);
}

#[test]
fn a_business_day_may_end_after_midnight() {
    let calendar = shop("Europe/Vienna", 4);
    let day = |text| calendar.business_day(at(text)).to_string();
    assert_eq!(day("2026-11-21T02:59:59Z"), "2026-11-20");
    assert_eq!(day("2026-11-21T03:00:00Z"), "2026-11-21");
    assert_eq!(day("2026-11-22T02:59:59Z"), "2026-11-21");
}

#[test]
fn an_hour_is_one_of_the_stores_clock() {
    let hour = |zone, text| {
        let TimeSpan { start, end } = shop(zone, 0).span(SpanKind::Hour, at(text));
        format!("{start} {end}")
    };
    assert_eq!(hour("Asia/Kolkata", "2026-11-22T08:10:00Z"), "2026-11-22T07:30:00Z 2026-11-22T08:30:00Z");
    assert_eq!(hour("Europe/Vienna", "2026-10-25T00:59:59Z"), "2026-10-25T00:00:00Z 2026-10-25T01:00:00Z");
    // Put forward by half an hour at 02:00: the hour that begins at 02:30 is a half one.
    assert_eq!(
        hour("Australia/Lord_Howe", "2026-10-03T15:40:00Z"),
        "2026-10-03T15:30:00Z 2026-10-03T16:00:00Z"
    );
}

#[test]
fn a_store_is_open_in_its_hours_and_after_midnight_of_the_evening_before() {
    let calendar = shop("Europe/Vienna", 4);
    #[track_caller]
    fn check(calendar: &Calendar, text: &str, open: bool) {
        assert_eq!(calendar.schedule().is_open(at(text)), open, "{text}");
    }
    check(&calendar, "2026-11-23T07:59:59Z", false);
    check(&calendar, "2026-11-23T08:00:00Z", true);
    check(&calendar, "2026-11-23T11:30:00Z", false);
    check(&calendar, "2026-11-20T23:30:00Z", true);
    check(&calendar, "2026-11-21T01:00:00Z", false);
    check(&calendar, "2026-11-22T12:00:00Z", false);
    // Other hours, and closed, on holidays; Christmas is a Friday in 2026.
    check(&calendar, "2026-12-24T11:59:00Z", true);
    check(&calendar, "2026-12-24T14:00:00Z", false);
    check(&calendar, "2026-12-25T20:00:00Z", false);
}

#[test]
fn the_next_opening_passes_over_closed_days() {
    let calendar = shop("Europe/Vienna", 4);
    let next = |text| calendar.schedule().next_opening(at(text)).map(|at| at.to_string());
    assert_eq!(next("2026-11-21T20:00:00Z").as_deref(), Some("2026-11-23T08:00:00Z"));
    assert_eq!(next("2026-12-24T13:00:00Z").as_deref(), Some("2026-12-26T08:00:00Z"));
    let never = Schedule::new(Zone::utc(), WeekHours::default(), BTreeMap::new());
    assert_eq!(never.next_opening(at("2026-12-24T13:00:00Z")), None);
}

#[test]
fn the_hours_open_of_a_night_in_which_the_clock_changes_are_those_that_passed() {
    let all_night = DayHours::parse(&["20:00-06:00"]).unwrap();
    let week = WeekHours(std::array::from_fn(|_| all_night.clone()));
    let schedule = Schedule::new(Zone::parse("Europe/Vienna").unwrap(), week, BTreeMap::new());
    let night = |from, to| schedule.open_time(TimeSpan { start: at(from), end: at(to) }).as_secs() / 3600;
    assert_eq!(night("2026-03-28T12:00:00Z", "2026-03-29T12:00:00Z"), 9);
    assert_eq!(night("2026-10-24T12:00:00Z", "2026-10-25T12:00:00Z"), 11);
    assert_eq!(night("2026-11-24T12:00:00Z", "2026-11-25T12:00:00Z"), 10);
}

#[test]
fn always_has_no_gap_at_midnight() {
    let schedule = Schedule::new(Zone::utc(), WeekHours::always(), BTreeMap::new());
    let week = TimeSpan { start: at("2026-11-01T00:00:00Z"), end: at("2026-11-08T00:00:00Z") };
    assert_eq!(schedule.open_within(week), [week]);
}

#[test]
fn hours_that_make_no_sense_are_refused() {
    #[track_caller]
    fn check(texts: &[&str], part: &str) {
        let fault = DayHours::parse(texts).unwrap_err().to_string();
        assert!(fault.contains(part), "{fault}");
    }
    for text in ["", "9-18", "09:00", "09:00-25:00", "24:00-02:00", "09:60-10:00", "٠9:00-10:00"] {
        check(&[text], "is not understood");
    }
    check(&["09:00-09:00"], "has no length");
    check(&["09:00-13:00", "12:00-15:00"], "09:00-13:00 and 12:00-15:00 of one day overlap");
    check(&["20:00-02:00", "22:00-23:00"], "overlap");
}

#[test]
fn weeks_are_numbered_as_their_calendars_print_them() {
    #[track_caller]
    fn check(calendar: WeekCalendar, day: &str, week: &str) {
        assert_eq!(calendar.week_of(Day::parse(day).unwrap()).to_string(), week, "{day}");
    }
    check(WeekCalendar::Iso, "2026-01-01", "2026-W01");
    check(WeekCalendar::Iso, "2027-01-03", "2026-W53");
    // First days of 4-5-4 years; 2023 had 53 weeks, and so had 2017.
    check(WeekCalendar::FourFiveFour, "2023-01-28", "2022-W52");
    check(WeekCalendar::FourFiveFour, "2023-01-29", "2023-W01");
    check(WeekCalendar::FourFiveFour, "2024-02-03", "2023-W53");
    check(WeekCalendar::FourFiveFour, "2024-02-04", "2024-W01");
    check(WeekCalendar::FourFiveFour, "2025-02-02", "2025-W01");
    check(WeekCalendar::FourFiveFour, "2026-02-01", "2026-W01");
    check(WeekCalendar::FourFiveFour, "2018-02-03", "2017-W53");
}

#[test]
fn the_months_of_a_quarter_have_4_5_and_4_weeks() {
    let mut day = Day::parse("2023-01-29").unwrap();
    let mut weeks = [0_u8; 13];
    for _ in 0..53 {
        let week = RetailWeek::of(day);
        weeks[usize::from(week.month)] += 1;
        assert_eq!(week.week_of_month, weeks[usize::from(week.month)]);
        (0..7).for_each(|_| day = day.after());
    }
    assert_eq!(weeks, [0, 4, 5, 4, 4, 5, 4, 4, 5, 4, 4, 5, 5]);
}

#[test]
fn a_time_is_read_as_it_was_said_to_be_written() {
    let zone = Zone::parse("Europe/Vienna").unwrap();
    let pattern = |text: &str| WrittenTime::Pattern(text.to_owned());
    let read = |text, how: &WrittenTime| zone.parse_time(text, how).map(|at| at.to_string());
    let ok = |text: &str| Ok(text.to_owned());
    assert_eq!(read("2026-11-22T14:05:00+02:00", &WrittenTime::Iso), ok("2026-11-22T12:05:00Z"));
    assert_eq!(read("2026-11-22T14:05:00", &WrittenTime::Iso), ok("2026-11-22T13:05:00Z"));
    assert_eq!(read("1795356300", &WrittenTime::UnixSeconds), ok("2026-11-22T14:05:00Z"));
    assert_eq!(read("22.11.2026 14:05", &pattern("%d.%m.%Y %H:%M")), ok("2026-11-22T13:05:00Z"));
    // Twice in autumn: the first. Never in spring: refused.
    assert_eq!(read("2026-10-25T02:30:00", &WrittenTime::Iso), ok("2026-10-25T00:30:00Z"));
    assert_eq!(read("2026-03-29T02:30:00", &WrittenTime::Iso), Err(TimeFault::NeverWas));
    for text in ["", "2026-11-22", "yesterday", "2026-13-01T00:00:00Z", "22.11.2026 14:05"] {
        assert_eq!(read(text, &WrittenTime::Iso), Err(TimeFault::NotWrittenSo), "{text}");
    }
}

#[test]
fn a_pattern_without_a_time_of_day_is_not_complete() {
    let pattern = |text: &str| WrittenTime::Pattern(text.to_owned()).is_complete();
    assert!(pattern("%d/%m/%Y %H:%M") && pattern("%Y%m%d%H%M%S"));
    assert!(!pattern("%d/%m/%Y") && !pattern("%H:%M") && !pattern("%Q") && !pattern(""));
}

proptest! {
    #[test]
    fn periods_hold_their_time_and_join_without_a_gap(
        zone in prop::sample::select(vec![
            "Europe/Vienna", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe", "Africa/Cairo",
            "America/Havana", "Pacific/Apia", "Asia/Kathmandu",
        ]),
        starts in 0_u8..24,
        seconds in 1_250_000_000_i64..1_900_000_000
    ) {
        let calendar = shop(zone, starts);
        let now = WallTime::from_unix_ms(seconds * 1000);
        for kind in SpanKind::ALL {
            let span = calendar.span(kind, now);
            prop_assert!(span.holds(now), "{kind:?} {span:?} {now}");
            prop_assert_eq!(calendar.span(kind, span.start), span);
            let last = WallTime::from_unix_ms(span.end.unix_ms() - 1);
            prop_assert_eq!(calendar.span(kind, last), span);
            prop_assert_eq!(calendar.span(kind, span.end).start, span.end);
        }
    }

    #[test]
    fn the_time_open_is_the_sum_of_the_minutes_in_which_it_is_open(
        start_minutes in 29_300_000_i64..30_000_000, length in 1_i64..4_000
    ) {
        let calendar = shop("Europe/Vienna", 4);
        let minute = |n: i64| WallTime::from_unix_ms((start_minutes + n) * 60_000);
        let span = TimeSpan { start: minute(0), end: minute(length) };
        let open = (0..length).filter(|n| calendar.schedule().is_open(minute(*n))).count();
        prop_assert_eq!(calendar.schedule().open_time(span).as_secs(), 60 * open as u64);
    }
}

#[test]
fn a_date_and_its_number_of_days_are_the_same_also_at_the_ends_of_what_can_be_said() {
    for (text, days) in [("1970-01-01", 0), ("1969-12-31", -1), ("2026-11-22", 20_779)] {
        assert_eq!(Day::parse(text).unwrap().unix_days(), days);
        assert_eq!(Day::of_unix_days(days).to_string(), text);
    }
    assert_eq!(Day::of_unix_days(i64::MAX).to_string(), "9999-12-31");
    assert_eq!(Day::of_unix_days(i64::MIN).unix_days(), Day::of_unix_days(i64::MIN + 1).unix_days());
}

#[test]
fn the_hour_on_the_clock_is_the_stores_own() {
    let calendar = Calendar::new(
        Schedule::new(Zone::parse("Asia/Kathmandu").unwrap(), WeekHours::always(), BTreeMap::new()),
        0,
    );
    // 2026-11-22T18:20:00Z is 00:05 there.
    assert_eq!(calendar.hour_on_clock(WallTime::from_unix_ms(1_795_371_600_000)), 0);
    assert_eq!(calendar.hour_on_clock(WallTime::from_unix_ms(1_795_371_600_000 - 600_000)), 23);
}
