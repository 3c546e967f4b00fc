//! What is wrong in a config file is found all at once, placed, and never shows a credential.

use footfall::capture::SourceAddress;
use footfall::config::check::{FilesBeside, PathKind};
use footfall::config::fault::FileProblem;
use footfall::config::{EdgeSettings, Fault, check as check_text};
use footfall::count::{Anchor, Band};
use footfall::detect::Provider;
use footfall::ids::{CameraId, LineId};
use footfall::site::sensors::{Compared, SensorKind};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// A disk on which everything is there, but for names with `missing` in them; names that end in `/` or have
/// no dot in them are folders, and the password in `secrets/empty` is empty.
struct Disk;

impl FilesBeside for Disk {
    fn resolve(&self, written: &Path) -> PathBuf {
        Path::new("/etc/footfall").join(written)
    }

    fn kind(&self, path: &Path) -> PathKind {
        let text = path.to_string_lossy();
        match text.contains("missing") {
            true => PathKind::Nothing,
            false if text.ends_with('/') || !text.contains('.') => PathKind::Folder,
            false => PathKind::File,
        }
    }

    fn text(&self, path: &Path) -> Result<String, FileProblem> {
        let rows = match path.file_stem().and_then(|name| name.to_str()) {
            // The horizon lies at row 200.
            Some("sound") => "[[1, 0, -384], [0, -1, 1000], [0, 0.01, -2]]",
            Some("singular") => "[[1, 0, -384], [2, 0, -768], [0, 0.01, -2]]",
            Some("mirrored") => "[[-1, 0, 384], [0, -1, 1000], [0, 0.01, -2]]",
            _ => return Err(FileProblem::NotThere),
        };
        Ok(format!("picture = [768, 576]\nfloor_from_image = {rows}\n"))
    }

    fn secret(&self, path: &Path) -> Result<String, FileProblem> {
        match path.file_name().and_then(|name| name.to_str()) {
            Some("door") => Ok("se/cr@t".to_owned()),
            Some("empty") => Err(FileProblem::Empty),
            _ => Err(FileProblem::NotThere),
        }
    }
}

/// The least that a file must say.
const LEAST: &str = r#"tenant = "acme"
store = "taipei-01"
box = "acme-taipei-01-a"
[[camera]]
id = "door"
source = "rtsp://10.0.0.7/main"
picture = "768x576"
[[camera.line]]
id = "entrance"
from = [500, 140]
to = [500, 480]
"#;

fn read(text: &str) -> Result<EdgeSettings, Vec<Fault>> {
    check_text(text, &Disk).map_err(|(faults, _)| faults)
}

fn settings(text: &str) -> EdgeSettings {
    read(text).unwrap_or_else(|faults| panic!("faults in\n{text}\n{faults:#?}"))
}

fn shown(text: &str) -> Vec<String> {
    read(text).err().unwrap_or_default().iter().map(ToString::to_string).collect()
}

/// Puts `new` for `old` in the least file and expects exactly these faults.
#[track_caller]
fn check(old: &str, new: &str, expected: &[&str]) {
    assert!(LEAST.contains(old), "{old:?} is not in the least file");
    assert_eq!(shown(&LEAST.replacen(old, new, 1)), expected, "{new:?}");
}

/// Puts lines at the end of the camera's own table.
#[track_caller]
fn check_camera(lines: &str, expected: &[&str]) {
    check("picture = \"768x576\"\n", &format!("picture = \"768x576\"\n{lines}\n"), expected);
}

/// Puts lines at the end of the file, where the line's table is.
#[track_caller]
fn check_line(lines: &str, expected: &[&str]) {
    check("to = [500, 480]\n", &format!("to = [500, 480]\n{lines}\n"), expected);
}

/// Puts a table before the cameras.
#[track_caller]
fn check_table(lines: &str, expected: &[&str]) {
    check("[[camera]]\n", &format!("{lines}\n[[camera]]\n"), expected);
}

#[test]
fn the_least_file_takes_every_default() {
    let found = settings(LEAST);
    assert!(found.mqtt.is_none());
    assert_eq!(found.outbox.path, Path::new("/etc/footfall/outbox.sqlite"));
    assert_eq!((found.detector.provider, found.detector.threads), (Provider::Cpu, 1));
    let camera = &found.cameras[0];
    assert_eq!((camera.pipeline.rate, camera.pipeline.lines[0].anchor), (None, Anchor::Foot));
    assert_eq!(camera.pipeline.lines[0].band, Band::Heights(0.2));
    assert_eq!(camera.geometry.len(), 12);
}

