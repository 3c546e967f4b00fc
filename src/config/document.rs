//! Reads settings out of a TOML document and keeps what is wrong with them.
//!
//! A serde derive stops at the first fault and does not know where a missing key should have been.
//! So the document is walked by hand: every question to a [`Table`] both answers and records that
//! the key is known, and when the questions about a table end, what nobody asked for is an unknown key.
//! A question that finds a fault notes it and answers `None`; the caller goes on asking, so that all
//! faults are found at once, and the answers are thrown away if there was any.

use super::afar::MANAGED;
use super::fault::{Fault, FaultKind, MAX_FAULTS, Place};
use super::span::parse_span;
use crate::ids::MAX_ID_LEN;
use std::cell::{Cell, RefCell};
use std::ops::RangeInclusive;
use std::time::Duration;
use toml::Spanned;
use toml::de::{DeArray, DeTable, DeValue};

/// Faults as they are found in one text.
#[derive(Debug)]
pub(crate) struct FaultSink<'t> {
    text: &'t str,
    found: RefCell<Vec<Fault>>,
    more: Cell<usize>,
}

impl<'t> FaultSink<'t> {
    pub(crate) fn of(text: &'t str) -> Self {
        Self { text, found: RefCell::default(), more: Cell::new(0) }
    }

    fn note(&self, at_byte: usize, key: String, kind: FaultKind) {
        let mut found = self.found.borrow_mut();
        if found.len() < MAX_FAULTS {
            found.push(Fault { at: place_of(self.text, at_byte), key, kind });
        } else {
            self.more.set(self.more.get() + 1);
        }
    }

    /// The faults in the order of the file, and how many more there were than are kept.
    pub(crate) fn finish(self) -> (Vec<Fault>, usize) {
        let mut found = self.found.into_inner();
        found.sort_by_key(|fault| fault.at);
        (found, self.more.get())
    }
}

/// Line and column of a byte; of the end where the text is shorter.
pub(crate) fn place_of(text: &str, at_byte: usize) -> Place {
    let before = text.get(..at_byte).unwrap_or(text);
    let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
    Place { line: before.matches('\n').count() + 1, column: before[line_start..].chars().count() + 1 }
}

/// Asks for the settings of a whole document.
///
/// Returns `None` where `read` does, or where the text is no TOML; then the sink holds why.
pub(crate) fn read_document<T>(
    sink: &FaultSink<'_>,
    read: impl FnOnce(&mut Table<'_>) -> Option<T>,
) -> Option<T> {
    let (document, errors) = DeTable::parse_recoverable(sink.text);
    for error in &errors {
        // Only the message: the error's own display quotes the line, which may hold a password.
        let at_byte = error.span().map_or(0, |span| span.start);
        sink.note(at_byte, String::new(), FaultKind::Syntax(error.message().to_owned()));
    }
    if !errors.is_empty() {
        // What was recovered from broken TOML would only bring faults that are not there.
        return None;
    }
    Table::ask(String::new(), document.span().start, document.get_ref(), sink, read)
}

/// The part of a config file that head office may change; none where it is no TOML or holds a credential.
pub(crate) fn managed_text(text: &str) -> Option<String> {
    let mut whole: toml::Table = toml::from_str(text).ok()?;
    whole.retain(|key, _| MANAGED.contains(&key));
    let has_login = |source: &toml::Value| {
        source.as_str().is_some_and(|source| source.contains("://") && source.contains('@'))
    };
    let cameras = whole.get("camera").and_then(toml::Value::as_array).into_iter().flatten();
    if cameras.filter_map(|camera| camera.get("source")).any(has_login) {
        return None;
    }
    toml::to_string(&whole).ok()
}

/// A table that is being asked for its settings.
pub(crate) struct Table<'a> {
    path: String,
    at_byte: usize,
    table: &'a DeTable<'a>,
    known: Vec<&'static str>,
    sink: &'a FaultSink<'a>,
}

