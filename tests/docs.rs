//! What the documents point at is there: every relative link, and every file of ours that is named in code letters.
//!
//! Links to the web are not followed: a test needs no network.

use std::path::{Path, PathBuf};

/// Folders whose files a document may name from the top, such as `src/time.rs`.
const OURS: [&str; 6] = ["src/", "tests/", "docs/", "scripts/", "deploy/", "benches/"];

/// What is wrong in the document at `path`, which holds `text`; `root` is the project's folder.
fn complaints(root: &Path, path: &Path, text: &str) -> Vec<String> {
    let folder = path.parent().expect("a file lies in a folder");
    let prose = without_code_blocks(text);
    let mut found = Vec::new();
    for target in links(&prose).filter(|target| is_relative(target)) {
        let (file, heading) = target.split_once('#').unwrap_or((target, ""));
        let named = if file.is_empty() { path.to_path_buf() } else { folder.join(file) };
        if !named.exists() {
            found.push(format!("the link {target} leads nowhere"));
        } else if !heading.is_empty() && !has_heading(&named, heading) {
            found.push(format!("the link {target} names a heading that is not there"));
        }
    }
    let missing = |name: &&str| is_of_ours(name) && !root.join(name).exists();
    found.extend(code_words(&prose).filter(missing).map(|name| format!("there is no {name}")));
    found
}

fn without_code_blocks(text: &str) -> String {
    let mut inside = false;
    let is_outside = |line: &&str| {
        let is_fence = line.starts_with("```");
        inside ^= is_fence;
        !inside && !is_fence
    };
    text.lines().filter(is_outside).collect::<Vec<_>>().join("\n")
}

/// Targets of `[words](target)` and `![words](target)`.
fn links(text: &str) -> impl Iterator<Item = &str> {
    text.split("](").skip(1).filter_map(|rest| rest.split_once(')')).map(|(target, _)| target)
}

fn is_relative(target: &str) -> bool {
    !target.contains("://") && !target.starts_with("mailto:")
}

/// What stands in code letters.
fn code_words(text: &str) -> impl Iterator<Item = &str> {
    text.split('`').skip(1).step_by(2)
}

/// Whether a name in code letters is a path in this project, and no pattern.
fn is_of_ours(name: &str) -> bool {
    OURS.iter().any(|folder| name.starts_with(folder)) && !name.contains(['*', ' ', '{'])
}

/// Whether a document has a heading that a link calls by `anchor`: small letters, `-` for spaces, no other signs.
fn has_heading(path: &Path, anchor: &str) -> bool {
    let text = std::fs::read_to_string(path).unwrap_or_default();
    without_code_blocks(&text).lines().filter(|line| line.starts_with('#')).any(|line| {
        let words = line.trim_start_matches('#').trim().to_lowercase().replace(' ', "-");
        words.chars().filter(|c| c.is_alphanumeric() || "-_".contains(*c)).eq(anchor.chars())
    })
}

/// Every document of the project; what is built and fetched is left out.
fn documents(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).expect("a folder of the project") {
        let path = entry.expect("an entry of the project").path();
        let name = path.file_name().expect("a name").to_string_lossy().into_owned();
        if path.is_dir() {
            let is_built =
                (["target", "build"].contains(&name.as_str()) && folder == root()) || name == "node_modules";
            if !name.starts_with('.') && !is_built {
                documents(&path, found);
            }
        } else if name.ends_with(".md") {
            found.push(path);
        }
    }
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

#[test]
fn every_relative_link_and_every_named_file_is_there() {
    let mut paths = Vec::new();
    documents(root(), &mut paths);
    assert!(paths.len() >= 12, "{paths:?}");
    let mut all = Vec::new();
    for path in paths {
        let text = std::fs::read_to_string(&path).expect("a document is text");
        let found = complaints(root(), &path, &text);
        all.extend(found.into_iter().map(|complaint| format!("{}: {complaint}", path.display())));
    }
    assert!(all.is_empty(), "\n{}", all.join("\n"));
}

/// What a document `docs/a.md`, beside which `b.md` has the heading "Two words", brings.
#[track_caller]
fn check(text: &str, expected: &[&str]) {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::create_dir(folder.path().join("docs")).expect("a folder in it");
    std::fs::write(folder.path().join("docs/b.md"), "# B\n\n## Two, words\n").expect("a document");
    let path = folder.path().join("docs/a.md");
    std::fs::write(&path, text).expect("a document");
    assert_eq!(complaints(folder.path(), &path, text), expected, "{text}");
}

#[test]
fn a_link_that_leads_nowhere_is_seen() {
    check("[one](b.md) and ![two](gone.png)", &["the link gone.png leads nowhere"]);
    check("[up](../docs/b.md) [out](https://example.org/gone.md)", &[]);
    check("[here](#gone)", &["the link #gone names a heading that is not there"]);
    check("# Here\n[here](#here) [there](b.md#two-words)", &[]);
    check("[there](b.md#three)", &["the link b.md#three names a heading that is not there"]);
}

#[test]
fn a_file_that_is_named_and_gone_is_seen() {
    check("see `docs/b.md`, `docs/*.md` and `gone.rs`", &[]);
    check("see `src/gone.rs`", &["there is no src/gone.rs"]);
}

#[test]
fn code_blocks_are_no_links() {
    check(
        "```text\n[a](gone.md)\n```\n[b](gone.md)\n```\n[c](gone.md)\n```",
        &["the link gone.md leads nowhere"],
    );
}