#[test]
fn home_assistant_is_off_unless_its_table_is_there() {
    let prefix = |lines: &str| {
        let text = LEAST.replacen(
            "[[camera]]\n",
            &format!("[mqtt]\nbroker = \"localhost\"\n{lines}\n[[camera]]\n"),
            1,
        );
        settings(&text).mqtt.and_then(|mqtt| mqtt.home_assistant).map(|home_assistant| home_assistant.prefix)
    };
    assert_eq!(prefix(""), None);
    assert_eq!(prefix("[mqtt.home_assistant]").as_deref(), Some("homeassistant"));
    assert_eq!(prefix("[mqtt.home_assistant]\nprefix = \"ha/b\"").as_deref(), Some("ha/b"));
    check_table(
        "[mqtt]\nbroker = \"localhost\"\nlive = false\n[mqtt.home_assistant]\nprefix = \"#\"",
        &[
            "7:1  mqtt.home_assistant  does nothing without live = true; give both or neither",
            "8:10  mqtt.home_assistant.prefix  \"#\" is out of range; give the start of a topic such as \
         \"homeassistant\": a-z, A-Z, 0-9, _ and -, and / between",
        ],
    );
}

#[test]
fn all_faults_of_a_file_come_at_once_in_its_order() {
    let text = r#"store = "Taipei"
box = 7
colour = "red"
[mqtt]
broker = "h:99999"
batch_evry = "60s"
[detector]
threads = 0
[[camera]]
id = "door"
source = "ftp://x"
picture = "768x576"
fps = inf
[[camera.line]]
id = "entrance"
from = [900, 140]
to = [500, 480]
u_turn = "3"
"#;
    assert_eq!(
        shown(text),
        [
            "1:1  tenant  is missing; give for example tenant = \"acme\"",
            "1:9  store  id \"Taipei\" holds 'T'; use only a-z, 0-9, _ and -",
            "2:7  box  is a whole number, expected a string in quotes",
            "3:1  colour  there is no such setting; known here: outbox, fleet, tenant, store, box, mqtt, clock, watchdog, metrics, audit, site, detector, camera, sensor",
            "5:10  mqtt.broker  the broker is not understood (not shown, it may hold a password); give host:port \
         such as \"mqtt.example.org:8883\", without mqtt:// and without a user",
            "6:1  mqtt.batch_evry  there is no such setting; did you mean \"batch_every\"?",
            "8:11  detector.threads  0 is out of range; give a whole number from 1 to 64",
            "11:10  camera.door.source  source scheme \"ftp\" is not known; use rtsp, rtsps, http, https, usb or file",
            "13:7  camera.door.fps  inf is not a number that can be measured; give a finite one",
            "16:8  camera.door.line.entrance.from  [900, 140] lies outside the picture of 768x576; \
         give coordinates from 0 to 768 and 0 to 576",
            "18:10  camera.door.line.entrance.u_turn  \"3\" has no unit; write for example \"3s\" for seconds \
         or \"3ms\" for milliseconds",
        ]
    );
}

#[test]
fn an_empty_file_says_what_is_needed() {
    let faults = shown("");
    assert_eq!(faults.len(), 4, "{faults:#?}");
    assert!(faults[3].contains("camera  there is no camera; add at least one"), "{faults:#?}");
}

#[test]
fn the_edges_of_the_picture_are_inside_it() {
    check("from = [500, 140]", "from = [0, 0]", &[]);
    check("to = [500, 480]", "to = [768, 576.0]", &[]);
    check(
        "to = [500, 480]",
        "to = [768.5, 480]",
        &["11:6  camera.door.line.entrance.to  [768.5, 480] lies outside the picture of 768x576; \
         give coordinates from 0 to 768 and 0 to 576"],
    );
    check(
        "from = [500, 140]",
        "from = [-1, 140]",
        &["10:8  camera.door.line.entrance.from  [-1, 140] lies outside the picture of 768x576; \
         give coordinates from 0 to 768 and 0 to 576"],
    );
}

#[test]
fn nothing_is_kept_for_an_audit_unless_its_table_is_there() {
    assert_eq!(settings(LEAST).audit, None);
    let with = settings(&LEAST.replacen("[[camera]]", "[audit]\n[[camera]]", 1)).audit.expect("it is there");
    assert_eq!(with.folder, Path::new("/etc/footfall/audit"));
    assert_eq!((with.clips_per_day, with.width_px), (8, 240));
    assert_eq!((with.keep, with.max_bytes), (Duration::from_secs(14 * 86_400), 500_000_000));
}

#[test]
fn an_audit_that_keeps_too_much_or_too_long_is_refused() {
    check_table(
        "[audit]\nclips_per_day = 0\nkeep = \"91d\"\nfps = 25\nwidth = 640\nmax_mb = 1",
        &[
            "5:17  audit.clips_per_day  0 is out of range; give a whole number from 1 to 100",
            "6:8  audit.keep  91d is out of range; give 1h to 90d",
            "7:7  audit.fps  25 is out of range; give 1 to 10",
            "8:9  audit.width  640 is out of range; give a whole number from 80 to 320",
            "9:10  audit.max_mb  1 is out of range; give a whole number from 10 to 100000",
        ],
    );
}

#[test]
fn the_folder_of_an_audit_may_be_made_and_may_not_be_a_file() {
    check_table("[audit]\nfolder = \"a/missing\"", &[]);
    check_table(
        "[audit]\nfolder = \"a/b.toml\"",
        &["5:10  audit.folder  /etc/footfall/a/b.toml is a file; give the name of a folder"],
    );
    check_table(
        "[audit]\nfolder = \"missing/audit\"",
        &[
            "5:10  audit.folder  /etc/footfall/missing/audit cannot be made, because its folder does not exist; \
         make the folder or give another path",
        ],
    );
}

