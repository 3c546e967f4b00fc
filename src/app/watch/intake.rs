//! What has been heard from the box so far: messages in, no socket and no clock.
//!
//! Anybody who may write to the broker can send anything. So nothing here trusts a payload: what is not understood
//! is shown as such, text from outside loses its control characters before it comes near a terminal, and
//! nothing grows without end.

use super::numbers::{Numbers, range_words};
use crate::time::WallTime;
use crate::wire::topics::Topics;
use crate::wire::v1::{
    Ack, AnyRecord, Backfill, Batch, BoxStatus, Direction, Fact, LineTotals, Live, LiveMessage, Now, Record,
    State,
};
use std::collections::{BTreeMap, VecDeque};

/// Messages that are kept to be shown; a terminal has room for few more.
const MESSAGES_KEPT: usize = 40;
/// Longest text of one message that is kept: wider than a terminal, and `now` of a large box fits.
const TEXT_KEPT: usize = 600;
/// Lines whose records are summed up. A box has at most 32 cameras of 32 lines; nonsense has more.
const LINES_SUMMED: usize = 32 * 32;

/// A message as the broker hands it over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Arrival {
    /// Its whole topic.
    pub topic: String,
    /// Its bytes.
    pub payload: Vec<u8>,
    /// Its quality of service as it was delivered, 0 to 2.
    pub qos: u8,
    /// When it arrived.
    pub at: WallTime,
}

/// A message as it is shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shown {
    /// When it arrived; of several, the last.
    pub at: WallTime,
    /// The last word of its topic, or all of a topic that is not the box's.
    pub topic: String,
    /// Its quality of service.
    pub qos: u8,
    /// What it says, in one line without control characters.
    pub text: String,
    /// How many this stands for: current values come every second, and only the newest says something.
    pub times: u64,
    is_now: bool,
}

/// Whether the broker is reached.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Link {
    /// Not yet.
    #[default]
    Connecting,
    /// The broker answers and has taken the subscription.
    Listening,
    /// It is not; it is tried again.
    Lost {
        /// What is wrong and what to do.
        problem: String,
    },
    /// The broker answers, and refuses to tell about the box.
    Refused,
}

/// What arrived, in numbers. A record that comes twice counts once.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Received {
    /// Messages on any topic.
    pub messages: u64,
    /// Batches of records that could be read.
    pub batches: u64,
    /// Crossings among the records.
    pub crossings: u64,
    /// Minutes, or parts of one.
    pub minutes: u64,
    /// Records of a kind that is not known here.
    pub unknown: u64,
    /// Records that had come before.
    pub again: u64,
    /// Sequence numbers that never come, as the box itself says.
    pub lost: u64,
    /// Messages that are not understood.
    pub not_understood: u64,
    /// The sequence numbers.
    pub numbers: Numbers,
}

impl Received {
    /// All of it in one line.
    #[must_use]
    pub fn words(&self) -> String {
        let mut words = format!(
            "{}, {} in {}; {}",
            counted(self.crossings, "crossing"),
            counted(self.minutes, "minute record"),
            counted(self.batches, "batch"),
            self.numbers.words()
        );
        let also = [
            (self.again, "came twice"),
            (self.lost, "lost by the box"),
            (self.unknown, "of a kind not known here"),
            (self.not_understood, "not understood"),
        ];
        for (count, what) in also.iter().filter(|(count, _)| *count > 0) {
            words.push_str(&format!("; {count} {what}"));
        }
        words
    }
}

/// In and out of one line.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Totals {
    /// Crossings into the store.
    pub entries: u64,
    /// Crossings out of it.
    pub exits: u64,
}

impl Totals {
    /// As told in the current values.
    #[must_use]
    pub const fn of(line: &LineTotals) -> Self {
        Self { entries: line.entries, exits: line.exits }
    }
}

