use super::*;
use crate::hq::register;
use crate::wire::v1::Fact;

/// Sunday 2026-11-22, 12:00 UTC.
const NOON_MS: i64 = 1_795_348_800_000;
const MINUTE: Duration = Duration::from_secs(60);

const STORE: &str = r#"
[[tenant]]
id = "acme"
title = "Acme"
[[store]]
id = "a"
title = "A"
currency = "EUR"
time_zone = "UTC"
[store.hours]
sunday = ["09:00-18:00"]
monday = ["09:00-18:00"]
[[store.box]]
id = "box-a"
"#;

struct Chain {
    _folder: tempfile::TempDir,
    store: Store,
}

impl Chain {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("hq.sqlite")).unwrap();
        register::apply(STORE, &store, at(0)).unwrap();
        Self { _folder: folder, store }
    }

    fn change(&self, sql: &str) {
        self.store.write::<_, StoreError>(|all| Ok(all.execute_batch(sql)?)).unwrap();
    }

    fn heard(&self, minutes: i64) {
        let ms = at(minutes).unix_ms();
        self.change(&format!("UPDATE box SET last_record_ms = {ms}, first_seen_ms = 1"));
    }

    fn event(&self, seq: i64, kind: &str, body: &Value) {
        let at_ms = body["at_ms"].as_i64().unwrap();
        self.change(&format!("INSERT INTO event VALUES (1, {seq}, '{kind}', {at_ms}, 0, '{body}')"));
    }

    /// Looks, and shows every alert: rule, about, minutes from noon to its begin and its end.
    fn look(&self, minutes: i64) -> Vec<String> {
        Watch::default().step(&self.store, at(minutes)).unwrap();
        let rows = self.store.read(|ask| rows::list(ask, |_| true, 100)).unwrap();
        let from_noon = |ms: i64| (ms - NOON_MS) / 60_000;
        let shown = |row: &rows::AlertRow| {
            let ended = row.ended_ms.map_or("open".to_owned(), |ms| from_noon(ms).to_string());
            format!("{} {} {} {ended}", row.rule, row.about, from_noon(row.began_ms))
        };
        rows.iter().map(shown).collect()
    }
}

/// So many minutes from noon.
fn at(minutes: i64) -> WallTime {
    WallTime::from_unix_ms(NOON_MS + minutes * 60_000)
}

const NONE: [&str; 0] = [];

#[test]
fn a_box_that_falls_silent_is_raised_once_and_ended_by_its_next_record() {
    let chain = Chain::new();
    chain.heard(0);
    assert_eq!(chain.look(15), NONE);
    assert_eq!(chain.look(16), ["no_data box-a 0 open"]);
    assert_eq!(chain.look(17), ["no_data box-a 0 open"]);
    chain.heard(18);
    assert_eq!(chain.look(18), ["no_data box-a 0 18"]);
}

#[test]
fn a_box_that_is_silent_at_night_is_not_late_before_it_had_time_in_the_morning() {
    let chain = Chain::new();
    chain.heard(6 * 60);
    let morning = 21 * 60;
    assert_eq!(chain.look(12 * 60), NONE, "closed");
    assert_eq!(chain.look(morning + 15), NONE);
    assert_eq!(chain.look(morning + 16), ["no_data box-a 360 open"]);
    assert_eq!(chain.look(morning + 10 * 60), ["no_data box-a 360 open"], "closing time ends nothing");
}

#[test]
fn a_box_that_never_sent_anything_is_not_missed_and_a_retired_one_no_longer() {
    let chain = Chain::new();
    assert_eq!(chain.look(0), NONE);
    chain.heard(0);
    assert_eq!(chain.look(20), ["no_data box-a 0 open"]);
    let without = &STORE[..STORE.find("[[store.box]]").unwrap()];
    register::apply(without, &chain.store, at(21)).unwrap();
    assert_eq!(chain.look(22), ["no_data box-a 0 22"]);
}

#[test]
fn a_camera_that_is_down_while_its_box_is_there_is_raised() {
    let chain = Chain::new();
    let state = |status: &str| {
        json!({"v":1,"state":"online","since_ms":1,"software":"footfall 0.1.0","problems":[],
               "cameras":[{"camera":"door","state":status}]})
    };
    chain.heard(20);
    chain.change(&format!("UPDATE box SET state = '{}', state_ms = {}", state("down"), at(0).unix_ms()));
    assert_eq!(chain.look(15), NONE);
    assert_eq!(chain.look(20), ["no_data box-a/door 0 open"]);
    chain.change(&format!("UPDATE box SET state = '{}', state_ms = {}", state("up"), at(22).unix_ms()));
    assert_eq!(chain.look(23), ["no_data box-a/door 0 22"]);
}

fn condition(condition: &str, began: bool, minutes: i64) -> Value {
    json!({"seq":1,"kind":"camera_condition","camera":"door","condition":condition,"began":began,
        "at_ms":at(minutes).unix_ms(),"since_ms":at(minutes - 1).unix_ms(),"detail":"by 31 px","model":"m",
        "geometry":"g","plane":"image","run":1})
}

