//! What has been heard, as lines of text for a terminal of any size.
//!
//! Written for whoever stands in the store: whether the box is well, then how many went in and out, then the raw messages
//! for whoever set it up. No escape codes here: a line says in which tone it is meant, and the terminal's adapter knows
//! how that looks.

use super::intake::{Link, Shown, Totals, WatchState, counted};
use crate::time::WallTime;
use crate::wire::v1::{BoxStatus, CameraStatus, Problem, State, StoreNow, ZoneNow};
use console::{Alignment, measure_text_width, pad_str, truncate_str};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use std::collections::BTreeMap;
use std::time::Duration;

/// Messages shown where there is room.
const MOST_MESSAGES: usize = 10;
/// Messages shown where there is none: the cameras give way.
const LEAST_MESSAGES: usize = 3;
/// Current values come every second or so; after this long they say nothing about now.
const FRESH: Duration = Duration::from_secs(10);
/// Faster cameras are not sold; a number beyond it is nonsense from outside.
const MOST_FPS: f64 = 9999.0;

/// Where the rest of a broken line begins.
const FOLD_INDENT: &str = "    ";

/// Which box is watched, and through which broker.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct About {
    /// The box.
    pub box_id: String,
    /// The store.
    pub store: String,
    /// Who owns it.
    pub tenant: String,
    /// Host and port; never a login.
    pub broker: String,
}

/// Size of a terminal in characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Size {
    /// Characters in a line.
    pub columns: usize,
    /// Lines.
    pub rows: usize,
}

/// How a line is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tone {
    /// Nothing special.
    Plain,
    /// A heading.
    Title,
    /// All is well.
    Good,
    /// Somebody should look at it.
    Bad,
    /// Of less interest.
    Faint,
}

/// One line of the view.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// Its text, without control characters, not wider than the terminal.
    pub text: String,
    /// How it is meant.
    pub tone: Tone,
}

/// What is to be shown, and when and where that is.
#[derive(Debug, Clone, Copy)]
pub struct View<'a> {
    /// Which box.
    pub about: &'a About,
    /// What was heard.
    pub heard: &'a WatchState,
    /// Now.
    pub at: WallTime,
    /// In whose times.
    pub zone: &'a TimeZone,
}

/// One camera as it is shown.
struct Camera<'a> {
    name: &'a str,
    status: Option<CameraStatus>,
    fps: Option<f64>,
    lines: Vec<(&'a str, Totals)>,
    zones: &'a [ZoneNow],
    conditions: &'a [String],
}

