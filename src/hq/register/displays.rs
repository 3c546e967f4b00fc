//! Single displays, as the pages put and end them.

use super::file::{checked_field, checked_title};
use super::{Display, MAX_ITEMS, ZonePlace};
use crate::calendar::{CalendarError, Day};
use crate::hq::store::register as rows;
use crate::hq::store::{Store, StoreError, WriteError};
use crate::ids::{BoxId, CameraId, DisplayId, IdError, ZoneId};

/// A display as somebody asks for it; nothing of it is checked.
#[derive(Debug, Clone, PartialEq, Eq, Default, serde::Deserialize, utoipa::ToSchema)]
pub struct NewDisplay {
    /// Its id within the store.
    pub name: String,
    /// What people call it.
    pub title: String,
    /// The box whose camera sees it.
    #[serde(rename = "box")]
    pub box_id: String,
    /// The camera.
    pub camera: String,
    /// The zone in which it stands.
    pub zone: String,
    /// Product category whose sales belong to it.
    #[serde(default)]
    pub category: Option<String>,
    /// Items whose sales belong to it.
    #[serde(default)]
    pub items: Vec<String>,
    /// Its first business day, `YYYY-MM-DD`.
    pub from: String,
    /// Its last one; none: it stays.
    #[serde(default)]
    pub to: Option<String>,
}

/// Why a display is not put or ended.
#[derive(Debug, thiserror::Error)]
pub enum DisplayError {
    /// A name that is none.
    #[error(transparent)]
    Id(#[from] IdError),
    /// A day that is none.
    #[error(transparent)]
    Day(#[from] CalendarError),
    /// A text that cannot be taken.
    #[error("{field} {why}")]
    Text {
        /// Which one.
        field: &'static str,
        /// Why.
        why: String,
    },
    /// More items than are taken.
    #[error("{got} items, at most {MAX_ITEMS} are taken; give their category instead")]
    TooManyItems {
        /// How many.
        got: usize,
    },
    /// It would end before it begins.
    #[error("a display ends on the day it begins, or later")]
    EndsBefore,
    /// One of its name stands then.
    #[error("display {name:?} stands already in that time; end it first, or give another name")]
    Stands {
        /// Its name.
        name: String,
    },
    /// The store has no such zone, or no such display.
    #[error("the store has no {what} {name:?}")]
    NotThere {
        /// What.
        what: &'static str,
        /// Its name.
        name: String,
    },
    /// The database fails.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Puts a display into a store's zone; one of the same name and first day is changed.
///
/// # Errors
/// [`DisplayError`].
pub fn put_display(store: &Store, store_id: i64, new: &NewDisplay) -> Result<(), DisplayError> {
    let display = checked(new)?;
    store.write(|all| {
        let days = (display.from.unix_days(), display.to.map(|day| day.unix_days()));
        if rows::stands_meanwhile(all, store_id, &display.id, days)? {
            return Err(WriteError::Refused(DisplayError::Stands { name: display.id.to_string() }));
        }
        let Some(zone) = rows::zone_at(all, store_id, &display.place)? else {
            let name = display.place.zone.to_string();
            return Err(WriteError::Refused(DisplayError::NotThere { what: "zone", name }));
        };
        rows::put_display(all, store_id, zone, &display)?;
        Ok(())
    })
}

/// Ends a display on a day, its last one; `display_id` is its row, as lists of displays give it.
///
/// # Errors
/// [`DisplayError`], also where the store has none of that number, or it begins later.
pub fn end_display(store: &Store, store_id: i64, display_id: i64, last_day: Day) -> Result<(), DisplayError> {
    store.write(|all| {
        if rows::end_display(all, store_id, display_id, last_day.unix_days())? {
            return Ok(());
        }
        let name = display_id.to_string();
        Err(WriteError::Refused(DisplayError::NotThere { what: "display", name }))
    })
}

fn checked(new: &NewDisplay) -> Result<Display, DisplayError> {
    let text = |field, read: Result<String, crate::config::FaultKind>| {
        read.map_err(|fault| DisplayError::Text { field, why: fault.to_string() })
    };
    if new.items.len() > MAX_ITEMS {
        return Err(DisplayError::TooManyItems { got: new.items.len() });
    }
    let from = Day::parse(&new.from)?;
    let to = new.to.as_deref().map(Day::parse).transpose()?;
    if to.is_some_and(|to| to < from) {
        return Err(DisplayError::EndsBefore);
    }
    let category = new.category.as_deref().map(|category| text("category", checked_field(category)));
    let items = new.items.iter().map(|item| text("items", checked_field(item)));
    Ok(Display {
        id: DisplayId::parse(&new.name)?,
        title: text("title", checked_title(&new.title))?,
        place: ZonePlace {
            box_id: BoxId::parse(&new.box_id)?,
            camera: CameraId::parse(&new.camera)?,
            zone: ZoneId::parse(&new.zone)?,
        },
        category: category.transpose()?,
        items: items.collect::<Result<_, _>>()?,
        from,
        to,
    })
}
