//! Texts that are larger or nested more deeply than anybody writes them: refused, without a stack that runs out.

use footfall::calendar::Zone;
use footfall::site::staffing::{self, MAX_STAFFING_BYTES, StaffingFormat};
use footfall::site::till::{self, FeedFormat, FeedSettings, MAX_FEED_BYTES};
use footfall::time::WallTime;
use footfall::wire::v1::{Ack, AnyRecord, Backfill, Batch};
use std::path::Path;
use std::time::Duration;

const DEEP: usize = 200_000;

fn deep(open: &str, close: &str) -> String {
    open.repeat(DEEP) + &close.repeat(DEEP)
}

fn till_feed() -> FeedSettings {
    let oldest = Duration::from_secs(86_400);
    FeedSettings { zone: Zone::utc(), currency: "EUR".to_owned(), decimals: 2, oldest }
}

/// Runs on the stack that threads of the programs have.
fn on_a_usual_stack(work: impl FnOnce() + Send + 'static) {
    std::thread::Builder::new().stack_size(2 << 20).spawn(work).unwrap().join().unwrap();
}

#[test]
fn no_parser_follows_a_text_down_for_ever() {
    on_a_usual_stack(|| {
        for json in [
            deep("[", "]"),
            deep("{\"a\":", "}"),
            "[".repeat(DEEP),
            format!("{{\"v\":1,\"x\":{}}}", deep("[", "]")),
        ] {
            let bytes = json.as_bytes();
            assert!(Ack::from_json(bytes).is_err() && Backfill::from_json(bytes).is_err());
            assert!(serde_json::from_slice::<Batch<AnyRecord>>(bytes).is_err());
            assert!(staffing::read(bytes, StaffingFormat::Json, &Zone::utc()).0.is_empty());
            let intake = till::read(bytes, "http", &FeedFormat::Json, &till_feed(), WallTime::default());
            assert!(intake.transactions.is_empty() && !intake.rejected.is_empty());
        }
        for toml in [
            format!("a = {}", deep("[", "]")),
            format!("a = {}", deep("{ a = ", " }")),
            format!("{} = 1", "a.".repeat(DEEP) + "a"),
        ] {
            assert!(footfall::calibration::Floor::parse(&toml).is_err());
            assert!(footfall::detect::manifest::Manifest::parse(Path::new("m.toml"), &toml).is_err());
            #[cfg(feature = "hq")]
            assert!(footfall::hq::register::read(&toml).is_err());
        }
    });
}

#[test]
fn no_config_file_is_followed_down_for_ever() {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("deep.toml");
    for toml in [format!("a = {}", deep("[", "]")), format!("a = {}", deep("{ a = ", " }"))] {
        std::fs::write(&config, toml).unwrap();
        let read = config.clone();
        on_a_usual_stack(move || {
            assert!(footfall::config::load(&read, Path::new("")).is_err());
            #[cfg(feature = "hq")]
            assert!(footfall::hq::config::load(&read).is_err());
        });
    }
}

#[test]
fn what_is_larger_than_is_read_at_once_is_refused_as_a_whole() {
    let sale = br#"{"id":"1","at_ms":1000,"what":"sale","amount":"1.00"}"#;
    let padded = |size: usize| [sale.as_slice(), &vec![b' '; size - sale.len()]].concat();
    let taken = |size: usize| {
        let now = WallTime::from_unix_ms(2_000);
        let intake = till::read(&padded(size), "http", &FeedFormat::Json, &till_feed(), now);
        (intake.transactions.len(), intake.rejected.len())
    };
    assert_eq!((taken(MAX_FEED_BYTES), taken(MAX_FEED_BYTES + 1)), ((1, 0), (0, 1)));
    let shift = br#"[{"from":"1970-01-01T00:00:00Z","to":"1970-01-01T08:00:00Z","heads":3}]"#;
    let shifts = |size: usize| {
        let bytes = [shift.as_slice(), &vec![b' '; size - shift.len()]].concat();
        let (shifts, aside) = staffing::read(&bytes, StaffingFormat::Json, &Zone::utc());
        (shifts.len(), aside.len())
    };
    assert_eq!((shifts(MAX_STAFFING_BYTES), shifts(MAX_STAFFING_BYTES + 1)), ((1, 0), (0, 1)));
}

#[cfg(feature = "hq")]
#[test]
fn head_office_reads_no_message_and_no_register_that_is_too_large() {
    use footfall::hq::ingest::read;
    use footfall::hq::register::{self, MAX_FILE_BYTES};
    let now = WallTime::from_unix_ms(1_760_000_000_000);
    let live = br#"{"v":1,"kind":"now","at_ms":1,"since_ms":1,"cameras":[]}"#;
    let state = br#"{"v":1,"state":"online","since_ms":1,"software":"footfall","cameras":[],"problems":[]}"#;
    for (kind, text) in [("live", live.as_slice()), ("state", state.as_slice())] {
        let topic = format!("footfall/v1/acme/berlin-1/box-1/{kind}");
        let padded = |size: usize| [text, &vec![b' '; size - text.len()]].concat();
        let read = |size: usize| {
            read::message(&topic, &padded(size), now).map(drop).map_err(|fault| fault.to_string())
        };
        assert_eq!(read(256 * 1024), Ok(()), "{kind}");
        assert!(read(256 * 1024 + 1).is_err_and(|fault| fault.contains("at most")), "{kind}");
    }
    let register = "[[tenant]]\nid = \"acme\"\ntitle = \"Acme\"\n";
    let read =
        |size: usize| register::read(&(register.to_owned() + &" ".repeat(size - register.len()))).is_ok();
    assert_eq!((read(MAX_FILE_BYTES), read(MAX_FILE_BYTES + 1)), (true, false));
}

#[cfg(feature = "hq")]
#[test]
fn head_office_reads_no_message_of_the_fleet_that_is_too_large_or_too_deep() {
    use footfall::hq::fleet::{authority, packages, read, twin};
    use footfall::wire::v1::fleet::{MAX_CONFIG_BYTES, MAX_FLEET_MESSAGE_BYTES};
    let software =
        r#"{"v":1,"running":"0.1.0","architecture":"amd64","status":"current","at_ms":1760000000000}"#;
    let told = |size: usize| {
        let text = software.to_owned() + &" ".repeat(size - software.len());
        read::told("software/reported", text.as_bytes()).is_ok()
    };
    assert_eq!((told(MAX_FLEET_MESSAGE_BYTES), told(MAX_FLEET_MESSAGE_BYTES + 1)), (true, false));
    let health = format!("{{\"v\":1{}}}", " ".repeat(64 * 1024));
    assert!(read::told("health", health.as_bytes()).is_err());
    let settings = |size: usize| twin::CheckedText::new(&"#".repeat(size)).is_ok();
    assert_eq!((settings(MAX_CONFIG_BYTES), settings(MAX_CONFIG_BYTES + 1)), (true, false));
    assert!(authority::Request::read(&"-".repeat(authority::MAX_CSR_BYTES + 1)).is_err());
    on_a_usual_stack(|| {
        for kind in
            ["health", "config/reported", "software/reported", "command/result", "certificate/request"]
        {
            let json = format!("{{\"v\":1,\"x\":{}}}", "[".repeat(30_000));
            assert!(read::told(kind, json.as_bytes()).is_err(), "{kind}");
        }
        assert!(packages::read_manifest(&"[".repeat(4_000)).is_err());
        assert!(twin::CheckedText::new(&format!("a = {}", "[".repeat(100_000))).is_err());
    });
}