impl<'a> Table<'a> {
    fn ask<T>(
        path: String,
        at_byte: usize,
        table: &'a DeTable<'a>,
        sink: &'a FaultSink<'a>,
        read: impl FnOnce(&mut Table<'a>) -> Option<T>,
    ) -> Option<T> {
        let mut reader = Self { path, at_byte, table, known: Vec::new(), sink };
        let answer = read(&mut reader);
        reader.note_unknown_keys();
        answer
    }

    fn note_unknown_keys(&self) {
        for key in self.table.keys() {
            let name = key.get_ref().as_ref();
            if self.known.contains(&name) {
                continue;
            }
            let near = nearest(name, &self.known);
            let kind = FaultKind::UnknownKey { near, known: self.known.clone() };
            self.sink.note(key.span().start, joined(&self.path, &shown_key(name)), kind);
        }
    }

    /// A setting that may be left out.
    pub(crate) fn get(&mut self, key: &'static str) -> Option<Entry<'a>> {
        self.known.push(key);
        self.entry(key)
    }

    /// Whether something stands there, asked or not.
    pub(crate) fn has(&self, key: &str) -> bool {
        self.table.get(key).is_some()
    }

    /// A setting that must be there; `example` is a line that would do.
    pub(crate) fn need(&mut self, key: &'static str, example: &'static str) -> Option<Entry<'a>> {
        let entry = self.get(key);
        if entry.is_none() {
            self.sink.note(self.at_byte, joined(&self.path, key), FaultKind::Missing { example });
        }
        entry
    }

    /// A key that people will try and that must not be used.
    pub(crate) fn refuse(&mut self, key: &'static str, kind: FaultKind) {
        if let Some(entry) = self.entry(key) {
            self.known.push(key);
            entry.fault(kind);
        }
    }

    /// A fault of the table as a whole, or of a key that it lacks.
    pub(crate) fn fault(&self, key: &str, kind: FaultKind) {
        self.sink.note(self.at_byte, joined(&self.path, key), kind);
    }

    /// A length of time that may be left out.
    pub(crate) fn span(&mut self, key: &'static str, rule: SpanRule) -> Duration {
        self.get(key).and_then(|entry| entry.span(rule.least..=rule.most)).unwrap_or(rule.default)
    }

    fn entry(&self, key: &str) -> Option<Entry<'a>> {
        let value = self.table.get(key)?;
        Some(Entry { path: joined(&self.path, key), value, sink: self.sink })
    }
}

/// A length of time that may be left out, and what it may be.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SpanRule {
    default: Duration,
    least: Duration,
    most: Duration,
}

impl SpanRule {
    /// What holds where nothing is written.
    pub(crate) const fn default_span(self) -> Duration {
        self.default
    }

    /// All three in milliseconds.
    pub(crate) const fn of_ms(default: u64, least: u64, most: u64) -> Self {
        Self {
            default: Duration::from_millis(default),
            least: Duration::from_millis(least),
            most: Duration::from_millis(most),
        }
    }
}

/// One setting that is there.
pub(crate) struct Entry<'a> {
    path: String,
    value: &'a Spanned<DeValue<'a>>,
    sink: &'a FaultSink<'a>,
}

impl<'a> Entry<'a> {
    /// Notes what is wrong with this setting.
    pub(crate) fn fault(&self, kind: impl Into<FaultKind>) {
        self.sink.note(self.at_byte(), self.path.clone(), kind.into());
    }

    /// Where the value starts, in bytes: what a later [`Entry::taken`] tells of it.
    pub(crate) fn at_byte(&self) -> usize {
        self.value.span().start
    }

    /// Notes that this name was given before, at that byte. Lines are only counted for faults: a register has thousands of names.
    #[cfg(feature = "hq")]
    pub(crate) fn taken(&self, what: &'static str, id: &str, first_at_byte: usize) {
        let first = place_of(self.sink.text, first_at_byte);
        self.fault(FaultKind::Duplicate { what, id: shortened(id), first });
    }

    /// Notes that a thing of this name stands at the same time, given at that byte.
    #[cfg(feature = "hq")]
    pub(crate) fn overlaps(&self, id: &str, first_at_byte: usize) {
        let first = place_of(self.sink.text, first_at_byte);
        self.fault(FaultKind::Overlaps { id: shortened(id), first });
    }

    /// Where the value starts.
    pub(crate) fn place(&self) -> Place {
        place_of(self.sink.text, self.at_byte())
    }

    fn expected<T>(&self, found: Option<T>, wanted: &'static str) -> Option<T> {
        if found.is_none() {
            self.fault(FaultKind::WrongType { wanted, got: type_in_words(self.value.get_ref()) });
        }
        found
    }

    fn kept<T, E: Into<FaultKind>>(&self, checked: Result<T, E>) -> Option<T> {
        checked.map_err(|fault| self.fault(fault)).ok()
    }