#[test]
fn a_camera_that_was_moved_is_raised_until_it_is_confirmed_whichever_record_comes_first() {
    let chain = Chain::new();
    chain.event(2, "camera_condition", &condition("moved", true, 0));
    assert_eq!(chain.look(1), ["camera_moved box-a/door/moved -1 open"]);
    chain.event(3, "camera_condition", &condition("moved", false, 30));
    assert_eq!(chain.look(31), ["camera_moved box-a/door/moved -1 30"]);
    chain.event(1, "camera_condition", &condition("moved", true, -60));
    assert_eq!(chain.look(32), ["camera_moved box-a/door/moved -1 30"], "an older record came late");
}

#[test]
fn an_alert_stays_open_when_its_record_is_older_than_what_is_looked_at() {
    let chain = Chain::new();
    chain.event(1, "camera_condition", &condition("blocked", true, 0));
    chain.look(1);
    let week = 7 * 24 * 60;
    assert_eq!(chain.look(week), ["camera_moved box-a/door/blocked -1 open"]);
    chain.event(2, "camera_condition", &condition("blocked", false, week));
    assert_eq!(chain.look(week + 1), [format!("camera_moved box-a/door/blocked -1 {week}")]);
}

#[test]
fn a_dark_picture_is_a_fault_only_while_the_store_is_open() {
    let chain = Chain::new();
    chain.event(1, "camera_condition", &condition("dark", true, 7 * 60));
    assert_eq!(chain.look(8 * 60), NONE);
    assert_eq!(chain.look(21 * 60 + 1), ["camera_moved box-a/door/dark 419 open"]);
}

#[test]
fn a_queue_and_an_alarm_are_raised_and_ended_by_the_box() {
    let chain = Chain::new();
    let maker = json!({"camera":"till","model":"m","geometry":"g","plane":"image","run":1});
    let with = |mut body: Value| {
        body.as_object_mut().unwrap().extend(maker.as_object().unwrap().clone());
        body
    };
    let queue = |raised: bool, minutes: i64| {
        with(json!({"kind":"alert","zone":"checkout","what":"queue_length","raised":raised,
            "at_ms":at(minutes).unix_ms(),"since_ms":at(minutes).unix_ms(),"value":9,"limit":5}))
    };
    let alarm = with(json!({"kind":"alarm","zone":"stock","reason":"hours","raised":true,"people":1,"space":"image_px",
        "at_ms":at(2).unix_ms(),"since_ms":at(1).unix_ms(),"path":[]}));
    serde_json::from_value::<Fact>(alarm.clone()).unwrap();
    chain.event(1, "alert", &queue(true, 0));
    chain.event(2, "alarm", &alarm);
    assert_eq!(chain.look(3), ["alarm box-a/till/stock/hours 1 open", "queue box-a/till/checkout/length 0 open"]);
    chain.event(3, "alert", &queue(false, 5));
    assert_eq!(chain.look(6), ["alarm box-a/till/stock/hours 1 open", "queue box-a/till/checkout/length 0 5"]);
}

#[test]
fn the_sentence_names_what_it_is_about() {
    let chain = Chain::new();
    chain.event(1, "camera_condition", &condition("moved", true, 0));
    chain.look(1);
    let row = chain.store.read(|ask| rows::list(ask, |_| true, 1)).unwrap().remove(0);
    let detail: Value = serde_json::from_str(&row.detail).unwrap();
    assert_eq!(detail["key"], "camera_moved_moved");
    assert_eq!(detail["values"]["detail"], "by 31 px");
}

mod of_traffic {
    use super::*;
    use proptest::prelude::*;

    /// The hour from 10 to 11, so many weeks ago.
    fn hour(weeks: i64, visitors: i64) -> HourSeen {
        let day = NOON_MS / 86_400_000 - 7 * weeks;
        HourSeen { start_minute: day * 1440 + 600, business_day: day, local_hour: 10, visitors }
    }

    /// Judges today's hour by those of the weeks before; at noon.
    #[track_caller]
    fn check(today: i64, before: &[i64], expected: &str) {
        let past = before.iter().zip(1..).map(|(visitors, weeks)| hour(weeks, *visitors));
        let hours: Vec<HourSeen> = past.chain([hour(0, today)]).collect();
        let verdicts = about_traffic(1, &hours, at(0));
        let shown = match verdicts.values().next() {
            None => "nothing",
            Some(Verdict::Fine { .. }) => "fine",
            Some(Verdict::Wrong { values, .. }) => values["kind"].as_str().unwrap(),
        };
        assert_eq!(shown, expected, "{today} after {before:?}");
    }

    const USUAL: [i64; 8] = [100, 95, 110, 105, 98, 102, 97, 104];

    #[test]
    fn an_hour_like_those_before_is_fine_and_one_far_from_them_is_not() {
        check(108, &USUAL, "fine");
        check(20, &USUAL, "low");
        check(220, &USUAL, "high");
    }

