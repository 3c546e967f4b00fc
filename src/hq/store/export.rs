//! Rows of one business day, column by column, as exports want them.

use super::{Store, StoreError};
use crate::time::MINUTE_MS;
use rusqlite::types::ValueRef;

/// What is exported.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Minutes of lines.
    Minutes,
    /// Hours of stores.
    Hours,
    /// Transactions.
    Sales,
    /// Crossings, visits and everything else that is kept as it came.
    Events,
}

impl Kind {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Minutes, Self::Hours, Self::Sales, Self::Events];

    /// Its name, as files have it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Minutes => "minutes",
            Self::Hours => "hours",
            Self::Sales => "sales",
            Self::Events => "events",
        }
    }

    /// Columns, what they are, and the statement: of tenant ?1, store ?2 or all, business day ?3, and the minutes ?4 to ?5
    /// in which that day can lie anywhere.
    const fn statement(self) -> (&'static [(&'static str, Shape, Holds)], &'static str) {
        use Holds::{Flag, Number, Text};
        use Shape::{Plain, TimeMs};
        match self {
            Self::Minutes => (
                &[
                    ("store", Shape::Text, Text),
                    ("box", Shape::Text, Text),
                    ("camera", Shape::Text, Text),
                    ("line", Shape::Text, Text),
                    ("role", Shape::Text, Text),
                    ("start_ms", TimeMs, Number),
                    ("entries", Plain, Number),
                    ("exits", Plain, Number),
                    ("staff_in", Plain, Number),
                    ("staff_out", Plain, Number),
                    ("reentries", Plain, Number),
                    ("passersby", Plain, Number),
                    ("seen_ms", Plain, Number),
                    ("valid", Plain, Flag),
                ],
                "SELECT store.name, box.name, camera.name, line.name, role, minute * 60000, line_minute.entries, line_minute.exits,
                    line_minute.staff_in, line_minute.staff_out, line_minute.reentries, line_minute.passersby, seen_ms, valid
                FROM tenant JOIN store USING (tenant_id) JOIN line USING (store_id) JOIN camera USING (camera_id)
                  JOIN box USING (box_id) JOIN line_hour USING (line_id) JOIN line_minute USING (line_id)
                WHERE tenant.name = ?1 AND (?2 IS NULL OR store.name = ?2) AND line_hour.business_day = ?3
                  AND line_hour.hour BETWEEN ?4 AND ?5 AND minute >= line_hour.hour AND minute < coalesce((SELECT min(next.hour)
                    FROM line_hour AS next WHERE next.line_id = line.line_id AND next.hour > line_hour.hour), line_hour.hour + 60)
                  AND minute < line_hour.hour + 60
                ORDER BY 1, 2, 3, 4, 6",
            ),
            Self::Hours => (
                &[
                    ("store", Shape::Text, Text),
                    ("start_ms", TimeMs, Number),
                    ("hour", Plain, Number),
                    ("open_ms", Plain, Number),
                    ("entries", Plain, Number),
                    ("exits", Plain, Number),
                    ("staff_entries", Plain, Number),
                    ("reentries", Plain, Number),
                    ("passersby", Plain, Number),
                    ("zone_visits", Plain, Number),
                    ("engaged", Plain, Number),
                    ("queued", Plain, Number),
                    ("transactions", Plain, Number),
                    ("sales_minor", Plain, Number),
                    ("refunds_minor", Plain, Number),
                    ("units", Plain, Number),
                    ("on_duty_ms", Plain, Number),
                    ("seen_ms", Plain, Number),
                    ("complete", Plain, Flag),
                ],
                "SELECT name, hour * 60000, local_hour, open_ms, entries, exits, staff_entries, reentries, passersby, zone_visits,
                    engaged, queued, transactions, sales_minor, refunds_minor, units, on_duty_ms, seen_ms, complete
                FROM (SELECT store_id, store.name FROM tenant JOIN store USING (tenant_id)
                  WHERE tenant.name = ?1 AND (?2 IS NULL OR store.name = ?2)) JOIN store_hour USING (store_id)
                WHERE business_day = ?3 AND hour BETWEEN ?4 AND ?5 ORDER BY 1, 2",
            ),
            Self::Sales => (
                &[
                    ("store", Shape::Text, Text),
                    ("id", Shape::Text, Text),
                    ("at_ms", TimeMs, Number),
                    ("what", Shape::Text, Text),
                    ("amount_minor", Plain, Number),
                    ("currency", Shape::Text, Text),
                    ("units", Plain, Number),
                    ("voids", Shape::Text, Text),
                    ("source", Shape::Text, Text),
                ],
                "SELECT name, id, at_ms, what, amount_minor, currency, units, voids, source
                FROM (SELECT store_id, store.name FROM tenant JOIN store USING (tenant_id)
                  WHERE tenant.name = ?1 AND (?2 IS NULL OR store.name = ?2)) JOIN sale USING (store_id)
                WHERE business_day = ?3 AND hour BETWEEN ?4 AND ?5 ORDER BY 1, 3, 2",
            ),
            Self::Events => (
                &[
                    ("store", Shape::Text, Text),
                    ("box", Shape::Text, Text),
                    ("seq", Plain, Number),
                    ("kind", Shape::Text, Text),
                    ("at_ms", TimeMs, Number),
                    ("late", Plain, Flag),
                    ("body", Shape::Text, Text),
                ],
                "WITH span AS (SELECT store_id, store.name AS store, min(hour) AS first, max(hour) + 60 AS last
                  FROM tenant JOIN store USING (tenant_id) JOIN store_hour USING (store_id)
                  WHERE tenant.name = ?1 AND (?2 IS NULL OR store.name = ?2) AND business_day = ?3 AND hour BETWEEN ?4 AND ?5
                  GROUP BY store_id)
                SELECT span.store, box.name, seq, kind, at_ms, late, body FROM span JOIN box USING (store_id)
                  JOIN event USING (box_id) WHERE at_ms >= span.first * 60000 AND at_ms < span.last * 60000 ORDER BY 1, 2, 3",
            ),
        }
    }
}

