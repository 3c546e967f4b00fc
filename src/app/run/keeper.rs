//! The thread that keeps the store: what all cameras and feeds say goes to the ledger here, and what is known of the store
//! as a whole comes out.
//!
//! One thread owns the ledger, as one owns the outbox. Cameras hand over their minutes and never wait for the disk
//! for long; feeds wait for their answer, because it is what their senders are told. A fact goes into the outbox first and is forgotten
//! here only when it is on disk there, so a crash sends it twice and never not at all.

use super::board::Board;
use crate::analytics::conversion::figures;
use crate::config::SiteSettings;
use crate::count::{Direction, LineRole};
use crate::feeds::{Feed, Format, Handed, NotTaken, Receipt, badges};
use crate::ids::{BoxId, CameraId};
use crate::ledger::{Ledger, LedgerError, LedgerOpening};
use crate::outbox::{Counts, OutboxReader, RecordSender};
use crate::pipeline::CameraEvent;
use crate::site::staffing::{self, StaffingFormat};
use crate::site::till::{self, CsvMapping, FeedFormat, Intake};
use crate::site::{Door, Store, StoreInput, StoreSettings};
use crate::time::{Clock, Dating, Stand, WallTime};
use crate::visitors::BadgeReading;
use crate::wire::v1;
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::thread::JoinHandle;
use std::time::Duration;

/// What waits for the thread; a camera waits where there is more.
const QUEUE: usize = 4096;
/// Badge readings that wait for a camera; more are left out, and come again a second later.
const BADGE_QUEUE: usize = 256;
/// How long the thread waits for something to do.
const LOOK_UP_EVERY: Duration = Duration::from_millis(100);
/// Minutes and periods become due by the time alone.
const STEP_EVERY: Duration = Duration::from_secs(2);
/// The day so far is a sum over all its minutes: not more often than somebody looks.
const SHOW_EVERY: Duration = Duration::from_secs(2);
/// Minutes kept while the disk does not take them: two days of a dozen lines.
const MOST_UNSTORED: usize = 40_000;
/// How long a stop waits for the last step: three seconds.
const STOP_LOOKS: u32 = 300;
const STOP_LOOK_EVERY: Duration = Duration::from_millis(10);
/// Facts handed to the outbox at once.
const MOST_FACTS: usize = 500;

/// What the board calls the thread.
const PART: &str = "the store";

/// What a camera tells.
enum Told {
    /// Somebody crossed a line; its minute follows.
    Passed {
        door: Door,
        at: WallTime,
        direction: Direction,
    },
    /// Something for the ledger, and what its times are worth.
    Input(StoreInput, Dating),
    Stop,
}

/// Hands a camera's events to the store.
#[derive(Clone)]
pub(super) struct StoreTap {
    to: SyncSender<Told>,
    roles: Arc<[Door]>,
}

impl StoreTap {
    /// Takes one event of a camera, whose times are worth so much.
    pub(super) fn event(&self, camera: &CameraId, event: &CameraEvent, dating: Dating) {
        let told = match event {
            // It only shows for now, and now is not known.
            CameraEvent::Crossing(_) if dating == Dating::Undated => return,
            CameraEvent::Crossing(crossing) => {
                let is_it = |door: &&Door| door.camera == *camera && door.line == crossing.line;
                let Some(door) = self.roles.iter().find(is_it) else { return };
                Told::Passed { door: door.clone(), at: crossing.at.wall, direction: crossing.direction }
            }
            event => match StoreInput::of_camera(camera, event) {
                Some(input) => Told::Input(input, dating),
                None => return,
            },
        };
        if self.to.send(told).is_err() {
            tracing::error!("camera {camera}: nobody keeps the store's sums any more");
        }
    }
}

/// The running thread.
pub(super) struct Keeper {
    to: SyncSender<Told>,
    thread: JoinHandle<()>,
    tap: StoreTap,
}

/// What the thread works with.
pub(super) struct KeeperParts {
    pub(super) board: Arc<Board>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) records: RecordSender,
    pub(super) outbox: OutboxReader,
    pub(super) feeds: Receiver<Handed>,
}

/// Where badge readings go: each camera has its own queue.
pub(super) type BadgeQueues = Vec<(CameraId, SyncSender<BadgeReading>)>;

