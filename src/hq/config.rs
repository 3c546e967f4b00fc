//! The config file of head office: the same walk and the same faults as the box's, other settings.
//!
//! What is not obvious: all faults come at once, each with its place, and none of them shows a secret.

use super::access::OidcSettings;
use super::mqtt::HqMqtt;
use super::settings::{AuthoritySettings, FleetSettings, HqSettings, HttpSettings};
use super::store::retention::Retention;
use super::webhooks::Private;
use crate::config::broker::{self, login, tls_settings};
use crate::config::check::{FilesBeside, existing_file, file_that_can_be_made, password, wanted};
use crate::config::document::{Entry, FaultSink, SpanRule, Table, read_document};
use crate::config::{ConfigError, Fault, FaultKind};
use crate::ids::BoxId;
use crate::publish::{ConfirmedBy, MqttSettings, is_this_machine};
use crate::wire::v1::fleet::BrokerAddress;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};

/// The commented file that `footfall-hq config default` prints: template and reference in one.
pub const DEFAULT_FILE: &str = include_str!("config.toml");

const DEFAULT_DATABASE: &str = "hq.sqlite";
const DEFAULT_CLIENT_ID: &str = "footfall-hq";
const DEFAULT_LISTEN: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 8088);
const RETRY_MAX: SpanRule = SpanRule::of_ms(30_000, 1_000, 3_600_000);
const MOST_PROXIES: usize = 16;
/// What is shown of a text that is not understood.
const SHOWN_CHARS: usize = 60;
/// Registered with IANA for MQTT over TCP and over TLS.
const PORT_PLAIN: u16 = 1883;
const PORT_TLS: u16 = 8883;

const DAY_MS: u64 = 86_400_000;
const MINUTES: SpanRule = days(400);
const EVENTS: SpanRule = days(90);
const ASIDE: SpanRule = days(30);
const AUDIT: SpanRule = days(400);
const HEALTH: SpanRule = days(400);
const HOUR_MS: u64 = 3_600_000;
/// Pictures are for the person who asked: an hour to a month.
const PICTURES: SpanRule = SpanRule::of_ms(DAY_MS, HOUR_MS, 31 * DAY_MS);
/// A box renews from two thirds of it on, and may be switched off for a while: a week to 825 days.
const CERTIFICATES: SpanRule = SpanRule::of_ms(90 * DAY_MS, 7 * DAY_MS, 825 * DAY_MS);
const LINKS: SpanRule = SpanRule::of_ms(DAY_MS, HOUR_MS, 14 * DAY_MS);
const DEFAULT_AUTHORITY: &str = "authority";
const DEFAULT_PACKAGES: &str = "packages";

/// From a day to some thirty years.
const fn days(default: u64) -> SpanRule {
    SpanRule::of_ms(default * DAY_MS, DAY_MS, 10_000 * DAY_MS)
}

/// Reads and checks a config file.
///
/// # Errors
/// [`ConfigError`] says why the file cannot be read, or lists every fault in it.
pub fn load(path: &Path) -> Result<HqSettings, ConfigError> {
    crate::config::file::load_with(path, check)
}

/// Checks the text of head office's config file.
///
/// # Errors
/// All faults in the order of the text, at least one, and how many more there were than are kept.
pub fn check(text: &str, files: &dyn FilesBeside) -> Result<HqSettings, (Vec<Fault>, usize)> {
    let sink = FaultSink::of(text);
    let settings = read_document(&sink, |root| whole(root, files));
    let (faults, more) = sink.finish();
    if !faults.is_empty() {
        return Err((faults, more));
    }
    Ok(settings.expect("a part is missing only where a fault says why"))
}

