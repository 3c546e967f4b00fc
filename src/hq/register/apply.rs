//! Makes the database say what the register says.

use super::{Register, RegisterError, RegisteredBox, RegisteredStore, read};
use crate::hq::store::register::{self as rows, Put};
use crate::hq::store::{Store, WriteError};
use crate::time::WallTime;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// What became of one thing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Happened {
    /// It is new, or is back.
    Added,
    /// Something of it is different.
    Changed,
    /// It is no longer in the register; its past stays.
    Retired,
}

/// One thing that was done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// What became of it.
    pub happened: Happened,
    /// `tenant`, `region`, `store`, `box`, `camera`, `line`, `zone` or `display`.
    pub what: &'static str,
    /// Its name with those that it lies in, such as `acme/taipei-01`.
    pub name: String,
    /// What is different, where it changed.
    pub fields: Vec<&'static str>,
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let happened = match self.happened {
            Happened::Added => "added",
            Happened::Changed => "changed",
            Happened::Retired => "retired",
        };
        write!(f, "{happened} {} {}", self.what, self.name)?;
        if !self.fields.is_empty() {
            write!(f, " ({})", self.fields.join(", "))?;
        }
        Ok(())
    }
}

/// What was done, in the order of the file; what was retired comes last.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Applied {
    /// Every change; none: the database said so already.
    pub changes: Vec<Change>,
}

impl fmt::Display for Applied {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.changes.is_empty() {
            return f.write_str("nothing to do: the database says what the register says");
        }
        let lines: Vec<String> = self.changes.iter().map(ToString::to_string).collect();
        f.write_str(&lines.join("\n"))
    }
}

impl Applied {
    fn note(&mut self, what: &'static str, name: impl FnOnce() -> String, put: Put) {
        let (happened, fields) = match put {
            Put::Same => return,
            Put::Added => (Happened::Added, Vec::new()),
            Put::Changed(fields) => (Happened::Changed, fields),
        };
        self.changes.push(Change { happened, what, name: name(), fields });
    }
}

/// Makes the database say what the register says, and retires what it no longer names. Simulated stores that it does not
/// name are left alone: they came another way.
///
/// # Errors
/// [`RegisterError`]; then nothing has changed.
pub fn apply(text: &str, store: &Store, now: WallTime) -> Result<Applied, RegisterError> {
    let register = read(text)?;
    store.write(|all| {
        let mut run = Run::new(all);
        run.put(&register)?;
        run.retire(now)?;
        Ok(run.done)
    })
}

/// Adds and changes what the register names, and leaves alone what it does not.
///
/// # Errors
/// [`RegisterError`]; then nothing has changed.
pub fn add(text: &str, store: &Store) -> Result<Applied, RegisterError> {
    let register = read(text)?;
    store.write(|all| {
        let mut run = Run::new(all);
        run.put(&register)?;
        Ok(run.done)
    })
}

type Outcome<T> = Result<T, WriteError<RegisterError>>;

/// One transaction, and what was done in it so far.
struct Run<'a> {
    all: &'a rows::Changing<'a>,
    done: Applied,
    stores: BTreeSet<i64>,
    boxes: BTreeSet<i64>,
    regions: BTreeSet<i64>,
}

impl<'a> Run<'a> {
    fn new(all: &'a rows::Changing<'a>) -> Self {
        let (stores, boxes, regions) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
        Self { all, done: Applied::default(), stores, boxes, regions }
    }

    fn put(&mut self, register: &Register) -> Outcome<()> {
        let (mut tenants, mut regions) = (BTreeMap::new(), BTreeMap::new());
        for tenant in &register.tenants {
            let (id, put) = rows::put_tenant(self.all, tenant)?;
            self.done.note("tenant", || tenant.id.to_string(), put);
            tenants.insert(&tenant.id, id);
        }
        for region in &register.regions {
            let (id, put) = rows::put_region(self.all, tenants[&region.tenant], region)?;
            self.done.note("region", || format!("{}/{}", region.tenant, region.id), put);
            self.regions.insert(id);
            regions.insert((&region.tenant, &region.id), id);
        }
        for store in &register.stores {
            let region = store.region.as_ref().map(|region| regions[&(&store.tenant, region)]);
            self.put_store(tenants[&store.tenant], region, store)?;
        }
        Ok(())
    }

    fn put_store(&mut self, tenant: i64, region: Option<i64>, store: &RegisteredStore) -> Outcome<()> {
        let name = || format!("{}/{}", store.tenant, store.id);
        if let Some(had) = rows::other_currency(self.all, tenant, store)? {
            let wanted = format!("{} with {} decimals", store.currency, store.decimals);
            return Err(WriteError::Refused(RegisterError::CurrencyChanged { store: name(), had, wanted }));
        }
        let (id, put) = rows::put_store(self.all, tenant, region, store)?;
        self.done.note("store", name, put);
        self.stores.insert(id);
        for of in &store.boxes {
            self.put_box(id, of, &name())?;
        }
        for display in &store.displays {
            let zone = rows::zone_at(self.all, id, &display.place)?;
            let zone = zone.expect("the zone of a display stands in its register, and was put just now");
            let put = rows::put_display(self.all, id, zone, display)?;
            self.done.note("display", || format!("{}/{} from {}", name(), display.id, display.from), put);
        }
        Ok(())
    }

    fn put_box(&mut self, store: i64, of: &RegisteredBox, of_store: &str) -> Outcome<()> {
        if let Some(owner) = rows::settled_elsewhere(self.all, store, &of.id)? {
            let box_id = of.id.to_string();
            return Err(WriteError::Refused(RegisterError::BoxMoved { box_id, store: owner }));
        }
        let (id, put) = rows::put_box(self.all, store, &of.id)?;
        let name = format!("{of_store}/{}", of.id);
        self.done.note("box", || name.clone(), put);
        self.boxes.insert(id);
        for camera in &of.cameras {
            let (id, put) = rows::put_camera(self.all, id, camera)?;
            let name = format!("{name}/{}", camera.id);
            self.done.note("camera", || name.clone(), put);
            for (line, title) in &camera.lines {
                let put = rows::put_line(self.all, id, line, title)?;
                self.done.note("line", || format!("{name}/{line}"), put);
            }
            for (zone, title) in &camera.zones {
                let put = rows::put_zone(self.all, id, zone, title)?;
                self.done.note("zone", || format!("{name}/{zone}"), put);
            }
        }
        Ok(())
    }

    fn retire(&mut self, now: WallTime) -> Outcome<()> {
        let mut retired = |what, names: Vec<String>| {
            let change = |name| Change { happened: Happened::Retired, what, name, fields: Vec::new() };
            self.done.changes.extend(names.into_iter().map(change));
        };
        retired("box", rows::retire_boxes(self.all, &self.boxes, now)?);
        retired("store", rows::retire_stores(self.all, &self.stores, now)?);
        retired("region", rows::retire_regions(self.all, &self.regions)?);
        Ok(())
    }
}