/// A camera's queue of badge readings.
#[must_use]
pub(super) fn badge_queue() -> (SyncSender<BadgeReading>, Receiver<BadgeReading>) {
    sync_channel(BADGE_QUEUE)
}

impl Keeper {
    /// Opens the ledger and starts the thread. `doors` are the lines of all cameras.
    ///
    /// # Errors
    /// Where the ledger cannot be opened, or the system gives no thread.
    pub(super) fn start(
        site: &SiteSettings,
        box_id: &BoxId,
        doors: Vec<Door>,
        badges: BadgeQueues,
        parts: KeeperParts,
    ) -> anyhow::Result<Self> {
        let (to, told) = sync_channel(QUEUE);
        let tap = StoreTap { to: to.clone(), roles: doors.clone().into() };
        let now = parts.clock.now().wall;
        let mut ledger = match Ledger::open(&site.ledger, box_id, now) {
            // The first step says what is wrong, and every further one tries again.
            Err(fault) if fault.is_of_the_disk() => Ledger::not_open_yet(&site.ledger, box_id)?,
            opened => {
                let (ledger, opening) = opened?;
                tell_opening(&opening, &parts.board, now);
                ledger
            }
        };
        let store = ledger.store(StoreSettings { doors, ..site.store.clone() })?;
        let mapping =
            site.till.as_ref().and_then(|till| till.folder.as_ref()).map(|folder| folder.mapping.clone());
        let keeping = Keeping {
            store,
            ledger,
            feed: site.feed.clone(),
            mapping,
            badges,
            told,
            parts,
            unstored: VecDeque::new(),
            undated: VecDeque::new(),
            running: BTreeMap::new(),
            submitted: 0,
            sent: 0,
            stepped_at: None,
            shown_at: None,
        };
        let thread = std::thread::Builder::new().name("store".to_owned()).spawn(move || keeping.run())?;
        Ok(Self { to, thread, tap })
    }

    /// What a camera hands its events to.
    pub(super) fn tap(&self) -> StoreTap {
        self.tap.clone()
    }

    /// Whether the thread is gone though nobody stopped it.
    pub(super) fn is_finished(&self) -> bool {
        self.thread.is_finished()
    }

    /// Takes what waits, hands its facts to the outbox, and ends.
    pub(super) fn stop(self) {
        if self.to.try_send(Told::Stop).is_err() {
            tracing::error!(
                "the thread that keeps the store does not answer; what it had not stored is lost"
            );
            return;
        }
        for _ in 0..STOP_LOOKS {
            if self.thread.is_finished() {
                if self.thread.join().is_err() {
                    tracing::error!("the thread that keeps the store panicked; please report this");
                }
                return;
            }
            std::thread::sleep(STOP_LOOK_EVERY);
        }
        tracing::error!("the store's ledger takes too long; what it had not stored is lost");
    }
}

/// People who passed a door in a minute that is not over: in and out.
type Passed = (u64, u64);

struct Keeping {
    store: Store,
    ledger: Ledger,
    feed: till::FeedSettings,
    mapping: Option<CsvMapping>,
    badges: BadgeQueues,
    told: Receiver<Told>,
    parts: KeeperParts,
    /// What the disk has not taken yet.
    unstored: VecDeque<StoreInput>,
    /// What is kept until the time is known: of which day it is cannot be said before.
    undated: VecDeque<StoreInput>,
    /// Of minutes that have not come yet.
    running: BTreeMap<(Door, WallTime), Passed>,
    /// Facts up to this one were handed to the outbox ...
    submitted: i64,
    /// ... and up to this one are on disk there.
    sent: i64,
    stepped_at: Option<Duration>,
    shown_at: Option<Duration>,
}

impl Keeping {
    fn run(mut self) {
        loop {
            self.parts.board.looks_up(PART);
            let goes_on = self.gather();
            if !goes_on {
                // The last attempt is not spared.
                self.stepped_at = None;
            }
            let stand = self.parts.clock.stand();
            if stand.dating == Dating::Undated {
                self.refuse_handed();
                if goes_on {
                    continue;
                }
                self.lose_undated();
                return;
            }
            self.keep_dated(stand);
            self.step();
            self.take_handed();
            self.submit();
            self.show();
            if !goes_on {
                return;
            }
        }
    }