fn whole(root: &mut Table<'_>, files: &dyn FilesBeside) -> Option<HqSettings> {
    let database = match root.get("database") {
        None => Some(files.resolve(Path::new(DEFAULT_DATABASE))),
        Some(e) => file_that_can_be_made(&e, files),
    };
    let register = root.get("register").map(|e| existing_file(&e, files));
    let broker = root.get("mqtt").map(|e| e.table(|table| broker(table, files)));
    let http = match root.get("http") {
        None => Some(HttpSettings {
            listen: DEFAULT_LISTEN,
            public_url: format!("http://{DEFAULT_LISTEN}"),
            trusted_proxies: Vec::new(),
        }),
        Some(e) => e.table(http),
    };
    let oidc = root.get("oidc").map(|e| e.table(|table| oidc(table, files)));
    let keep = match root.get("keep") {
        None => Some(keep_of(|_, rule| rule.default_span())),
        Some(e) => e.table(|table| Some(keep_of(|key, rule| table.span(key, rule)))),
    };
    let webhooks = match root.get("webhooks") {
        None => Some(Private::default()),
        Some(e) => e.table(|table| {
            let is_allowed = table.get("private_networks").and_then(|e| e.flag()).unwrap_or(false);
            Some(if is_allowed { Private::Allowed } else { Private::Refused })
        }),
    };
    // Beside the database, which lies where the service may write.
    let beside = database.as_deref().and_then(Path::parent).unwrap_or(Path::new("")).to_owned();
    let authority = match root.get("authority") {
        None => Some(AuthoritySettings {
            folder: beside.join(DEFAULT_AUTHORITY),
            certificates: CERTIFICATES.default_span(),
        }),
        Some(e) => e.table(|table| authority(table, &beside, files)),
    };
    let fleet = match root.get("fleet") {
        None => Some(FleetSettings {
            broker: None,
            broker_ca: None,
            links: LINKS.default_span(),
            packages: beside.join(DEFAULT_PACKAGES),
        }),
        Some(e) => e.table(|table| fleet(table, &beside, files)),
    };
    Some(HqSettings {
        authority: authority?,
        fleet: fleet?,
        database: database?,
        register: wanted(register)?,
        broker: wanted(broker)?,
        http: http?,
        oidc: wanted(oidc)?,
        keep: keep?,
        webhooks: webhooks?,
    })
}

fn broker(table: &mut Table<'_>, files: &dyn FilesBeside) -> Option<HqMqtt> {
    table.refuse("password", FaultKind::PasswordInFile);
    let tls = table.get("tls");
    let address = broker::broker(table, tls.is_some());
    let tls = tls.map(|e| e.table(|tls| tls_settings(tls, files)));
    let user = table.get("user");
    let login = login(user.as_ref(), table, files);
    let client_id = match table.get("client_id") {
        None => Some(DEFAULT_CLIENT_ID.to_owned()),
        Some(e) => e.parsed(BoxId::parse).map(|id| id.to_string()),
    };
    let retry_max = table.span("retry_max", RETRY_MAX);
    let (host, port) = address?;
    let tls = wanted(tls)?;
    let port = port.unwrap_or(if tls.is_some() { PORT_TLS } else { PORT_PLAIN });
    let mqtt = MqttSettings {
        host,
        port,
        tls,
        login,
        retry_max,
        // The rest concerns boxes.
        batch_every: retry_max,
        live: true,
        confirmed_by: ConfirmedBy::default(),
        ack_patience: retry_max,
        home_assistant: None,
    };
    Some(HqMqtt { mqtt, client_id: client_id? })
}

fn http(table: &mut Table<'_>) -> Option<HttpSettings> {
    let listen = match table.get("listen") {
        None => Some(DEFAULT_LISTEN),
        Some(e) => e.parsed(|text| {
            text.parse::<SocketAddr>().map_err(|_no_address| {
                not_understood(text, "an address with a port, such as \"127.0.0.1:8088\"")
            })
        }),
    };
    let public_url = match table.get("public_url") {
        None => {
            // Without TLS nobody but this machine should come here, and cookies would travel in the open.
            if let Some(listen) = listen.filter(|listen| !listen.ip().is_loopback()) {
                table.fault(
                    "public_url",
                    FaultKind::OutOfRange {
                        got: format!("listening on {listen} without a public_url"),
                        range: "how people reach it, such as \"https://footfall.example.com\"; a proxy in front of it adds TLS".to_owned(),
                    },
                );
            }
            listen.map(|listen| format!("http://{listen}"))
        }
        Some(e) => e.parsed(public_url),
    };
    let trusted_proxies = match table.get("trusted_proxies") {
        None => Some(Vec::new()),
        Some(list) => addresses(&list),
    };
    Some(HttpSettings { listen: listen?, public_url: public_url?, trusted_proxies: trusted_proxies? })
}

/// `https://host` or `http://` and this machine, without a path.
fn public_url(text: &str) -> Result<String, FaultKind> {
    let range = "https:// and a host, without a path, such as \"https://footfall.example.com\" (http:// for this machine only)";
    let is_host = |host: &str| {
        let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | ':' | '[' | ']');
        !host.is_empty() && host.chars().all(fits)
    };
    let text_without_slash = text.strip_suffix('/').unwrap_or(text);
    let fits = match text_without_slash.split_once("://") {
        Some(("https", host)) => is_host(host),
        Some(("http", host)) => is_host(host) && is_here(host),
        _ => false,
    };
    if fits { Ok(text_without_slash.to_owned()) } else { Err(not_understood(text, range)) }
}

/// Whether a host, with or without a port, is this machine.
fn is_here(host: &str) -> bool {
    broker::host_and_port(host).is_ok_and(|(host, _)| is_this_machine(&host))
}

