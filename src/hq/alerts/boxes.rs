//! Boxes that ail, certificates that run out, and roll-outs that stopped by themselves.

use super::{Rule, Subject, Verdict, Verdicts};
use crate::time::WallTime;
use crate::wire::v1::fleet::Health;
use serde_json::json;
use std::time::Duration;

/// Health that is older says nothing of now; that nothing comes is another rule's.
const FRESH: Duration = Duration::from_secs(5 * 60);
/// Nearly full: what is free, in %. Fine again above the second: a disk at the edge is told of once.
const DISK_PERCENT: (f64, f64) = (5.0, 8.0);
/// Too hot, °C, and fine again: small computers slow themselves down from 80 to 85 on.
const HOT_C: (f64, f64) = (85.0, 78.0);
/// A clock is set within minutes of the start where a network is there.
const CLOCK_PATIENCE_MS: i64 = 15 * 60 * 1000;
/// A certificate that ends sooner was not renewed for weeks: boxes ask from a third of its life on.
const CERTIFICATE_LEFT: Duration = Duration::from_secs(14 * 86_400);

/// A box and what it said last of how it is.
#[derive(Debug, Clone, PartialEq)]
pub struct BoxHealth {
    /// Its store.
    pub store_id: i64,
    /// Its name.
    pub name: String,
    /// What it said.
    pub health: Health,
    /// When that was new.
    pub at: WallTime,
}

/// Judges disk, heat and clock of a box.
#[must_use]
pub fn about_health(seen: &BoxHealth, now: WallTime) -> Verdicts {
    let mut verdicts = Verdicts::new();
    if now.since(seen.at) > FRESH {
        return verdicts;
    }
    let mut judge = |rule: Rule, is_wrong: Option<bool>, values: serde_json::Value| {
        let subject = Subject { rule, store_id: seen.store_id, about: seen.name.clone() };
        match is_wrong {
            Some(true) => verdicts.insert(subject, Verdict::wrong(seen.at, values)),
            Some(false) => verdicts.insert(subject, Verdict::Fine { since: seen.at }),
            None => None,
        };
    };
    let Health { disk_free, disk_size, temperature_c, clock_ok, at_ms, since_ms, .. } = &seen.health;
    if let Some((free, size)) = disk_free.zip(disk_size.filter(|size| *size > 0)) {
        let percent = 100.0 * free as f64 / size as f64;
        let values = json!({ "box": seen.name, "percent": percent.floor() });
        judge(Rule::DiskFull, between(percent < DISK_PERCENT.0, percent > DISK_PERCENT.1), values);
    }
    if let Some(celsius) = *temperature_c {
        let values = json!({ "box": seen.name, "celsius": celsius.round() });
        judge(Rule::TooHot, between(celsius >= HOT_C.0, celsius < HOT_C.1), values);
    }
    let has_had_time = at_ms.saturating_sub(*since_ms) > CLOCK_PATIENCE_MS;
    judge(Rule::Clock, between(!clock_ok && has_had_time, *clock_ok), json!({ "box": seen.name }));
    verdicts
}

/// Wrong, fine, or between the two, where it stays as it was.
const fn between(is_wrong: bool, is_fine: bool) -> Option<bool> {
    match (is_wrong, is_fine) {
        (true, _) => Some(true),
        (false, true) => Some(false),
        (false, false) => None,
    }
}

/// Judges when the newest certificate of a box ends.
#[must_use]
pub fn about_certificate(
    (store_id, name): (i64, &str),
    until: WallTime,
    now: WallTime,
) -> (Subject, Verdict) {
    let subject = Subject { rule: Rule::Certificate, store_id, about: name.to_owned() };
    let left = until.since(now);
    if left >= CERTIFICATE_LEFT {
        return (subject, Verdict::Fine { since: now });
    }
    let values = json!({ "box": name, "days": left.as_secs() / 86_400 });
    (subject, Verdict::wrong(now, values))
}

/// A roll-out, told of at the store of one of its boxes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RolloutSeen {
    /// Its number.
    pub rollout_id: i64,
    /// The store of the box that is worse, or of the first.
    pub store_id: i64,
    /// What it is called.
    pub title: String,
    /// Why it stopped, and since when; none: it has not.
    pub stopped: Option<(String, WallTime)>,
}

