//! Packages that were announced.

use crate::time::WallTime;
use crate::wire::v1::fleet::PackageManifest;
use rusqlite::{Connection, OptionalExtension as _, Row, Transaction, params};

/// A package.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::hq) struct PackageRow {
    pub(in crate::hq) of: PackageManifest,
    /// The text that was signed.
    pub(in crate::hq) manifest: String,
    pub(in crate::hq) signature: String,
    pub(in crate::hq) at: WallTime,
    pub(in crate::hq) is_here: bool,
}

const PACKAGE: &str =
    "SELECT package, version, architecture, sha256, size, manifest, signature, at_ms, is_here FROM package";

fn package_row(row: &Row<'_>) -> rusqlite::Result<PackageRow> {
    let of = PackageManifest {
        package: row.get(0)?,
        version: row.get(1)?,
        architecture: row.get(2)?,
        sha256: row.get(3)?,
        size: row.get::<_, i64>(4)?.unsigned_abs(),
        // Stands in the signed text only, where boxes read it.
        instead_of: None,
    };
    Ok(PackageRow {
        of,
        manifest: row.get(5)?,
        signature: row.get(6)?,
        at: WallTime::from_unix_ms(row.get(7)?),
        is_here: row.get(8)?,
    })
}

/// Every package, the newest first.
pub(in crate::hq) fn list(ask: &Connection) -> rusqlite::Result<Vec<PackageRow>> {
    let sql = [PACKAGE, "ORDER BY at_ms DESC, sha256"].join(" ");
    ask.prepare_cached(&sql)?.query_map([], package_row)?.collect()
}

/// A package.
pub(in crate::hq) fn find(ask: &Connection, sha256: &str) -> rusqlite::Result<Option<PackageRow>> {
    let sql = [PACKAGE, "WHERE sha256 = ?1"].join(" ");
    ask.prepare_cached(&sql)?.query_row([sha256], package_row).optional()
}

/// Announces a package; one that is there already stays as it is.
pub(in crate::hq) fn put(
    all: &Transaction<'_>,
    of: &PackageManifest,
    (manifest, signature): (&str, &str),
    (account_id, now): (Option<i64>, WallTime),
) -> rusqlite::Result<()> {
    let sql = "INSERT INTO package (sha256, package, version, architecture, size, manifest, signature, at_ms, account_id, is_here)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, 0)
        ON CONFLICT (sha256) DO NOTHING";
    let size = i64::try_from(of.size).unwrap_or(i64::MAX);
    let values = params![
        of.sha256,
        of.package,
        of.version,
        of.architecture,
        size,
        manifest,
        signature,
        now.unix_ms(),
        account_id
    ];
    all.prepare_cached(sql)?.execute(values)?;
    Ok(())
}

/// Notes that the file of a package is there.
pub(in crate::hq) fn arrived(all: &Transaction<'_>, sha256: &str) -> rusqlite::Result<()> {
    all.prepare_cached("UPDATE package SET is_here = 1 WHERE sha256 = ?1")?.execute([sha256])?;
    Ok(())
}
