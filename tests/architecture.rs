//! Holds the source to the rules that ARCHITECTURE.md states.
//!
//! It reads the source as text, without comments, strings and test modules. That is enough to see which paths a
//! file names, and needs no compiler. Every rule is also fed a small source that breaks it: a check that cannot
//! fail is a defect.
//!
//! When a file of yours is named here: either the thing belongs into an adapter, or the adapter belongs into the
//! lists below, together with a word in ARCHITECTURE.md.

use std::collections::BTreeSet;
use std::path::Path;

/// Which files may name a foreign crate. A name that ends in `/` is a folder; `""` is every file.
const FOREIGN: &[Foreign<'_>] = &[
    ("anyhow", &["app/"]),
    ("argon2", &["hq/access/"]),
    ("aws_lc_rs", &["fleet/release.rs", "publish/mqtt/tls.rs"]),
    ("axum", &["app/audit/serve.rs", "feeds/http.rs", "fleet/scrape.rs", "hq/api/"]),
    ("axum_extra", &["hq/api/"]),
    ("base64", &["app/run/patrol.rs", "fleet/release.rs", "hq/fleet/"]),
    ("clap", &["app/cli.rs", "app/cli/", "app/hq/"]),
    ("console", &["app/"]),
    ("csv", &["site/staffing.rs", "site/till/csv.rs", "hq/api/", "hq/sales/"]),
    ("encoding_rs", &["site/till/text.rs"]),
    ("fastrand", &["analytics/score.rs"]),
    ("flate2", &["wire/", "app/support/"]),
    ("governor", &["hq/api/"]),
    ("hmac", &["hq/webhooks/"]),
    ("hyper_util", &["hq/api/serve.rs"]),
    ("image", &["capture/pictures.rs", "app/"]),
    ("indicatif", &["app/"]),
    ("jiff", &["time.rs", "calendar/", "app/"]),
    ("nalgebra", &["calibration/"]),
    ("ndarray", &["detect/"]),
    ("openidconnect", &["hq/access/oidc.rs"]),
    (
        "opencv",
        &["calibration/distort.rs", "capture/opencv.rs", "detect/foreground/opencv.rs", "app/draw.rs"],
    ),
    ("ort", &["detect/ort/"]),
    ("parquet", &["hq/export/"]),
    ("prometheus_client", &["fleet/metrics.rs", "hq/metrics.rs"]),
    ("qrcode", &["hq/fleet/enrol.rs"]),
    ("rcgen", &["hq/fleet/authority.rs", "fleet/keys.rs"]),
    ("reqwest", &["fleet/https.rs", "hq/access/oidc.rs", "hq/webhooks/"]),
    ("rqrr", &["app/enrol.rs"]),
    (
        "rumqttc",
        &["publish/mqtt.rs", "publish/mqtt/", "feeds/mqtt.rs", "fleet/mqtt.rs", "app/watch/", "hq/mqtt.rs"],
    ),
    ("rusqlite", &["outbox/", "ledger/", "hq/store/"]),
    ("rust_embed", &["hq/api/pages.rs"]),
    ("rustix", &["detect/ort/", "fleet/vitals.rs", "hq/access/", "hq/fleet/authority.rs", "app/"]),
    ("sd_notify", &["app/run/watchdog.rs"]),
    (
        "serde",
        &[
            "calibration/",
            "detect/manifest.rs",
            "recording/lines.rs",
            "site/till/json.rs",
            "site/staffing.rs",
            "wire/",
            "publish/mqtt.rs",
            "app/audit/format.rs",
            "fleet/update.rs",
            "hq/",
            "fleet/twin.rs",
        ],
    ),
    (
        "serde_json",
        &[
            "recording/lines.rs",
            "site/till/json.rs",
            "site/sensors/read.rs",
            "site/staffing.rs",
            "wire/",
            "outbox/",
            "ledger/",
            "publish/discovery.rs",
            "publish/mqtt.rs",
            "feeds/badges.rs",
            "feeds/http.rs",
            "fleet/commands.rs",
            "fleet/update.rs",
            "hq/",
            "app/",
            "fleet/store.rs",
            "fleet/enrol.rs",
            "fleet/fetch.rs",
        ],
    ),
    (
        "sha2",
        &[
            "config/geometry.rs",
            "detect/manifest.rs",
            "hq/access/",
            "hq/fleet/",
            "hq/webhooks/",
            "fleet/twin.rs",
            "fleet/fetch.rs",
            "app/update/",
            "app/release.rs",
        ],
    ),
    ("signal_hook", &["app/"]),
    ("strsim", &["config/document.rs"]),
    ("tar", &["app/support/"]),
    ("thiserror", &[""]),
    (
        "tokio",
        &[
            "publish/mqtt.rs",
            "app/audit/serve.rs",
            "feeds/http.rs",
            "fleet/scrape.rs",
            "hq/",
            "app/hq/serve.rs",
            "fleet/https.rs",
        ],
    ),
    ("tokio_stream", &["hq/api/"]),
    (
        "toml",
        &[
            "calibration/",
            "config/document.rs",
            "detect/inspect.rs",
            "detect/manifest.rs",
            "hq/fleet/twin.rs",
            "app/support/",
        ],
    ),
    ("tower_http", &["hq/api/"]),
    ("tracing", &["capture/", "outbox/", "publish/", "feeds/", "fleet/", "hq/", "app/"]),
    ("tracing_subscriber", &["app/"]),
    ("utoipa", &["hq/api/", "hq/fleet/boxes.rs", "hq/report/", "hq/register/"]),
    ("utoipa_axum", &["hq/api/"]),
    ("x509_parser", &["fleet/certificate.rs", "fleet/keys.rs"]),
];

