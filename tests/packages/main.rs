//! The Debian packages, as real dpkg and real apt install, upgrade, remove and purge them; and updates of a box from afar.
//!
//! The programs are those under test, packed by the script of `make deb`. They are installed over this machine's own system in a layer that
//! is thrown away. systemd does not run there: what it would be told is checked with `systemd-analyze`.
#![cfg(all(feature = "capture-opencv", feature = "detect-ort", feature = "hq"))]
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod support;
mod update;

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;
use support::{OwnRoot, changed, pack, project, run};

const VERSION: &str = env!("CARGO_PKG_VERSION");

/// What a unit may be exposed to, by `systemd-analyze security`: 0 is nothing, 10 everything.
const CEILINGS: [(&str, f32); 3] =
    [("footfall.service", 1.6), ("footfall-hq.service", 1.1), ("footfall-update.service", 2.3)];

/// A settings file that counts in the sample clip, which lies beside the packages.
pub(crate) const SETTINGS: &str = r#"
tenant = "acme"
store = "test-1"
box = "acme-test-1-a"
[outbox]
path = "/var/lib/footfall/outbox.sqlite"
[[camera]]
id = "door"
source = "/mnt/vtest.avi"
picture = "768x576"
fps = 2
[[camera.line]]
id = "entrance"
from = [500, 140]
to = [500, 480]
"#;

/// A folder with the sample clip in it, for packages.
fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::copy(project().join("build/clips/vtest.avi"), folder.path().join("vtest.avi")).unwrap();
    folder
}

fn contents(package: &Path) -> String {
    run(Command::new("dpkg-deb").arg("--contents").arg(package))
}

#[track_caller]
fn check_holds(package: &Path, files: &[&str]) {
    let contents = contents(package);
    for file in files {
        assert!(
            contents.lines().any(|line| line.contains(&format!(" .{file}"))),
            "{file} is not in\n{contents}"
        );
    }
}

#[test]
fn the_packages_hold_all_that_is_needed_and_nobody_may_write_it() {
    let folder = tempfile::tempdir().unwrap();
    let (edge, office) = (pack("footfall", "", folder.path()), pack("footfall-hq", "", folder.path()));
    check_holds(
        &edge,
        &[
            "/usr/bin/footfall",
            "/usr/lib/footfall/libonnxruntime.so",
            "/usr/lib/footfall/repack",
            "/usr/lib/systemd/system/footfall.service",
            "/usr/lib/systemd/system/footfall-update.service",
            "/usr/lib/systemd/system/footfall-update.path",
            "/usr/share/footfall/footfall.toml",
            "/usr/share/footfall/models/nanodet-g-416-int8.toml",
            "/usr/share/footfall/models/nanodet-g-416-int8.onnx",
            "/usr/share/doc/footfall/copyright",
            "/usr/share/doc/footfall/onnxruntime-notices.gz",
            "/usr/share/doc/footfall/sbom.cdx.json",
            "/usr/share/doc/footfall/install.md",
        ],
    );
    check_holds(
        &office,
        &[
            "/usr/bin/footfall-hq",
            "/usr/lib/systemd/system/footfall-hq.service",
            "/usr/share/footfall-hq/hq.toml",
            "/usr/share/doc/footfall-hq/copyright",
            "/usr/share/doc/footfall-hq/sbom.cdx.json",
        ],
    );
    for package in [&edge, &office] {
        for line in contents(package).lines() {
            let mut words = line.split_ascii_whitespace();
            let (mode, owner) = (words.next().unwrap(), words.next().unwrap());
            assert_eq!(owner, "root/root", "{line}");
            assert!(
                !mode.contains('s') && mode.as_bytes()[5] != b'w' && mode.as_bytes()[8] != b'w',
                "{line}"
            );
        }
        let needs = run(Command::new("dpkg-deb").arg("-f").arg(package).arg("Depends"));
        assert!(needs.contains("libc6 (>= ") && needs.contains("adduser"), "{needs}");
    }
    let needs = run(Command::new("dpkg-deb").arg("-f").arg(&edge).arg("Depends"));
    assert!(needs.contains("libopencv-videoio"), "{needs}");
}

