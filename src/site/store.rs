//! The store as a state machine: minutes of lines, transactions, shifts and the time in, facts about the store out.
//!
//! Minutes of several cameras arrive at different times, so a minute or a period is given out when every door has told of
//! it, or when patience ends. What comes later is not lost: it marks the periods that it belongs to, and those that come out
//! different get a new revision. A reader keeps the highest revision of each period.
//!
//! A till that is silent is not a till that sells nothing. Figures that need it are given for a period only if the till has told of
//! something until the store closed, give or take [`StoreSettings::till_quiet`]; until then they are absent, and the revision
//! that has them follows.

use super::memory::{DoorSums, DuePeriod, Kept, Memory};
use super::occupancy::{MinuteFlow, Occupancy, OccupancyMinute};
use super::till::{Intake, Reason, Rejected, RowFault, Transaction};
use super::{Door, DoorMinute, Shift};
use crate::analytics::conversion::{PeriodFigures, PeriodSums, TillSums, figures};
use crate::calendar::{Calendar, Day, SpanKind, TimeSpan, Week, WeekCalendar};
use crate::count::LineRole;
use crate::time::{MINUTE_MS, WallTime};
use std::collections::BTreeMap;
use std::time::Duration;

const MINUTE: Duration = Duration::from_millis(MINUTE_MS.unsigned_abs());
/// Periods given out in one step, so that a year of late transactions does not hold up the rest.
const MOST_PERIODS: usize = 200;
/// How often old things are forgotten.
const FORGET_EVERY: Duration = Duration::from_secs(3600);
/// Things are kept this much longer than what is late is taken, so that no period is made anew from half of its minutes.
const KEEP_LONGER: Duration = Duration::from_secs(3 * 86_400);
/// Minutes that may wait for a door; more than patience can ever hold, even where the clock is set.
const MOST_WAITING: usize = 24 * 60;

/// Where the hours of staff come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum StaffSource {
    /// Nobody says.
    #[default]
    None,
    /// A staffing feed.
    Feed,
    /// The staff among the people inside.
    Count,
}

/// How a store is.
#[derive(Debug, Clone, PartialEq)]
pub struct StoreSettings {
    /// Its clock.
    pub calendar: Calendar,
    /// How its weeks are numbered.
    pub weeks: WeekCalendar,
    /// Currency of its sums, three capitals.
    pub currency: String,
    /// Digits after the point of its sums.
    pub decimals: u8,
    /// The lines of this box's cameras.
    pub doors: Vec<Door>,
    /// Whether this box sees every door; otherwise only head office can tell occupancy and periods.
    pub sees_every_door: bool,
    /// Share of the opening time below which nothing is said of people, 0 to 1.
    pub least_coverage: f64,
    /// Longest time that anybody stays.
    pub max_stay: Duration,
    /// How long a minute waits for the last door.
    pub patience: Duration,
    /// Whether there is a till.
    pub has_till: bool,
    /// How long a till may be silent and still be taken as working.
    pub till_quiet: Duration,
    /// Where the hours of staff come from.
    pub staff: StaffSource,
    /// How long things are remembered.
    pub keep: Duration,
}

/// What a store is told.
#[derive(Debug, Clone, PartialEq)]
pub enum StoreInput {
    /// A line's minute, or a part of one.
    Minute(DoorMinute),
    /// How many different people were surely in the zones at one time of a minute.
    SeenAtOnce {
        /// Start of the minute.
        start: WallTime,
        /// People.
        people: u32,
    },
    /// What came from the till.
    Till(Intake),
    /// Shifts of the staff.
    Staffing(Vec<Shift>),
}

/// What became of one feed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Receipt {
    /// Transactions that are new.
    pub accepted: u64,
    /// Transactions that were here before, the same.
    pub duplicate: u64,
    /// Rows that were put aside.
    pub rejected: u64,
}

