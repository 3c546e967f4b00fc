//! `[site.till]`: how the till reaches the box, and how its files are written.

use super::check::{Around, FilesBeside, PathKind, password, wanted};
use super::document::{Entry, SpanRule, Table};
use super::fault::{FaultKind, FileProblem};
use crate::calendar::WrittenTime;
use crate::site::till::{
    Column, CsvColumns, CsvMapping, CsvRows, DecimalMark, Encoding, KindWords, TillFolderSettings,
    TillHttpSettings, TillWays, Token, What,
};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::Path;
use std::time::Duration;

/// A slow hour of a small shop. Shorter, and quiet times lose their figures until the next sale; longer, and a till that
/// died counts as one that sells nothing.
const QUIET: SpanRule = SpanRule::of_ms(1_800_000, 60_000, 86_400_000);
const POLL_EVERY: SpanRule = SpanRule::of_ms(5_000, 500, 3_600_000);
const SETTLE: SpanRule = SpanRule::of_ms(10_000, 1_000, 3_600_000);
const DEFAULT_LISTEN: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 8087);
/// A till has a handful of words for each kind.
const MAX_WORDS: usize = 32;
const MOST_COLUMNS: u32 = 1_000;

pub(super) fn till(table: &mut Table<'_>, around: Around<'_>) -> Option<(TillWays, Duration)> {
    let quiet = table.span("quiet", QUIET);
    let mqtt = table.get("mqtt").is_some_and(|e| over_broker(&e, around));
    let http = table.get("http").map(|e| e.table(|http| self::http(http, around.files)));
    let folder = table.get("folder").map(|e| e.table(|folder| self::folder(folder, around.files)));
    if !mqtt && http.is_none() && folder.is_none() {
        table.fault("", FaultKind::None { what: "way in for the till", example: "mqtt = true" });
    }
    let (http, folder) = (wanted(http)?, wanted(folder)?);
    Some((TillWays { mqtt, http, folder }, quiet))
}

fn over_broker(entry: &Entry<'_>, around: Around<'_>) -> bool {
    let is_wanted = entry.flag().unwrap_or(false);
    if is_wanted && !around.has_broker {
        entry.fault(FaultKind::Alone { other: "[mqtt]" });
    }
    is_wanted
}

fn http(table: &mut Table<'_>, files: &dyn FilesBeside) -> Option<TillHttpSettings> {
    let listen = match table.get("listen") {
        None => Some(DEFAULT_LISTEN),
        Some(e) => e.parsed(|text| {
            let range = "an address of this machine that only it reaches, with a port, such as \"127.0.0.1:8087\" (nothing is encrypted here; \
                         a till elsewhere comes over the broker, or through a proxy with TLS)"
                .to_owned();
            let got = format!("{:?}", text.chars().take(60).collect::<String>());
            text.parse::<SocketAddr>().ok().filter(|at| at.ip().is_loopback()).ok_or(FaultKind::OutOfRange { got, range })
        }),
    };
    let token = table.need("token_file", "token_file = \"secrets/till\"").and_then(|e| {
        let token = Token::new(password(&e, files)?);
        if token.is_none() {
            e.fault(FaultKind::ShortToken { least: Token::MIN_BYTES });
        }
        token
    });
    Some(TillHttpSettings { listen: listen?, token: token? })
}