/// All that has been heard.
#[derive(Debug, Clone)]
pub struct WatchState {
    topics: Topics,
    /// Whether the broker is reached.
    pub link: Link,
    /// What the box last said of itself.
    pub state: Option<State>,
    /// The last current values, and when they arrived.
    pub now: Option<(Now, WallTime)>,
    /// Sums over the records that arrived, by camera and line.
    pub sums: BTreeMap<(String, String), Totals>,
    /// What arrived.
    pub received: Received,
    messages: VecDeque<Shown>,
}

impl WatchState {
    /// Nothing heard yet from the box with these topics.
    #[must_use]
    pub fn new(topics: Topics) -> Self {
        Self {
            topics,
            link: Link::default(),
            state: None,
            now: None,
            sums: BTreeMap::new(),
            received: Received::default(),
            messages: VecDeque::new(),
        }
    }

    /// The last messages, oldest first.
    pub fn messages(&self) -> impl DoubleEndedIterator<Item = &Shown> + ExactSizeIterator {
        self.messages.iter()
    }

    /// Whether the box says that it was stopped on purpose.
    #[must_use]
    pub fn is_stopped(&self) -> bool {
        self.state.as_ref().is_some_and(|state| state.state == BoxStatus::Stopped)
    }

    /// Takes a message in, whatever it holds, and gives it back as it is shown.
    pub fn take(&mut self, arrival: &Arrival) -> Shown {
        self.received.messages += 1;
        let understood = if arrival.topic == self.topics.records {
            self.records(&arrival.payload)
        } else if arrival.topic == self.topics.live {
            self.live(&arrival.payload, arrival.at)
        } else if arrival.topic == self.topics.state {
            self.box_state(&arrival.payload)
        } else if arrival.topic == self.topics.ack {
            stored(&arrival.payload)
        } else if arrival.topic == self.topics.backfill {
            asked_again(&arrival.payload)
        } else {
            Err("this topic is none of the box's".to_owned())
        };
        let is_now = understood.as_ref().is_ok_and(|read| *read == Read::Now);
        let text = match understood {
            Ok(Read::Packed(words)) => words,
            Ok(Read::Plain(words)) => format!("{words}  {}", one_line(&arrival.payload)),
            Ok(Read::Now) => format!("now  {}", one_line(&arrival.payload)),
            Err(why) => {
                self.received.not_understood += 1;
                one_line(format!("not understood: {why}").as_bytes())
            }
        };
        let shown = Shown {
            at: arrival.at,
            topic: self.short(&arrival.topic),
            qos: arrival.qos,
            text,
            times: 1,
            is_now,
        };
        self.keep(shown.clone());
        shown
    }

    fn keep(&mut self, mut shown: Shown) {
        if let Some(last) = self.messages.back().filter(|last| last.is_now && shown.is_now) {
            shown.times += last.times;
            self.messages.pop_back();
        }
        if self.messages.len() == MESSAGES_KEPT {
            self.messages.pop_front();
        }
        self.messages.push_back(shown);
    }

    fn short(&self, topic: &str) -> String {
        let Topics { records, live, state, ack, backfill } = &self.topics;
        let of_box = [records, live, state, ack, backfill];
        match topic.rsplit_once('/') {
            Some((_, last)) if of_box.iter().any(|known| *known == topic) => last.to_owned(),
            _ => one_line(topic.as_bytes()),
        }
    }

    fn records(&mut self, payload: &[u8]) -> Result<Read, String> {
        let batch = Batch::<AnyRecord>::from_gzip(payload).map_err(|fault| fault.to_string())?;
        self.received.batches += 1;
        let mut told = Told::default();
        for record in &batch.records {
            told.record(record);
            if self.received.numbers.insert(record.seq()) {
                self.new_record(record);
            } else {
                self.received.again += 1;
            }
        }
        Ok(Read::Packed(told.words()))
    }

