//! What the machine says of itself: temperature, disk, memory, load. The adapter to `/proc`, `/sys` and `statvfs`.
//!
//! Not obvious: nothing here can fail. Machines differ in what they say, containers hide much of it, and a figure
//! that is not there is absent and never a zero.

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

/// Files of these trees are a few kilobytes; one that is larger is something else.
const MOST_BYTES: u64 = 64 * 1024;

/// Sensors looked at. A server has some dozens.
const MOST_SENSORS: usize = 256;

/// Sensors that are not connected say something far off: what no chip survives is no temperature.
const POSSIBLE_C: std::ops::RangeInclusive<f64> = -40.0..=150.0;

/// Where the figures of a machine are read.
#[derive(Debug, Clone)]
pub struct Machine {
    root: PathBuf,
    disk: PathBuf,
}

/// The figures of a machine; absent where it does not say.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Vitals {
    /// The operating system, as it calls itself.
    pub os: Option<String>,
    /// The hottest sensor, °C.
    pub temperature_c: Option<f64>,
    /// Free on the disk, as far as this user may fill it, bytes.
    pub disk_free: Option<u64>,
    /// Size of the disk, bytes.
    pub disk_size: Option<u64>,
    /// Memory that is available, bytes.
    pub memory_free: Option<u64>,
    /// Memory of the machine, bytes.
    pub memory_size: Option<u64>,
    /// Memory of this process, bytes.
    pub memory_used: Option<u64>,
    /// Files and connections that this process has open.
    pub open_files: Option<u64>,
    /// Processes that run or want to, over one minute.
    pub load: Option<f64>,
}

impl Machine {
    /// The machine whose `/proc`, `/sys` and `/etc` lie in `root`, and the disk that `disk` lies on.
    #[must_use]
    pub fn at(root: &Path, disk: &Path) -> Self {
        Self { root: root.to_owned(), disk: disk.to_owned() }
    }

    /// This machine.
    #[must_use]
    pub fn this(disk: &Path) -> Self {
        Self::at(Path::new("/"), disk)
    }

    /// What it says now.
    #[must_use]
    pub fn vitals(&self) -> Vitals {
        let memory = self.text("proc/meminfo");
        let (disk_free, disk_size) = disk_bytes(&self.disk).unzip();
        Vitals {
            os: self.text("etc/os-release").as_deref().and_then(os_name),
            temperature_c: self.temperature_c(),
            disk_free,
            disk_size,
            memory_free: memory.as_deref().and_then(|text| kilobytes(text, "MemAvailable")),
            memory_size: memory.as_deref().and_then(|text| kilobytes(text, "MemTotal")),
            memory_used: self.text("proc/self/status").as_deref().and_then(|text| kilobytes(text, "VmRSS")),
            open_files: self.open_files(),
            load: self.text("proc/loadavg").as_deref().and_then(first_number),
        }
    }

    fn temperature_c(&self) -> Option<f64> {
        let zones = self.entries("sys/class/thermal", "thermal_zone").map(|zone| zone.join("temp"));
        let is_input = |path: &PathBuf| name_of(path).ends_with("_input");
        let chips = self.entries("sys/class/hwmon", "hwmon");
        let chips = chips.flat_map(|chip| entries_of(&chip, "temp").filter(is_input));
        let read = |path: PathBuf| Some(small_text(&path)?.trim().parse::<f64>().ok()? / 1000.0);
        let possible = |celsius: &f64| POSSIBLE_C.contains(celsius);
        zones.chain(chips).take(MOST_SENSORS).filter_map(read).filter(possible).reduce(f64::max)
    }

    fn open_files(&self) -> Option<u64> {
        let entries = fs::read_dir(self.root.join("proc/self/fd")).ok()?;
        u64::try_from(entries.count()).ok()
    }

    fn text(&self, path: &str) -> Option<String> {
        small_text(&self.root.join(path))
    }

    fn entries(&self, folder: &str, start: &'static str) -> impl Iterator<Item = PathBuf> + use<> {
        entries_of(&self.root.join(folder), start)
    }
}

/// What lies in a folder and has a name that begins so.
fn entries_of(folder: &Path, start: &'static str) -> impl Iterator<Item = PathBuf> + use<> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
    entries.filter(move |path| name_of(path).starts_with(start))
}

fn name_of(path: &Path) -> &str {
    path.file_name().and_then(|name| name.to_str()).unwrap_or_default()
}

