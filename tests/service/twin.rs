//! Settings from head office: taken while the box counts, refused, given up, and remembered whatever ends the process.

use super::broker::{Broker, Subscriber, wait_until};
use super::cameras::vtest;
use super::{Running, Shop, minutes};
use footfall::fleet::twin::hash;
use footfall::wire::v1::V1;
use footfall::wire::v1::fleet::{ConfigDesired, ConfigReported, ConfigStatus};
use std::os::unix::fs::symlink;
use std::path::Path;

const TOPICS: &str = "footfall/v1/acme/berlin-1/box-1";

/// A box whose settings head office changes, and head office itself.
struct Fleet {
    shop: Shop,
    office: Subscriber,
    _broker: Broker,
}

impl Fleet {
    fn of_one_box() -> Self {
        let broker = Broker::open_to_all();
        let office = Subscriber::to_all(broker.port);
        let more = "[fleet]\ntrial = \"10s\"\n".to_owned();
        let shop = Shop { more, ..Shop::with_clip().on(broker.port) };
        // From afar only what lies beside the config file may be named.
        symlink(vtest(), shop.folder.path().join("clip.avi")).unwrap();
        let models = Path::new(env!("CARGO_MANIFEST_DIR")).join("models");
        symlink(models, shop.folder.path().join("models")).unwrap();
        Self { shop, office, _broker: broker }
    }

    /// Head office desires something, retained as it does.
    fn desire(&self, version: u64, text: &str) {
        let desired = ConfigDesired { v: V1, version, hash: hash(text), text: text.to_owned() };
        let payload = serde_json::to_string(&desired).unwrap();
        self.office.tell(&format!("{TOPICS}/config/desired"), true, payload);
    }

    fn reports(&self) -> Vec<ConfigReported> {
        let heard = self.office.heard("/config/reported");
        heard.iter().map(|one| serde_json::from_slice(&one.payload).unwrap()).collect()
    }

    /// Waits for a report of this, after so many.
    fn wait_for(&self, after: usize, status: ConfigStatus, version: u64, in_force: u64) -> ConfigReported {
        let is_it = |report: &ConfigReported| {
            (report.status, report.version, report.in_force) == (status, version, in_force)
        };
        wait_until(&format!("{status:?} of version {version} is reported"), || {
            self.reports().iter().skip(after).any(is_it)
        });
        self.reports().into_iter().skip(after).find(is_it).unwrap()
    }

    fn geometries(&self) -> Vec<String> {
        minutes(&self.office).iter().map(|minute| minute.geometry.clone()).collect()
    }
}

/// A camera on the sample clip whose line lies at this x.
fn settings(x: u32, more: &str) -> String {
    format!(
        "[[camera]]\nid = \"door\"\nsource = \"clip.avi\"\npicture = \"768x576\"\n{more}\n\
         [[camera.line]]\nid = \"entrance\"\nfrom = [{x}, 140]\nto = [{x}, 480]\n"
    )
}

fn is_still(running: &mut Running) -> bool {
    running.process.try_wait().unwrap().is_none()
}

#[test]
fn settings_of_head_office_are_tried_and_kept_while_the_box_counts_on_in_the_same_process() {
    let fleet = Fleet::of_one_box();
    let mut running = fleet.shop.start();
    let own = fleet.wait_for(0, ConfigStatus::Local, 0, 0);
    assert!(own.text.is_some_and(|text| text.contains("entrance") && !text.contains("broker")));
    fleet.desire(1, &settings(500, ""));
    fleet.wait_for(1, ConfigStatus::Trial, 1, 1);
    fleet.wait_for(1, ConfigStatus::Applied, 1, 1);
    // Of a camera that differs in itself only that is started anew; what it counted until then is told.
    fleet.desire(2, &settings(400, ""));
    fleet.wait_for(1, ConfigStatus::Trial, 2, 2);
    let log = || running.log();
    wait_until("the camera is started anew alone", || log().contains("camera door: started anew"));
    wait_until("its last minute with the old line is told", || !fleet.geometries().is_empty());
    fleet.wait_for(1, ConfigStatus::Applied, 2, 2);
    assert!(is_still(&mut running));
    assert_eq!(running.stop().code(), Some(0));
    wait_until("its last minute with the new line is told", || {
        let mut told = fleet.geometries();
        told.dedup();
        told.len() >= 2
    });
    // No minute of one line is told twice.
    let mut told: Vec<_> =
        minutes(&fleet.office).iter().map(|minute| (minute.run, minute.start_ms)).collect();
    let all = told.len();
    told.sort();
    told.dedup();
    assert_eq!(told.len(), all, "a minute was told twice");
}

