//! Packages as `make deb` makes them, of the programs under test; and a root folder of its own to install them in.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

pub(super) fn project() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Packs one program with the script of `make deb`, without compression; gives the package.
#[track_caller]
pub(super) fn pack(name: &str, suffix: &str, out: &Path) -> PathBuf {
    let binaries = Path::new(env!("CARGO_BIN_EXE_footfall")).parent().expect("a program lies in a folder");
    let made = Command::new(project().join("scripts/deb"))
        .args(["--fast", "--suffix", suffix, "--binaries"])
        .arg(binaries)
        .arg("--out")
        .arg(out)
        .arg(name)
        .output()
        .expect("bash is there");
    let told = text(&made);
    assert!(made.status.success(), "{told}");
    let path = String::from_utf8_lossy(&made.stdout).trim().to_owned();
    assert!(path.ends_with(".deb"), "{told}");
    PathBuf::from(path)
}

/// The same package with another version, and whatever `change` does to its files.
#[track_caller]
pub(super) fn changed(package: &Path, version: &str, change: impl FnOnce(&Path)) -> PathBuf {
    let folder = tempfile::tempdir().expect("a folder");
    let tree = folder.path().join("tree");
    run(Command::new("dpkg-deb").arg("-R").arg(package).arg(&tree));
    let control = tree.join("DEBIAN/control");
    let old = std::fs::read_to_string(&control).expect("a control file");
    let line = |line: &str| match line.starts_with("Version: ") {
        true => format!("Version: {version}\n"),
        false => format!("{line}\n"),
    };
    std::fs::write(&control, old.lines().map(line).collect::<String>()).expect("a control file");
    change(&tree);
    let to = package.with_file_name(format!("footfall_{version}_changed.deb"));
    run(Command::new("dpkg-deb").args(["--root-owner-group", "-Znone", "-b"]).arg(&tree).arg(&to));
    to
}

#[track_caller]
pub(super) fn run(command: &mut Command) -> String {
    let ended = command.output().unwrap_or_else(|fault| panic!("{command:?}: {fault}"));
    let told = text(&ended);
    assert!(ended.status.success(), "{command:?}\n{told}");
    told
}

/// All that a command said.
pub(super) fn text(ended: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&ended.stdout), String::from_utf8_lossy(&ended.stderr))
}

/// This machine's own system with a layer over it, in a mount and process namespace of its own: dpkg, apt and the maintainer scripts
/// do there what they do on a box, and all of it is gone with the test.
pub(super) struct OwnRoot {
    holder: Child,
    base: tempfile::TempDir,
}

impl OwnRoot {
    /// `None`, and the reason on standard error, where this machine does not let us.
    pub(super) fn enter(packages: &Path) -> Option<Self> {
        let base = tempfile::tempdir().expect("a folder");
        // The layer lies in memory: a layer over a layer, as in a container, is not possible.
        const SCRIPT: &str = r#"
            set -e
            cd "$1"
            mount -t tmpfs tmpfs .
            cd "$1"
            mkdir upper work root
            mount -t overlay overlay -o "lowerdir=/,upperdir=$1/upper,workdir=$1/work" root
            mount --rbind /dev root/dev
            mount -t proc proc root/proc
            mount --bind "$2" root/mnt
            echo ready
            # Not as `exec`: the first process of the namespace has to see off those whose parents are gone.
            cat >/dev/null
            true"#;
        let mut holder = Command::new("unshare")
            .args([
                "--mount",
                "--propagation",
                "private",
                "--pid",
                "--fork",
                "--kill-child",
                "sh",
                "-c",
                SCRIPT,
                "sh",
            ])
            .args([base.path(), packages])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("unshare is there");
        let mut said = String::new();
        let out = holder.stdout.take().expect("it was piped");
        BufReader::new(out).read_line(&mut said).expect("it says something, or ends");
        if said != "ready\n" {
            let why = text(&holder.wait_with_output().expect("it ended"));
            eprintln!(
                "SKIPPED: packages are not installed here, for this needs root and an overlay: {}",
                why.trim()
            );
            return None;
        }
        Some(Self { holder, base })
    }

    /// Runs a line of shell in it, as root.
    pub(super) fn try_run(&self, line: &str) -> Output {
        let holder = self.holder.id();
        Command::new("nsenter")
            .arg(format!("--mount=/proc/{holder}/ns/mnt"))
            .arg(format!("--pid=/proc/{holder}/ns/pid_for_children"))
            .arg("chroot")
            .arg(self.base.path().join("root"))
            .args(["/bin/bash", "-euo", "pipefail", "-c", line])
            .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin")
            .env("DEBIAN_FRONTEND", "noninteractive")
            // Programs see to it themselves.
            .env_remove("ORT_DISABLE_TELEMETRY")
            .stdin(Stdio::null())
            .output()
            .expect("nsenter is there")
    }

    /// The same, of a line that does well.
    #[track_caller]
    pub(super) fn run(&self, line: &str) -> String {
        let ended = self.try_run(line);
        let told = text(&ended);
        assert!(ended.status.success(), "{line}\n{told}");
        told
    }
}

impl Drop for OwnRoot {
    fn drop(&mut self) {
        // The process namespace ends with its first process, and the mounts with their last.
        self.holder.kill().ok();
        self.holder.wait().ok();
    }
}