#[test]
fn the_same_programs_give_the_same_bytes() {
    let (one, two) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    for name in ["footfall", "footfall-hq"] {
        let (first, second) = (pack(name, "", one.path()), pack(name, "", two.path()));
        assert!(
            std::fs::read(first).unwrap() == std::fs::read(second).unwrap(),
            "two packages of {name} differ"
        );
    }
}

#[test]
fn the_parts_list_names_every_crate_once_with_its_licence_and_every_part_it_speaks_of() {
    for (name, also) in [("footfall", ["onnxruntime", "rusqlite"]), ("footfall-hq", ["uplot", "rusqlite"])] {
        // Only what it writes: cargo may say beside it that it waits for another one.
        let told = Command::new(project().join("scripts/sbom")).args([name, VERSION]).output().unwrap();
        let bom: serde_json::Value = serde_json::from_slice(&told.stdout)
            .unwrap_or_else(|fault| panic!("{fault}: {}", String::from_utf8_lossy(&told.stderr)));
        assert_eq!(
            (bom["bomFormat"].as_str(), bom["specVersion"].as_str()),
            (Some("CycloneDX"), Some("1.5"))
        );
        assert!(bom["serialNumber"].as_str().unwrap().starts_with("urn:uuid:"));
        assert_eq!(bom["metadata"]["component"]["version"].as_str(), Some(VERSION));
        let parts = bom["components"].as_array().unwrap();
        let mut known: BTreeSet<&str> = BTreeSet::new();
        for part in parts {
            assert!(known.insert(part["bom-ref"].as_str().unwrap()), "{part} stands there twice");
            assert!(
                part["licenses"][0]["expression"].as_str().is_some_and(|text| !text.is_empty()),
                "{part}"
            );
            assert!(["name", "version", "type"].iter().all(|key| part[key].is_string()), "{part}");
        }
        known.insert(bom["metadata"]["component"]["bom-ref"].as_str().unwrap());
        for edge in bom["dependencies"].as_array().unwrap() {
            let ends = edge["dependsOn"].as_array().unwrap().iter().chain([&edge["ref"]]);
            ends.for_each(|end| assert!(known.contains(end.as_str().unwrap()), "{end} is no part"));
        }
        let has = |name: &&str| parts.iter().any(|part| part["name"].as_str() == Some(name));
        assert!(also.iter().all(has), "{name}");
        assert!(!has(&"proptest"), "what only tests use is not shipped");
    }
}

