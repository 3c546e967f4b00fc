use super::*;

/// Six weeks of days that repeat by the week, `step` times as much from the fourth on, with a little noise that leaves sums alone.
fn weeks(step: f64) -> Change {
    let by_weekday = [100.0, 110.0, 90.0, 120.0, 200.0, 400.0, 50.0];
    let day = |day: i64, step: f64| {
        let denominator = 10.0 * by_weekday[weekday_of(day)];
        let noise = [1.0, -1.0, 0.0][usize::try_from(day / 7 % 3).unwrap()];
        StoreDay { day, numerator: step * (0.01 * denominator * (10.0 + noise)), denominator }
    };
    Change {
        before: (4..25).map(|at| day(at, 1.0)).collect(),
        after: (25..46).map(|at| day(at, step)).collect(),
    }
}

#[track_caller]
fn check(found: Result<Difference, Unknown>, expected: &str) {
    let shown = match found {
        Ok(Difference { value, low, high }) => {
            assert!(low <= value && value <= high, "{low} {value} {high}");
            format!("{:+.1} % {}", 100.0 * value, if low > 0.0 || high < 0.0 { "clear" } else { "unclear" })
        }
        Err(why) => why.to_string(),
    };
    assert_eq!(shown, expected);
}

#[test]
fn a_step_beyond_the_noise_is_found_as_large_as_it_is() {
    check(before_after(&weeks(1.25), 1), "+25.0 % clear");
    check(before_after(&weeks(0.8), 1), "-20.0 % clear");
    check(before_after(&weeks(1.0), 1), "+0.0 % unclear");
}

#[test]
fn a_saturday_more_on_one_side_is_no_step() {
    let mut holes = weeks(1.0);
    // Saturdays have four times as many people; two of three are missing afterwards.
    let saturdays = |change: &Change| -> Vec<i64> {
        change.after.iter().map(|day| day.day).filter(|day| weekday_of(*day) == 5).collect()
    };
    let gone = saturdays(&holes);
    holes.before.iter_mut().chain(&mut holes.after).for_each(|day| {
        if weekday_of(day.day) == 5 {
            day.numerator *= 3.0;
        }
    });
    holes.after.retain(|day| !gone[..2].contains(&day.day));
    let Ok(found) = before_after(&holes, 1) else { panic!("enough days are left") };
    let rate = |days: &[StoreDay]| {
        let of = |part: fn(&StoreDay) -> f64| days.iter().map(part).sum::<f64>();
        of(|day| day.numerator) / of(|day| day.denominator)
    };
    let plain = rate(&holes.after) / rate(&holes.before) - 1.0;
    assert!(plain < -0.15, "sums alone would tell of a fall: {plain}");
    // The Saturday that is left happens to be a tenth above its usual.
    assert!(found.value.abs() < 0.06 && !found.is_clear(), "{found:?}");
}

#[test]
fn what_the_controls_had_too_falls_out() {
    let both = |step: f64, stores: usize| vec![weeks(step); stores];
    check(test_control(&both(1.5, 1), &both(1.2, 1), 3), "+25.0 % clear");
    let test: Vec<Change> = [1.45, 1.5, 1.55].map(weeks).into();
    let control: Vec<Change> = [1.18, 1.2, 1.22].map(weeks).into();
    check(test_control(&test, &control, 3), "+25.0 % clear");
}

#[test]
fn two_displays_are_compared_on_the_days_that_both_have() {
    let (one, other) = (weeks(1.0), weeks(1.0));
    let half: Vec<StoreDay> =
        other.before.iter().map(|day| StoreDay { numerator: day.numerator / 2.0, ..*day }).collect();
    check(against(&one.before, &half, 3), "+100.0 % clear");
    check(against(&one.before, &half[8..], 3), "too few days of the same weekdays on both sides");
}

#[test]
fn too_little_is_said_to_be_too_little() {
    let mut short = weeks(1.2);
    short.after.truncate(LEAST_DAYS - 1);
    check(before_after(&short, 1), "too few days of the same weekdays on both sides");
    let mut empty = weeks(1.2);
    empty.after.iter_mut().for_each(|day| day.numerator = 0.0);
    check(before_after(&empty, 1), "one side has nothing to compare with");
    let mut unseen = weeks(1.2);
    unseen.before.iter_mut().for_each(|day| day.denominator = 0.0);
    check(before_after(&unseen, 1), "too few days of the same weekdays on both sides");
    check(test_control(&[], &[weeks(1.0)], 1), "one side has nothing to compare with");
}

#[test]
fn the_same_seed_gives_the_same_interval() {
    assert_eq!(before_after(&weeks(1.1), 5), before_after(&weeks(1.1), 5));
}
