use super::*;
use crate::app::audit::format::{ClipPicture, Drawn, VERSION};
use std::os::unix::fs::PermissionsExt;

const DAY: Duration = Duration::from_secs(86_400);
const START: i64 = 1_760_000_040_000;

fn folder() -> (tempfile::TempDir, AuditFolder) {
    let dir = tempfile::tempdir().unwrap();
    let folder = AuditFolder::at(&dir.path().join("audit"));
    folder.make().unwrap();
    (dir, folder)
}

fn drawn(minute: i64) -> Drawn {
    Drawn {
        camera: "door".to_owned(),
        start_ms: START + 60_000 * minute,
        stratum: "busy".to_owned(),
        chance: 0.25,
        geometry: "ab12cd34ef56".to_owned(),
        model: "nanodet".to_owned(),
    }
}

/// Puts a clip of one picture of `bytes` into the folder.
fn put(folder: &AuditFolder, minute: i64, bytes: u32) -> Clip {
    let drawn = drawn(minute);
    let id = ClipId::of(&drawn.camera, WallTime::from_unix_ms(drawn.start_ms));
    let clip = Clip::sample(drawn, vec![ClipPicture { at_ms: 0, bytes }]);
    folder.begin(&id).unwrap().write_all(&vec![7; bytes as usize]).unwrap();
    folder.finish(&id, &clip).unwrap();
    clip
}

fn tally(clip: &Clip, entries: u32) -> Tally {
    Tally {
        v: VERSION,
        clip: clip.id.clone(),
        line: "entrance".to_owned(),
        drawn: clip.drawn.clone(),
        counted_in: 3,
        counted_out: 1,
        entries,
        exits: 1,
        tallied_ms: START,
        is_correction: false,
    }
}

/// Clips of these minutes, 100 bytes each, some of them tallied, are swept at a minute: which stay.
#[track_caller]
fn check(minutes: &[i64], tallied: &[i64], at_minute: i64, keep: Duration, most: u64, stay: &[i64]) {
    let (_dir, folder) = folder();
    for minute in minutes {
        let clip = put(&folder, *minute, 100);
        if tallied.contains(minute) {
            folder.add_tally(&tally(&clip, 3)).unwrap();
        }
    }
    folder.sweep(WallTime::from_unix_ms(START + 60_000 * at_minute), keep, most);
    let left: Vec<i64> = folder.clips().iter().map(|clip| (clip.drawn.start_ms - START) / 60_000).collect();
    assert_eq!(left, stay);
    assert_eq!(files_in(&folder.clips_folder(), "mjpeg").len(), stay.len(), "pictures go with their clip");
}

#[test]
fn a_clip_is_deleted_when_it_was_kept_as_long_as_was_said() {
    check(&[0, 1, 2], &[], 3, Duration::from_secs(120), 1000, &[1, 2]);
    check(&[0, 1, 2], &[], 1000, DAY, 1000, &[0, 1, 2]);
}

#[test]
fn where_there_is_no_room_tallied_clips_go_first_and_then_the_oldest() {
    check(&[0, 1, 2, 3], &[2], 4, DAY, 300, &[0, 1, 3]);
    check(&[0, 1, 2, 3], &[2], 4, DAY, 250, &[1, 3]);
    check(&[0, 1, 2, 3], &[], 4, DAY, 0, &[]);
}

#[test]
fn a_clip_reads_as_it_was_written_and_is_readable_for_this_user_only() {
    let (_dir, folder) = folder();
    let clip = put(&folder, 0, 10);
    let id = ClipId::parse(&clip.id).unwrap();
    assert_eq!(folder.clip(&id), Some(clip));
    assert_eq!(folder.pictures(&id), Some(vec![7; 10]));
    let mode = |path: PathBuf| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(folder.clips_folder()), 0o700);
    assert_eq!((mode(folder.clip_file(&id, "json")), mode(folder.clip_file(&id, "mjpeg"))), (0o600, 0o600));
}

#[test]
fn what_was_begun_and_never_finished_is_no_clip_and_does_not_stay() {
    let (_dir, folder) = folder();
    let id = ClipId::of("door", WallTime::from_unix_ms(START));
    folder.begin(&id).unwrap().write_all(b"half").unwrap();
    assert!(folder.clips().is_empty());
    folder.discard_begun();
    assert!(files_in(&folder.clips_folder(), "part").is_empty());
}