impl View<'_> {
    /// The lines to show: at most one less than the terminal has, so that it never scrolls.
    #[must_use]
    pub fn render(&self, size: Size) -> Vec<Line> {
        let room = size.rows.saturating_sub(1);
        // What a person should do about a problem stands at its end, so these are never cut.
        let unfolded =
            |lines: Vec<Line>| lines.into_iter().flat_map(|line| line.folded(size.columns)).collect();
        let head: Vec<Line> = unfolded(self.head());
        let arrived: Vec<Line> = unfolded(vec![self.arrived()]);
        let mut cameras = self.cameras();
        cameras.extend(self.store());
        let messages = self.heard.messages().len();
        // Two empty lines and the heading of the messages.
        let around = head.len() + arrived.len() + 3;
        let least = messages.min(LEAST_MESSAGES);
        let for_cameras = room.saturating_sub(around + least).max(1);
        if cameras.len() > for_cameras {
            cameras.truncate(for_cameras - 1);
            cameras.push(faint("  ... more than fits this window".to_owned()));
        }
        let most = room.saturating_sub(around + cameras.len()).clamp(least, MOST_MESSAGES.max(least));
        let mut lines = head;
        lines.push(empty());
        lines.extend(cameras);
        lines.push(empty());
        lines.extend(arrived);
        lines.push(titled("Last messages".to_owned()));
        let skipped = messages.saturating_sub(most);
        lines.extend(self.heard.messages().skip(skipped).map(|shown| self.message(shown)));
        lines.truncate(room);
        lines.into_iter().map(|line| line.within(size.columns)).collect()
    }

    /// A message in one line, for the view and for output that is no terminal.
    #[must_use]
    pub fn message(&self, shown: &Shown) -> Line {
        let times = if shown.times > 1 { format!("newest of {}: ", shown.times) } else { String::new() };
        let (at, topic, qos) = (self.clock(shown.at), pad(&shown.topic, 7), shown.qos);
        faint(format!("{at}  {topic}  QoS {qos}  {times}{}", shown.text))
    }

    fn head(&self) -> Vec<Line> {
        let About { box_id, store, tenant, .. } = self.about;
        let now = match Timestamp::from_millisecond(self.at.unix_ms()) {
            Ok(at) => at.to_zoned(self.zone.clone()).strftime("%H:%M:%S %Z").to_string(),
            Err(_) => String::new(),
        };
        let mut lines = vec![titled(format!("Box {box_id}   store {store}   {tenant}   {now}")), self.link()];
        let nothing_heard = "Nothing heard from this box yet; is `footfall run` running on it?";
        lines.push(match &self.heard.state {
            Some(state) => self.box_state(state),
            None if self.heard.received.messages == 0 => faint(nothing_heard.to_owned()),
            None => faint("The box has not told how it is yet".to_owned()),
        });
        // A box that vanished had no time to say anything of problems.
        let problems = self.heard.state.iter().flat_map(|state| &state.problems);
        lines.extend(problems.map(|problem| self.problem(problem)));
        lines
    }

    /// How the broker is reached, in one line.
    #[must_use]
    pub fn link(&self) -> Line {
        let broker = &self.about.broker;
        match &self.heard.link {
            Link::Connecting => faint(format!("Broker {broker}: connecting")),
            Link::Listening => plain(format!("Broker {broker}: connected")),
            Link::Lost { problem } => bad(format!("No broker: {problem}; it is tried again")),
            Link::Refused => bad(format!(
                "Broker {broker} does not let this login read what the box sends; watch with a login that may"
            )),
        }
    }

    fn box_state(&self, state: &State) -> Line {
        let since = self.moment(state.since_ms);
        let waiting = state.outbox.map_or_else(String::new, |outbox| {
            let memory = match outbox.in_memory {
                0 => String::new(),
                lost_in_a_power_cut => format!(", {lost_in_a_power_cut} not on disk"),
            };
            format!(", {} on the box{memory}", counted(outbox.waiting, "undelivered record"))
        });
        match state.state {
            BoxStatus::Online if state.problems.is_empty() => {
                good(format!("Online since {since}, no problems{waiting}; {}", state.software))
            }
            BoxStatus::Online => {
                let problems = counted(state.problems.len() as u64, "problem");
                bad(format!("Online since {since}, {problems}{waiting}; {}", state.software))
            }
            BoxStatus::Offline => bad(format!(
                "Offline: the connection made at {since} was lost; the box may be counting and sends later"
            )),
            BoxStatus::Stopped => {
                bad(format!("Stopped on purpose since {since}; it does not count{waiting}"))
            }
        }
    }

    fn problem(&self, problem: &Problem) -> Line {
        bad(format!("  ! {}: {} (since {})", problem.about, problem.text, self.moment(problem.since_ms)))
    }

    fn cameras(&self) -> Vec<Line> {
        let (cameras, caption) = self.counted_cameras();
        if cameras.is_empty() {
            return vec![faint("No camera heard of yet".to_owned())];
        }
        let widest = |names: &mut dyn Iterator<Item = &str>| names.map(measure_text_width).max().unwrap_or(0);
        let line_names = cameras.iter().flat_map(|camera| {
            let zones = camera.zones.iter().map(|zone| zone.zone.as_str());
            camera.lines.iter().map(|(name, _)| *name).chain(zones)
        });
        let name_columns = widest(&mut line_names.chain(cameras.iter().map(|camera| camera.name))).min(24);
        let mut lines = Vec::new();
        for camera in &cameras {
            lines.push(camera.heading(name_columns));
            for (name, totals) in &camera.lines {
                let name = pad(name, name_columns);
                lines.push(plain(format!("  {name}  {:>6} in  {:>6} out", totals.entries, totals.exits)));
            }
            for zone in camera.zones {
                let name = pad(&zone.zone, name_columns);
                let waiting = zone.queue.map_or_else(String::new, |people| format!("  {people} wait"));
                let visits = counted(zone.visits, "visit");
                lines.push(plain(format!("  {name}  {:>6} here  {visits}{waiting}", zone.present)));
            }
        }
        lines.push(faint(caption));
        lines
    }

    /// The store's day, where the box tells of it.
    fn store(&self) -> Vec<Line> {
        let Some(store) = self.heard.now.as_ref().and_then(|(now, _)| now.store.as_ref()) else {
            return Vec::new();
        };
        let inside = store.people.map_or_else(String::new, |people| format!(", {people} inside now"));
        let visitors = counted(store.visitors, "visitor");
        let mut lines = vec![
            plain(format!("Store {}", store.business_day)),
            plain(format!("  {visitors} of {} who came in{inside}", store.entries)),
        ];
        if let Some(sales) = store.transactions {
            let amount = amount(store);
            lines.push(plain(format!(
                "  {}{amount}; conversion {}",
                counted(sales, "sale"),
                conversion(store)
            )));
        }
        if store.aside > 0 {
            let entries = counted(store.aside, "till entry");
            lines.push(bad(format!("  ! {entries} put aside today; `footfall till` shows why")));
        }
        lines
    }

    /// From the current values where there are any, otherwise from the records.
    fn counted_cameras(&self) -> (Vec<Camera<'_>>, String) {
        if let Some((now, arrived)) = &self.heard.now {
            let online = self.heard.state.as_ref().is_none_or(|state| state.state == BoxStatus::Online);
            let fresh = online && self.at.since(*arrived) <= FRESH;
            let cameras = now.cameras.iter().map(|camera| Camera {
                name: &camera.camera,
                status: fresh.then_some(camera.state),
                fps: fresh.then_some(camera.fps),
                lines: camera.lines.iter().map(|line| (line.line.as_str(), Totals::of(line))).collect(),
                zones: &camera.zones,
                conditions: if fresh { &camera.conditions } else { &[] },
            });
            let caption = format!("In and out since {}", self.moment(now.since_ms));
            let until =
                if fresh { String::new() } else { format!(", as last told at {}", self.clock(*arrived)) };
            return (cameras.collect(), caption + &until);
        }
        let mut cameras: BTreeMap<&str, Camera<'_>> = BTreeMap::new();
        for camera in self.heard.state.iter().flat_map(|state| &state.cameras) {
            let known = Camera { status: Some(camera.state), ..Camera::unknown(&camera.camera) };
            cameras.insert(&camera.camera, known);
        }
        for ((camera, line), totals) in &self.heard.sums {
            cameras.entry(camera).or_insert(Camera::unknown(camera)).lines.push((line, *totals));
        }
        (
            cameras.into_values().collect(),
            "In and out as summed from the records that arrived here".to_owned(),
        )
    }

    fn arrived(&self) -> Line {
        plain(format!("Arrived: {}", self.heard.received.words()))
    }

    /// Time of day.
    fn clock(&self, at: WallTime) -> String {
        self.written(at, "%H:%M:%S")
    }

    /// Time of day, with the date where it is another day.
    fn moment(&self, ms: i64) -> String {
        let at = WallTime::from_unix_ms(ms);
        if self.written(at, "%F") == self.written(self.at, "%F") {
            self.clock(at)
        } else {
            self.written(at, "%F %H:%M")
        }
    }

    fn written(&self, at: WallTime, format: &str) -> String {
        match Timestamp::from_millisecond(at.unix_ms()) {
            Ok(time) => time.to_zoned(self.zone.clone()).strftime(format).to_string(),
            // No calendar goes there; the number is what was sent.
            Err(_) => at.to_string(),
        }
    }
}