fn folder(table: &mut Table<'_>, files: &dyn FilesBeside) -> Option<TillFolderSettings> {
    let path = table.need("path", "path = \"till\"").and_then(|e| {
        let path = files.resolve(Path::new(e.text()?));
        if let Some(problem) = files.refused(&path) {
            e.fault(FaultKind::File { path, problem });
            return None;
        }
        let problem = match files.kind(&path) {
            PathKind::Folder => return Some(path),
            PathKind::File => FileProblem::NotAFolder,
            PathKind::Nothing => FileProblem::NotThere,
        };
        e.fault(FaultKind::File { path, problem });
        None
    });
    let poll_every = table.span("poll_every", POLL_EVERY);
    let settle = table.span("settle", SETTLE);
    let rows = [("transactions", CsvRows::Transactions), ("lines", CsvRows::Lines)];
    let rows = table.get("rows").and_then(|e| e.choice(&rows)).unwrap_or_default();
    let delimiters = [(",", b','), (";", b';'), ("tab", b'\t'), ("|", b'|')];
    let delimiter = table.get("delimiter").and_then(|e| e.choice(&delimiters)).unwrap_or(b',');
    let marks = [(".", DecimalMark::Point), (",", DecimalMark::Comma)];
    let decimal_mark = table.get("decimal_mark").and_then(|e| e.choice(&marks)).unwrap_or_default();
    let encodings =
        [("utf-8", Encoding::Utf8), ("utf-16", Encoding::Utf16), ("windows-1252", Encoding::Windows1252)];
    let encoding = table.get("encoding").and_then(|e| e.choice(&encodings)).unwrap_or_default();
    let times = match table.get("times") {
        None => Some(WrittenTime::Iso),
        Some(e) => e.parsed(times),
    };
    let words = match table.get("words") {
        None => Some(KindWords::default()),
        Some(e) => e.table(words),
    };
    let columns = table
        .need("columns", "[site.till.folder.columns] with id, at and amount")
        .and_then(|e| e.table(columns));
    let mapping = CsvMapping {
        rows,
        columns: columns?,
        delimiter,
        decimal_mark,
        times: times?,
        encoding,
        words: words?,
    };
    Some(TillFolderSettings { path: path?, poll_every, settle, mapping })
}

fn times(text: &str) -> Result<WrittenTime, FaultKind> {
    let how = match text {
        "iso" => WrittenTime::Iso,
        "unix_s" => WrittenTime::UnixSeconds,
        "unix_ms" => WrittenTime::UnixMs,
        pattern => WrittenTime::Pattern(pattern.to_owned()),
    };
    if how.is_complete() {
        return Ok(how);
    }
    let got = format!("{:?}", text.chars().take(60).collect::<String>());
    let range =
        "\"iso\", \"unix_s\", \"unix_ms\" or a pattern with date and time such as \"%d.%m.%Y %H:%M:%S\"";
    Err(FaultKind::OutOfRange { got, range: range.to_owned() })
}

/// Words for a kind, in place of the kind's name.
fn words(table: &mut Table<'_>) -> Option<KindWords> {
    let mut words = KindWords::default();
    for what in What::ALL {
        let Some(entry) = table.get(what.name()) else { continue };
        words.0.retain(|_, known| *known != what);
        for word in entry.list(MAX_WORDS, "a list of words such as [\"S\", \"SALE\"]")? {
            let text = word.text()?.to_owned();
            if words.0.get(&text).is_some_and(|known| *known != what) {
                word.fault(FaultKind::Both { other: "another kind" });
            }
            words.0.insert(text, what);
        }
    }
    Some(words)
}

fn columns(table: &mut Table<'_>) -> Option<CsvColumns> {
    let id = table.need("id", "id = \"receipt\"").and_then(|e| column(&e));
    let at = table.need("at", "at = \"date_time\"").and_then(|e| column(&e));
    let amount = table.need("amount", "amount = \"total\"").and_then(|e| column(&e));
    let mut perhaps = |key| table.get(key).map(|e| column(&e));
    let others =
        ["time", "what", "quantity", "item", "category", "channel", "voids", "currency"].map(&mut perhaps);
    let [time, what, quantity, item, category, channel, voids, currency] = others.map(wanted);
    let columns = CsvColumns {
        id: id?,
        at: at?,
        time: time?,
        amount: amount?,
        what: what?,
        quantity: quantity?,
        item: item?,
        category: category?,
        channel: channel?,
        voids: voids?,
        currency: currency?,
    };
    if !columns.are_alike() {
        table.fault("", FaultKind::MixedColumns);
    }
    Some(columns)
}

/// A name, or a number written in quotes as `"#3"`.
fn column(entry: &Entry<'_>) -> Option<Column> {
    entry.parsed(|text| {
        let Some(number) = text.strip_prefix('#') else { return Ok(Column::Named(text.to_owned())) };
        let number = number.parse::<u32>().ok().filter(|number| (1..=MOST_COLUMNS).contains(number));
        number.map(|number| Column::Number(number as usize)).ok_or_else(|| FaultKind::OutOfRange {
            got: format!("{:?}", text.chars().take(60).collect::<String>()),
            range: format!("a column's name, or its place \"#1\" to \"#{MOST_COLUMNS}\""),
        })
    })
}
