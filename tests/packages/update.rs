//! Updates from afar, with real dpkg, a real service and the program that the package brought: taken, refused, and taken back.

use crate::support::{OwnRoot, changed, pack, run};
use crate::{SETTINGS, VERSION, folder};
use std::path::{Path, PathBuf};
use std::process::Command;

/// Starts the service as systemd would: as its own user, with a runtime folder that was empty before. What ran before is ended.
const RESTART: &str = r#"
set -e
if [ -e /run/footfall.pid ]; then
    kill "$(cat /run/footfall.pid)" 2>/dev/null || true
    while kill -0 "$(cat /run/footfall.pid)" 2>/dev/null; do sleep 0.1; done
fi
rm -rf /run/footfall
install -d -o footfall -g footfall /run/footfall
cd /var/lib/footfall
RUNTIME_DIRECTORY=/run/footfall setpriv --reuid footfall --regid footfall --clear-groups \
    footfall run --config /etc/footfall/footfall.toml >>/tmp/footfall.log 2>&1 &
echo $! >/run/footfall.pid
"#;

/// A box with the package installed, its service counting, and the release key in its place.
struct Shop {
    root: OwnRoot,
    folder: tempfile::TempDir,
    package: PathBuf,
}

impl Shop {
    fn open() -> Option<Self> {
        let folder = folder();
        let package = pack("footfall", "", folder.path());
        let root = OwnRoot::enter(folder.path())?;
        std::fs::write(folder.path().join("restart"), RESTART).unwrap();
        std::fs::write(folder.path().join("footfall.toml"), SETTINGS).unwrap();
        let shop = Self { root, folder, package };
        shop.release(&["key", "--out"], &shop.folder.path().join("keys"), &[]);
        shop.root.run(&format!("dpkg -i /mnt/{}", name(&shop.package)));
        shop.root.run("install -m 640 -g footfall /mnt/footfall.toml /etc/footfall/");
        shop.root.run("install -m 644 /mnt/keys/release.pub /etc/footfall/");
        shop.root.run("sh /mnt/restart");
        shop.root.run("for i in $(seq 300); do grep -qs '^up 1$' /run/footfall/counting && exit; sleep 0.1; done; cat /tmp/footfall.log; exit 1");
        Some(shop)
    }

    fn release(&self, words: &[&str], path: &Path, more: &[&str]) {
        run(Command::new(env!("CARGO_BIN_EXE_footfall")).arg("release").args(words).arg(path).args(more));
    }

    /// Signs a package with the key in `keys`.
    fn sign(&self, package: &Path, keys: &str, more: &[&str]) {
        let key = self.folder.path().join(keys).join("release.key");
        let more = [&["--key", key.to_str().unwrap()], more].concat();
        self.release(&["sign"], package, &more);
    }

    /// Lays a package down as the service's agent does, and lets root look at it. Gives what is to be reported.
    fn offer(&self, package: &Path) -> serde_json::Value {
        let stem = name(package).strip_suffix(".deb").unwrap();
        let lay = format!(
            "install -d -o footfall -g footfall /var/lib/footfall/update; cd /var/lib/footfall/update; rm -f result.json; \
             cp /mnt/{stem}.deb package.deb; cp /mnt/{stem}.manifest.json manifest.json; cp /mnt/{stem}.manifest.sig manifest.sig; \
             touch ready; chown footfall:footfall *"
        );
        self.root.run(&lay);
        self.apply()
    }

    fn apply(&self) -> serde_json::Value {
        let said = self.root.run("footfall update apply --restart 'sh /mnt/restart' --patience 20s --settle 2s; ! test -e /var/lib/footfall/update/ready");
        let told = self.root.run("cat /var/lib/footfall/update/result.json");
        serde_json::from_str(&told).unwrap_or_else(|fault| panic!("{fault}: {told}\n{said}"))
    }

    fn version(&self) -> String {
        self.root.run("dpkg-query -W -f '${db:Status-Abbrev}${Version}' footfall").replace("ii ", "")
    }

    /// An offer ends so, with this version running and counting, and the box's data as they were.
    #[track_caller]
    fn check(&self, told: &serde_json::Value, status: &str, running: &str, detail: &str) {
        assert_eq!(told["status"], status, "{told}");
        assert_eq!((told["running"].as_str(), &*self.version()), (Some(running), running), "{told}");
        assert!(told["detail"].as_str().unwrap().contains(detail), "{told}");
        self.root.run("kill -0 $(cat /run/footfall.pid) && grep -q '^up 1$' /run/footfall/counting && ! test -e /var/lib/footfall-update/trial.json");
        self.root.run(
            "test -s /var/lib/footfall/outbox.sqlite && grep -q acme-test-1-a /etc/footfall/footfall.toml",
        );
    }
}

fn name(package: &Path) -> &str {
    package.file_name().unwrap().to_str().unwrap()
}

/// The program of a package that does not come up.
fn broken(tree: &Path) {
    std::fs::write(tree.join("usr/bin/footfall"), "#!/bin/sh\necho broken >&2\nexit 1\n").unwrap();
}