#[test]
fn figures_are_had_only_where_the_table_is_there_and_only_on_this_machine() {
    assert_eq!(settings(LEAST).metrics, None);
    let at =
        |lines: &str| settings(&format!("{LEAST}[metrics]\n{lines}")).metrics.unwrap().listen.to_string();
    assert_eq!(at(""), "127.0.0.1:9477");
    assert_eq!(at("listen = \"[::1]:9100\"\n"), "[::1]:9100");
    for outside in ["0.0.0.0:9477", "[::]:9477", "10.0.0.7:9477", "localhost:9477", "127.0.0.1"] {
        let told = shown(&format!("{LEAST}[metrics]\nlisten = \"{outside}\"\n"));
        let [only] = told.as_slice() else { panic!("{told:?}") };
        assert!(only.contains("metrics.listen") && only.contains("only it reaches"), "{only}");
    }
}

#[test]
fn a_line_of_no_length_is_refused() {
    check(
        "to = [500, 480]",
        "to = [500, 140]",
        &["11:6  camera.door.line.entrance.to  the line is 0 px long, at least 2 px are needed; \
         set from and to further apart"],
    );
}

#[test]
fn a_point_is_two_finite_numbers() {
    let key = "camera.door.line.entrance.from";
    check("[500, 140]", "[500]", &[&format!("10:8  {key}  holds 1 numbers; give a point [x, y] in px")]);
    check("[500, 140]", "[1, 2, 3]", &[&format!("10:8  {key}  holds 3 entries, at most 2 are taken")]);
    check("[500, 140]", "\"500\"", &[&format!("10:8  {key}  is a string, expected a point [x, y] in px")]);
    check(
        "[500, 140]",
        "[nan, \"y\"]",
        &[
            &format!("10:9  {key}[1]  NaN is not a number that can be measured; give a finite one"),
            &format!("10:14  {key}[2]  is a string, expected a number"),
        ],
    );
    check(
        "[500, 140]",
        "[1e300, 1]",
        &[&format!(
            "10:8  {key}  [{}, 1] lies outside the picture of 768x576; give coordinates from 0 to 768 and 0 to 576",
            1e300
        )],
    );
}

#[test]
fn names_are_used_once_in_their_place() {
    let second_line = "[[camera.line]]\nid = \"entrance\"\nfrom = [0, 0]\nto = [9, 9]";
    check_line(
        second_line,
        &["13:6  camera.door.line.entrance.id  \"entrance\" is taken by the line at 9:6; \
                               give every line a name of its own"],
    );
    let second_camera = "[[camera]]\nid = \"door\"\nsource = \"usb:0\"\npicture = \"64x64\"\n\
                         [[camera.line]]\nid = \"entrance\"\nfrom = [0, 0]\nto = [9, 9]";
    check_line(
        second_camera,
        &["13:6  camera.door.id  \"door\" is taken by the camera at 5:6; \
                                 give every camera a name of its own"],
    );
}

#[test]
fn a_camera_without_lines_and_a_box_without_cameras_are_refused() {
    let camera = &LEAST[..LEAST.find("[[camera.line]]").unwrap()];
    assert!(shown(camera)[0].starts_with("4:1  camera.door.line  there is no line; add at least one"));
    let nothing = &LEAST[..LEAST.find("[[camera]]").unwrap()];
    assert!(shown(&format!("{nothing}camera = []\n"))[0].starts_with("4:10  camera  there is no camera;"));
}

#[test]
fn a_band_is_neither_negative_nor_wider_than_half_the_picture() {
    let range = "is out of range; give 0 to 288 px, half the shorter side of the picture";
    check_line("band_px = 0", &[]);
    check_line("band_px = 288", &[]);
    check_line("band_px = -1", &[&format!("12:11  camera.door.line.entrance.band_px  -1 {range}")]);
    check_line("band_px = 288.5", &[&format!("12:11  camera.door.line.entrance.band_px  288.5 {range}")]);
    check_line(
        "band_heights = 3",
        &[
            "12:16  camera.door.line.entrance.band_heights  3 is out of range; give 0 to 2 heights of a person",
        ],
    );
    check_line(
        "band_px = 8\nband_heights = 0.2",
        &["12:11  camera.door.line.entrance.band_px  and band_heights say the same; give one of the two"],
    );
}

#[test]
fn every_fault_of_a_zone_is_found() {
    check_line("activation = [[[0, 0], [9, 0], [9, 9]]]", &[]);
    check_line(
        "activation = [[[0, 0], [9, 0]], [[0, 0], [9, 9], [5, 5]], [[0, 0], [1, 900], [-1, 0]]]",
        &[
            "12:15  camera.door.line.entrance.activation[1]  a polygon needs at least 3 corners, got 2",
            "12:33  camera.door.line.entrance.activation[2]  the polygon has no area",
            "12:68  camera.door.line.entrance.activation[3][2]  [1, 900] lies outside the picture of 768x576; \
         give coordinates from 0 to 768 and 0 to 576",
            "12:78  camera.door.line.entrance.activation[3][3]  [-1, 0] lies outside the picture of 768x576; \
         give coordinates from 0 to 768 and 0 to 576",
        ],
    );
}

