use super::*;
use crate::app::audit::format::VERSION;
use crate::audit::Veil;
use crate::capture::Picture;
use crate::time::{FrameTime, SimClock};
use std::fs::OpenOptions;
use std::sync::Mutex;
use std::sync::mpsc::sync_channel;

const START: i64 = 1_760_000_040_000;

fn settings(folder: &std::path::Path) -> AuditSettings {
    let (keep, folder) = (Duration::from_secs(86_400), folder.to_owned());
    AuditSettings { clips_per_day: 8, keep, folder, fps: 5.0, width_px: 240, max_bytes: 1_000_000 }
}

fn desk() -> (tempfile::TempDir, Desk) {
    let dir = tempfile::tempdir().unwrap();
    let desk = Desk::new(&settings(dir.path())).unwrap();
    (dir, desk)
}

fn drawn(minute: i64) -> Drawn {
    Drawn {
        camera: "door".to_owned(),
        start_ms: START + 60_000 * minute,
        stratum: "busy".to_owned(),
        chance: 0.25,
        geometry: "g".to_owned(),
        model: "m".to_owned(),
    }
}

fn id(minute: i64) -> ClipId {
    ClipId::of("door", WallTime::from_unix_ms(drawn(minute).start_ms))
}

/// A picture of the clip of a minute.
fn picture(minute: i64, at_ms: u32) -> Job {
    let wall = WallTime::from_unix_ms(drawn(minute).start_ms) + Duration::from_millis(at_ms.into());
    let at = FrameTime { elapsed: Duration::ZERO, wall };
    let mut veil = Veil::new(8);
    veil.hold(at, &Picture { width: 8, height: 8, bgr: vec![7; 3 * 8 * 8] });
    let picture = veil.next(FrameTime { elapsed: Duration::from_secs(1), wall }).unwrap();
    Job::Picture { clip: id(minute), at_ms, picture }
}

fn finish(minute: i64) -> Job {
    let (id, drawn) = (id(minute).as_str().to_owned(), drawn(minute));
    let (pictures, lines) = (Vec::new(), Vec::new());
    Job::Finish(Box::new(Clip {
        v: VERSION,
        id,
        drawn,
        seen_ms: 60_000,
        lost: 0,
        width: 0,
        height: 0,
        pictures,
        lines,
    }))
}

fn files(dir: &tempfile::TempDir) -> usize {
    std::fs::read_dir(dir.path().join("clips")).unwrap().count()
}

#[test]
fn a_clip_of_which_a_picture_could_not_be_written_is_thrown_away_and_its_later_pictures_with_it() {
    let (dir, mut desk) = desk();
    desk.take(picture(0, 0)).unwrap();
    // A disk without room.
    let full = OpenOptions::new().write(true).open("/dev/full").unwrap();
    desk.begun.get_mut(&id(0)).unwrap().file = Some(full);
    assert!(desk.take(picture(0, 200)).is_err());
    assert_eq!(desk.take(picture(0, 400)).unwrap(), Done::Part);
    assert_eq!(desk.take(finish(0)).unwrap(), Done::Part);
    assert_eq!((files(&dir), desk.begun.len()), (0, 0));
}

#[test]
fn a_clip_whose_end_was_lost_on_the_way_does_not_stay_open() {
    let (dir, mut desk) = desk();
    desk.take(picture(0, 0)).unwrap();
    desk.take(picture(20, 0)).unwrap();
    assert_eq!((files(&dir), desk.begun.len()), (2, 2));
    desk.take(picture(21, 0)).unwrap();
    assert_eq!((files(&dir), desk.begun.len()), (2, 2), "that of the first minute is gone");
    assert!(!desk.begun.contains_key(&id(0)));
}

/// What the thread says of itself over these jobs, where the clip of the first minute cannot be written: true is a problem.
#[track_caller]
fn check(jobs: Vec<Job>, expected: &[bool]) {
    let (dir, mut desk) = desk();
    std::fs::create_dir(dir.path().join("clips").join(format!("{}.part", id(0).as_str()))).unwrap();
    let (sender, queue) = sync_channel(jobs.len());
    jobs.into_iter().for_each(|job| sender.send(job).unwrap());
    drop(sender);
    let said = Arc::new(Mutex::new(Vec::new()));
    let heard = Arc::clone(&said);
    let told: Told = Box::new(move |trouble| heard.lock().unwrap().push(trouble.is_some()));
    desk.work(&queue, &SimClock::default(), &told);
    assert_eq!(*said.lock().unwrap(), expected);
}

#[test]
fn only_a_whole_clip_says_that_all_is_well_again() {
    let minute = || Job::Minute { drawn: drawn(0), crossings: 3 };
    check(vec![picture(0, 0), minute(), picture(0, 200), minute(), finish(0)], &[true]);
    check(vec![picture(0, 0), minute(), picture(1, 0), picture(1, 200), finish(1)], &[true, false]);
}