fn oidc(table: &mut Table<'_>, files: &dyn FilesBeside) -> Option<OidcSettings> {
    let issuer = table.need("issuer", "issuer = \"https://login.example.com\"").and_then(|e| {
        e.parsed(|text| {
            let here = |rest: &str| is_here(rest.split('/').next().unwrap_or_default());
            let fits = text.starts_with("https://") || text.strip_prefix("http://").is_some_and(here);
            let range = "the https:// address of who knows the accounts";
            if fits { Ok(text.to_owned()) } else { Err(not_understood(text, range)) }
        })
    });
    let client_id =
        table.need("client_id", "client_id = \"footfall\"").and_then(|e| e.text().map(str::to_owned));
    let client_secret = table
        .need("client_secret_file", "client_secret_file = \"secrets/oidc\"")
        .and_then(|e| password(&e, files));
    let title = match table.get("title") {
        None => Some("Company account".to_owned()),
        Some(e) => e.text().map(str::to_owned),
    };
    Some(OidcSettings {
        issuer: issuer?,
        client_id: client_id?,
        client_secret: Some(client_secret?),
        title: title?,
    })
}

fn keep_of(mut span: impl FnMut(&'static str, SpanRule) -> std::time::Duration) -> Retention {
    Retention {
        minutes: span("minutes", MINUTES),
        events: span("events", EVENTS),
        aside: span("aside", ASIDE),
        audit: span("audit", AUDIT),
        health: span("health", HEALTH),
        pictures: span("pictures", PICTURES),
    }
}

fn authority(table: &mut Table<'_>, beside: &Path, files: &dyn FilesBeside) -> Option<AuthoritySettings> {
    let folder = folder(table.get("folder"), beside.join(DEFAULT_AUTHORITY), files);
    let certificates = table.span("certificates", CERTIFICATES);
    Some(AuthoritySettings { folder: folder?, certificates })
}

fn fleet(table: &mut Table<'_>, beside: &Path, files: &dyn FilesBeside) -> Option<FleetSettings> {
    let broker = table.get("broker").map(|e| e.parsed(broker::host_and_port));
    let broker_ca = table.get("broker_ca_file").map(|e| existing_file(&e, files));
    let links = table.span("links", LINKS);
    let packages = folder(table.get("packages"), beside.join(DEFAULT_PACKAGES), files);
    let broker = wanted(broker)?.map(|(host, port)| BrokerAddress { host, port: port.unwrap_or(PORT_TLS) });
    Some(FleetSettings { broker, broker_ca: wanted(broker_ca)?, links, packages: packages? })
}

/// A folder that is there, or is made when it is needed.
fn folder(entry: Option<Entry<'_>>, default: PathBuf, files: &dyn FilesBeside) -> Option<PathBuf> {
    match entry {
        None => Some(default),
        Some(e) => Some(files.resolve(Path::new(e.text()?))),
    }
}

fn addresses(list: &Entry<'_>) -> Option<Vec<IpAddr>> {
    let entries = list.list(MOST_PROXIES, "a list of addresses such as [\"127.0.0.1\"]")?;
    let address = |e: &Entry<'_>| {
        e.parsed(|text| {
            text.parse().map_err(|_no_address| not_understood(text, "an IP address such as \"127.0.0.1\""))
        })
    };
    entries.iter().map(address).collect()
}