#[test]
fn all_faults_of_the_zones_of_a_camera_come_at_once() {
    check_line(
        r#"[[camera.zone]]
id = "shelf"
image = [[0, 0], [9, 0]]
visit_after = "11m"
[[camera.zone]]
id = "shelf"
image = [[0, 0], [900, 0], [9, 9]]
floor = [[0, 0], [1, 0], [1, 1]]
[camera.zone.queue]
alert_length = 5000
[[camera.zone]]
leave_after = "1ms"
floor = [[0, 0], [1, 0], [1, 99999]]
[camera.zone.restricted]
allowed = "sometimes"
min_people = 0
colour = "red""#,
        &[
            "14:9  camera.door.zone.shelf.image  a polygon needs at least 3 corners, got 2",
            "15:15  camera.door.zone.shelf.visit_after  11m is out of range; give 0s to 10m",
            "17:6  camera.door.zone.shelf.id  \"shelf\" is taken by the zone at 13:6; give every zone a name of its own",
            "18:18  camera.door.zone.shelf.image[2]  [900, 0] lies outside the picture of 768x576; give coordinates from 0 to 768 and 0 to 576",
            "19:9  camera.door.zone.shelf.floor  and image say the same; give one of the two",
            "20:1  camera.door.zone.shelf.queue.service  is missing; give for example service = [[580, 280], [640, 280], [640, 400]]",
            "21:16  camera.door.zone.shelf.queue.alert_length  5000 is out of range; give a whole number from 0 to 1000",
            "22:1  camera.door.zone[3].id  is missing; give for example id = \"shelf\"",
            "23:15  camera.door.zone[3].leave_after  1ms is out of range; give 100ms to 10m",
            "24:9  camera.door.zone[3].floor  does nothing without the camera's calibration; give both or neither",
            "24:30  camera.door.zone[3].floor[3][2]  99999 is out of range; give -10000 to 10000 m",
            "26:11  camera.door.zone[3].restricted.allowed  \"sometimes\" is not known here; give \"always\", \"never\" or \"open\"",
            "27:14  camera.door.zone[3].restricted.min_people  0 is out of range; give a whole number from 1 to 1000",
            "28:1  camera.door.zone[3].restricted.colour  there is no such setting; known here: allowed, min_people, after",
        ],
    );
}

#[test]
fn a_zone_that_goes_by_the_stores_hours_needs_the_store() {
    let zone = "[[camera.zone]]\nid = \"safe\"\nimage = [[0, 0], [9, 0], [9, 9]]\n[camera.zone.restricted]\nallowed = ";
    check_line(
        &format!("{zone}\"open\""),
        &[
            "16:11  camera.door.zone.safe.restricted.allowed  goes by the store's hours, and nothing says them; say when the store is open: [site] with its hours",
        ],
    );
    check_line(&format!("{zone}\"never\""), &[]);
    check_line(&format!("{zone}\"open\"\n[site]\ntime_zone = \"UTC\"\ncurrency = \"EUR\""), &[]);
}

/// What a store must say, with lines after it.
fn site(lines: &str) -> String {
    format!("[site]\ntime_zone = \"Europe/Vienna\"\ncurrency = \"EUR\"\n{lines}")
}

#[test]
fn all_faults_of_a_store_come_at_once() {
    check_table(
        "[site]",
        &[
            "4:1  site.time_zone  is missing; give for example time_zone = \"Europe/Vienna\"",
            "4:1  site.currency  is missing; give for example currency = \"EUR\"",
        ],
    );
    check_table(
        r#"[site]
time_zone = "Europe/Wien"
business_day_starts = "04:30"
weeks = "5-5-4"
currency = "euro"
decimals = 7
sees_every_door = "yes"
least_coverage = 1.5
max_stay = "2d"
staff_hours = "guess"
keep = "1h"
ledger = "missing/ledger.sqlite"
open = true
[site.hours]
monday = ["09:00-08:60"]
tuesday = ["09:00-13:00", "12:00-18:00"]
wednesday = "09:00-18:00"
[[site.holiday]]
date = "2026-02-30"
hours = ["9-12"]"#,
        &[
            "5:13  site.time_zone  \"Europe/Wien\" is no time zone; give a name of the IANA list, such as \"Europe/Vienna\" or \"UTC\"",
            "6:23  site.business_day_starts  \"04:30\" is out of range; give a full hour from \"00:00\" to \"23:00\"",
            "7:9  site.weeks  \"5-5-4\" is not known here; give \"iso\" or \"4-5-4\"",
            "8:12  site.currency  \"euro\" is out of range; give three capitals such as \"EUR\" (ISO 4217)",
            "9:12  site.decimals  7 is out of range; give a whole number from 0 to 4",
            "10:19  site.sees_every_door  is a string, expected true or false",
            "11:18  site.least_coverage  1.5 is out of range; give 0 to 1",
            "12:12  site.max_stay  2d is out of range; give 10m to 1d",
            "13:15  site.staff_hours  \"guess\" is not known here; give \"none\", \"feed\" or \"count\"",
            "14:8  site.keep  1h is out of range; give 1d to 400d",
            "15:10  site.ledger  /etc/footfall/missing/ledger.sqlite cannot be made, because its folder does not exist; make the folder or give another path",
            "16:1  site.open  there is no such setting; known here: time_zone, business_day_starts, hours, holiday, weeks, currency, decimals, sees_every_door, least_coverage, staff_hours, max_stay, patience, keep, ledger, till",
            "18:11  site.hours.monday[1]  \"09:00-08:60\" is not understood; write hours as \"09:00-18:30\", and after midnight as \"20:00-02:00\"",
            "19:11  site.hours.tuesday  09:00-13:00 and 12:00-18:00 of one day overlap; give each hour once",
            "20:13  site.hours.wednesday  is a string, expected a list of hours such as [\"09:00-18:30\"]",
            "22:8  site.holiday[1].date  \"2026-02-30\" is no date; write it as \"2026-12-24\"",
            "23:10  site.holiday[1].hours[1]  \"9-12\" is not understood; write hours as \"09:00-18:30\", and after midnight as \"20:00-02:00\"",
        ],
    );
}

