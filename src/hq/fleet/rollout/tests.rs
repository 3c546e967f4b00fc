//! Roll-outs of boxes that never were: each answers, gets worse or goes away as the test says.

use super::*;
use proptest::prelude::*;

const BEGIN: WallTime = WallTime::from_unix_ms(1_795_334_400_000);
const SOAK: Duration = Duration::from_secs(900);
const TICK: Duration = Duration::from_secs(60);

fn cameras(fps: f64) -> Cameras {
    BTreeMap::from([("door".to_owned(), fps)])
}

fn members(boxes: usize, rings: &[Ring]) -> Vec<Member> {
    let member = |(place, ring): (usize, usize)| Member {
        box_id: place as i64,
        ring,
        asked: None,
        before: None,
        answered: None,
        worse: None,
        is_forgiven: false,
        seen: Seen::default(),
    };
    rings_of(boxes, rings).into_iter().enumerate().map(member).collect()
}

/// How a box behaves from when it is asked on.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Fate {
    Well,
    Refuses,
    GoesAway,
    Slower,
    Silent,
    /// It was away before, and stays so.
    WasAway,
}

/// Asks and answers as head office does, in steps of a minute, until it ends; the end, and the boxes that were asked at each step.
fn run(members: &mut [Member], fates: &[Fate]) -> (Option<End>, Vec<usize>) {
    let mut asked_at = Vec::new();
    for tick in 0..200 {
        let now = BEGIN + TICK * tick;
        for (member, fate) in members.iter_mut().zip(fates) {
            member.seen = seen(member, *fate, now);
        }
        let step = step(members, SOAK, now);
        apply(members, fates, &step, now);
        asked_at.push(members.iter().filter(|member| member.asked.is_some()).count());
        if step.ends.is_some() {
            return (step.ends, asked_at);
        }
    }
    (None, asked_at)
}

fn seen(member: &Member, fate: Fate, now: WallTime) -> Seen {
    let Some(asked) = member.asked else { return Seen::default() };
    let since = now.since(asked);
    let answer = match fate {
        Fate::WasAway | Fate::Silent | Fate::GoesAway => None,
        _ if since < TICK => None,
        Fate::Refuses => Some(Err("it refused: no such model".to_owned())),
        Fate::Well | Fate::Slower => Some(Ok(())),
    };
    let away = match fate {
        Fate::WasAway => Some(Duration::from_secs(86_400)),
        Fate::GoesAway => Some(since),
        _ => None,
    };
    let fps = if fate == Fate::Slower { 7.9 } else { 9.0 };
    let cameras = member.answered.map(|_| cameras(fps));
    Seen { away, answer, cameras }
}

fn apply(members: &mut [Member], fates: &[Fate], step: &Step, now: WallTime) {
    for (member, fate) in members.iter_mut().zip(fates) {
        if step.ask.contains(&member.box_id) {
            assert_eq!(member.asked, None, "a box is asked once");
            member.asked = Some(now);
            member.before = (*fate != Fate::WasAway).then(|| cameras(10.0));
        }
        if step.answered.contains(&member.box_id) {
            member.answered = Some(now);
        }
        if let Some((_, why)) = step.worse.iter().find(|(box_id, _)| *box_id == member.box_id) {
            member.worse = Some(why.clone());
        }
    }
}

#[track_caller]
fn check_rings(all: usize, rings: &[Ring], expected: &[usize]) {
    let of = rings_of(all, rings);
    let most = of.last().map_or(0, |last| last + 1);
    let sizes: Vec<usize> = (0..most).map(|ring| of.iter().filter(|of| **of == ring).count()).collect();
    assert_eq!(sizes, expected, "{all} boxes in {rings:?}");
}

#[test]
fn rings_are_one_box_a_tenth_and_all() {
    check_rings(1, &Ring::usual(), &[1]);
    check_rings(5, &Ring::usual(), &[1, 4]);
    check_rings(30, &Ring::usual(), &[1, 2, 27]);
    check_rings(1000, &Ring::usual(), &[1, 99, 900]);
    check_rings(10, &[Ring::Boxes(3)], &[3, 7]);
    check_rings(10, &[Ring::Percent(100.0)], &[10]);
    check_rings(10, &[Ring::Boxes(5), Ring::Boxes(2)], &[5, 5]);
}

#[test]
fn a_ring_is_a_number_or_a_share() {
    assert_eq!(Ring::parse("3"), Ok(Ring::Boxes(3)));
    assert_eq!(Ring::parse("2.5%"), Ok(Ring::Percent(2.5)));
    for text in ["", "0", "-1", "0%", "101%", "NaN%", "all"] {
        assert!(Ring::parse(text).is_err(), "{text}");
    }
}

#[test]
fn boxes_that_are_well_are_all_reached_ring_by_ring() {
    let mut members = members(30, &Ring::usual());
    let (end, asked) = run(&mut members, &[Fate::Well; 30]);
    assert_eq!(end, Some(End::Done));
    let soaked = (SOAK.as_secs() / TICK.as_secs()) as usize;
    assert_eq!((asked[0], asked[soaked], asked[soaked + 2]), (1, 1, 3), "{asked:?}");
    assert_eq!(asked.last(), Some(&30));
}