/// What a number or text stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// A number or flag as it is.
    Plain,
    /// Text.
    Text,
    /// UTC milliseconds.
    TimeMs,
}

#[derive(Debug, Clone, Copy)]
enum Holds {
    Number,
    Text,
    Flag,
}

/// One column; none: not known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cells {
    /// Whole numbers.
    Numbers(Vec<Option<i64>>),
    /// Texts.
    Texts(Vec<Option<String>>),
    /// Yes or no.
    Flags(Vec<Option<bool>>),
}

impl Cells {
    fn len(&self) -> usize {
        match self {
            Self::Numbers(cells) => cells.len(),
            Self::Texts(cells) => cells.len(),
            Self::Flags(cells) => cells.len(),
        }
    }

    fn push(&mut self, value: ValueRef<'_>) {
        match self {
            Self::Numbers(cells) => cells.push(value.as_i64().ok()),
            Self::Texts(cells) => cells.push(value.as_str().ok().map(str::to_owned)),
            Self::Flags(cells) => cells.push(value.as_i64().ok().map(|flag| flag != 0)),
        }
    }
}

/// Columns of equal length, with their names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sheet {
    /// Name, meaning, cells.
    pub columns: Vec<(&'static str, Shape, Cells)>,
}

impl Sheet {
    /// How many rows there are.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.columns.first().map_or(0, |(_, _, cells)| cells.len())
    }
}

/// A business day begins and ends within this of its UTC date, in any zone.
const AROUND_MINUTES: i64 = 2 * 24 * 60;

impl Store {
    /// Rows of a tenant's business day (days since 1970-01-01), of one store or of all, in the order of their keys.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn sheet(
        &self,
        kind: Kind,
        (tenant, store): (&str, Option<&str>),
        day: i64,
    ) -> Result<Sheet, StoreError> {
        let (columns, sql) = kind.statement();
        let empty = |(name, shape, holds): &(&'static str, Shape, Holds)| {
            let cells = match holds {
                Holds::Number => Cells::Numbers(Vec::new()),
                Holds::Text => Cells::Texts(Vec::new()),
                Holds::Flag => Cells::Flags(Vec::new()),
            };
            (*name, *shape, cells)
        };
        let middle = day.saturating_mul(24 * 3_600_000 / MINUTE_MS);
        let span = (middle.saturating_sub(AROUND_MINUTES), middle.saturating_add(AROUND_MINUTES));
        self.read(|ask| {
            let mut sheet = Sheet { columns: columns.iter().map(empty).collect() };
            let mut select = ask.prepare_cached(sql)?;
            let mut rows = select.query((tenant, store, day, span.0, span.1))?;
            while let Some(row) = rows.next()? {
                for (at, (_, _, cells)) in sheet.columns.iter_mut().enumerate() {
                    cells.push(row.get_ref(at)?);
                }
            }
            Ok(sheet)
        })
    }
}