#[test]
fn settings_with_faults_change_nothing_and_all_faults_are_reported() {
    let fleet = Fleet::of_one_box();
    let mut running = fleet.shop.start();
    fleet.wait_for(0, ConfigStatus::Local, 0, 0);
    let text = settings(900, "user = \"me\"\npassword_file = \"/etc/shadow\"")
        .replace("[[camera]]", "[mqtt]\nbroker = \"elsewhere:1\"\n[[camera]]");
    fleet.desire(1, &text);
    let report = fleet.wait_for(1, ConfigStatus::Refused, 1, 0);
    let faults = report.faults.join("\n");
    for part in ["mqtt  stays in the box's own file", "outside the picture", "folder of secrets"] {
        assert!(faults.contains(part), "{part:?} is not in\n{faults}");
    }
    assert!(is_still(&mut running) && !running.log().contains("started anew"));
}

#[test]
fn settings_that_do_not_start_are_given_up_at_once_and_the_box_counts_on() {
    let fleet = Fleet::of_one_box();
    std::fs::write(fleet.shop.folder.path().join("broken.toml"), "name = 7\n").unwrap();
    let mut running = fleet.shop.start();
    fleet.wait_for(0, ConfigStatus::Local, 0, 0);
    fleet.desire(1, &format!("[detector]\nmodel = \"broken.toml\"\n{}", settings(400, "")));
    let report = fleet.wait_for(1, ConfigStatus::RolledBack, 1, 0);
    assert!(report.faults.join("\n").contains("broken.toml"), "{report:?}");
    let crossings = fleet.shop.crossings_on_disk();
    wait_until("it counts on", || fleet.shop.crossings_on_disk() > crossings);
    assert!(is_still(&mut running));
}

#[test]
fn settings_on_trial_survive_a_kill_and_are_given_up_when_the_process_ends_three_times() {
    let fleet = Fleet::of_one_box();
    let running = fleet.shop.start();
    fleet.wait_for(0, ConfigStatus::Local, 0, 0);
    fleet.desire(1, &settings(400, ""));
    fleet.wait_for(1, ConfigStatus::Trial, 1, 1);
    running.kill();
    for _ in 0..2 {
        let reports = fleet.reports().len();
        let running = fleet.shop.start();
        fleet.wait_for(reports, ConfigStatus::Trial, 1, 1);
        running.kill();
    }
    let reports = fleet.reports().len();
    let running = fleet.shop.start();
    let report = fleet.wait_for(reports, ConfigStatus::RolledBack, 1, 0);
    assert!(report.faults[0].contains("ended 3 times"), "{report:?}");
    running.kill();
    // The wish is still retained at the broker, and is not tried again.
    let reports = fleet.reports().len();
    let running = fleet.shop.start();
    fleet.wait_for(reports, ConfigStatus::RolledBack, 1, 0);
    assert!(!running.log().contains("is tried"));
}

#[test]
fn a_hangup_reads_the_own_file_again() {
    let fleet = Fleet::of_one_box();
    let mut running = fleet.shop.start();
    let before = fleet.wait_for(0, ConfigStatus::Local, 0, 0);
    let path = fleet.shop.folder.path().join("footfall.toml");
    let text = std::fs::read_to_string(&path).unwrap();
    std::fs::write(&path, text.replace("[500, 140]", "[480, 140]")).unwrap();
    let pid = rustix::process::Pid::from_raw(i32::try_from(running.process.id()).unwrap()).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::HUP).unwrap();
    wait_until("the new text is reported", || fleet.reports().iter().any(|one| one.hash != before.hash));
    assert!(is_still(&mut running) && running.log().contains("camera door: started anew"));
    // A file with a fault is told, and changes nothing.
    std::fs::write(&path, text.replace("[500, 140]", "[5000, 140]")).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::HUP).unwrap();
    wait_until("the fault is told", || running.log().contains("outside the picture"));
    assert!(is_still(&mut running));
}