#[track_caller]
fn check_first_stops(fate: Fate) {
    let mut fates = [Fate::Well; 30];
    fates[0] = fate;
    let mut members = members(30, &Ring::usual());
    let (end, asked) = run(&mut members, &fates);
    assert!(matches!(end, Some(End::Stopped(_))), "{fate:?}: {end:?}");
    assert_eq!(asked.iter().max(), Some(&1), "{fate:?}");
}

#[test]
fn a_first_box_that_is_worse_stops_it_and_nobody_else_is_asked() {
    for fate in [Fate::Refuses, Fate::GoesAway, Fate::Slower, Fate::Silent] {
        check_first_stops(fate);
    }
}

#[test]
fn a_box_that_was_away_before_holds_nobody_up_where_another_of_its_ring_answers() {
    let mut fates = [Fate::Well; 30];
    fates[0] = Fate::WasAway;
    let mut members = members(30, &[Ring::Boxes(2), Ring::Percent(100.0)]);
    assert_eq!(run(&mut members, &fates).0, Some(End::Done));
}

#[test]
fn a_ring_in_which_nobody_answers_is_not_followed_by_another() {
    let mut fates = [Fate::Well; 30];
    fates[0] = Fate::WasAway;
    let mut members = members(30, &Ring::usual());
    let (end, asked) = run(&mut members, &fates);
    assert_eq!((end, asked.last()), (None, Some(&1)));
}

#[test]
fn a_box_that_has_answered_and_says_nothing_more_is_not_late() {
    let mut one = members(1, &Ring::usual()).remove(0);
    one.asked = Some(BEGIN);
    one.before = Some(cameras(10.0));
    let later = BEGIN + ANSWER_PATIENCE + TICK;
    assert!(worse_now(&one, later).is_some());
    one.answered = Some(BEGIN + TICK);
    assert_eq!(worse_now(&one, later), None);
}

#[test]
fn what_somebody_goes_on_in_spite_of_does_not_stop_it_again() {
    let mut fates = [Fate::Well; 30];
    fates[0] = Fate::Refuses;
    let mut members = members(30, &Ring::usual());
    run(&mut members, &fates);
    members[0].is_forgiven = true;
    assert_eq!(run(&mut members, &fates).0, Some(End::Done));
}

#[test]
fn a_camera_that_was_up_and_is_down_is_worse_and_one_that_was_slow_is_not_judged() {
    let mut one = members(1, &Ring::usual()).remove(0);
    one.asked = Some(BEGIN);
    one.answered = Some(BEGIN);
    one.seen.answer = Some(Ok(()));
    one.before = Some(cameras(10.0));
    one.seen.cameras = Some(Cameras::new());
    assert_eq!(worse_now(&one, BEGIN), Some("camera door is down and was up".to_owned()));
    one.before = Some(cameras(0.9));
    one.seen.cameras = Some(cameras(0.1));
    assert_eq!(worse_now(&one, BEGIN), None);
}

fn fates(most: usize) -> impl Strategy<Value = Vec<Fate>> {
    let fate = prop_oneof![
        12 => Just(Fate::Well),
        1 => Just(Fate::Refuses),
        1 => Just(Fate::GoesAway),
        1 => Just(Fate::Slower),
        1 => Just(Fate::Silent),
        2 => Just(Fate::WasAway),
    ];
    proptest::collection::vec(fate, 1..most)
}

proptest! {
    #[test]
    fn never_more_boxes_are_asked_than_the_rings_that_were_watched_allow(fates in fates(60), first in 1_u32..5, tenth in 1.0_f64..50.0) {
        let rings = [Ring::Boxes(first), Ring::Percent(tenth), Ring::Percent(100.0)];
        let mut members = members(fates.len(), &rings);
        let sizes: Vec<usize> = {
            let of = rings_of(fates.len(), &rings);
            (0..=of.last().copied().unwrap_or(0)).map(|ring| of.iter().filter(|of| **of <= ring).count()).collect()
        };
        let (_, asked) = run(&mut members, &fates);
        // Each ring was watched for its soak time before the next one began.
        let soak = (SOAK.as_secs() / TICK.as_secs()) as usize;
        for (ring, up_to) in sizes.iter().enumerate() {
            for count in asked.iter().take((ring + 1) * soak) {
                prop_assert!(count <= up_to, "ring {ring}: {asked:?}");
            }
        }
    }

    #[test]
    fn it_is_done_only_where_few_are_worse_and_stops_only_where_some_are(fates in fates(60)) {
        let mut members = members(fates.len(), &Ring::usual());
        let (end, _) = run(&mut members, &fates);
        let worse = members.iter().filter(|member| member.worse.is_some()).count();
        match end {
            Some(End::Done) => prop_assert!(worse * 100 <= members.len() * MOST_WORSE_PERCENT, "{worse} are worse"),
            Some(End::Stopped(_)) => prop_assert!(worse > 0),
            None => {
                let asked = || members.iter().zip(&fates).filter(|(member, _)| member.asked.is_some());
                let present = asked().map(|(member, _)| member.ring).max();
                let mut of_ring = asked().filter(|(member, _)| Some(member.ring) == present);
                prop_assert!(of_ring.all(|(_, fate)| *fate == Fate::WasAway), "it never ends");
            }
        }
        prop_assert!(members.iter().filter(|member| member.asked.is_none()).all(|member| member.worse.is_none()));
    }
}