/// Files whose types may be written and read as text; others only pass such types on.
const SERIALISED: &[&str] = &[
    "calibration/",
    "detect/manifest.rs",
    "recording/lines.rs",
    "site/till/json.rs",
    "site/staffing.rs",
    "wire/",
    "app/audit/format.rs",
    "fleet/update.rs",
    "hq/",
    "fleet/twin.rs",
];

/// What reads a clock, and who may.
/// `governor` calls its own trait's type `Instant`; what it is there comes from `time`.
const CLOCKS: (&[&str], &[&str]) = (&["Instant", "SystemTime"], &["time.rs", "hq/api/limits.rs"]);
/// What reads or writes files, and who may. `File` itself is only had through `std::fs`.
const FILES: (&[&str], &[&str]) = (
    &["fs", ".exists", ".is_dir", ".is_file", ".metadata", ".read_dir", ".canonicalize"],
    &[
        "capture/mod.rs",
        "capture/opencv.rs",
        "capture/pictures.rs",
        "config/file.rs",
        "secrets.rs",
        "detect/manifest.rs",
        "feeds/folder.rs",
        "fleet/vitals.rs",
        "fleet/fetch.rs",
        "fleet/store.rs",
        "outbox/",
        "ledger/",
        "time/boot.rs",
        "publish/mqtt/",
        "hq/store/",
        "hq/export/",
        "hq/fleet/authority.rs",
        "hq/fleet/packages.rs",
        "app/",
    ],
);
/// What speaks to the network, and who may.
const SOCKETS: (&[&str], &[&str]) = (
    &["net", "TcpStream", "TcpListener", "UdpSocket"],
    &[
        "capture/opencv.rs",
        "site/till/ways.rs",
        "publish/mod.rs",
        "publish/mqtt.rs",
        "feeds/http.rs",
        "fleet/scrape.rs",
        "config/metrics.rs",
        "fleet/enrol.rs",
        "config/till.rs",
        "hq/config.rs",
        "hq/settings.rs",
        "hq/api/",
        "hq/webhooks/",
        "app/audit/serve.rs",
        "app/support.rs",
        "app/cli/audit.rs",
        "app/hq/serve.rs",
    ],
);
/// What depends on the process around it, and who may.
const PROCESS: (&[&str], &[&str]) =
    (&["env", "process"], &["secrets.rs", "detect/ort/", "app/", "main.rs", "bin/"]);

/// Modules that must not name each other although the order would allow it: (who, whom).
const STRANGERS: &[(&str, &str)] = &[
    ("count", "zones"),
    ("zones", "count"),
    ("wire", "capture"),
    ("outbox", "capture"),
    ("publish", "capture"),
    ("feeds", "capture"),
];

/// Types and the stage that makes them, and so owns them. The wire has twins of some.
const OWNERS: &[(&str, &str)] = &[
    ("Frame", "capture"),
    ("Detection", "detect"),
    ("Sighting", "track"),
    ("Crossing", "count"),
    ("Finding", "visitors"),
    ("LineMinute", "analytics"),
    ("CameraEvent", "pipeline"),
    ("EdgeSettings", "config"),
];

/// A crate, and which files may name it.
type Foreign<'a> = (&'a str, &'a [&'a str]);

/// Longest a binary may be: arguments in, exit code out.
const MAX_MAIN_LINES: usize = 40;