    /// A string.
    pub(crate) fn text(&self) -> Option<&'a str> {
        self.expected(self.value.get_ref().as_str(), "a string in quotes")
    }

    /// A string that `parse` understands.
    pub(crate) fn parsed<T, E: Into<FaultKind>>(
        &self,
        parse: impl FnOnce(&str) -> Result<T, E>,
    ) -> Option<T> {
        self.kept(parse(self.text()?))
    }

    /// One of a few words.
    pub(crate) fn choice<T: Copy>(&self, choices: &[(&'static str, T)]) -> Option<T> {
        self.parsed(|text| {
            let found = choices.iter().find(|(word, _)| *word == text);
            found.map(|(_, meaning)| *meaning).ok_or_else(|| FaultKind::Choice {
                got: shortened(text),
                choices: choices.iter().map(|(word, _)| *word).collect(),
            })
        })
    }

    /// `true` or `false`.
    pub(crate) fn flag(&self) -> Option<bool> {
        self.expected(self.value.get_ref().as_bool(), "true or false")
    }

    /// A whole number in a range.
    pub(crate) fn whole(&self, range: RangeInclusive<u32>) -> Option<u32> {
        let written = self.value.get_ref().as_integer();
        let number = self.expected(written, "a whole number")?;
        let found = u32::from_str_radix(number.as_str(), number.radix()).ok().filter(|n| range.contains(n));
        if found.is_none() {
            let range = format!("a whole number from {} to {}", range.start(), range.end());
            self.fault(FaultKind::OutOfRange { got: shortened(number.as_str()), range });
        }
        found
    }

    /// A finite number, with or without a fraction.
    pub(crate) fn number(&self) -> Option<f64> {
        let value = self.value.get_ref();
        let number = match (value.as_float(), value.as_integer()) {
            (Some(float), _) => float.as_str().parse::<f64>().ok(),
            (_, Some(whole)) => i64::from_str_radix(whole.as_str(), whole.radix()).ok().map(|n| n as f64),
            (None, None) => None,
        };
        let number = self.expected(number, "a number")?;
        if !number.is_finite() {
            self.fault(FaultKind::NotFinite { got: number });
            return None;
        }
        Some(number)
    }

    /// A number that `fits`; `range` says in words what would.
    pub(crate) fn number_that(&self, fits: impl FnOnce(f64) -> bool, range: &str) -> Option<f64> {
        let number = self.number()?;
        if !fits(number) {
            self.fault(FaultKind::OutOfRange { got: number.to_string(), range: range.to_owned() });
            return None;
        }
        Some(number)
    }

    /// A length of time in a range.
    pub(crate) fn span(&self, range: RangeInclusive<Duration>) -> Option<Duration> {
        let text =
            self.expected(self.value.get_ref().as_str(), "a length of time in quotes, such as \"20s\"");
        let span = self.kept(parse_span(text?))?;
        if !range.contains(&span) {
            self.fault(FaultKind::SpanOutOfRange { got: span, least: *range.start(), most: *range.end() });
            return None;
        }
        Some(span)
    }

    /// The table that stands here, asked by `read`.
    pub(crate) fn table<T>(&self, read: impl FnOnce(&mut Table<'a>) -> Option<T>) -> Option<T> {
        let table = self.expected(self.value.get_ref().as_table(), "a table")?;
        Table::ask(self.path.clone(), self.at_byte(), table, self.sink, read)
    }

    /// The tables of an array of tables, at most `most`, each asked by `read`.
    ///
    /// A table with a usable `id` is called by it in faults, another by its place from 1.
    /// What `read` cannot make anything of is left out.
    pub(crate) fn tables<T>(
        &self,
        most: usize,
        mut read: impl FnMut(&mut Table<'a>) -> Option<T>,
    ) -> Option<Vec<T>> {
        let entries = self.list(most, "a list of tables, each under its own [[...]]")?;
        let mut found = Vec::with_capacity(entries.len());
        for mut entry in entries {
            if let Some(id) = entry.value.get_ref().get("id").and_then(|id| id.get_ref().as_str())
                && is_plain_key(id)
            {
                entry.path = joined(&self.path, id);
            }
            found.extend(entry.table(&mut read));
        }
        Some(found)
    }

    /// The values of an array, at most `most` of them.
    pub(crate) fn list(&self, most: usize, wanted: &'static str) -> Option<Vec<Entry<'a>>> {
        let values: &DeArray<'a> = self.expected(self.value.get_ref().as_array(), wanted)?;
        if values.len() > most {
            self.fault(FaultKind::TooMany { got: values.len(), most });
            return None;
        }
        let entry = |(index, value)| {
            let path = format!("{}[{}]", self.path, index + 1);
            Entry { path, value, sink: self.sink }
        };
        Some(values.iter().enumerate().map(entry).collect())
    }
}

fn joined(path: &str, key: &str) -> String {
    match (path, key) {
        ("", key) => key.to_owned(),
        (path, "") => path.to_owned(),
        (path, key) => format!("{path}.{key}"),
    }
}

fn is_plain_key(key: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
    !key.is_empty() && key.len() <= MAX_ID_LEN && key.chars().all(plain)
}

/// A key that may be shown: one in quotes can hold anything, such as an address or control characters.
fn shown_key(key: &str) -> String {
    if is_plain_key(key) { key.to_owned() } else { "(a key in quotes)".to_owned() }
}

fn shortened(text: &str) -> String {
    text.chars().take(40).collect()
}

/// The known key that was probably meant.
fn nearest(key: &str, known: &[&'static str]) -> Option<&'static str> {
    nearest_of(key, known.iter().copied())
}

/// The name that was probably meant: at most one letter in three differs.
pub(crate) fn nearest_of<'k>(name: &str, known: impl Iterator<Item = &'k str>) -> Option<&'k str> {
    let distance = |candidate: &str| strsim::osa_distance(&shortened(name), candidate);
    let best = known.min_by_key(|candidate| distance(candidate))?;
    (distance(best) * 3 <= best.len()).then_some(best)
}

fn type_in_words(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "a string",
        DeValue::Integer(_) => "a whole number",
        DeValue::Float(_) => "a number with a fraction",
        DeValue::Boolean(_) => "true or false",
        DeValue::Datetime(_) => "a date or time",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a table",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Asks `text` for `size` (needed, 1 to 9), `name` and a table `[sub]` with `x`, and shows the faults.
    fn check(text: &str, expected: &[&str]) {
        let sink = FaultSink::of(text);
        let answer = read_document(&sink, |root| {
            root.refuse("password", FaultKind::PasswordInFile);
            let size = root.need("size", "size = 3").and_then(|size| size.whole(1..=9));
            let name = root.get("name").and_then(|name| name.text());
            let x = root.get("sub").and_then(|sub| sub.table(|sub| sub.get("x")?.number()));
            Some((size?, name.map(str::to_owned), x))
        });
        let (faults, more) = sink.finish();
        let shown: Vec<String> = faults.iter().map(ToString::to_string).collect();
        assert_eq!((shown, more), (expected.iter().map(ToString::to_string).collect(), 0), "{text:?}");
        assert!(answer.is_some() || !faults.is_empty(), "an answer is missing only where a fault says why");
    }

    #[test]
    fn what_is_asked_for_and_fits_has_no_fault() {
        check("size = 3\nname = \"a\"\n[sub]\nx = 1.5\n", &[]);
        check("size = 0x3\nsub = { x = 2 }\n", &[]);
    }

    #[test]
    fn all_faults_come_at_once_and_in_the_order_of_the_file() {
        check(
            "size = 12\nname = 7\ncolour = 1\n[sub]\nx = nan\n",
            &[
                "1:8  size  12 is out of range; give a whole number from 1 to 9",
                "2:8  name  is a whole number, expected a string in quotes",
                "3:1  colour  there is no such setting; known here: size, name, sub",
                "5:5  sub.x  NaN is not a number that can be measured; give a finite one",
            ],
        );
    }

    #[test]
    fn a_missing_key_is_placed_at_its_table() {
        check("name = \"a\"\n", &["1:1  size  is missing; give for example size = 3"]);
    }

    #[test]
    fn a_key_that_is_nearly_right_brings_a_suggestion() {
        check("size = 1\nnmae = \"a\"\n", &["2:1  nmae  there is no such setting; did you mean \"name\"?"]);
    }

    #[test]
    fn columns_count_characters_and_not_bytes() {
        check(
            "size = 1\n\"ä\" = 1\nsub = {y = \"\", \"ö\" = 1}",
            &[
                "2:1  (a key in quotes)  there is no such setting; known here: size, name, sub",
                "3:8  sub.y  there is no such setting; known here: x",
                "3:16  sub.(a key in quotes)  there is no such setting; known here: x",
            ],
        );
    }

    #[test]
    fn a_refused_key_says_why_and_is_not_offered() {
        let text = "size = 1\npassword = \"hunter2\"\n";
        check(text, &[&format!("2:12  password  {}", FaultKind::PasswordInFile)]);
    }

    #[test]
    fn broken_toml_shows_every_syntax_fault_and_no_line_of_the_file() {
        let text = "size = \nsource = rtsp://me:hunter2@cam\nsize = 1\n";
        let sink = FaultSink::of(text);
        assert!(read_document(&sink, |_| Some(())).is_none());
        let (faults, _) = sink.finish();
        let shown: Vec<String> = faults.iter().map(ToString::to_string).collect();
        assert!(shown.len() >= 2, "{shown:?}");
        assert!(shown.iter().any(|fault| fault.starts_with("2:")), "{shown:?}");
        assert!(!shown.concat().contains("hunter2"), "{shown:?}");
    }

    #[test]
    fn faults_beyond_the_limit_are_counted_and_not_kept() {
        let text: String = (0..MAX_FAULTS + 7).map(|n| format!("unknown_{n} = 1\n")).collect();
        let sink = FaultSink::of(&text);
        assert!(read_document(&sink, |_| Some(())).is_some());
        let (faults, more) = sink.finish();
        assert_eq!((faults.len(), more), (MAX_FAULTS, 7));
    }
}