#[test]
fn a_signed_package_is_installed_and_one_that_does_not_count_is_taken_back() {
    let Some(shop) = Shop::open() else { return };
    let newer = changed(&shop.package, "8.0", |_| {});
    shop.sign(&newer, "keys", &[]);
    shop.check(&shop.offer(&newer), "current", "8.0", "it counts");
    // The first one came by hand, so it was packed again; this one is kept as it came.
    assert!(shop.root.run("dpkg-deb -f /var/lib/footfall-update/previous.deb Version").contains(VERSION));
    shop.check(&shop.offer(&newer), "current", "8.0", "installed already");

    let bad = changed(&shop.package, "9.0", broken);
    shop.sign(&bad, "keys", &[]);
    shop.check(&shop.offer(&bad), "rolled_back", "8.0", "8.0 runs again");

    // One that dpkg itself cannot bring to its end.
    let unfit = changed(&shop.package, "9.1", |tree| {
        std::fs::write(tree.join("DEBIAN/postinst"), "#!/bin/sh\nexit 1\n").unwrap();
    });
    shop.sign(&unfit, "keys", &[]);
    shop.check(&shop.offer(&unfit), "rolled_back", "8.0", "8.0 runs again");

    // The power is cut after the bad one was installed: whoever comes next, with the program that did well before, goes on with it.
    shop.root.run("cp /var/lib/footfall-update/installed.deb /var/lib/footfall-update/previous.deb");
    shop.root.run("cp /usr/bin/footfall /tmp/footfall-8; dpkg -i /mnt/footfall_9.0_changed.deb");
    shop.root.run(r#"echo '{"to":"9.0","from":"8.0"}' > /var/lib/footfall-update/trial.json; cp /tmp/footfall-8 /var/lib/footfall-update/footfall"#);
    shop.root.run("sed -n 's/^ExecStart=//p' /usr/lib/systemd/system/footfall-update.service > /tmp/start");
    shop.root.run(r#"sed -i 's|update apply|update apply --restart "sh /mnt/restart" --patience 5s --settle 2s|g' /tmp/start"#);
    shop.root.run("rm /var/lib/footfall/update/result.json; sh -e /tmp/start");
    let told = shop.root.run("cat /var/lib/footfall/update/result.json");
    shop.check(&serde_json::from_str(&told).unwrap(), "rolled_back", "8.0", "8.0 runs again");
}

#[test]
fn what_is_not_signed_not_whole_not_for_this_box_or_older_is_refused() {
    let Some(shop) = Shop::open() else { return };
    let newer = changed(&shop.package, "8.0", |_| {});
    shop.release(&["key", "--out"], &shop.folder.path().join("others"), &[]);
    shop.sign(&newer, "others", &[]);
    shop.check(&shop.offer(&newer), "refused", VERSION, "not signed by the release key");

    shop.sign(&newer, "keys", &[]);
    shop.root.run("mv /etc/footfall/release.pub /tmp/");
    shop.check(&shop.offer(&newer), "refused", VERSION, "without the release key nothing is installed");
    shop.root.run("mv /tmp/release.pub /etc/footfall/");

    let whole = std::fs::read(&newer).unwrap();
    std::fs::write(&newer, &whole[..whole.len() - 1]).unwrap();
    shop.check(&shop.offer(&newer), "refused", VERSION, "bytes, the manifest says");
    let mut other = whole.clone();
    other[whole.len() / 2] ^= 1;
    std::fs::write(&newer, &other).unwrap();
    shop.check(&shop.offer(&newer), "refused", VERSION, "another sha256");

    let here = run(Command::new("dpkg").arg("--print-architecture")).trim().to_owned();
    let other = if here == "arm64" { "amd64" } else { "arm64" };
    let foreign = changed(&shop.package, "8.1", |tree| {
        let control = tree.join("DEBIAN/control");
        let text = std::fs::read_to_string(&control).unwrap();
        std::fs::write(
            control,
            text.replace(&format!("Architecture: {here}"), &format!("Architecture: {other}")),
        )
        .unwrap();
    });
    shop.sign(&foreign, "keys", &[]);
    shop.check(&shop.offer(&foreign), "refused", VERSION, &format!("is for {other}"));

    let older = changed(&shop.package, "0.0.1", |_| {});
    shop.sign(&older, "keys", &[]);
    shop.check(&shop.offer(&older), "refused", VERSION, "older than");
    // Whoever holds the release key may say that this very version is to be gone back from.
    shop.sign(&older, "keys", &["--instead-of", VERSION]);
    shop.check(&shop.offer(&older), "current", "0.0.1", "it counts");

    // What a service that was taken over could lay down: links in place of files.
    shop.root.run("cd /var/lib/footfall/update && rm -f * && ln -s /etc/shadow manifest.json && ln -s /etc/shadow result.json && touch ready");
    shop.check(&shop.apply(), "refused", "0.0.1", "update/manifest.json is missing, or is no file");
    shop.root.run("grep -q ^root: /etc/shadow && ! test -L /var/lib/footfall/update/result.json");
}