/// What the rules are about.
#[derive(Default)]
struct Tree {
    /// `pub mod` of lib.rs, in its order.
    modules: Vec<String>,
    /// Files under `src/`: path and text.
    files: Vec<(String, String)>,
    /// Names of the dependencies in Cargo.toml, with `_`.
    dependencies: Vec<String>,
    /// Modules in the order in which ARCHITECTURE.md describes them.
    documented: Vec<String>,
}

impl Tree {
    fn complaints(&self) -> Vec<String> {
        let mut found: Vec<String> = self.documented_order().into_iter().collect();
        found.extend(self.unlisted_dependencies());
        for (path, text) in &self.files {
            let code = without_tests(&without_comments_and_strings(text));
            let mut of_file = Vec::new();
            of_file.extend(header(path, text));
            if path == "main.rs" || path.starts_with("bin/") {
                of_file.extend(length_of_main(text));
            } else if path != "lib.rs" {
                of_file.extend(self.imports(path, &code));
            }
            of_file.extend(self.foreign(path, &code));
            of_file.extend(world(path, &code));
            of_file.extend(owners(path, &code));
            of_file.extend(serialised(path, &code));
            found.extend(of_file.into_iter().map(|complaint| format!("{path}: {complaint}")));
        }
        found
    }

    fn documented_order(&self) -> Option<String> {
        (self.modules != self.documented).then(|| {
            format!("lib.rs lists {:?}, ARCHITECTURE.md describes {:?}", self.modules, self.documented)
        })
    }

    fn unlisted_dependencies(&self) -> Vec<String> {
        let listed = |name: &String| FOREIGN.iter().any(|(foreign, _)| foreign == name);
        let unlisted = self.dependencies.iter().filter(|name| !listed(name));
        unlisted
            .map(|name| format!("Cargo.toml: {name} is not in FOREIGN; say which files may use it"))
            .collect()
    }