    fn new_record(&mut self, record: &AnyRecord) {
        match record {
            AnyRecord::Known(Record { fact: Fact::Crossing(crossing), .. }) => {
                self.received.crossings += 1;
                let totals = self.line(&crossing.camera, &crossing.line);
                match (totals, crossing.direction) {
                    (Some(totals), Direction::In) => totals.entries += 1,
                    (Some(totals), Direction::Out) => totals.exits += 1,
                    (None, _) => {}
                }
            }
            AnyRecord::Known(Record { fact: Fact::Minute(minute), .. }) => {
                self.received.minutes += 1;
                // So that a line that nobody crosses is there too, with zeros.
                self.line(&minute.camera, &minute.line);
            }
            // What is wrong now stands in the box's state.
            AnyRecord::Known(Record { fact: Fact::CameraCondition(_), .. }) => {}
            AnyRecord::Known(Record { fact: Fact::Gap(gap), .. }) => {
                let lost = self.received.numbers.cover(gap.from_seq..=gap.to_seq);
                self.received.lost = self.received.lost.saturating_add(lost);
            }
            // What is known of the store as a whole has no line to be added to.
            AnyRecord::Known(_) => {}
            AnyRecord::Unknown { .. } => self.received.unknown += 1,
        }
    }

    fn line(&mut self, camera: &str, line: &str) -> Option<&mut Totals> {
        let name = (one_line(camera.as_bytes()), one_line(line.as_bytes()));
        if self.sums.len() >= LINES_SUMMED && !self.sums.contains_key(&name) {
            return None;
        }
        Some(self.sums.entry(name).or_default())
    }

    fn live(&mut self, payload: &[u8], at: WallTime) -> Result<Read, String> {
        let message: LiveMessage = serde_json::from_slice(payload).map_err(|fault| fault.to_string())?;
        Ok(match message.live {
            Live::Crossing(crossing) => {
                let direction = match crossing.direction {
                    Direction::In => "in",
                    Direction::Out => "out",
                };
                Read::Plain(one_line(format!("{direction} over {}", crossing.line).as_bytes()))
            }
            Live::Now(now) => {
                self.now = Some((clean_now(now), at));
                Read::Now
            }
        })
    }

    fn box_state(&mut self, payload: &[u8]) -> Result<Read, String> {
        let state: State = serde_json::from_slice(payload).map_err(|fault| fault.to_string())?;
        let word = match state.state {
            BoxStatus::Online => "online",
            BoxStatus::Offline => "offline",
            BoxStatus::Stopped => "stopped",
        };
        self.state = Some(clean_state(state));
        Ok(Read::Plain(word.to_owned()))
    }
}

/// What head office says to the box: how far it has stored everything.
fn stored(payload: &[u8]) -> Result<Read, String> {
    let ack = Ack::from_json(payload).map_err(|fault| fault.to_string())?;
    Ok(Read::Packed(format!("head office has stored everything up to seq {}", ack.watermark)))
}

/// What head office asks the box for once more.
fn asked_again(payload: &[u8]) -> Result<Read, String> {
    let asked = Backfill::from_json(payload).map_err(|fault| fault.to_string())?;
    Ok(Read::Packed(format!("head office asks for seq {}-{} again", asked.from_seq, asked.to_seq)))
}

fn clean(text: &mut String) {
    *text = one_line(text.as_bytes());
}

fn clean_now(mut now: Now) -> Now {
    for camera in &mut now.cameras {
        clean(&mut camera.camera);
        camera.lines.iter_mut().for_each(|line| clean(&mut line.line));
    }
    if let Some(store) = &mut now.store {
        clean(&mut store.business_day);
        [&mut store.currency, &mut store.absent].into_iter().flatten().for_each(clean);
    }
    now
}

fn clean_state(mut state: State) -> State {
    clean(&mut state.software);
    state.cameras.iter_mut().for_each(|camera| clean(&mut camera.camera));
    for problem in &mut state.problems {
        clean(&mut problem.about);
        clean(&mut problem.text);
    }
    for figure in &mut state.audit {
        clean(&mut figure.camera);
        clean(&mut figure.line);
    }
    state
}