/// A period of the store.
#[derive(Debug, Clone, PartialEq)]
pub struct Period {
    /// Its kind.
    pub kind: SpanKind,
    /// From when to when.
    pub span: TimeSpan,
    /// The business day that it lies in.
    pub business_day: Day,
    /// The week of that day.
    pub week: Week,
    /// Counts up from 1; the highest is right.
    pub revision: u32,
    /// What is known of it.
    pub sums: PeriodSums,
    /// What the till has told so far; none where there is no till.
    pub till_so_far: Option<TillSums>,
    /// What follows from it.
    pub figures: PeriodFigures,
}

/// What is known of the store as a whole.
#[derive(Debug, Clone, PartialEq)]
pub enum StoreFact {
    /// How many people were inside.
    Occupancy(OccupancyMinute),
    /// A period, or a new revision of one.
    Period(Box<Period>),
    /// A transaction, once.
    Transaction {
        /// The transaction.
        transaction: Transaction,
        /// The business day that it lies in.
        business_day: Day,
        /// Currency of its sums.
        currency: String,
        /// Where it came from.
        feed: String,
    },
    /// Rows of a feed that were put aside.
    TillRejected {
        /// Where they came from.
        feed: String,
        /// When.
        at: WallTime,
        /// How many, by reason.
        reasons: BTreeMap<Reason, u64>,
    },
}

/// One store. Clone it before a step and put the copy back where the step's transaction failed.
#[derive(Debug, Clone)]
pub struct Store {
    settings: StoreSettings,
    occupancy: Occupancy,
    /// The last minute of which occupancy was worked out.
    worked_out: Option<WallTime>,
    /// Minutes of which occupancy was not worked out yet.
    waiting: BTreeMap<WallTime, WaitingMinute>,
    /// What came after its minute was worked out; it goes into the next one.
    late: MinuteFlow,
    /// Until when each door has told of what it saw.
    heard_until: BTreeMap<Door, WallTime>,
    /// Until when zones have told who was seen in them; none where there are none.
    zones_until: Option<WallTime>,
    forgot_at: Option<WallTime>,
}

#[derive(Debug, Clone, Default)]
struct WaitingMinute {
    flow: MinuteFlow,
    /// What each door saw of it, and whether that is whole.
    of_doors: BTreeMap<Door, (Duration, DoorState)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum DoorState {
    Whole,
    Part,
    Invalid,
}

impl WaitingMinute {
    fn add(&mut self, minute: &DoorMinute) {
        let state = match (minute.valid, minute.part) {
            (false, _) => DoorState::Invalid,
            (true, true) => DoorState::Part,
            (true, false) => DoorState::Whole,
        };
        if minute.valid {
            add_flow(&mut self.flow, minute);
        }
        let (seen, known) = self.of_doors.entry(minute.door.clone()).or_insert((Duration::ZERO, state));
        *seen = (*seen + if minute.valid { minute.seen } else { Duration::ZERO }).min(MINUTE);
        if state == DoorState::Invalid {
            *known = state;
        }
    }
}

fn add_flow(flow: &mut MinuteFlow, minute: &DoorMinute) {
    flow.entries = flow.entries.saturating_add(minute.entries);
    flow.exits = flow.exits.saturating_add(minute.exits);
    flow.staff_change += i64::from(minute.staff_in) - i64::from(minute.staff_out);
}

impl Store {
    /// A store as it was when its memory was written last.
    ///
    /// # Errors
    /// Where the memory cannot be read.
    pub fn new<M: Memory>(settings: StoreSettings, memory: &M) -> Result<Self, M::Error> {
        let (occupancy, worked_out) = memory.occupancy()?;
        let mut store = Self {
            settings,
            occupancy,
            worked_out,
            waiting: BTreeMap::new(),
            late: MinuteFlow::default(),
            heard_until: BTreeMap::new(),
            zones_until: None,
            forgot_at: None,
        };
        if store.settings.sees_every_door {
            let after = worked_out.unwrap_or(WallTime::from_unix_ms(i64::MIN));
            for minute in memory.minutes_after(after)? {
                store.wait_for_others(&minute);
                // Where a box learns late that it sees every door, the last day is enough to begin with.
                if store.waiting.len() > MOST_WAITING {
                    store.waiting.pop_first();
                }
            }
        }
        Ok(store)
    }