    /// Permissions that nobody needs any more: they would let in tomorrow what was thrown out today.
    fn stale(&self, foreign: &[Foreign<'_>]) -> Vec<String> {
        let mut found = Vec::new();
        for (name, files) in foreign {
            if !self.dependencies.iter().any(|dependency| dependency == name) {
                found.push(format!("FOREIGN: {name} is no dependency of Cargo.toml; take it out"));
                continue;
            }
            for file in *files {
                let used = |code: &str| names_crate(code, name, local_names(code).contains(*name));
                if !self.any_of(file, used) {
                    found
                        .push(format!("FOREIGN: nothing in {file:?} names {name}; take the permission back"));
                }
            }
        }
        found
    }

    /// The same for what the world may be touched with.
    fn stale_world(&self, what: &str, (words, files): (&[&str], &[&str])) -> Vec<String> {
        let unused =
            |file: &&&str| !self.any_of(file, |code| words.iter().any(|word| names_world(code, word)));
        let complaint = |file| format!("{what}: nothing in {file:?} needs it; take the permission back");
        files.iter().filter(unused).map(complaint).collect()
    }

    /// Whether the code of any file that `permitted` covers is such.
    fn any_of(&self, permitted: &str, is_such: impl Fn(&str) -> bool) -> bool {
        let covered = self.files.iter().filter(|(path, _)| may(path, &[permitted]));
        covered.map(|(_, text)| without_tests(&without_comments_and_strings(text))).any(|code| is_such(&code))
    }

    /// Imports point up the list only, and strangers do not know each other.
    fn imports(&self, path: &str, code: &str) -> Vec<String> {
        let own = path.split(['/', '.']).next().unwrap_or(path);
        let place = |name: &str| self.modules.iter().position(|module| module == name);
        let Some(own_place) = place(own) else {
            return vec![format!("lib.rs does not list the module {own}")];
        };
        let mut found: Vec<String> = escapes(path, code).into_iter().collect();
        for name in crate_paths(code) {
            match place(&name) {
                None => found.push(format!("crate::{name} is no module of lib.rs")),
                Some(other) if other > own_place => {
                    found.push(format!("{own} must not know {name}, which comes after it in lib.rs"));
                }
                Some(_) if STRANGERS.contains(&(own, name.as_str())) => {
                    found.push(format!("{own} and {name} must not know each other"));
                }
                Some(_) => {}
            }
        }
        found
    }

    fn foreign(&self, path: &str, code: &str) -> Vec<String> {
        let local = local_names(code);
        let mut found = Vec::new();
        for (name, files) in FOREIGN {
            if !may(path, files) && names_crate(code, name, local.contains(*name)) {
                found.push(format!("{name} stays in {files:?}"));
            }
        }
        found
    }
}

fn may(path: &str, files: &[&str]) -> bool {
    files
        .iter()
        .any(|file| path == *file || (file.is_empty() || file.ends_with('/')) && path.starts_with(file))
}

fn header(path: &str, text: &str) -> Option<String> {
    let tests = path.ends_with("/tests.rs");
    (!tests && !text.starts_with("//!")).then(|| "does not open with //! and what it does".to_owned())
}

fn length_of_main(text: &str) -> Option<String> {
    let lines = text.lines().count();
    (lines > MAX_MAIN_LINES)
        .then(|| format!("has {lines} lines, at most {MAX_MAIN_LINES}: move them into app"))
}

/// Only named files read a clock, a file, a socket or the process around them.
fn world(path: &str, code: &str) -> Vec<String> {
    let mut found = Vec::new();
    for (what, (words, files)) in [
        ("clocks are read", CLOCKS),
        ("files are touched", FILES),
        ("sockets are opened", SOCKETS),
        ("the process is asked", PROCESS),
    ] {
        let named = words.iter().find(|word| names_world(code, word));
        if let Some(word) = named
            && !may(path, files)
        {
            found.push(format!("names {word}; {what} in {files:?} only"));
        }
    }
    found
}

/// The stage that makes a type owns it.
fn owners(path: &str, code: &str) -> Vec<String> {
    let own = path.split(['/', '.']).next().unwrap_or(path);
    let defines = |name: &str| ["struct", "enum"].iter().any(|kind| follows(code, kind, name));
    let foreign = |(name, owner): &&(&str, &str)| *owner != own && own != "wire" && defines(name);
    OWNERS.iter().filter(foreign).map(|(name, owner)| format!("{name} belongs to {owner}")).collect()
}

/// Types are serialised at the edges only: what the domain calls a thing must be free to change.
fn serialised(path: &str, code: &str) -> Option<String> {
    let derived = places(code, "derive").any(|at| {
        let list = code[at..].split(']').next().unwrap_or_default();
        ["Serialize", "Deserialize"].iter().any(|name| places(list, name).next().is_some())
    });
    (derived && !may(path, SERIALISED)).then(|| format!("types are serialised in {SERIALISED:?} only"))
}

// Reading source.

/// The source with comments, strings and character literals blanked; lines stay where they are.
fn without_comments_and_strings(source: &str) -> String {
    let letters: Vec<char> = source.chars().collect();
    let mut code = String::with_capacity(source.len());
    let mut at = 0;
    while at < letters.len() {
        let end = match (letters[at], letters.get(at + 1)) {
            ('/', Some('/')) => {
                letters[at..].iter().position(|c| *c == '\n').map_or(letters.len(), |n| at + n)
            }
            ('/', Some('*')) => end_of_block_comment(&letters, at),
            ('r', Some('"' | '#')) if !ends_in_word(&code) => end_of_raw_string(&letters, at),
            ('"', _) => end_of_quoted(&letters, at, '"'),
            ('\'', Some('\\')) => end_of_quoted(&letters, at, '\''),
            ('\'', _) if letters.get(at + 2) == Some(&'\'') => at + 3,
            _ => at,
        };
        if end == at {
            code.push(letters[at]);
            at += 1;
        } else {
            code.extend(letters[at..end].iter().map(|c| if *c == '\n' { '\n' } else { ' ' }));
            at = end;
        }
    }
    code
}

fn ends_in_word(code: &str) -> bool {
    code.ends_with(is_word)
}

fn end_of_block_comment(letters: &[char], start: usize) -> usize {
    let (mut depth, mut at) = (0_usize, start);
    while at < letters.len() {
        match (letters[at], letters.get(at + 1)) {
            ('/', Some('*')) => (depth, at) = (depth + 1, at + 2),
            ('*', Some('/')) => {
                (depth, at) = (depth - 1, at + 2);
                if depth == 0 {
                    return at;
                }
            }
            _ => at += 1,
        }
    }
    letters.len()
}

/// `start` where this is a raw identifier and no string.
fn end_of_raw_string(letters: &[char], start: usize) -> usize {
    let hashes = letters[start + 1..].iter().take_while(|c| **c == '#').count();
    let open = start + 1 + hashes;
    if letters.get(open) != Some(&'"') {
        return start;
    }
    let closes = |at: usize| {
        letters[at] == '"' && letters[at + 1..].iter().take(hashes).filter(|c| **c == '#').count() == hashes
    };
    (open + 1..letters.len()).find(|at| closes(*at)).map_or(letters.len(), |at| at + 1 + hashes)
}

fn end_of_quoted(letters: &[char], start: usize, quote: char) -> usize {
    let mut at = start + 1;
    while at < letters.len() {
        match letters[at] {
            '\\' => at += 2,
            c if c == quote => return at + 1,
            _ => at += 1,
        }
    }
    letters.len()
}

/// The code without what only tests see.
fn without_tests(code: &str) -> String {
    let mut kept = String::with_capacity(code.len());
    let mut rest = code;
    while let Some(at) = ["#[cfg(test)]", "#[cfg(all(test"].iter().filter_map(|mark| rest.find(mark)).min() {
        kept.push_str(&rest[..at]);
        rest = &rest[at + end_of_item(&rest[at..])..];
    }
    kept.push_str(rest);
    kept
}

/// Length of an item with its attributes: to its `;`, or to the `}` that closes its first `{`.
fn end_of_item(code: &str) -> usize {
    let mut depth = 0_usize;
    for (at, c) in code.char_indices() {
        match c {
            ';' if depth == 0 => return at + 1,
            '{' => depth += 1,
            '}' => {
                depth = depth.saturating_sub(1);
                if depth == 0 {
                    return at + 1;
                }
            }
            _ => {}
        }
    }
    code.len()
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// Where `word` stands as a whole word.
fn places<'a>(code: &'a str, word: &'a str) -> impl Iterator<Item = usize> + 'a {
    code.match_indices(word)
        .map(|(at, _)| at)
        .filter(move |at| !ends_in_word(&code[..*at]) && !code[at + word.len()..].starts_with(is_word))
}

/// Whether `second` stands right after `first`, both whole words.
fn follows(code: &str, first: &str, second: &str) -> bool {
    places(code, first).any(|at| {
        let rest = code[at + first.len()..].trim_start();
        rest.strip_prefix(second).is_some_and(|rest| !rest.starts_with(is_word))
    })
}

/// First names of all paths that begin with `crate::`, those in braces too.
fn crate_paths(code: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for at in places(code, "crate") {
        let Some(rest) = code[at + "crate".len()..].trim_start().strip_prefix("::") else { continue };
        match rest.trim_start().strip_prefix('{') {
            Some(group) => found.extend(first_names(group)),
            None => found.extend(first_word(rest.trim_start())),
        }
    }
    found
}

/// First names of the paths in a `{...}` of which the brace is already read.
fn first_names(group: &str) -> Vec<String> {
    let (mut depth, mut expecting, mut found) = (1_usize, true, Vec::new());
    for (at, c) in group.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth == 1 => break,
            '}' => depth -= 1,
            ',' if depth == 1 => expecting = true,
            c if is_word(c) && expecting => {
                found.extend(first_word(&group[at..]));
                expecting = false;
            }
            _ => {}
        }
    }
    found
}

