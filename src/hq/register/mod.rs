//! The register: who is there. One TOML file that people write, and the rows of the database that follow from it.
//!
//! [`apply`] makes the database say what the file says, in one transaction, and tells what it did; applied again, the same file
//! does nothing. What is no longer in the file is retired and not deleted: its past stays. Cameras, lines and zones come by
//! themselves with the records of their box; the register gives them titles. Displays are the exception in both ways: the
//! pages put and end them too ([`put_display`], [`end_display`]), so one that the file does not name stays as it is.

mod apply;
mod displays;
mod file;

pub use apply::{Applied, Change, Happened, add, apply};
pub use displays::{DisplayError, NewDisplay, end_display, put_display};
pub use file::read;

use crate::calendar::{Day, WeekCalendar, Zone};
use crate::config::Fault;
use crate::hq::store::clock::WrittenHours;
use crate::ids::{BoxId, CameraId, DisplayId, LineId, RegionId, StoreId, TenantId, ZoneId};
use crate::time::WallTime;

/// Largest register, bytes: 5,000 stores with all their titles.
pub const MAX_FILE_BYTES: usize = 8 * 1024 * 1024;
/// Longest title, characters.
pub const MAX_TITLE_CHARS: usize = 200;
/// Most items of a display.
pub const MAX_ITEMS: usize = 500;

/// A whole, checked register.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Register {
    /// Who owns stores.
    pub tenants: Vec<Tenant>,
    /// Their regions.
    pub regions: Vec<Region>,
    /// Their stores.
    pub stores: Vec<RegisteredStore>,
}

/// Who owns stores.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tenant {
    /// Its id.
    pub id: TenantId,
    /// What people call it.
    pub title: String,
}

/// Some stores of one owner.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Region {
    /// Whose.
    pub tenant: TenantId,
    /// Its id, unique within its owner.
    pub id: RegionId,
    /// What people call it.
    pub title: String,
}

/// A store, and what is in it.
#[derive(Debug, Clone, PartialEq)]
pub struct RegisteredStore {
    /// Whose.
    pub tenant: TenantId,
    /// Its id, unique within its owner.
    pub id: StoreId,
    /// Its region, where it has one.
    pub region: Option<RegionId>,
    /// What people call it.
    pub title: String,
    /// ISO 4217.
    pub currency: String,
    /// Digits after the point of its sums.
    pub decimals: u8,
    /// How its weeks are numbered.
    pub weeks: WeekCalendar,
    /// Share of the opening time below which nothing is said of people, 0 to 1.
    pub least_coverage: f64,
    /// Whether its figures are made up.
    pub simulated: bool,
    /// Its clocks by rising time, at least one; the first begins at 1970.
    pub clocks: Vec<Clock>,
    /// When it is open.
    pub hours: WrittenHours,
    /// Its boxes.
    pub boxes: Vec<RegisteredBox>,
    /// What stands where.
    pub displays: Vec<Display>,
}

/// A store's clock, from when on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Clock {
    /// The begin of its first business day.
    pub from: WallTime,
    /// The zone.
    pub zone: Zone,
    /// The full hour at which a business day begins.
    pub day_begins_hour: u8,
}

/// A box.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RegisteredBox {
    /// Its id, unique in the world.
    pub id: BoxId,
    /// What is known of its cameras; more may come with its records.
    pub cameras: Vec<RegisteredCamera>,
}

/// What people call a camera, and what it looks at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RegisteredCamera {
    /// Its id, unique within its box.
    pub id: CameraId,
    /// What people call it.
    pub title: String,
    /// Titles of its lines.
    pub lines: Vec<(LineId, String)>,
    /// Titles of its zones.
    pub zones: Vec<(ZoneId, String)>,
}

/// Where a zone is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ZonePlace {
    /// The box.
    pub box_id: BoxId,
    /// Its camera.
    pub camera: CameraId,
    /// The camera's zone.
    pub zone: ZoneId,
}

/// What stands in a zone for a while.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Display {
    /// Its id within the store.
    pub id: DisplayId,
    /// What people call it.
    pub title: String,
    /// Where it stands.
    pub place: ZonePlace,
    /// Product category whose sales belong to it.
    pub category: Option<String>,
    /// Items whose sales belong to it.
    pub items: Vec<String>,
    /// Its first business day.
    pub from: Day,
    /// Its last one; none while it stands.
    pub to: Option<Day>,
}

/// Why a register is not applied.
#[derive(Debug, thiserror::Error)]
pub enum RegisterError {
    /// Larger than any register.
    #[error("the register has {bytes} bytes, at most {most} are read", most = MAX_FILE_BYTES)]
    TooLarge {
        /// Its size.
        bytes: usize,
    },
    /// Something is wrong in it.
    #[error("{}", listed(.faults, *.more))]
    Faults {
        /// What is wrong, in the order of the file; at least one.
        faults: Vec<Fault>,
        /// How many more there are.
        more: usize,
    },
    /// A box was moved that has sent records.
    #[error(
        "box {box_id:?} belongs to store {store:?} and has sent records there; what it counted stays there, so give the box a new id"
    )]
    BoxMoved {
        /// The box.
        box_id: String,
        /// Its store, as `tenant/store`.
        store: String,
    },
    /// A store with sales would get another currency.
    #[error(
        "store {store:?} has sales in {had}, and the register says {wanted}; a store that changes its currency needs a new id"
    )]
    CurrencyChanged {
        /// The store, as `tenant/store`.
        store: String,
        /// Currency and decimals of its sales.
        had: String,
        /// What the register says.
        wanted: String,
    },
    /// The database fails.
    #[error(transparent)]
    Store(#[from] super::store::StoreError),
}

fn listed(faults: &[Fault], more: usize) -> String {
    let count = faults.len() + more;
    let mut text = format!("the register has {count} fault{}", if count == 1 { "" } else { "s" });
    for fault in faults {
        text.push_str(&format!("\n{fault}"));
    }
    if more > 0 {
        text.push_str(&format!("\nand {more} more"));
    }
    text
}

#[cfg(test)]
mod tests;