    #[test]
    fn one_holiday_among_the_weeks_changes_nothing() {
        let mut with_holiday = USUAL;
        with_holiday[3] = 900;
        check(108, &with_holiday, "fine");
        check(20, &with_holiday, "low");
    }

    #[test]
    fn small_counts_scatter_by_chance_and_are_no_alert() {
        check(9, &[3, 3, 3, 3, 3, 3, 3, 3], "fine");
        check(0, &[12, 12, 12, 12, 12, 12, 12, 12], "fine");
    }

    #[test]
    fn fewer_than_four_weeks_say_nothing() {
        check(500, &[10, 10, 10], "nothing");
        check(500, &[10, 10, 10, 10], "high");
    }

    #[test]
    fn an_hour_is_judged_when_it_has_settled_and_while_it_is_news() {
        let hours: Vec<HourSeen> = (0..9).map(|weeks| hour(weeks, if weeks == 0 { 900 } else { 100 })).collect();
        assert!(about_traffic(1, &hours, at(-60) + 5 * MINUTE).is_empty());
        assert!(!about_traffic(1, &hours, at(-60) + 10 * MINUTE).is_empty());
        assert!(about_traffic(1, &hours, at(5 * 60 + 1)).is_empty());
    }

    #[test]
    fn only_complete_hours_of_the_database_are_looked_at() {
        let chain = Chain::new();
        let insert = |weeks: i64, entries: i64, complete: i64| {
            let HourSeen { start_minute, business_day, .. } = hour(weeks, 0);
            chain.change(&format!(
                "INSERT INTO store_hour VALUES (1, {start_minute}, {business_day}, 10, 3600000, {entries}, 0, 0, 0, NULL, NULL,
                 NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 3600000, 0, {complete})"
            ));
        };
        (1..9).for_each(|weeks| insert(weeks, 100, 1));
        insert(0, 10, 0);
        assert_eq!(chain.look(0), NONE, "an hour that was hardly seen is no quiet hour");
        chain.change("UPDATE store_hour SET complete = 1");
        assert_eq!(chain.look(0), ["traffic store -120 open"]);
        chain.change("UPDATE store_hour SET entries = 100");
        assert_eq!(chain.look(1), ["traffic store -120 -60"]);
    }

    proptest! {
        #[test]
        fn what_is_usual_is_never_far_and_one_hour_gone_wild_does_not_hide_another(
            before in prop::collection::vec(0_i64..5_000, 4..9), wild in 0_i64..1_000_000
        ) {
            let normal = usual(&before).unwrap();
            prop_assert!(!normal.is_far(normal.median));
            let (least, most) = normal.range();
            prop_assert!(least <= normal.median && normal.median <= most);
            prop_assert!(normal.is_far(most + 1.0), "beyond the range is far");
            // The median of what is left lies between the lowest and the highest of the others.
            let mut with_wild = before.clone();
            with_wild[0] = wild;
            let others = &before[1..];
            let (low, high) = (others.iter().min().unwrap(), others.iter().max().unwrap());
            let median = usual(&with_wild).unwrap().median;
            prop_assert!(*low as f64 <= median && median <= *high as f64);
        }

        #[test]
        fn the_order_of_the_weeks_means_nothing(mut before in prop::collection::vec(0_i64..5_000, 4..9)) {
            let one = usual(&before);
            before.reverse();
            prop_assert_eq!(one, usual(&before));
        }
    }
}

mod properties {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn what_is_open_after_a_look_is_what_is_wrong(
            looks in prop::collection::vec(prop::collection::vec(0_u8..3, 4), 1..20)
        ) {
            let subject = |number: usize| Subject { rule: Rule::NoData, store_id: 1, about: number.to_string() };
            let mut open: Vec<OpenAlert> = Vec::new();
            let mut last: BTreeMap<usize, bool> = BTreeMap::new();
            for (step, look) in looks.iter().enumerate() {
                let now = at(step as i64);
                let mut verdicts = Verdicts::new();
                for (number, said) in look.iter().enumerate() {
                    let verdict = match said {
                        0 => continue,
                        1 => Verdict::Fine { since: now },
                        _ => Verdict::wrong(now, json!({})),
                    };
                    last.insert(number, *said == 2);
                    verdicts.insert(subject(number), verdict);
                }
                let (raise, end) = changes(&open, &verdicts, now);
                open.retain(|alert| end.iter().all(|(row, _)| *row != alert.alert_id));
                for subject in raise {
                    prop_assert!(open.iter().all(|alert| alert.subject != subject), "raised twice");
                    let alert_id = (step * 10 + subject.about.parse::<usize>().unwrap()) as i64;
                    open.push(OpenAlert { alert_id, subject, began: now, is_retired: false });
                }
                let wrong: Vec<String> = last.iter().filter(|(_, wrong)| **wrong).map(|(n, _)| n.to_string()).collect();
                let mut shown: Vec<String> = open.iter().map(|alert| alert.subject.about.clone()).collect();
                shown.sort();
                prop_assert_eq!(shown, wrong);
            }
        }
    }
}