fn first_word(code: &str) -> Option<String> {
    let word: String = code.chars().take_while(|c| is_word(*c)).collect();
    (!word.is_empty()).then_some(word)
}

/// `super::` that leaves the file's top module: it would hide an import from the rules.
fn escapes(path: &str, code: &str) -> Option<String> {
    let parts = path.trim_end_matches(".rs").split('/').filter(|part| *part != "mod").count();
    let chain = |times: usize| "super::".repeat(times);
    let deep = code.replace(char::is_whitespace, "").contains(&chain(parts));
    deep.then(|| format!("{} leaves the module; write crate:: instead", chain(parts)))
}

/// Modules declared here, and names imported from our own modules.
fn local_names(code: &str) -> BTreeSet<String> {
    let mut found: BTreeSet<String> =
        places(code, "mod").filter_map(|at| first_word(code[at + "mod".len()..].trim_start())).collect();
    for at in places(code, "use") {
        let statement = code[at + "use".len()..].split(';').next().unwrap_or_default().trim_start();
        if ["crate", "super", "self"].iter().any(|root| statement.starts_with(root)) {
            let words = statement.split(|c| !is_word(c)).filter(|word| !word.is_empty());
            found.extend(words.map(str::to_owned));
        }
    }
    found
}

/// Whether the code names a foreign crate: `name::`, `::name::`, `use name;` or the macro `name!`.
fn names_crate(code: &str, name: &str, is_local_too: bool) -> bool {
    places(code, name).any(|at| {
        let (before, after) = (code[..at].trim_end(), code[at + name.len()..].trim_start());
        let is_path = after.starts_with("::");
        match before.strip_suffix("::") {
            Some(root) if ends_in_word(root) || root.ends_with('>') => false,
            Some(_) => is_path,
            None if is_local_too => false,
            None => is_path || follows(&code[..at + name.len()], "use", name),
        }
    })
}