#[test]
fn a_box_is_installed_upgraded_removed_and_purged_and_keeps_what_it_should() {
    let folder = folder();
    let package = pack("footfall", "", folder.path());
    let newer = changed(&package, "9.9", |tree| {
        std::fs::write(tree.join("etc/default/footfall"), "# another default\n").unwrap();
    });
    let Some(root) = OwnRoot::enter(folder.path()) else { return };
    let file = |path: &Path| format!("/mnt/{}", path.file_name().unwrap().to_str().unwrap());

    // A fresh box: apt finds what it depends on, and installing does not need settings.
    let said = root.run(&format!("apt-get -q -y install {}", file(&package)));
    assert!(said.contains("cp /usr/share/footfall/footfall.toml /etc/footfall/"), "{said}");
    assert!(root.run("footfall --version").contains(VERSION));
    assert_eq!(
        root.run("stat -c '%U:%G %a' /etc/footfall /var/lib/footfall /var/lib/footfall-update").trim(),
        "root:footfall 750\nfootfall:footfall 750\nroot:root 700"
    );
    assert!(root.run("getent passwd footfall").contains("/var/lib/footfall:/usr/sbin/nologin"));
    let enabled = root.run("ls /etc/systemd/system/multi-user.target.wants");
    assert!(enabled.contains("footfall.service") && enabled.contains("footfall-update.path"), "{enabled}");

    // It counts with what the package brought, as the user that the package made.
    std::fs::write(folder.path().join("footfall.toml"), SETTINGS).unwrap();
    root.run("install -m 640 -g footfall /mnt/footfall.toml /etc/footfall/footfall.toml");
    let as_service = "setpriv --reuid footfall --regid footfall --clear-groups env -C /var/lib/footfall HOME=/var/lib/footfall";
    root.run(&format!("{as_service} footfall check --config /etc/footfall/footfall.toml"));
    let counted = root.run(&format!(
        "{as_service} footfall count /mnt/vtest.avi --line entrance:500,140,500,480 --every 8 --json"
    ));
    let counted: serde_json::Value = serde_json::from_str(counted.lines().last().unwrap()).unwrap();
    let line = &counted["lines"]["entrance"];
    assert!(line["in"].as_u64().unwrap() > 0 && line["out"].as_u64().unwrap() > 0, "{counted}");
    // ONNX Runtime's own usage data: no identity of the machine, and nothing to send.
    assert_eq!(root.run("find /var/lib/footfall -iname '*onnxruntime*' -o -iname '*deviceid*'"), "");
    // The commented default file is one that can be started from.
    let places = root.run("grep -c '^#\\?[a-z_]* = \"/var/lib/footfall' /usr/share/footfall/footfall.toml");
    assert_eq!(
        places.trim(),
        "5",
        "outbox, ledger, audit, fleet and identity lie where the service may write"
    );
    root.run("cp /usr/share/footfall/footfall.toml /tmp/ && footfall check --config /tmp/footfall.toml");

    // An upgrade keeps settings, counts, and a file of the package that somebody changed.
    root.run("echo FOOTFALL_LOG=debug > /etc/default/footfall; echo kept > /var/lib/footfall/outbox.sqlite");
    root.run(&format!("apt-get -q -y -o Dpkg::Options::=--force-confold install {}", file(&newer)));
    assert!(root.run("dpkg-query -W footfall").contains("9.9"));
    let kept =
        "cat /var/lib/footfall/outbox.sqlite /etc/default/footfall && test -e /etc/footfall/footfall.toml";
    assert_eq!(root.run(kept), "kept\nFOOTFALL_LOG=debug\n");

    // Doing it again changes nothing and does no harm.
    let state =
        "find /etc/footfall /var/lib/footfall /etc/systemd/system -printf '%p %u %m\\n' | sort; id footfall";
    let before = root.run(state);
    for _ in 0..2 {
        root.run("DPKG_MAINTSCRIPT_PACKAGE=footfall sh /var/lib/dpkg/info/footfall.postinst configure 9.9");
    }
    assert_eq!(root.run(state), before);

    // Removed: settings and counts stay. Purged: nothing stays, as the guide says.
    root.run("apt-get -q -y remove footfall");
    assert_eq!(root.run(kept), "kept\nFOOTFALL_LOG=debug\n");
    root.run("! test -e /usr/bin/footfall && ! test -e /usr/lib/footfall");
    root.run("apt-get -q -y purge footfall");
    let left = "ls -d /etc/footfall /var/lib/footfall /var/lib/footfall-update /etc/default/footfall 2>/dev/null || true";
    assert_eq!(root.run(left), "");
    root.run("! ls /etc/systemd/system/multi-user.target.wants | grep footfall");
    root.run("! dpkg-query -W footfall");
}

#[test]
fn head_office_is_installed_and_its_figures_outlive_even_a_purge() {
    let folder = tempfile::tempdir().unwrap();
    let package = pack("footfall-hq", "", folder.path());
    let Some(root) = OwnRoot::enter(folder.path()) else { return };
    let file = format!("/mnt/{}", package.file_name().unwrap().to_str().unwrap());
    let said = root.run(&format!("apt-get -q -y install {file}"));
    assert!(said.contains("cp /usr/share/footfall-hq/hq.toml /etc/footfall-hq/"), "{said}");
    root.run("cp /usr/share/footfall-hq/hq.toml /etc/footfall-hq/ && footfall-hq check --config /etc/footfall-hq/hq.toml");
    assert_eq!(
        root.run("stat -c '%U:%G %a' /etc/footfall-hq /var/lib/footfall-hq").trim(),
        "root:footfall-hq 750\nfootfall-hq:footfall-hq 750"
    );
    root.run("echo figures > /var/lib/footfall-hq/hq.sqlite");
    root.run(&format!("dpkg -i {file}"));
    root.run("apt-get -q -y remove footfall-hq && test -e /etc/footfall-hq/hq.toml");
    let said = root.run("apt-get -q -y purge footfall-hq");
    assert!(said.contains("database and authority stay in /var/lib/footfall-hq"), "{said}");
    assert_eq!(root.run("cat /var/lib/footfall-hq/hq.sqlite"), "figures\n");
    root.run("! test -e /etc/footfall-hq");
}