    /// How the store is.
    #[must_use]
    pub const fn settings(&self) -> &StoreSettings {
        &self.settings
    }

    /// Who is inside, as of the last minute that was worked out.
    #[must_use]
    pub const fn occupancy(&self) -> &Occupancy {
        &self.occupancy
    }

    /// The business day up to now, as far as it is known.
    ///
    /// # Errors
    /// Where the memory cannot be read.
    pub fn day_so_far<M: Memory>(&self, memory: &M, now: WallTime) -> Result<Period, M::Error> {
        let day = self.settings.calendar.business_day(now);
        let start = self.settings.calendar.span_of_day(day).start;
        let until_now = DuePeriod {
            kind: SpanKind::Day,
            span: TimeSpan { start, end: now },
            revision: 0,
            fingerprint: String::new(),
        };
        let mut so_far = self.period(memory, &until_now)?;
        // Minutes come when they are over: the one that runs is not unseen, it is not told yet.
        let settled = self.settled_until(now);
        if start < settled {
            (so_far.sums.coverage, _) = self.coverages(memory, TimeSpan { start, end: settled })?;
        }
        Ok(so_far)
    }

    /// Takes what happened and the time; facts go out through the memory. One receipt for each [`StoreInput::Till`].
    ///
    /// # Errors
    /// Where the memory fails; then both have to be put back to before.
    pub fn step<M: Memory>(
        &mut self,
        memory: &mut M,
        inputs: &[StoreInput],
        now: WallTime,
    ) -> Result<Vec<Receipt>, M::Error> {
        self.heed_clock(now);
        let mut receipts = Vec::new();
        for input in inputs {
            match input {
                StoreInput::Minute(minute) => self.minute(memory, minute)?,
                StoreInput::SeenAtOnce { start, people } => self.seen_at_once(*start, *people),
                StoreInput::Till(intake) => receipts.push(self.till(memory, intake, now)?),
                StoreInput::Staffing(shifts) => self.staffing(memory, shifts)?,
            }
        }
        if self.settings.sees_every_door {
            self.work_out_occupancy(memory, now)?;
            self.give_out_periods(memory, now)?;
        }
        if self.forgot_at.is_none_or(|last| now.since(last) >= FORGET_EVERY || now < last) {
            memory.forget_before(now - self.settings.keep - KEEP_LONGER)?;
            self.forgot_at = Some(now);
        }
        Ok(receipts)
    }

    /// A clock that was ahead and is set right must not keep the store waiting until it is as late again.
    fn heed_clock(&mut self, now: WallTime) {
        let latest = now + MINUTE;
        if self.worked_out.is_some_and(|last| last > latest) {
            self.worked_out = Some(now.minute() - MINUTE);
            self.waiting.retain(|start, _| *start <= latest);
        }
        self.heard_until.retain(|_, until| *until <= latest);
        self.zones_until = self.zones_until.filter(|until| *until <= latest);
    }

    fn minute<M: Memory>(&mut self, memory: &mut M, minute: &DoorMinute) -> Result<(), M::Error> {
        if minute.door.role == LineRole::Inner {
            return Ok(());
        }
        memory.add_minute(minute)?;
        self.touch(memory, minute.start)?;
        self.wait_for_others(minute);
        Ok(())
    }

    fn wait_for_others(&mut self, minute: &DoorMinute) {
        let heard = self.heard_until.entry(minute.door.clone()).or_insert(minute.start);
        *heard = (*heard).max(minute.start + MINUTE);
        let is_counted = matches!(minute.door.role, LineRole::Door | LineRole::Goods);
        if !is_counted || !self.settings.sees_every_door {
            return;
        }
        if self.worked_out.is_some_and(|last| minute.start <= last) {
            // What was invalid counts for nothing; what was yesterday's was put right when today began.
            let day = self.settings.calendar.business_day(minute.start);
            if minute.valid && self.occupancy.day() == Some(day) {
                add_flow(&mut self.late, minute);
            }
            return;
        }
        self.waiting.entry(minute.start).or_default().add(minute);
    }