impl<'a> Camera<'a> {
    const fn unknown(name: &'a str) -> Self {
        Self { name, status: None, fps: None, lines: Vec::new(), zones: &[], conditions: &[] }
    }

    fn heading(&self, name_columns: usize) -> Line {
        let name = pad(self.name, name_columns);
        let fps = self.fps.map_or_else(String::new, |fps| {
            format!(", looks at {:.1} pictures a second", fps.clamp(0.0, MOST_FPS))
        });
        match self.status {
            Some(CameraStatus::Up) if !self.conditions.is_empty() => {
                bad(format!("Camera {name}  up{fps}; its picture: {}", self.conditions.join(", ")))
            }
            Some(CameraStatus::Up) => good(format!("Camera {name}  up{fps}")),
            Some(CameraStatus::Down) => bad(format!("Camera {name}  down; it is tried again")),
            Some(CameraStatus::Connecting) => plain(format!("Camera {name}  connecting")),
            None => plain(format!("Camera {}", self.name)),
        }
    }
}

impl Line {
    fn within(mut self, columns: usize) -> Self {
        if measure_text_width(&self.text) > columns {
            let tail = if columns > 3 { "..." } else { "" };
            self.text = truncate_str(&self.text, columns, tail).into_owned();
        }
        self
    }

    /// Broken between words into as many lines as it takes.
    fn folded(self, columns: usize) -> Vec<Self> {
        let tone = self.tone;
        let mut lines = Vec::new();
        let mut text = String::new();
        for word in self.text.split_inclusive(' ') {
            let is_begun = !text.trim().is_empty();
            if is_begun && measure_text_width(&text) + measure_text_width(word.trim_end()) > columns {
                lines.push(Self { text: std::mem::replace(&mut text, FOLD_INDENT.to_owned()), tone });
            }
            text.push_str(word);
        }
        lines.push(Self { text, tone });
        lines.iter_mut().for_each(|line| line.text.truncate(line.text.trim_end().len()));
        lines
    }
}