#[test]
fn all_faults_of_a_till_come_at_once() {
    check_table(
        &site(
            r##"[site.till]
mqtt = true
quiet = "5s"
[site.till.http]
listen = "0.0.0.0:8087"
token_file = "secrets/door"
[site.till.folder]
path = "missing"
poll_every = "1ms"
rows = "baskets"
delimiter = "x"
encoding = "latin-9"
times = "%H:%M"
[site.till.folder.columns]
id = "receipt"
at = "#0"
amount = "#3"
price = "total"
[site.till.folder.words]
sale = ["S", "X"]
refund = ["X"]"##,
        ),
        &[
            "8:8  site.till.mqtt  does nothing without [mqtt]; give both or neither",
            "9:9  site.till.quiet  5s is out of range; give 1m to 1d",
            "11:10  site.till.http.listen  \"0.0.0.0:8087\" is out of range; give an address of this machine that only it reaches, with a port, such as \"127.0.0.1:8087\" (nothing is encrypted here; a till elsewhere comes over the broker, or through a proxy with TLS)",
            "12:14  site.till.http.token_file  the file that is named here holds a token of less than 16 characters; make a longer one",
            "14:8  site.till.folder.path  /etc/footfall/missing does not exist; paths are relative to the config file",
            "15:14  site.till.folder.poll_every  1ms is out of range; give 500ms to 1h",
            "16:8  site.till.folder.rows  \"baskets\" is not known here; give \"transactions\" or \"lines\"",
            "17:13  site.till.folder.delimiter  \"x\" is not known here; give \",\", \";\", \"tab\" or \"|\"",
            "18:12  site.till.folder.encoding  \"latin-9\" is not known here; give \"utf-8\", \"utf-16\" or \"windows-1252\"",
            "19:9  site.till.folder.times  \"%H:%M\" is out of range; give \"iso\", \"unix_s\", \"unix_ms\" or a pattern with date and time such as \"%d.%m.%Y %H:%M:%S\"",
            "22:6  site.till.folder.columns.at  \"#0\" is out of range; give a column's name, or its place \"#1\" to \"#1000\"",
            "24:1  site.till.folder.columns.price  there is no such setting; known here: id, at, amount, time, what, quantity, item, category, channel, voids, currency",
            "27:11  site.till.folder.words.refund[1]  and another kind say the same; give one of the two",
        ],
    );
}

#[test]
fn a_till_has_a_way_in_and_the_broker_that_it_needs() {
    check_table(
        &site("[site.till]"),
        &["7:1  site.till  there is no way in for the till; add at least one, for example mqtt = true"],
    );
    check_table(
        &site("[site.till]\nmqtt = false"),
        &["7:1  site.till  there is no way in for the till; add at least one, for example mqtt = true"],
    );
    check_table(
        &site("[site.till]\nmqtt = true"),
        &["8:8  site.till.mqtt  does nothing without [mqtt]; give both or neither"],
    );
    check_table(&site("[site.till]\nmqtt = true\n[mqtt]\nbroker = \"127.0.0.1:1883\""), &[]);
    check_table(
        &site("[site.till.http]\ntoken_file = \"secrets/missing\""),
        &[
            "8:14  site.till.http.token_file  the file that is named here does not exist; paths are relative to the config file (its name is not shown, it may be a password put here by mistake)",
        ],
    );
}

#[test]
fn columns_of_a_till_have_all_names_or_all_numbers() {
    let columns = "[site.till.folder]\npath = \"till\"\n[site.till.folder.columns]\nid = \"#1\"\nat = \"#2\"\namount = ";
    check_table(&site(&format!("{columns}\"#3\"")), &[]);
    check_table(
        &site(&format!("{columns}\"total\"")),
        &[
            "9:1  site.till.folder.columns  some columns have names and some numbers; give all in the same way",
        ],
    );
}