#[test]
fn pictures_without_a_clip_and_clips_that_cannot_be_read_are_deleted() {
    let (_dir, folder) = folder();
    let kept = put(&folder, 0, 10);
    fs::write(folder.clips_folder().join("lost.mjpeg"), "x").unwrap();
    fs::write(folder.clips_folder().join("broken.json"), "{").unwrap();
    let forever = Duration::from_secs(u32::MAX.into());
    let written = written_at(&folder.clips_folder().join("lost.mjpeg"));
    let left_at = |now: WallTime| {
        folder.sweep(now, forever, 1000);
        fs::read_dir(folder.clips_folder()).unwrap().count()
    };
    assert_eq!(left_at(written), 4, "the service may be writing them just now");
    assert_eq!((left_at(written + 2 * STALE_AFTER), folder.clips()), (2, vec![kept]));
}

#[test]
fn what_was_begun_and_given_up_is_swept() {
    let (_dir, folder) = folder();
    let id = ClipId::of("door", WallTime::from_unix_ms(START));
    folder.begin(&id).unwrap().write_all(b"half").unwrap();
    let written = written_at(&folder.clip_file(&id, "part"));
    let left_at = |now: WallTime| {
        folder.sweep(now, DAY, 1000);
        files_in(&folder.clips_folder(), "part").len()
    };
    assert_eq!((left_at(written), left_at(written + 2 * STALE_AFTER)), (1, 0));
}

#[test]
fn a_clip_that_cannot_be_finished_leaves_no_pictures_behind() {
    let (_dir, folder) = folder();
    let clip = put(&folder, 0, 10);
    let (id, json) = (ClipId::parse(&clip.id).unwrap(), "door-20251009t0854z.json");
    folder.delete(&clip);
    folder.begin(&id).unwrap().write_all(b"pictures").unwrap();
    // A folder in its place cannot be written over.
    fs::create_dir_all(folder.clips_folder().join(json)).unwrap();
    assert!(folder.finish(&id, &clip).is_err());
    let left: Vec<_> =
        fs::read_dir(folder.clips_folder()).unwrap().map(|one| one.unwrap().file_name()).collect();
    assert_eq!(left, [json]);
}

#[test]
fn a_folder_that_others_could_look_into_is_closed_to_them() {
    let (_dir, folder) = folder();
    let mode = || fs::metadata(folder.clips_folder()).unwrap().permissions().mode() & 0o777;
    fs::set_permissions(folder.clips_folder(), fs::Permissions::from_mode(0o755)).unwrap();
    folder.make().unwrap();
    assert_eq!(mode(), 0o700);
}

#[test]
fn a_tally_outlives_its_clip_and_the_first_one_of_a_line_counts() {
    let (_dir, folder) = folder();
    let clip = put(&folder, 0, 10);
    let before = folder.tallies_version();
    folder.add_tally(&tally(&clip, 2)).unwrap();
    folder.add_tally(&tally(&clip, 4)).unwrap();
    folder.sweep(WallTime::from_unix_ms(START) + 30 * DAY, DAY, 1000);
    assert!(folder.clips().is_empty() && folder.tallies_version() > before);
    assert_eq!(folder.tallies(), [tally(&clip, 2)]);
}

#[test]
fn a_tally_that_a_power_cut_left_in_half_spoils_no_other() {
    let (_dir, folder) = folder();
    let (one, other) = (put(&folder, 0, 10), put(&folder, 1, 10));
    folder.add_tally(&tally(&one, 2)).unwrap();
    let mut text = fs::read(folder.tallies_file()).unwrap();
    text.extend_from_slice(br#"{"v":1,"clip":"door"#);
    fs::write(folder.tallies_file(), text).unwrap();
    folder.add_tally(&tally(&other, 5)).unwrap();
    assert_eq!(folder.tallies(), [tally(&one, 2), tally(&other, 5)]);
}

#[test]
fn sums_of_minutes_come_back_and_old_ones_go() {
    let (_dir, folder) = folder();
    let day = WallTime::from_unix_ms(START - START.rem_euclid(86_400_000));
    let mut sums = folder.day("door", day);
    sums.add(&drawn(0), 4);
    folder.keep_day(&sums).unwrap();
    assert_eq!((folder.day("door", day), folder.days()), (sums.clone(), vec![sums]));
    folder.sweep(day + 99 * DAY, DAY, 1000);
    assert_eq!(folder.days().len(), 1);
    folder.sweep(day + 101 * DAY, DAY, 1000);
    assert!(folder.days().is_empty());
}

#[test]
fn a_folder_that_is_not_there_is_an_empty_one() {
    let folder = AuditFolder::at(Path::new("nowhere/audit"));
    assert!(folder.clips().is_empty() && folder.tallies().is_empty() && folder.days().is_empty());
}