    fn seen_at_once(&mut self, start: WallTime, people: u32) {
        let start = start.minute();
        self.zones_until = self.zones_until.max(Some(start + MINUTE));
        if !self.settings.sees_every_door || self.waiting.len() > MOST_WAITING {
            return;
        }
        // What was seen in a minute that is worked out already counts in the next one.
        let is_late = self.worked_out.is_some_and(|last| start <= last);
        let flow = if is_late { &mut self.late } else { &mut self.waiting.entry(start).or_default().flow };
        flow.seen_at_once = Some(flow.seen_at_once.unwrap_or(0).max(people));
    }

    fn touch<M: Memory>(&self, memory: &mut M, at: WallTime) -> Result<(), M::Error> {
        if !self.settings.sees_every_door {
            return Ok(());
        }
        SpanKind::ALL
            .into_iter()
            .try_for_each(|kind| memory.touch(kind, self.settings.calendar.span(kind, at)))
    }

    fn till<M: Memory>(&self, memory: &mut M, intake: &Intake, now: WallTime) -> Result<Receipt, M::Error> {
        let mut receipt = Receipt::default();
        let mut reasons = intake.rejected_by_reason.clone();
        for (row, transaction) in &intake.transactions {
            match memory.add_transaction(transaction, &intake.feed)? {
                Kept::New => {
                    receipt.accepted += 1;
                    self.new_transaction(memory, transaction, &intake.feed)?;
                }
                Kept::Duplicate => receipt.duplicate += 1,
                Kept::Reused => {
                    *reasons.entry(Reason::IdReused).or_default() += 1;
                    let words = format!("{:?} was used before for something else", transaction.id);
                    let text =
                        format!("{} {} at {}", transaction.id, transaction.what.name(), transaction.at);
                    let rejected = Rejected::new(*row, RowFault::new(Reason::IdReused, words), &text);
                    memory.add_rejected(&rejected, &intake.feed, now)?;
                }
            }
        }
        for rejected in &intake.rejected {
            memory.add_rejected(rejected, &intake.feed, now)?;
        }
        receipt.rejected = reasons.values().sum();
        if receipt.rejected > 0 {
            memory.give_out(&StoreFact::TillRejected { feed: intake.feed.clone(), at: now, reasons })?;
        }
        self.heard_from_till(memory, intake, now)?;
        Ok(receipt)
    }

    fn new_transaction<M: Memory>(
        &self,
        memory: &mut M,
        transaction: &Transaction,
        feed: &str,
    ) -> Result<(), M::Error> {
        self.touch(memory, transaction.at)?;
        if let Some(voided) = &transaction.voids
            && let Some(at) = memory.transaction_at(voided)?
        {
            self.touch(memory, at)?;
        }
        memory.give_out(&StoreFact::Transaction {
            transaction: transaction.clone(),
            business_day: self.settings.calendar.business_day(transaction.at),
            currency: self.settings.currency.clone(),
            feed: feed.to_owned(),
        })
    }

    /// Periods that ended while the till was not heard, and of which it is known now that it worked, come anew.
    fn heard_from_till<M: Memory>(
        &self,
        memory: &mut M,
        intake: &Intake,
        now: WallTime,
    ) -> Result<(), M::Error> {
        let alive = intake.is_sign_of_life.then_some(now);
        let Some(last) = intake.transactions.iter().map(|(_, one)| one.at).max().max(alive) else {
            return Ok(());
        };
        let before = memory.till_heard_until()?;
        if before.is_some_and(|before| last <= before) {
            return Ok(());
        }
        memory.set_till_heard_until(last)?;
        let start = before.unwrap_or(last - self.settings.keep);
        // A day may end a day after its store closed, and it is the closing that matters.
        let end = last + self.settings.till_quiet + Duration::from_secs(86_400);
        memory.touch_ending_in(TimeSpan { start, end })
    }

