//! What the fuzzer is given, kept alive without one: any bytes, and sound files with some bytes changed.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

#[path = "../fuzz/src/lib.rs"]
#[expect(unreachable_pub, reason = "it is a crate of its own for the fuzzer")]
mod doors;

use doors::DOORS;
use proptest::prelude::*;
use std::collections::BTreeSet;
use std::path::Path;

/// A door, and something sound to put through it.
type Sound = (fn(&[u8]), Vec<u8>);

fn fuzz() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/fuzz"))
}

/// The files in `fuzz/seeds`, which the fuzzer begins with too.
fn sound() -> Vec<Sound> {
    let seeds = |name: &str| {
        let files = std::fs::read_dir(fuzz().join("seeds").join(name)).unwrap();
        files.map(|file| std::fs::read(file.unwrap().path()).unwrap()).collect::<Vec<_>>()
    };
    DOORS.iter().flat_map(|(name, door)| seeds(name).into_iter().map(|seed| (*door, seed))).collect()
}

fn names_in(folder: &str) -> BTreeSet<String> {
    let entries = std::fs::read_dir(fuzz().join(folder)).unwrap();
    let name = |entry: std::fs::DirEntry| entry.path().file_stem().unwrap().to_str().unwrap().to_owned();
    entries.map(|entry| name(entry.unwrap())).collect()
}

#[cfg(feature = "hq")]
#[test]
fn every_door_has_a_target_and_something_sound_to_begin_with() {
    let doors: BTreeSet<String> = DOORS.iter().map(|(name, _)| (*name).to_owned()).collect();
    let manifest = std::fs::read_to_string(fuzz().join("Cargo.toml")).unwrap();
    let built: BTreeSet<String> = manifest
        .lines()
        .filter_map(|line| {
            Some(line.strip_prefix("path = \"fuzz_targets/")?.strip_suffix(".rs\"")?.to_owned())
        })
        .collect();
    assert_eq!(names_in("fuzz_targets"), doors);
    assert_eq!(names_in("seeds"), doors);
    assert_eq!(built, doors);
}

#[test]
fn what_is_sound_goes_through() {
    sound().iter().for_each(|(door, seed)| door(seed));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn no_bytes_make_a_door_panic(bytes in prop::collection::vec(any::<u8>(), 0..600)) {
        DOORS.iter().for_each(|(_, door)| door(&bytes));
    }

    #[test]
    fn nor_does_something_sound_with_some_bytes_changed(
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..6),
        end in any::<prop::sample::Index>()
    ) {
        for (door, mut sound) in sound() {
            for (at, byte) in &changes {
                let at = at.index(sound.len());
                sound[at] = *byte;
            }
            door(&sound);
            door(&sound[..end.index(sound.len())]);
        }
    }
}