    /// Takes what cameras told; false where the service is being stopped.
    fn gather(&mut self) -> bool {
        let mut told = match self.told.recv_timeout(LOOK_UP_EVERY) {
            Ok(told) => Some(told),
            Err(RecvTimeoutError::Timeout) => None,
            Err(RecvTimeoutError::Disconnected) => return false,
        };
        for _ in 0..QUEUE {
            match told.take() {
                None => return true,
                Some(Told::Stop) => return false,
                Some(Told::Passed { door, at, direction }) => {
                    let (entries, exits) = self.running.entry((door, at.minute())).or_default();
                    match direction {
                        Direction::In => *entries += 1,
                        Direction::Out => *exits += 1,
                    }
                }
                Some(Told::Input(input, Dating::Undated)) => self.wait_with(input),
                Some(Told::Input(input, _)) => {
                    if let StoreInput::Minute(minute) = &input {
                        self.running.remove(&(minute.door.clone(), minute.start));
                    }
                    self.keep(input);
                }
            }
            told = self.told.try_recv().ok();
        }
        true
    }

    /// Keeps what is undated until the time is known.
    fn wait_with(&mut self, input: StoreInput) {
        if self.undated.len() < MOST_UNSTORED {
            self.undated.push_back(input);
        }
    }

    /// Takes what waited for the time to be known.
    fn keep_dated(&mut self, stand: Stand) {
        for input in std::mem::take(&mut self.undated) {
            self.keep(input.shifted(stand.by_ms));
        }
    }

    /// Whoever tells something while the time is not known is to tell it again: it cannot be said of which day it is.
    fn refuse_handed(&self) {
        while let Ok(handed) = self.parts.feeds.try_recv() {
            handed.answer(Err(NotTaken::NoTime));
        }
    }

    fn lose_undated(&self) {
        if !self.undated.is_empty() {
            tracing::warn!(
                "the time never became known; {} minutes are missing in the store's sums of the day, their records are not",
                self.undated.len()
            );
        }
    }

    fn keep(&mut self, input: StoreInput) {
        if self.unstored.len() >= MOST_UNSTORED {
            self.unstored.pop_front();
            let text =
                "memory was full as well, and minutes of the store were lost; see that the disk has room";
            if self.parts.board.problem("ledger loss", text, self.parts.clock.now().wall) {
                tracing::error!("{text}");
            }
        }
        self.unstored.push_back(input);
    }

    fn step(&mut self) {
        let now = self.parts.clock.now();
        let is_time = self.stepped_at.is_none_or(|last| now.elapsed.saturating_sub(last) >= STEP_EVERY);
        if self.unstored.is_empty() && !is_time {
            return;
        }
        // While the disk does not take anything, it is tried as often as that, and not with every minute.
        if self.parts.board.has_problem("ledger") && !is_time {
            return;
        }
        self.stepped_at = Some(now.elapsed);
        let inputs = self.unstored.make_contiguous();
        let mut stepped = self.ledger.step(&mut self.store, inputs, now.wall);
        if stepped.as_ref().is_err_and(LedgerError::needs_reopening) {
            stepped = match self.reopen(now.wall) {
                Ok(()) => self.ledger.step(&mut self.store, self.unstored.make_contiguous(), now.wall),
                Err(fault) => Err(fault),
            };
        }
        if self.is_stored(&stepped.map(drop), now.wall) {
            self.unstored.clear();
        }
    }

    /// Mends the ledger where it gives back garbage; says what is wrong otherwise.
    fn cannot_read(&mut self, fault: LedgerError) {
        let now = self.parts.clock.now().wall;
        let mended = if fault.needs_reopening() { self.reopen(now) } else { Err(fault) };
        self.is_stored(&mended, now);
    }

    /// Opens the ledger anew, and takes the store from what it remembers.
    fn reopen(&mut self, now: WallTime) -> Result<(), LedgerError> {
        let opening = self.ledger.reopen(now)?;
        tell_opening(&opening, &self.parts.board, now);
        self.store = self.ledger.store(self.store.settings().clone())?;
        // A new file counts its facts anew; what the old one had told and not forgotten is told again.
        (self.submitted, self.sent) = (0, 0);
        Ok(())
    }