    fn staffing<M: Memory>(&self, memory: &mut M, shifts: &[Shift]) -> Result<(), M::Error> {
        for shift in shifts {
            memory.add_shift(shift)?;
            memory.touch_ending_in(TimeSpan {
                start: shift.span.start,
                end: self.settings.calendar.span(SpanKind::Day, shift.span.end).end,
            })?;
        }
        Ok(())
    }

    /// The time up to which every door has told of what it saw, or for which nobody waits any longer.
    fn settled_until(&self, now: WallTime) -> WallTime {
        let doors = self.settings.doors.iter().filter(|door| door.role != LineRole::Inner);
        let heard =
            doors.map(|door| self.heard_until.get(door).copied().unwrap_or(WallTime::from_unix_ms(i64::MIN)));
        heard.min().unwrap_or(now).min(now).max(now - self.settings.patience)
    }

    /// The same for zones, whose minutes come later than those of lines: a stay is a visit only when it has lasted.
    fn zones_settled_until(&self, now: WallTime) -> WallTime {
        self.zones_until.map_or(now, |told| told.max(now - self.settings.patience))
    }

    fn work_out_occupancy<M: Memory>(&mut self, memory: &mut M, now: WallTime) -> Result<(), M::Error> {
        let settled = self.settled_until(now).min(self.zones_settled_until(now));
        while let Some(first) = self.waiting.first_entry() {
            let start = *first.key();
            let overfull = self.waiting.len() > MOST_WAITING;
            if start + MINUTE > settled && !overfull {
                break;
            }
            let minute = self.waiting.pop_first().map(|(_, minute)| minute).unwrap_or_default();
            if minute.of_doors.is_empty() {
                // Somebody looked at zones while no door told anything: that is no minute of the doors.
                continue;
            }
            let given_out = self.work_out(start, &minute);
            self.worked_out = Some(start);
            memory.set_occupancy(&self.occupancy, start)?;
            memory.give_out(&StoreFact::Occupancy(given_out))?;
        }
        Ok(())
    }

    fn work_out(&mut self, start: WallTime, minute: &WaitingMinute) -> OccupancyMinute {
        let late = std::mem::take(&mut self.late);
        let flow = MinuteFlow {
            entries: minute.flow.entries.saturating_add(late.entries),
            exits: minute.flow.exits.saturating_add(late.exits),
            staff_change: minute.flow.staff_change + late.staff_change,
            seen_at_once: minute.flow.seen_at_once.max(late.seen_at_once),
        };
        let day = self.settings.calendar.business_day(start);
        let counted = |door: &&Door| matches!(door.role, LineRole::Door | LineRole::Goods);
        let known = |door: &Door| minute.of_doors.get(door).copied();
        let doors: Vec<_> = self.settings.doors.iter().filter(counted).map(known).collect();
        let state = |wanted| doors.iter().any(|known| known.is_some_and(|(_, state)| state == wanted));
        OccupancyMinute {
            seen: doors
                .iter()
                .map(|known| known.map_or(Duration::ZERO, |(seen, _)| seen))
                .min()
                .unwrap_or_default(),
            valid: !state(DoorState::Invalid),
            part: state(DoorState::Part) || doors.iter().any(Option::is_none),
            ..self.occupancy.minute(start, day, &flow, self.settings.max_stay)
        }
    }

    fn give_out_periods<M: Memory>(&self, memory: &mut M, now: WallTime) -> Result<(), M::Error> {
        for due in memory.due_periods(self.settled_until(now), MOST_PERIODS)? {
            let period = self.period(memory, &due)?;
            // Only compared with another of this program's: what it looks like is no promise.
            let fingerprint = format!("{:?} {:?} {:?}", period.sums, period.till_so_far, period.figures);
            if fingerprint == due.fingerprint {
                memory.period_given_out(&due)?;
                continue;
            }
            memory.period_given_out(&DuePeriod { revision: period.revision, fingerprint, ..due })?;
            memory.give_out(&StoreFact::Period(Box::new(period)))?;
        }
        Ok(())
    }