#[test]
fn a_rate_is_above_zero_and_at_most_240() {
    check_camera("fps = 240", &[]);
    for rate in ["0", "-1", "240.1"] {
        let fault = format!("8:7  camera.door.fps  {rate} is out of range; give more than 0 and at most 240");
        check_camera(&format!("fps = {rate}"), &[&fault]);
    }
}

#[test]
fn lengths_of_time_are_understood_and_in_range() {
    check_camera(
        "open_timeout = \"1ms\"",
        &["8:16  camera.door.open_timeout  1ms is out of range; give 500ms to 5m"],
    );
    check_camera(
        "longest_gap = 2",
        &["8:15  camera.door.longest_gap  is a whole number, \
                                       expected a length of time in quotes, such as \"20s\""],
    );
    check_line(
        "u_turn = \"11m\"",
        &["12:10  camera.door.line.entrance.u_turn  11m is out of range; give 0s to 10m"],
    );
}

#[test]
fn a_word_that_is_not_known_brings_those_that_are() {
    check_camera(
        "anchor = \"feet\"",
        &["8:10  camera.door.anchor  \"feet\" is not known here; give \"foot\", \"centre\" or \"head\""],
    );
}

#[test]
fn a_picture_size_is_needed_and_understood() {
    check(
        "picture = \"768x576\"\n",
        "",
        &["4:1  camera.door.picture  is missing; give for example picture = \"1280x720\""],
    );
    check(
        "\"768x576\"",
        "\"768 576\"",
        &["7:11  camera.door.picture  \"768 576\" is not the size of a picture; give width x height in px, \
         each 16 to 16384, such as \"1280x720\""],
    );
}

#[test]
fn a_clip_may_stand_in_for_a_camera() {
    let found = settings(&LEAST.replace("rtsp://10.0.0.7/main", "clips/door.avi"));
    let clip = SourceAddress::File("/etc/footfall/clips/door.avi".into());
    assert_eq!(found.cameras[0].source.address, clip);
}

#[test]
fn files_that_are_named_are_there() {
    check_table(
        "[detector]\nmodel = \"missing.toml\"\nlibrary = \"/lib\"",
        &[
            "5:9  detector.model  /etc/footfall/missing.toml does not exist; paths are relative to the config file",
            "6:11  detector.library  /lib is not a file",
        ],
    );
    check_table(
        "[outbox]\npath = \"missing/outbox.sqlite\"",
        &[
            "5:8  outbox.path  /etc/footfall/missing/outbox.sqlite cannot be made, because its folder does not \
         exist; make the folder or give another path",
        ],
    );
    check_table(
        "[mqtt]\nbroker = \"localhost\"\n[mqtt.tls]\nca_file = \"missing.pem\"\nkey_file = \"a.key\"",
        &[
            "7:11  mqtt.tls.ca_file  /etc/footfall/missing.pem does not exist; paths are relative to the config file",
            "8:12  mqtt.tls.key_file  does nothing without certificate_file; give both or neither",
        ],
    );
}

#[test]
fn a_clip_that_is_not_there_is_not_named_because_it_may_be_a_mistyped_address() {
    let fault = "6:10  camera.door.source  the file or folder that is named here does not exist; paths are \
                 relative to the config file (its name is not shown, it may be an address with a password)";
    check("rtsp://10.0.0.7/main", "me:hunter2@missing/main", &[fault]);
}

#[test]
fn an_address_that_lacks_a_slash_is_no_file_and_is_not_shown() {
    let fault = "6:10  camera.door.source  the source is not understood (not shown, it may hold a password); \
                 give rtsp://host/path, http://host/path, a file, a folder/ or usb:0";
    check("rtsp://10.0.0.7/main", "rtsp:/me:hunter2@missing/main", &[fault]);
}

#[test]
fn the_port_follows_from_tls_where_none_is_given() {
    let port = |table: &str| {
        let text = LEAST.replacen("[[camera]]", &format!("{table}\n[[camera]]"), 1);
        settings(&text).mqtt.unwrap().port
    };
    assert_eq!(port("[mqtt]\nbroker = \"localhost\""), 1883);
    assert_eq!(port("[mqtt]\nbroker = \"h\"\n[mqtt.tls]\nca_file = \"ca.pem\""), 8883);
    assert_eq!(port("[mqtt]\nbroker = \"h:77\"\n[mqtt.tls]\nca_file = \"ca.pem\""), 77);
}

#[test]
fn a_broker_on_another_machine_is_reached_with_tls_or_by_somebody_who_knows_what_it_means() {
    let fault = "5:10  mqtt.broker  the broker is on another machine and nothing would be encrypted: add [mqtt.tls], or write \
                 unencrypted = true where you trust every machine in the network between";
    for broker in [
        "mqtt.example.org",
        "10.0.0.2:1883",
        "[2001:db8::1]",
        "localhost.example.org",
        "127.0.0.1.example.org",
    ] {
        check_table(&format!("[mqtt]\nbroker = {broker:?}"), &[fault]);
        check_table(&format!("[mqtt]\nbroker = {broker:?}\nunencrypted = false"), &[fault]);
        check_table(&format!("[mqtt]\nbroker = {broker:?}\nunencrypted = true"), &[]);
        check_table(&format!("[mqtt]\nbroker = {broker:?}\n[mqtt.tls]\nca_file = \"ca.pem\""), &[]);
    }
    for broker in ["localhost", "127.0.0.1:1883", "127.8.9.1", "[::1]:1883"] {
        check_table(&format!("[mqtt]\nbroker = {broker:?}"), &[]);
    }
}