fn conversion(store: &StoreNow) -> String {
    let why = match (store.conversion, store.absent.as_deref()) {
        (Some(rate), _) => return format!("{:.1} %", 100.0 * rate),
        (None, Some("no_visitors")) => "nobody came in yet",
        (None, Some("coverage")) => "too little was seen",
        (None, Some("not_every_door")) => "this box does not see every door",
        (None, _) => "not known",
    };
    format!("absent: {why}")
}

/// `, TWD 1234.50`; nothing where the till tells no amounts.
fn amount(store: &StoreNow) -> String {
    let Some((minor, currency)) = store.amount_minor.zip(store.currency.as_deref()) else {
        return String::new();
    };
    let decimals = usize::from(store.decimals.min(4));
    let digits = format!("{:0>1$}", minor.unsigned_abs(), decimals + 1);
    let (whole, part) = digits.split_at(digits.len() - decimals);
    let sign = if minor < 0 { "-" } else { "" };
    let point = if decimals > 0 { "." } else { "" };
    format!(", {currency} {sign}{whole}{point}{part}")
}

fn pad(text: &str, columns: usize) -> String {
    pad_str(text, columns, Alignment::Left, Some("...")).into_owned()
}

const fn empty() -> Line {
    plain(String::new())
}

const fn plain(text: String) -> Line {
    Line { text, tone: Tone::Plain }
}

const fn titled(text: String) -> Line {
    Line { text, tone: Tone::Title }
}

const fn good(text: String) -> Line {
    Line { text, tone: Tone::Good }
}

const fn bad(text: String) -> Line {
    Line { text, tone: Tone::Bad }
}

const fn faint(text: String) -> Line {
    Line { text, tone: Tone::Faint }
}

#[cfg(test)]
mod tests;