/// Judges a roll-out.
#[must_use]
pub fn about_rollout(seen: &RolloutSeen, now: WallTime) -> (Subject, Verdict) {
    let about = format!("rollout-{}", seen.rollout_id);
    let subject = Subject { rule: Rule::RolloutStopped, store_id: seen.store_id, about };
    let verdict = match &seen.stopped {
        None => Verdict::Fine { since: now },
        Some((why, since)) => Verdict::wrong(*since, json!({ "rollout": seen.title, "why": why })),
    };
    (subject, verdict)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::v1::V1;

    const NOW: WallTime = WallTime::from_unix_ms(1_795_334_400_000);

    fn health() -> Health {
        Health {
            v: V1,
            at_ms: NOW.unix_ms(),
            since_ms: NOW.unix_ms() - 3_600_000,
            software: "footfall 1".to_owned(),
            os: None,
            arch: "arm64".to_owned(),
            clock_ok: true,
            temperature_c: None,
            disk_free: None,
            disk_size: None,
            memory_free: None,
            memory_size: None,
            memory_used: None,
            load: None,
            cameras: Vec::new(),
            waiting: 0,
            behind_s: None,
            discarded: 0,
            config: 0,
            certificate_until_ms: None,
        }
    }

    /// Whether the rule finds it wrong; none: it says nothing.
    #[track_caller]
    fn check(rule: Rule, change: impl FnOnce(&mut Health), expected: Option<bool>) {
        let mut health = health();
        change(&mut health);
        let verdicts =
            about_health(&BoxHealth { store_id: 1, name: "door".to_owned(), health, at: NOW }, NOW);
        let found = verdicts.into_iter().find(|(subject, _)| subject.rule == rule);
        assert_eq!(found.map(|(_, verdict)| matches!(verdict, Verdict::Wrong { .. })), expected);
    }

    #[test]
    fn a_disk_is_told_of_when_it_is_nearly_full_and_not_at_the_edge() {
        let disk =
            |free| move |health: &mut Health| (health.disk_free, health.disk_size) = (Some(free), Some(100));
        check(Rule::DiskFull, disk(4), Some(true));
        check(Rule::DiskFull, disk(6), None);
        check(Rule::DiskFull, disk(9), Some(false));
        check(Rule::DiskFull, |health| health.disk_free = Some(1), None);
        check(Rule::DiskFull, |health| (health.disk_free, health.disk_size) = (Some(0), Some(0)), None);
    }

    #[test]
    fn heat_is_told_of_from_85_degrees_on_until_it_is_below_78() {
        let heat = |celsius| move |health: &mut Health| health.temperature_c = Some(celsius);
        check(Rule::TooHot, heat(85.0), Some(true));
        check(Rule::TooHot, heat(80.0), None);
        check(Rule::TooHot, heat(60.0), Some(false));
    }

    #[test]
    fn a_clock_has_a_quarter_of_an_hour_to_be_set() {
        check(Rule::Clock, |health| health.clock_ok = false, Some(true));
        check(Rule::Clock, |_| {}, Some(false));
        check(
            Rule::Clock,
            |health| (health.clock_ok, health.since_ms) = (false, health.at_ms - 60_000),
            None,
        );
    }

    #[test]
    fn what_was_said_long_ago_is_no_news() {
        let seen = BoxHealth { store_id: 1, name: "door".to_owned(), health: health(), at: NOW - FRESH * 2 };
        assert_eq!(about_health(&seen, NOW), Verdicts::new());
    }

    #[test]
    fn a_certificate_is_told_of_two_weeks_before_it_ends() {
        let is_wrong = |left: Duration| {
            let (_, verdict) = about_certificate((1, "door"), NOW + left, NOW);
            matches!(verdict, Verdict::Wrong { .. })
        };
        assert!(is_wrong(CERTIFICATE_LEFT - Duration::from_secs(1)));
        assert!(!is_wrong(CERTIFICATE_LEFT));
        assert!(matches!(about_certificate((1, "door"), NOW - FRESH, NOW).1, Verdict::Wrong { .. }));
    }
}