/// Whether the code names something of the world: a type, a module (`fs::`), or a method (`.exists(`).
fn names_world(code: &str, word: &str) -> bool {
    if let Some(method) = word.strip_prefix('.') {
        return places(code, method)
            .any(|at| code[..at].ends_with('.') && code[at + method.len()..].starts_with('('));
    }
    let is_type = word.starts_with(char::is_uppercase);
    let mut all = places(code, word);
    // A module is meant only as a part of a path of std; a variable may have its name.
    all.any(|at| is_type || code[..at].ends_with("std::") || follows_std_group(&code[..at]))
}

/// Whether the code ends within `use std::{`.
fn follows_std_group(before: &str) -> bool {
    let statement = before.rsplit(';').next().unwrap_or_default().trim_start();
    statement.starts_with("use std::{") && (statement.ends_with('{') || statement.trim_end().ends_with(','))
}

// The tree as it is.

fn real_tree() -> Tree {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let read = |name: &str| std::fs::read_to_string(root.join(name)).expect(name);
    let mut files = Vec::new();
    collect(&root.join("src"), "", &mut files);
    files.sort();
    Tree {
        modules: modules_of(&read("src/lib.rs")),
        files,
        dependencies: dependencies_of(&read("Cargo.toml")),
        documented: documented_in(&read("ARCHITECTURE.md")),
    }
}

fn collect(folder: &Path, prefix: &str, files: &mut Vec<(String, String)>) {
    for entry in std::fs::read_dir(folder).expect("a folder of the source") {
        let path = entry.expect("an entry of the source").path();
        let name = path.file_name().expect("a name").to_string_lossy().into_owned();
        if path.is_dir() {
            collect(&path, &format!("{prefix}{name}/"), files);
        } else if name.ends_with(".rs") && name != "tests.rs" {
            files.push((format!("{prefix}{name}"), std::fs::read_to_string(&path).expect("a source file")));
        }
    }
}

fn modules_of(lib: &str) -> Vec<String> {
    let code = without_tests(&without_comments_and_strings(lib));
    code.lines()
        .filter_map(|line| line.trim().strip_prefix("pub mod ")?.strip_suffix(';').map(str::to_owned))
        .collect()
}

fn dependencies_of(manifest: &str) -> Vec<String> {
    let manifest: toml::Table = manifest.parse().expect("Cargo.toml is TOML");
    let dependencies = manifest["dependencies"].as_table().expect("a table of dependencies");
    dependencies.keys().map(|name| name.replace('-', "_")).collect()
}

/// Headings of the form "### `name`".
fn documented_in(architecture: &str) -> Vec<String> {
    let name = |line: &str| line.strip_prefix("### `")?.split('`').next().map(str::to_owned);
    architecture.lines().filter_map(name).collect()
}

#[test]
fn the_source_keeps_to_the_rules() {
    let complaints = real_tree().complaints();
    assert!(complaints.is_empty(), "\n{}", complaints.join("\n"));
}

#[test]
fn nothing_is_permitted_that_nobody_needs() {
    let tree = real_tree();
    let mut stale = tree.stale(FOREIGN);
    for (what, permitted) in
        [("CLOCKS", CLOCKS), ("FILES", FILES), ("SOCKETS", SOCKETS), ("PROCESS", PROCESS)]
    {
        stale.extend(tree.stale_world(what, permitted));
    }
    assert!(stale.is_empty(), "\n{}", stale.join("\n"));
}

#[test]
fn the_whole_source_is_read() {
    let tree = real_tree();
    assert!(tree.modules.len() >= 14, "{:?}", tree.modules);
    for file in ["lib.rs", "main.rs", "time.rs", "capture/opencv.rs", "config/document.rs", "app/cli.rs"] {
        assert!(tree.files.iter().any(|(path, _)| path == file), "{file} was not read");
    }
    assert!(tree.dependencies.contains(&"signal_hook".to_owned()), "{:?}", tree.dependencies);
}

// The rules, each broken once.

/// One file in a small tree, and the complaints that it must bring, without the file's name.
#[track_caller]
fn check(path: &str, code: &str, expected: &[&str]) {
    let names = ["ids", "time", "capture", "detect", "count", "zones", "wire", "publish", "config", "app"];
    let modules: Vec<String> = names.map(str::to_owned).into();
    let file = (path.to_owned(), format!("//! A module.\n{code}"));
    let tree = Tree {
        documented: modules.clone(),
        modules,
        files: vec![file],
        dependencies: vec!["serde".to_owned()],
    };
    let expected: Vec<String> = expected.iter().map(|complaint| format!("{path}: {complaint}")).collect();
    let found = tree.complaints();
    let starts_alike = found.len() == expected.len()
        && found.iter().zip(&expected).all(|(found, expected)| found.starts_with(expected.as_str()));
    assert!(starts_alike, "{code}\nbrought  {found:#?}\nexpected {expected:#?}");
}