    fn is_stored(&self, stored: &Result<(), LedgerError>, now: WallTime) -> bool {
        match stored {
            Ok(()) => {
                if self.parts.board.solved("ledger") {
                    tracing::info!("the store's ledger takes everything again");
                }
                true
            }
            Err(fault) => {
                let text = format!("{fault}; the box goes on counting and tries it again");
                if self.parts.board.problem("ledger", &text, now) {
                    tracing::error!("{text}");
                }
                false
            }
        }
    }

    fn take_handed(&mut self) {
        while let Ok(handed) = self.parts.feeds.try_recv() {
            let now = self.parts.clock.now().wall;
            let taken = match handed.feed {
                Feed::Till => self.take_till(&handed, now),
                Feed::Staffing => self.take_staffing(&handed, now),
                Feed::Badges => Ok(self.take_badges(&handed, now)),
                Feed::Sensors => {
                    let why = "sensors are taken over the broker only".to_owned();
                    Ok(Receipt { aside: vec![(0, why)], ..Receipt::default() })
                }
            };
            handed.answer(taken.map_err(|fault| NotTaken::NotStored(fault.to_string())));
        }
    }

    fn take_till(&mut self, handed: &Handed, now: WallTime) -> Result<Receipt, LedgerError> {
        let name = handed.way.name();
        let format = match (handed.format, &self.mapping) {
            (Format::Json, _) => FeedFormat::Json,
            (Format::Csv, Some(mapping)) => FeedFormat::Csv(Box::new(mapping.clone())),
            (Format::Csv, None) => {
                let why = "the columns of CSV are not configured; add [site.till.folder] with its columns"
                    .to_owned();
                return Ok(Receipt { aside: vec![(0, why)], ..Receipt::default() });
            }
        };
        let intake = till::read(&handed.bytes, name, &format, &self.feed, now);
        let mut aside = reasons(&intake);
        let rejected = intake.rejected_rows();
        let is_ahead = intake.rejected_by_reason.contains_key(&till::Reason::Future);
        let receipts = self.ledger.step(&mut self.store, &[StoreInput::Till(intake)], now)?;
        if is_ahead {
            let text = "the till tells of sales that have not come yet: its clock is ahead, or this box's is behind; set it, and \
                        let the till send them again";
            self.parts.board.problem("till clock", text, now);
        } else if !receipts.is_empty() {
            self.parts.board.solved("till clock");
        }
        let receipt = receipts.first().copied().unwrap_or_default();
        let more = usize::try_from(receipt.rejected.saturating_sub(rejected)).unwrap_or(usize::MAX);
        let reused = "an id was used before for something else; `footfall till` shows which";
        aside.extend(std::iter::repeat_n((0, reused.to_owned()), more.min(till::MAX_KEPT_ASIDE)));
        self.warn_of("till", handed, aside.len());
        let count = |number: u64| u32::try_from(number).unwrap_or(u32::MAX);
        Ok(Receipt { accepted: count(receipt.accepted), duplicates: count(receipt.duplicate), aside })
    }

    fn take_staffing(&mut self, handed: &Handed, now: WallTime) -> Result<Receipt, LedgerError> {
        let format = match handed.format {
            Format::Json => StaffingFormat::Json,
            Format::Csv => StaffingFormat::Csv,
        };
        let (shifts, aside) = staffing::read(&handed.bytes, format, &self.feed.zone);
        let accepted = u32::try_from(shifts.len()).unwrap_or(u32::MAX);
        self.ledger.step(&mut self.store, &[StoreInput::Staffing(shifts)], now)?;
        let row = |row: u64| u32::try_from(row).unwrap_or(u32::MAX);
        let aside: Vec<_> = aside.into_iter().map(|(at, fault)| (row(at), fault.words)).collect();
        self.warn_of("staffing", handed, aside.len());
        Ok(Receipt { accepted, duplicates: 0, aside })
    }

    fn take_badges(&self, handed: &Handed, now: WallTime) -> Receipt {
        let (heard, aside) = badges::read(&handed.bytes, now);
        for (camera, reading) in &heard {
            for (_, queue) in self.badges.iter().filter(|(id, _)| camera.as_ref().is_none_or(|one| one == id))
            {
                if let Err(TrySendError::Full(_)) = queue.try_send(reading.clone()) {
                    tracing::debug!("badge readings come faster than a camera takes them");
                }
            }
        }
        self.warn_of("badges", handed, aside.len());
        Receipt { accepted: u32::try_from(heard.len()).unwrap_or(u32::MAX), duplicates: 0, aside }
    }

