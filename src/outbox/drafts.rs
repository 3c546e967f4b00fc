//! Drafts: what each source would still have to say if it ended now.
//!
//! A minute is told when it is over, so a box that dies in between would lose what it had counted in it. A draft stands in
//! for that record. It is replaced in the very transaction that stores what its source has said since, so at any moment
//! records and drafts together say everything once, and a source that ends well leaves none.

use super::OutboxError;
use super::undated::Mark;
use crate::wire::v1::Fact;
use rusqlite::{Transaction, params};
use serde_json::value::RawValue;
use std::collections::BTreeMap;
use std::path::Path;

/// What each source would still have to say, by its name. One that is not named is left as it is.
pub type Drafts = BTreeMap<String, Vec<Fact>>;

/// What becomes of the drafts on disk.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub enum DraftChange<'a> {
    /// They stay.
    #[default]
    Kept,
    /// All of them go: what they stand for is being stored piece by piece.
    Dropped,
    /// Those of these sources are replaced; an empty list takes one away.
    Replaced(&'a Drafts),
}

pub(super) fn change(
    all: &Transaction<'_>,
    path: &Path,
    change: DraftChange<'_>,
    mark: Mark,
) -> Result<(), OutboxError> {
    let done = match change {
        DraftChange::Kept => Ok(()),
        DraftChange::Dropped => all.execute("DELETE FROM draft", []).map(drop),
        DraftChange::Replaced(drafts) => {
            drafts.iter().try_for_each(|(source, facts)| replace(all, source, facts, mark))
        }
    };
    done.map_err(|fault| OutboxError::sqlite(path, "store drafts", fault))
}

fn replace(all: &Transaction<'_>, source: &str, facts: &[Fact], mark: Mark) -> rusqlite::Result<()> {
    if facts.is_empty() {
        return all.prepare_cached("DELETE FROM draft WHERE source = ?1")?.execute([source]).map(drop);
    }
    let body = serde_json::to_string(facts).expect("a fact holds only texts and finite numbers");
    all.prepare_cached("INSERT OR REPLACE INTO draft (source, body, undated) VALUES (?1, ?2, ?3)")?
        .execute(params![source, body, mark.column()])
        .map(drop)
}

/// Takes the drafts that a run left which died, each as a part of what it stands for, and how they are dated.
///
/// One that cannot be read is left out: its time is then not claimed by any record.
pub(super) fn take(all: &Transaction<'_>, path: &Path) -> Result<Vec<(Mark, Vec<Fact>)>, OutboxError> {
    let failed = |fault| OutboxError::sqlite(path, "read drafts", fault);
    let mut select = all.prepare("SELECT body, undated FROM draft ORDER BY source").map_err(failed)?;
    let of_row = |row: &rusqlite::Row<'_>| Ok((row.get::<_, String>(0)?, row.get(1).map(Mark::of_column)?));
    let bodies = select.query_map([], of_row).map_err(failed)?;
    let mut taken = Vec::new();
    for body in bodies {
        let (body, mark) = body.map_err(failed)?;
        let list: Vec<&RawValue> = serde_json::from_str(&body).unwrap_or_default();
        let known = list.iter().filter_map(|text| serde_json::from_str::<Fact>(text.get()).ok());
        taken.push((mark, known.map(Fact::into_part).collect()));
    }
    all.execute("DELETE FROM draft", []).map_err(failed)?;
    Ok(taken)
}