#[test]
fn what_is_not_encrypted_is_a_problem_that_the_box_goes_on_showing() {
    let problem = |lines: &str| {
        let text = LEAST.replacen("[[camera]]", &format!("[mqtt]\n{lines}\n[[camera]]"), 1);
        settings(&text).mqtt.unwrap().unencrypted()
    };
    let open = problem("broker = \"10.0.0.2\"\nunencrypted = true").expect("a problem");
    assert!(open.contains("10.0.0.2 is not encrypted"), "{open}");
    assert_eq!(problem("broker = \"localhost\"\nunencrypted = true"), None);
    assert_eq!(problem("broker = \"10.0.0.2\"\nunencrypted = true\n[mqtt.tls]\nca_file = \"ca.pem\""), None);
}

#[test]
fn a_password_in_the_file_itself_is_refused_with_the_reason() {
    let reason = "a password does not belong in this file, which is shown and copied; \
                  write it into a file of its own and name that in password_file";
    check_table(
        "[mqtt]\nbroker = \"localhost\"\npassword = \"hunter2\"",
        &[&format!("6:12  mqtt.password  {reason}")],
    );
    check_camera("password = \"hunter2\"", &[&format!("8:12  camera.door.password  {reason}")]);
}

#[test]
fn user_and_password_come_together_and_once() {
    check_table(
        "[mqtt]\nbroker = \"localhost\"\nuser = \"me\"",
        &["6:8  mqtt.user  does nothing without password_file; give both or neither"],
    );
    let login = "user = \"me\"\npassword_file = \"secrets/door\"\n";
    check_camera(login, &[]);
    check(
        "rtsp://10.0.0.7/main\"\n",
        &format!("rtsp://a:b@10.0.0.7/main\"\n{login}"),
        &[
            "7:8  camera.door.user  the source holds a user of its own; give the user in one of the two places",
        ],
    );
    check(
        "rtsp://10.0.0.7/main\"\n",
        &format!("clip.avi\"\n{login}"),
        &["7:8  camera.door.user  is for network cameras (rtsp, http); leave it out"],
    );
}

#[test]
fn a_password_file_ends_up_in_the_address_and_nowhere_else() {
    let login = "user = \"me\"\npassword_file = \"secrets/door\"\npicture =";
    let found = settings(&LEAST.replace("picture =", login));
    let source = &found.cameras[0].source;
    assert_eq!(source.address.secret_url(), Some("rtsp://me:se%2Fcr%40t@10.0.0.7/main"));
    let debug = format!("{found:?}");
    assert!(!debug.contains("se%2F") && !debug.contains("se/cr"), "{debug}");
}

#[test]
fn a_password_written_where_its_file_belongs_is_not_shown() {
    let login = "[mqtt]\nbroker = \"localhost\"\nuser = \"me\"\npassword_file = ";
    check_table(
        &format!("{login}\"hunter2\""),
        &["7:17  mqtt.password_file  the file that is named here does not exist; paths are relative to the \
         config file (its name is not shown, it may be a password put here by mistake)"],
    );
    check_table(
        &format!("{login}\"secrets/empty\""),
        &["7:17  mqtt.password_file  the file that is named here holds no text in its first line \
         (its name is not shown, it may be a password put here by mistake)"],
    );
}

#[test]
fn no_fault_shows_a_credential_wherever_it_was_put() {
    let sources = [
        "\"me:hunter2@rtsp://cam/1\"",
        "\"rtsp://me:hunter2@/x\"",
        "\"ftp://me:hunter2@cam\"",
        "\"usb:me:hunter2@cam\"",
        "\"rtsp:/me:hunter2@missing\"",
        "rtsp://me:hunter2@cam",
        "[\"rtsp://me:hunter2@cam\"]",
        "{ \"rtsp://me:hunter2@cam\" = 1 }",
        "\"rtsp://me:hunter2@cam",
        "'''rtsp://me:hunter2@cam",
    ];
    for source in sources {
        let text = LEAST.replace("\"rtsp://10.0.0.7/main\"", source);
        let faults = shown(&text);
        assert!(!faults.is_empty(), "{source} is refused");
        assert!(!faults.concat().contains("hunter2"), "{source} gave {faults:#?}");
    }
}

#[test]
fn a_key_that_is_written_twice_is_placed() {
    let faults = shown(&LEAST.replace("store =", "tenant = \"b\"\nstore ="));
    assert_eq!(faults, ["2:1  this is not TOML: duplicate key"]);
}

#[test]
fn lists_have_a_limit() {
    let line = |n: usize| format!("[[camera.line]]\nid = \"l{n}\"\nfrom = [0, 0]\nto = [9, 9]\n");
    let lines: String = (0..32).map(line).collect();
    let faults = shown(&format!("{LEAST}{lines}"));
    assert_eq!(faults.len(), 1, "{faults:#?}");
    assert!(faults[0].contains("camera.door.line  holds 33 entries, at most 32 are taken"), "{faults:#?}");
}

