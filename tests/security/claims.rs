//! Every claim of the threat model, and every limit of a parser, names tests that are there.

use std::collections::BTreeSet;
use std::path::Path;

const MODEL: &str = include_str!("../../docs/design/security.md");

/// Numbered rows: the number, the cells, and the pairs of file and test in the last of them.
struct Claim<'a> {
    number: &'a str,
    cells: Vec<&'a str>,
    tests: Vec<(&'a str, &'a str)>,
}

/// Rows of tables that begin with this letter and a number.
fn claims(text: &str, letter: char) -> Vec<Claim<'_>> {
    let is_number = |cell: &str| {
        cell.strip_prefix(letter)
            .is_some_and(|rest| !rest.is_empty() && rest.chars().all(|c| c.is_ascii_digit()))
    };
    let rows = text.lines().filter_map(|line| line.strip_prefix('|')?.strip_suffix('|'));
    let cells = rows.map(|row| row.split('|').map(str::trim).collect::<Vec<_>>());
    let numbered = cells.filter(|cells| is_number(cells[0]));
    numbered.map(|cells| Claim { number: cells[0], tests: tests_of(cells[cells.len() - 1]), cells }).collect()
}

/// `file` `test`; `file` `test`.
fn tests_of(cell: &str) -> Vec<(&str, &str)> {
    let words: Vec<&str> = cell.split('`').skip(1).step_by(2).collect();
    words.chunks(2).map(|pair| (pair[0], pair.get(1).copied().unwrap_or_default())).collect()
}

/// What is wrong with the claims of a text, where `file` gives the text of a file of the project.
fn complaints(text: &str, file: impl Fn(&str) -> Option<String>) -> Vec<String> {
    let mut found = Vec::new();
    for letter in ['C', 'P'] {
        for (index, claim) in claims(text, letter).iter().enumerate() {
            if claim.number != format!("{letter}{}", index + 1) {
                found.push(format!("{} stands where {letter}{} belongs", claim.number, index + 1));
            }
            if claim.tests.is_empty() {
                found.push(format!("{} names no test", claim.number));
            }
            for (path, test) in &claim.tests {
                match file(path) {
                    None => found.push(format!("{}: there is no {path}", claim.number)),
                    Some(text) if !text.contains(&format!("fn {test}(")) => {
                        found.push(format!("{}: {path} has no test {test}", claim.number));
                    }
                    Some(_) => {}
                }
            }
        }
    }
    found
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

#[test]
fn every_claim_is_held_by_tests_that_are_there() {
    let found = complaints(MODEL, |path| std::fs::read_to_string(root().join(path)).ok());
    assert!(found.is_empty(), "docs/design/security.md:\n{}", found.join("\n"));
    assert!(claims(MODEL, 'C').len() >= 20 && claims(MODEL, 'P').len() >= 15);
}

#[test]
fn every_fuzz_target_is_in_the_model_and_every_parser_of_the_model_has_one() {
    let folder = std::fs::read_dir(root().join("fuzz/fuzz_targets")).unwrap();
    let name = |entry: std::fs::DirEntry| entry.path().file_stem().unwrap().to_str().unwrap().to_owned();
    // The tracker reads what a detector says, which is ours.
    let targets: BTreeSet<String> =
        folder.map(|entry| name(entry.unwrap())).filter(|name| name != "tracker").collect();
    let cell = |claim: &Claim<'_>| {
        claim.cells[4].split('`').skip(1).step_by(2).map(str::to_owned).collect::<Vec<_>>()
    };
    let named: BTreeSet<String> = claims(MODEL, 'P').iter().flat_map(cell).collect();
    assert_eq!(named, targets);
}

#[test]
fn a_claim_without_a_test_and_one_whose_test_is_gone_are_noticed() {
    let file = |path: &str| (path == "tests/a.rs").then(|| "#[test]\nfn it_holds() {}".to_owned());
    let check = |row: &str| complaints(row, file).len();
    assert_eq!(check("| C1 | it holds | `tests/a.rs` `it_holds` |"), 0);
    assert_eq!(check("| C1 | it holds | |"), 1);
    assert_eq!(check("| C1 | it holds | `tests/a.rs` `it_held` |"), 1);
    assert_eq!(check("| C1 | it holds | `tests/b.rs` `it_holds` |"), 1);
    assert_eq!(check("| C2 | it holds | `tests/a.rs` `it_holds` |"), 1);
}