/// What a payload turned out to be.
#[derive(Debug, PartialEq, Eq)]
enum Read {
    /// JSON, shown after these words, because a narrow terminal cuts it before it says anything.
    Plain(String),
    /// Current values: the same, and one of many that follow each other.
    Now,
    /// Shown in these words only, because it is packed and long.
    Packed(String),
}

/// What one batch holds.
#[derive(Debug, Default)]
struct Told {
    crossings: usize,
    minutes: usize,
    gaps: usize,
    visits: usize,
    zone_minutes: usize,
    queued: usize,
    alarms: usize,
    conditions: usize,
    store: usize,
    others: usize,
    unknown: usize,
    numbers: Numbers,
}

impl Told {
    fn record(&mut self, record: &AnyRecord) {
        self.numbers.insert(record.seq());
        match record {
            AnyRecord::Known(record) => match record.fact {
                Fact::Crossing(_) => self.crossings += 1,
                Fact::Minute(_) => self.minutes += 1,
                Fact::CameraCondition(_) => self.conditions += 1,
                Fact::Gap(_) => self.gaps += 1,
                Fact::Visit(_) => self.visits += 1,
                Fact::ZoneMinute(_) | Fact::QueueMinute(_) => self.zone_minutes += 1,
                Fact::Queue(_) => self.queued += 1,
                Fact::Alert(_) | Fact::Alarm(_) => self.alarms += 1,
                Fact::Occupancy(_)
                | Fact::Period(_)
                | Fact::Transaction(_)
                | Fact::TillRejected(_)
                | Fact::SensorCount(_) => {
                    self.store += 1;
                }
                _ => self.others += 1,
            },
            AnyRecord::Unknown { .. } => self.unknown += 1,
        }
    }

    fn words(&self) -> String {
        let kinds = [
            (self.crossings, "crossing"),
            (self.minutes, "minute"),
            (self.gaps, "gap"),
            (self.visits, "visit"),
            (self.zone_minutes, "zone minute"),
            (self.queued, "person queued"),
            (self.alarms, "alert"),
            (self.conditions, "camera condition"),
            (self.store, "store record"),
            (self.others, "other record"),
            (self.unknown, "unknown record"),
        ];
        let all: usize = kinds.iter().map(|(count, _)| count).sum();
        let named: Vec<String> = kinds
            .iter()
            .filter(|(count, _)| *count > 0)
            .map(|(count, what)| counted(*count as u64, what))
            .collect();
        let Some((from, to)) = self.numbers.ends() else {
            return "a batch without records".to_owned();
        };
        format!("{} ({}) seq {}", counted(all as u64, "record"), named.join(", "), range_words(&(from..=to)))
    }
}

/// `1 crossing`, `2 crossings`.
pub(super) fn counted(count: u64, what: &str) -> String {
    match (count, what.strip_suffix('y')) {
        (1, _) => format!("{count} {what}"),
        (_, Some(stem)) => format!("{count} {stem}ies"),
        _ if what == "batch" => format!("{count} {what}es"),
        _ => format!("{count} {what}s"),
    }
}

/// Text from outside in one line: what is not text, control characters and runs of space become one space, and
/// far more than a terminal shows is cut off.
#[must_use]
pub fn one_line(bytes: &[u8]) -> String {
    // A character has at most 4 bytes, so this is enough of them and bounds the work on a huge payload.
    let enough = &bytes[..bytes.len().min(4 * TEXT_KEPT)];
    let text = String::from_utf8_lossy(enough);
    let visible = |c: char| if is_invisible(c) { ' ' } else { c };
    let text: String = text.chars().map(visible).collect();
    let mut line = String::with_capacity(text.len());
    for word in text.split_whitespace() {
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    match line.char_indices().nth(TEXT_KEPT) {
        Some((end, _)) => line[..end].to_owned(),
        None => line,
    }
}

/// What moves the cursor, reorders or hides text on a terminal.
fn is_invisible(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

#[cfg(test)]
mod tests;