#[test]
fn the_same_geometry_in_another_order_of_keys_has_the_same_name() {
    let name = |text: &str| settings(text).cameras[0].geometry.clone();
    let turned = LEAST.replace("from = [500, 140]\nto = [500, 480]", "to = [500.0, 480]\nfrom = [5e2, 140]");
    assert_ne!(turned, LEAST);
    assert_eq!(name(&turned), name(LEAST));
    assert_ne!(name(&LEAST.replace("[500, 140]", "[501, 140]")), name(LEAST));
}

#[test]
fn a_camera_is_found_by_its_name_or_by_being_the_only_one() {
    let one = settings(LEAST);
    assert_eq!(one.camera(None).unwrap().id.as_str(), "door");
    let wanted = footfall::ids::CameraId::parse("back").unwrap();
    let fault = one.camera(Some(&wanted)).unwrap_err().to_string();
    assert_eq!(fault, "there is no camera \"back\" in the config file; it has door");
    let second = LEAST[LEAST.find("[[camera]]").unwrap()..].replace("\"door\"", "\"back\"");
    let two = settings(&format!("{LEAST}{second}"));
    assert_eq!(two.camera(Some(&wanted)).unwrap().id, wanted);
    assert!(two.camera(None).unwrap_err().to_string().ends_with("--camera: door, back"));
}

#[test]
fn lengths_of_time_reach_the_settings_in_their_unit() {
    let text = LEAST.replace("picture =", "read_timeout = \"1500ms\"\nretry_max = \"2m\"\npicture =");
    let source = settings(&text).cameras[0].source.clone();
    assert_eq!(source.read_timeout, Duration::from_millis(1500));
    assert_eq!(source.retry_max, Duration::from_secs(120));
}

#[test]
fn a_calibration_whose_horizon_cuts_a_line_is_refused_with_the_point() {
    check_camera(
        "calibration = \"sound.toml\"",
        &[
            "8:15  camera.door.calibration  line entrance: its point (500, 140) lies on or above the horizon of the \
         calibration; draw it lower in the picture, or calibrate anew",
        ],
    );
    let lower = LEAST.replace("[500, 140]", "[500, 240]").replace("\nfrom", "\n# lower\nfrom");
    let found = settings(&lower.replace("picture =", "calibration = \"sound.toml\"\npicture ="));
    assert!(found.cameras[0].pipeline.floor.is_some());
}

#[test]
fn a_calibration_that_is_no_view_of_a_floor_is_refused_with_its_reason() {
    for (name, reason) in [("singular", "cannot be inverted"), ("mirrored", "is mirrored")] {
        let faults = shown(&LEAST.replace("picture =", &format!("calibration = \"{name}.toml\"\npicture =")));
        assert_eq!(faults.len(), 1, "{faults:#?}");
        assert!(
            faults[0].starts_with("7:15  camera.door.calibration") && faults[0].contains(reason),
            "{faults:#?}"
        );
    }
}

#[test]
fn a_sensor_names_what_it_counts_and_whom_it_checks() {
    let found = settings(&format!(
        "{LEAST}[mqtt]\nbroker = \"127.0.0.1:1883\"\n\
         [[sensor]]\nid = \"barrier\"\nkind = \"door\"\ncompares = \"door/entrance\"\n\
         [[sensor]]\nid = \"hall\"\nkind = \"beacon\"\nquiet = \"2h\"\n"
    ));
    let line = Compared::Line(CameraId::parse("door").unwrap(), LineId::parse("entrance").unwrap());
    assert_eq!(found.sensors[0].compares, Some(line));
    assert_eq!(found.sensors[0].quiet, Duration::from_secs(90 * 60));
    assert_eq!((found.sensors[1].kind, found.sensors[1].quiet.as_secs()), (SensorKind::Beacon, 7200));
}

#[test]
fn what_is_wrong_with_sensors_is_told_at_once() {
    check_table(
        "[[sensor]]\nid = \"barrier\"\nkind = \"mat\"\n[[sensor]]\nid = \"barrier\"\nkind = \"door\"\ncompares = \"dor/entrance\"\n\
         [[sensor]]\nid = \"c\"\nkind = \"door\"\ncompares = \"door/entrace\"\n[[sensor]]\nid = \"d\"\nkind = \"beacon\"\ncompares = \"door/entrance\"",
        &[
            "4:1  sensor  does nothing without [mqtt]; give both or neither",
            "6:8  sensor.barrier.kind  \"mat\" is not known here; give \"door\" or \"beacon\"",
            "8:6  sensor.barrier.id  \"barrier\" is taken by the sensor at 5:6; give every sensor a name of its own",
            "10:12  sensor.barrier.compares  there is no camera \"dor\" in this file; did you mean \"door\"?",
            "14:12  sensor.c.compares  there is no line \"entrace\" in this file; did you mean \"entrance\"?",
            "18:12  sensor.d.compares  there is no zone \"entrance\" in this file; add the zone, or name one that is there",
        ],
    );
}