#[test]
fn an_import_from_further_down_is_seen_however_it_is_written() {
    let complaint = &["detect must not know config"];
    check("detect/nms.rs", "use crate::config::EdgeSettings;", complaint);
    check("detect/nms.rs", "use crate::{ids::LineId, config::{self, EdgeSettings}};", complaint);
    check("detect/nms.rs", "fn f() { let x = crate :: config::load(); }", complaint);
    check("detect/nms.rs", "use super::super::config::EdgeSettings;", &["super::super:: leaves the module"]);
    check("detect/mod.rs", "use super::config::EdgeSettings;", &["super:: leaves the module"]);
    check("detect/nms.rs", "use crate::capture::Frame; use super::Detection;", &[]);
}

#[test]
fn a_module_that_nobody_listed_is_seen() {
    check("helper.rs", "", &["lib.rs does not list the module helper"]);
    check("detect/mod.rs", "use crate::Shortcut;", &["crate::Shortcut is no module of lib.rs"]);
}

#[test]
fn strangers_must_not_meet_although_the_order_allows_it() {
    check("zones/mod.rs", "use crate::count::Crossing;", &["zones and count must not know each other"]);
    check("wire/v1.rs", "use crate::capture::Frame;", &["wire and capture must not know each other"]);
}

#[test]
fn a_foreign_crate_outside_its_adapter_is_seen() {
    check("count/mod.rs", "use serde::Serialize;", &["serde stays in"]);
    let both = &["serde stays in", "types are serialised in"];
    check("count/mod.rs", "#[derive(serde::Serialize)] struct A;", both);
    check("detect/nms.rs", "use ::ort::session::Session;", &["ort stays in"]);
    check("capture/mod.rs", "use opencv;", &["opencv stays in"]);
    check("capture/opencv.rs", "use opencv::core::Mat;", &[]);
}

#[test]
fn a_type_that_is_serialised_inside_is_seen_and_one_that_is_passed_on_is_not() {
    let derived = "use serde::Deserialize;\n#[derive(Debug, Deserialize)]\nstruct A;";
    check("publish/mqtt.rs", derived, &["types are serialised in"]);
    check("publish/mqtt.rs", "use serde::Serialize; fn f<T: Serialize>(x: &T) {}", &[]);
    check("wire/v1.rs", derived, &[]);
}

#[test]
fn a_module_of_ours_that_has_the_name_of_a_crate_is_no_crate() {
    check("detect/mod.rs", "mod ort; pub use ort::OrtDetector;", &[]);
    check("app/model.rs", "use crate::detect::{Manifest, ort}; fn f() { ort::look_into(); }", &[]);
    check("app/model.rs", "fn f() { crate::detect::ort::look_into(); }", &[]);
    check("detect/mod.rs", "mod ort; use ::ort::session::Session;", &["ort stays in"]);
}

#[test]
fn clocks_files_sockets_and_the_environment_are_seen() {
    check("count/mod.rs", "fn f() { std::time::Instant::now(); }", &["names Instant; clocks are read"]);
    check("capture/mod.rs", "use std::time::{Duration, SystemTime};", &["names SystemTime; clocks are read"]);
    check("count/mod.rs", "fn f() { std::fs::read(\"x\"); }", &["names fs; files are touched"]);
    check("count/mod.rs", "use std::{fmt, fs};", &["names fs; files are touched"]);
    check("count/mod.rs", "fn f(p: &Path) -> bool { p.exists() }", &["names .exists; files are touched"]);
    check("count/mod.rs", "use std::net::TcpStream;", &["names net; sockets are opened"]);
    check("count/mod.rs", "fn f() { std::env::var(\"X\"); }", &["names env; the process is asked"]);
    check("count/mod.rs", "fn f(fs: f32, env: f32) -> f32 { fs * env }", &[]);
}

#[test]
fn a_type_outside_its_stage_is_seen() {
    check("count/mod.rs", "pub struct Frame { x: f32 }", &["Frame belongs to capture"]);
    check("count/mod.rs", "pub struct FrameCount;", &[]);
    check("wire/v1.rs", "pub struct Crossing;", &[]);
}