    fn warn_of(&self, feed: &str, handed: &Handed, aside: usize) {
        if aside > 0 {
            tracing::warn!("{feed} over {}: {aside} entries were put aside", handed.way.name());
        }
    }

    /// Hands facts to the outbox, and forgets those that it has on disk.
    fn submit(&mut self) {
        let facts = match self.ledger.outgoing(self.submitted, MOST_FACTS) {
            Ok(facts) => facts,
            Err(fault) => return self.cannot_read(fault),
        };
        for (id, fact) in facts {
            let Some(fact) = fact else {
                tracing::error!("a record of an older version cannot be read and is not sent");
                self.submitted = id;
                continue;
            };
            if self.parts.records.submit(fact).is_err() {
                return;
            }
            self.submitted = id;
        }
        // An answer of the outbox says that all that was submitted before is on disk.
        let is_on_disk = |counts: Counts| counts.in_memory == 0;
        if self.sent < self.submitted && self.parts.outbox.counts().is_ok_and(is_on_disk) {
            let sent = self.ledger.sent(self.submitted);
            if self.is_stored(&sent, self.parts.clock.now().wall) {
                self.sent = self.submitted;
            }
        }
    }

    fn show(&mut self) {
        let now = self.parts.clock.now();
        if self.shown_at.is_some_and(|last| now.elapsed.saturating_sub(last) < SHOW_EVERY) {
            return;
        }
        self.shown_at = Some(now.elapsed);
        match self.day_so_far(now.wall) {
            Ok(store) => self.parts.board.store_is(store),
            Err(fault) => self.cannot_read(fault),
        }
        // A minute of a camera that was taken away never comes.
        let old = now.wall - Duration::from_secs(3600);
        self.running.retain(|(_, start), _| *start >= old);
    }

    fn day_so_far(&mut self, now: WallTime) -> Result<v1::StoreNow, LedgerError> {
        let day = self.ledger.day_so_far(&self.store, now)?;
        let settings = self.store.settings();
        let (mut sums, mut inside) = (day.sums, i64::from(self.store.occupancy().people()));
        for ((door, start), (entries, exits)) in &self.running {
            if *start >= day.span.start && door.role == LineRole::Door {
                sums.entries += entries;
            }
            if matches!(door.role, LineRole::Door | LineRole::Goods) {
                inside += i64::try_from(*entries).unwrap_or(0) - i64::try_from(*exits).unwrap_or(0);
            }
        }
        let conversion = figures(&sums, settings.least_coverage).conversion;
        let (conversion, absent) = match conversion {
            _ if !settings.sees_every_door => (None, Some("not_every_door".to_owned())),
            Ok(rate) => (Some(rate), None),
            Err(absent) => (None, Some(absent.name().to_owned())),
        };
        let has_door =
            settings.doors.iter().any(|door| matches!(door.role, LineRole::Door | LineRole::Goods));
        let till = day.till_so_far;
        Ok(v1::StoreNow {
            business_day: day.business_day.to_string(),
            people: (has_door && settings.sees_every_door)
                .then(|| u32::try_from(inside.max(0)).unwrap_or(u32::MAX)),
            entries: sums.entries,
            visitors: sums.visitors(),
            transactions: till.map(|till| till.transactions),
            amount_minor: till.map(|till| till.net_minor()),
            currency: till.map(|_| settings.currency.clone()),
            decimals: settings.decimals,
            conversion,
            absent,
            aside: self.ledger.aside_since(day.span.start)?,
        })
    }
}

/// Says aloud where a new ledger stands in place of one that could not be trusted.
fn tell_opening(opening: &LedgerOpening, board: &Board, now: WallTime) {
    if let LedgerOpening::SetAside { to, cause } = opening {
        let text = format!(
            "the store's ledger was corrupt ({cause}) and is kept as {}; figures of today begin anew",
            to.display()
        );
        tracing::error!("{text}");
        board.problem("ledger recovery", &text, now);
    }
}

fn reasons(intake: &Intake) -> Vec<(u32, String)> {
    let row = |row: u64| u32::try_from(row).unwrap_or(u32::MAX);
    intake.rejected.iter().map(|one| (row(one.row), one.fault.words.clone())).collect()
}