fn small_text(path: &Path) -> Option<String> {
    let mut text = String::new();
    fs::File::open(path).ok()?.take(MOST_BYTES).read_to_string(&mut text).ok()?;
    Some(text)
}

/// Free for this user, and in all.
fn disk_bytes(path: &Path) -> Option<(u64, u64)> {
    let disk = rustix::fs::statvfs(path).ok()?;
    let bytes = |blocks: u64| blocks.checked_mul(disk.f_frsize);
    Some((bytes(disk.f_bavail)?, bytes(disk.f_blocks)?))
}

/// The number of a line such as `MemTotal:   2048 kB`, in bytes.
fn kilobytes(text: &str, name: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))?;
    let number: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    number.checked_mul(1024)
}

fn first_number(text: &str) -> Option<f64> {
    text.split_whitespace().next()?.parse().ok().filter(|number: &f64| number.is_finite())
}

/// `PRETTY_NAME` of an os-release file.
fn os_name(text: &str) -> Option<String> {
    let written = text.lines().find_map(|line| line.strip_prefix("PRETTY_NAME="))?;
    let name: String =
        written.trim_matches(['"', '\'']).chars().filter(|c| !c.is_control()).take(120).collect();
    (!name.is_empty()).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A machine with these files.
    fn machine(files: &[(&str, &str)]) -> (tempfile::TempDir, Machine) {
        let folder = tempfile::tempdir().unwrap();
        for (path, text) in files {
            let path = folder.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        let machine = Machine::at(folder.path(), folder.path());
        (folder, machine)
    }

    #[test]
    fn a_machine_that_says_everything_is_read_in_base_units() {
        let (_folder, machine) = machine(&[
            ("etc/os-release", "NAME=x\nPRETTY_NAME=\"Debian GNU/Linux 12 (bookworm)\"\n"),
            ("proc/meminfo", "MemTotal:        2048 kB\nMemFree: 1 kB\nMemAvailable:    1024 kB\n"),
            ("proc/self/status", "Name:\tfootfall\nVmRSS:\t     512 kB\n"),
            ("proc/self/fd/0", ""),
            ("proc/self/fd/1", ""),
            ("proc/loadavg", "0.52 0.40 0.30 1/200 4711\n"),
            ("sys/class/thermal/thermal_zone0/temp", "48500\n"),
            ("sys/class/hwmon/hwmon3/temp1_input", "61000\n"),
            ("sys/class/hwmon/hwmon3/temp1_crit", "99000\n"),
        ]);
        let told = machine.vitals();
        assert!(told.disk_free > Some(0) && told.disk_size >= told.disk_free, "{told:?}");
        let expected = Vitals {
            os: Some("Debian GNU/Linux 12 (bookworm)".to_owned()),
            temperature_c: Some(61.0),
            disk_free: told.disk_free,
            disk_size: told.disk_size,
            memory_free: Some(1024 * 1024),
            memory_size: Some(2048 * 1024),
            memory_used: Some(512 * 1024),
            open_files: Some(2),
            load: Some(0.52),
        };
        assert_eq!(told, expected);
    }

    #[test]
    fn what_a_machine_does_not_say_is_absent() {
        let (folder, _) = machine(&[]);
        let nowhere = folder.path().join("gone");
        assert_eq!(Machine::at(&nowhere, &nowhere).vitals(), Vitals::default());
    }

    #[test]
    fn sensors_that_are_not_connected_and_files_of_garbage_say_nothing() {
        let (_folder, machine) = machine(&[
            ("sys/class/thermal/thermal_zone0/temp", "-273000\n"),
            ("sys/class/thermal/thermal_zone1/temp", "hot\n"),
            ("sys/class/hwmon/hwmon0/temp1_input", "255000\n"),
            ("proc/meminfo", "MemTotal: 99999999999999999999 kB\nMemAvailable: 18446744073709551615 kB\n"),
            ("proc/loadavg", "NaN\n"),
            ("etc/os-release", "PRETTY_NAME=\"\"\n"),
        ]);
        let told = machine.vitals();
        assert_eq!(Vitals { disk_free: None, disk_size: None, open_files: None, ..told }, Vitals::default());
    }

    #[test]
    fn this_machine_has_memory_and_a_disk() {
        let told = Machine::this(Path::new(".")).vitals();
        assert!(
            told.memory_used > Some(0) && told.disk_size > Some(0) && told.open_files > Some(0),
            "{told:?}"
        );
    }
}