#[test]
fn the_units_are_sound_and_exposed_to_no_more_than_is_stated() {
    let units = project().join("deploy/systemd");
    for (unit, ceiling) in CEILINGS {
        let told =
            run(Command::new("systemd-analyze").args(["security", "--offline=yes"]).arg(units.join(unit)));
        let words = told.lines().find(|line| line.contains("Overall exposure level")).unwrap();
        let score: f32 = words.split(": ").nth(1).unwrap().split(' ').next().unwrap().parse().unwrap();
        assert!(score <= ceiling, "{unit}: exposed to {score}, stated are {ceiling}\n{told}");
    }
}

#[test]
fn systemd_reads_the_installed_units_without_a_complaint() {
    let folder = tempfile::tempdir().unwrap();
    let packages = [pack("footfall", "", folder.path()), pack("footfall-hq", "", folder.path())];
    let Some(root) = OwnRoot::enter(folder.path()) else { return };
    for package in packages {
        root.run(&format!("dpkg -i /mnt/{}", package.file_name().unwrap().to_str().unwrap()));
    }
    let said = root.run(
        "systemd-analyze verify footfall.service footfall-update.service footfall-update.path footfall-hq.service 2>&1",
    );
    let ours: Vec<&str> = said.lines().filter(|line| line.contains("footfall")).collect();
    assert!(ours.is_empty(), "{ours:#?}");
}

/// What follows a word at the start of a line.
#[track_caller]
fn after<'a>(text: &'a str, word: &str) -> &'a str {
    let mut found = text.lines().filter_map(|line| line.strip_prefix(word));
    found.next().unwrap_or_else(|| panic!("{word} is not in\n{text}")).trim()
}

#[test]
fn a_container_starts_what_the_unit_starts_as_the_user_that_the_package_makes() {
    for name in ["footfall", "footfall-hq"] {
        let read = |path: String| std::fs::read_to_string(project().join(path)).unwrap();
        let container = read(format!("deploy/container/{name}.Containerfile"));
        let known = ["FROM", "COPY", "RUN", "USER", "WORKDIR", "VOLUME", "STOPSIGNAL", "ENTRYPOINT", "CMD"];
        let joined = container.replace("\\\n", " ");
        for line in joined.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
            assert!(known.contains(&line.split(' ').next().unwrap()), "{name}: {line}");
        }
        let words = |word: &str| -> Vec<String> { serde_json::from_str(after(&container, word)).unwrap() };
        let unit = read(format!("deploy/systemd/{name}.service"));
        assert_eq!([words("ENTRYPOINT"), words("CMD")].concat().join(" "), after(&unit, "ExecStart="));
        assert_eq!(after(&container, "USER"), after(&unit, "User="));
        assert!(
            read(format!("deploy/debian/{name}/postinst"))
                .contains(&format!("nologin {}\n", after(&unit, "User=")))
        );
    }
}

#[test]
fn the_maintainer_scripts_are_shell_that_ends_at_the_first_fault() {
    for package in ["footfall", "footfall-hq"] {
        for script in ["postinst", "prerm", "postrm"] {
            let path = project().join("deploy/debian").join(package).join(script);
            run(Command::new("sh").arg("-n").arg(&path));
            let text = std::fs::read_to_string(&path).unwrap();
            assert!(text.starts_with("#!/bin/sh\n") && text.contains("\nset -e\n"), "{}", path.display());
        }
    }
}