fn not_understood(text: &str, range: &str) -> FaultKind {
    let got = format!("{:?}", text.chars().take(SHOWN_CHARS).collect::<String>());
    FaultKind::OutOfRange { got, range: range.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::check::PathKind;
    use crate::config::fault::FileProblem;
    use std::time::Duration;

    /// A disk with one folder, one register and two secrets.
    struct Disk;

    impl FilesBeside for Disk {
        fn resolve(&self, written: &Path) -> PathBuf {
            Path::new("etc").join(written)
        }

        fn kind(&self, path: &Path) -> PathKind {
            match path.to_str() {
                Some("etc") => PathKind::Folder,
                Some("etc/register.toml" | "etc/ca.pem") => PathKind::File,
                _ => PathKind::Nothing,
            }
        }

        fn text(&self, _path: &Path) -> Result<String, FileProblem> {
            Err(FileProblem::NotThere)
        }

        fn secret(&self, path: &Path) -> Result<String, FileProblem> {
            match path.to_str() {
                Some("etc/oidc") => Ok("s3cret-s3cret".to_owned()),
                Some("etc/mqtt") => Ok("hunter2".to_owned()),
                _ => Err(FileProblem::NotThere),
            }
        }
    }

    #[track_caller]
    fn check_faults(text: &str, expected: &[&str]) {
        let (faults, _) = check(text, &Disk).expect_err("it has faults");
        let faults: Vec<String> = faults.iter().map(ToString::to_string).collect();
        assert_eq!(faults.len(), expected.len(), "{faults:#?}");
        for (fault, start) in faults.iter().zip(expected) {
            assert!(fault.starts_with(start), "{fault:?} does not begin with {start:?}");
        }
    }

    #[test]
    fn an_empty_file_is_a_head_office_on_this_machine_alone() {
        let settings = check("", &Disk).unwrap();
        assert_eq!(settings.database, Path::new("etc/hq.sqlite"));
        assert_eq!((settings.broker, settings.oidc, settings.register), (None, None, None));
        assert_eq!(settings.http.public_url, "http://127.0.0.1:8088");
        assert_eq!(settings.keep.events, Duration::from_secs(90 * 86_400));
    }

    #[test]
    fn the_file_that_is_printed_sets_what_holds_without_it() {
        let printed = check(DEFAULT_FILE, &Disk).unwrap();
        let bare = check("[mqtt]\nbroker = \"127.0.0.1:1883\"\n", &Disk).unwrap();
        assert_eq!(printed, bare);
    }

    #[test]
    fn what_is_switched_off_in_the_printed_file_can_be_switched_on() {
        let on = |line: &str| match line.strip_prefix('#') {
            Some(setting) if !setting.starts_with(' ') && !setting.is_empty() => setting.to_owned(),
            _ => line.to_owned(),
        };
        let text: Vec<String> = DEFAULT_FILE.lines().map(on).collect();
        let text = text.join("\n").replace("secrets/ca.pem", "ca.pem").replace("secrets/", "");
        let without_certificate = text.replace("certificate_file = \"hq.pem\"\nkey_file = \"hq.key\"\n", "");
        let without_notes: Vec<&str> = without_certificate
            .lines()
            .filter(|line| !line.starts_with("certificate_file") && !line.starts_with("key_file"))
            .collect();
        let settings = check(&without_notes.join("\n"), &Disk).unwrap();
        assert!(settings.oidc.is_some() && settings.register.is_some());
        let broker = settings.broker.unwrap().mqtt;
        assert!(broker.tls.is_some() && broker.login.is_some());
    }

    #[test]
    fn all_faults_come_at_once_and_show_no_secret() {
        check_faults(
            "database = \"nowhere/hq.sqlite\"\nregister = \"none.toml\"\n[mqtt]\nbroker = \"mqtt://me:hunter2@h\"\n\
             [http]\nlisten = \"localhost\"\npublic_url = \"http://shop.example\"\n[keep]\nminutes = \"1s\"\nevent = \"3d\"\n",
            &[
                "1:12  database  etc/nowhere/hq.sqlite cannot be made",
                "2:12  register  etc/none.toml does not exist",
                "4:10  mqtt.broker  the broker is not understood",
                "6:10  http.listen  \"localhost\" is out of range; give an address with a port",
                "7:14  http.public_url  \"http://shop.example\" is out of range; give https://",
                "9:11  keep.minutes  1s is out of range",
                "10:1  keep.event  there is no such setting; did you mean \"events\"?",
            ],
        );
    }

    #[test]
    fn what_others_can_reach_has_a_public_address() {
        check_faults("[http]\nlisten = \"0.0.0.0:80\"\n", &["1:1  http.public_url  listening on 0.0.0.0:80"]);
        let behind =
            check("[http]\nlisten = \"0.0.0.0:80\"\npublic_url = \"https://f.example.com/\"\n", &Disk)
                .unwrap();
        assert_eq!(behind.http.public_url, "https://f.example.com");
    }

    #[test]
    fn a_broker_elsewhere_is_reached_with_tls_or_by_somebody_who_knows_what_it_means() {
        check_faults(
            "[mqtt]\nbroker = \"10.0.0.2\"\n",
            &["2:10  mqtt.broker  the broker is on another machine and nothing would be encrypted"],
        );
        let settings = |more: &str| check(&format!("[mqtt]\nbroker = \"10.0.0.2\"\n{more}"), &Disk).unwrap();
        let problem = |more: &str| settings(more).broker.unwrap().mqtt.unencrypted();
        assert!(problem("unencrypted = true").is_some());
        assert_eq!(problem("[mqtt.tls]\nca_file = \"ca.pem\""), None);
    }

    #[test]
    fn who_knows_the_accounts_is_asked_over_https_or_on_this_machine() {
        let oidc = |issuer: &str| {
            check(
                &format!("[oidc]\nissuer = {issuer:?}\nclient_id = \"f\"\nclient_secret_file = \"oidc\"\n"),
                &Disk,
            )
        };
        for issuer in [
            "https://login.example.com/realm",
            "http://127.0.0.1:9000/a",
            "http://localhost",
            "http://[::1]:9/",
        ] {
            assert!(oidc(issuer).is_ok(), "{issuer}");
        }
        for issuer in [
            "http://login.example.com",
            "http://127.0.0.1.example.com/a",
            "http://localhost.example.com",
            "http://localhost@example.com/",
            "ftp://localhost",
        ] {
            assert!(oidc(issuer).is_err(), "{issuer}");
        }
    }
}
