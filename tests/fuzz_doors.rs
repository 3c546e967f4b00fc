//! What the fuzzer is given, kept alive without one: any bytes, and sound files with some bytes changed.

#[path = "../fuzz/src/lib.rs"]
#[expect(unreachable_pub, reason = "it is a crate of its own for the fuzzer")]
mod doors;

use footfall::wire::v1::{Batch, Crossing, V1};
use proptest::prelude::*;

const CALIBRATION: &[u8] = include_bytes!("../calibration/sample-clip.toml");
const MOT: &[u8] = b"1,-1,100,50,40,100,0.9\n2,-1,104.5,50,40,100,0.8,-1,-1,-1\n2,-1,300,60,41,102,55\n";
const TRUTH: &[u8] = b"# by hand\nframe,direction\n57,in\n120,out\n";
const RECORDING: &[u8] = br#"{"footfall_detections":1,"software":"0.1.0","model":"m","picture":[768,576],"elapsed_ns":0,"wall_ms":0}
{"frame":{"n":1,"elapsed_ns":40,"wall_ms":0,"people":[[10.0,20.0,30.0,80.0,0.9]]}}
{"end":{"frames":1,"elapsed_ns":40,"wall_ms":0}}
"#;
const CONFIG: &[u8] = br#"tenant = "acme"
store = "taipei-01"
box = "a"
[[camera]]
id = "door"
source = "rtsp://10.0.0.7/main"
picture = "768x576"
calibration = "door.toml"
[[camera.line]]
id = "entrance"
from = [500, 140]
to = [500, 480]
"#;

const TILL_JSON: &[u8] = br#"[{"id":"1","at_ms":1000,"what":"sale","amount":"12.50","lines":[{"item":"a","quantity":2,"amount":12.5}]},
{"id":2,"at":"1970-01-01T00:00:00Z","what":"void","amount":0,"voids":"1"}]"#;
const TILL_CSV: &[u8] =
    b"\0id,at,amount,what,quantity\n1,1970-01-01T00:00:00Z,12.50,sale,2\n2,1970-01-01 00:00,1,refund,\n";
const STAFFING: &[u8] = br#"[{"from":"1970-01-01T00:00:00Z","to":"1970-01-01T08:00:00Z","heads":3}]"#;

/// A door, and something sound to put through it.
type Door = (fn(&[u8]), Vec<u8>);

fn doors() -> Vec<Door> {
    let (text, records) = (String::new, Vec::<Crossing>::new());
    let batch = Batch {
        v: V1,
        tenant: text(),
        store: text(),
        box_id: text(),
        sent_ms: 0,
        kept_from: None,
        late: false,
        records,
    };
    // Somebody who walks for 60 frames.
    let walk = (0..60).flat_map(|frame: u8| [0x61, 0, 20 + frame, 100, 80, 100, 240]);
    let on_floor: Vec<u8> = std::iter::once(2).chain(walk.clone()).collect();
    let learning: Vec<u8> = std::iter::once(1).chain(walk).collect();
    vec![
        (doors::tracker, on_floor),
        (doors::tracker, learning),
        (doors::mot, MOT.to_vec()),
        (doors::recording, RECORDING.to_vec()),
        (doors::calibration, CALIBRATION.to_vec()),
        (doors::truth, TRUTH.to_vec()),
        (doors::config, CONFIG.to_vec()),
        (doors::till_json, TILL_JSON.to_vec()),
        (doors::till_csv, TILL_CSV.to_vec()),
        (doors::staffing, STAFFING.to_vec()),
        (doors::batch, batch.to_gzip().expect("an empty batch")),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn no_bytes_make_a_door_panic(bytes in prop::collection::vec(any::<u8>(), 0..600)) {
        doors().iter().for_each(|(door, _)| door(&bytes));
    }

    #[test]
    fn nor_does_something_sound_with_some_bytes_changed(
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..6),
        end in any::<prop::sample::Index>()
    ) {
        for (door, mut sound) in doors() {
            for (at, byte) in &changes {
                let at = at.index(sound.len());
                sound[at] = *byte;
            }
            door(&sound);
            door(&sound[..end.index(sound.len())]);
        }
    }
}