    fn period<M: Memory>(&self, memory: &M, due: &DuePeriod) -> Result<Period, M::Error> {
        let DuePeriod { kind, span, revision, .. } = *due;
        let open = self.settings.calendar.schedule().open_within(span);
        let sums = memory.door_sums(span)?;
        let (coverage, passersby_coverage) = self.coverages(memory, span)?;
        let of = |role| sums.iter().filter(move |sum| sum.door.role == role);
        let has = |role| self.settings.doors.iter().any(|door| door.role == role);
        let till_so_far = if self.settings.has_till { Some(memory.till_sums(span)?) } else { None };
        let is_complete = self.till_is_heard(memory, open.last().map_or(span.end, |last| last.end))?;
        let sums = PeriodSums {
            entries: of(LineRole::Door).map(|sum| sum.entries).sum(),
            staff_entries: of(LineRole::Door).map(|sum| sum.staff_in).sum(),
            reentries: of(LineRole::Door).map(|sum| sum.reentries).sum(),
            passersby: has(LineRole::Passersby)
                .then(|| of(LineRole::Passersby).map(|sum| sum.passersby).sum()),
            till: till_so_far.filter(|_| is_complete),
            on_duty: self.on_duty(memory, span)?,
            coverage,
            passersby_coverage,
        };
        let business_day = self.settings.calendar.business_day(span.start);
        Ok(Period {
            kind,
            span,
            business_day,
            week: self.settings.weeks.week_of(business_day),
            revision: revision + 1,
            sums,
            till_so_far,
            figures: figures(&sums, self.settings.least_coverage),
        })
    }

    /// What share of the opening time within a span the worst door saw, and the worst line for passers-by.
    fn coverages<M: Memory>(&self, memory: &M, span: TimeSpan) -> Result<(f64, f64), M::Error> {
        let mut judged = self.settings.calendar.schedule().open_within(span);
        if judged.is_empty() {
            // A time in which nobody opens is judged as a whole.
            judged.push(span);
        }
        let base = judged.iter().map(|part| part.length()).sum();
        let mut sums = Vec::with_capacity(judged.len());
        for part in judged {
            sums.extend(memory.door_sums(part)?);
        }
        let coverage = |role| self.coverage(&sums, role, base);
        Ok((coverage(LineRole::Door), coverage(LineRole::Passersby)))
    }

    /// What share of `base` the worst line of a role really saw; 0 where there is none.
    fn coverage(&self, sums: &[DoorSums], role: LineRole, base: Duration) -> f64 {
        let seen = |door: &Door| -> Duration {
            sums.iter().filter(|sum| sum.door == *door).map(|sum| sum.seen).sum()
        };
        let share = |door| (seen(door).as_secs_f64() / base.as_secs_f64()).min(1.0);
        let worst = self.settings.doors.iter().filter(|door| door.role == role).map(share).reduce(f64::min);
        worst.filter(|share| share.is_finite()).unwrap_or(0.0)
    }

    fn till_is_heard<M: Memory>(&self, memory: &M, until: WallTime) -> Result<bool, M::Error> {
        let heard = memory.till_heard_until()?;
        Ok(heard.is_some_and(|heard| heard + self.settings.till_quiet >= until))
    }

    fn on_duty<M: Memory>(&self, memory: &M, span: TimeSpan) -> Result<Option<Duration>, M::Error> {
        match self.settings.staff {
            StaffSource::None => Ok(None),
            StaffSource::Count => memory.counted_staff(span),
            StaffSource::Feed => {
                let shifts = memory.shifts(span)?;
                let worked = || shifts.iter().map(|shift| shift.worked_within(span)).sum();
                Ok((!shifts.is_empty()).then(worked))
            }
        }
    }
}

#[cfg(test)]
mod tests;