#[test]
fn comments_strings_and_tests_are_not_code() {
    check("count/mod.rs", "// use crate::config;\n/* std::fs /* nested */ std::net */", &[]);
    check("count/mod.rs", "const A: &str = \"std::fs \\\" std::net\"; const B: char = '\"';", &[]);
    check("count/mod.rs", "const A: &str = r#\"std::fs \" std::net\"#; fn f<'a>(x: &'a str) {}", &[]);
    check("count/mod.rs", "#[cfg(test)]\nmod tests { fn f() { std::fs::read(\"}\"); } }", &[]);
    check("count/mod.rs", "#[cfg(test)]\nuse std::fs;\nfn f() {}", &[]);
    check("count/mod.rs", "#[cfg(all(test, unix))]\nmod tests { use std::fs; }", &[]);
}

#[test]
fn code_after_comments_strings_and_tests_is_code() {
    let complaint = &["names fs; files are touched"];
    check("count/mod.rs", "/* a /* b */ c */ use std::fs;", complaint);
    check("count/mod.rs", "const A: char = '\"'; use std::fs; const B: char = '\"';", complaint);
    check("count/mod.rs", "const A: &str = r\"\\\"; use std::fs;", complaint);
    check("count/mod.rs", "const A: &[u8] = br#\"x\"#; use std::fs;", complaint);
    check("count/mod.rs", "#[cfg(test)]\nmod tests { fn f() {} }\nuse std::fs;", complaint);
    check("count/mod.rs", "#[cfg(test)]\nuse std::net;\nuse std::fs;", complaint);
}

#[test]
fn a_file_that_does_not_say_what_it_does_is_seen() {
    let tree = Tree { files: vec![("lib.rs".to_owned(), "pub mod ids;".to_owned())], ..Tree::default() };
    assert_eq!(tree.complaints(), ["lib.rs: does not open with //! and what it does"]);
}

#[test]
fn a_main_that_grows_is_seen() {
    let long = format!("//! Main.\n{}", "\n".repeat(MAX_MAIN_LINES));
    let tree = Tree { files: vec![("main.rs".to_owned(), long)], ..Tree::default() };
    assert_eq!(tree.complaints(), ["main.rs: has 41 lines, at most 40: move them into app"]);
}

#[test]
fn an_order_that_is_not_documented_is_seen() {
    let lib = "/// Names.\npub mod ids;\n// pub mod old;\npub mod time;\n";
    let tree = Tree { modules: modules_of(lib), documented: documented_in("### `ids`\n"), ..Tree::default() };
    let complaints = tree.complaints();
    assert_eq!(complaints, ["lib.rs lists [\"ids\", \"time\"], ARCHITECTURE.md describes [\"ids\"]"]);
}

#[test]
fn a_dependency_that_nobody_placed_is_seen() {
    let dependencies = dependencies_of("[dependencies]\nleft-pad = \"1\"\nserde = \"1\"\n");
    let complaints = Tree { dependencies, ..Tree::default() }.complaints();
    assert_eq!(complaints, ["Cargo.toml: left_pad is not in FOREIGN; say which files may use it"]);
}

#[test]
fn a_permission_for_a_crate_that_is_no_dependency_is_seen() {
    let tree = Tree { dependencies: vec!["serde".to_owned()], ..Tree::default() };
    let complaints = tree.stale(&[("left_pad", &["wire/"])]);
    assert_eq!(complaints, ["FOREIGN: left_pad is no dependency of Cargo.toml; take it out"]);
}

#[test]
fn a_permission_that_no_file_uses_is_seen() {
    let files = vec![
        ("wire/v1.rs".to_owned(), "use serde::Serialize;".to_owned()),
        ("app/mod.rs".to_owned(), "// use serde::Serialize;\nfn f() { crate::serde::x(); }".to_owned()),
    ];
    let tree = Tree { files, dependencies: vec!["serde".to_owned()], ..Tree::default() };
    let complaints = tree.stale(&[("serde", &["wire/", "app/", "gone.rs"])]);
    let unused = |file| format!("FOREIGN: nothing in {file:?} names serde; take the permission back");
    assert_eq!(complaints, [unused("app/"), unused("gone.rs")]);
}

#[test]
fn a_file_that_may_touch_the_world_and_does_not_is_seen() {
    let files = vec![
        ("time.rs".to_owned(), "use std::time::Instant;".to_owned()),
        ("count/mod.rs".to_owned(), "#[cfg(test)]\nmod tests { use std::time::Instant; }".to_owned()),
    ];
    let tree = Tree { files, ..Tree::default() };
    let stale = tree.stale_world("CLOCKS", (&["Instant"], &["time.rs", "count/"]));
    assert_eq!(stale, ["CLOCKS: nothing in \"count/\" needs it; take the permission back"]);
}
