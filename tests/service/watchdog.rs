//! What systemd hears, over a socket like its own: that the service counts, that it works, and nothing once a part of it hangs.

use super::broker::wait_until;
use super::{Shop, cameras};
use footfall::time::{Clock, SystemClock};
use rustix::fs::{CWD, FileType, Mode, mknodat};
use std::os::unix::net::UnixDatagram;
use std::time::Duration;

/// What `WatchdogSec` is here.
const WATCHDOG_MS: u64 = 2000;

/// The end of the socket that is systemd's, and what came out of it.
struct Systemd {
    socket: UnixDatagram,
    heard: Vec<String>,
}

impl Systemd {
    /// Listens for a shop's service, as a unit with a watchdog would.
    fn of(shop: &mut Shop) -> Self {
        let path = shop.folder.path().join("notify");
        let socket = UnixDatagram::bind(&path).unwrap();
        socket.set_nonblocking(true).unwrap();
        let watchdog_usec = (1000 * WATCHDOG_MS).to_string();
        shop.environment = vec![("NOTIFY_SOCKET", path.into()), ("WATCHDOG_USEC", watchdog_usec.into())];
        shop.more = format!("{}\n[watchdog]\npatience = \"2s\"\n", shop.more);
        Self { socket, heard: Vec::new() }
    }

    /// Takes what has come.
    fn listen(&mut self) {
        let mut message = [0; 4096];
        while let Ok(len) = self.socket.recv(&mut message) {
            let text = String::from_utf8(message[..len].to_vec()).unwrap();
            self.heard.extend(text.lines().map(str::to_owned));
        }
    }

    fn has(&mut self, what: &str) -> bool {
        self.listen();
        self.heard.iter().any(|line| line.contains(what))
    }

    fn pings(&mut self) -> usize {
        self.listen();
        self.heard.iter().filter(|line| *line == "WATCHDOG=1").count()
    }
}

#[test]
fn systemd_hears_that_the_box_counts_and_works_also_while_its_camera_is_down() {
    let mut shop = Shop::with(&format!("rtsp://127.0.0.1:{}/door", cameras::free_port()));
    let mut systemd = Systemd::of(&mut shop);
    let service = shop.start();
    wait_until("the service is ready", || systemd.has("READY=1"));
    let first = systemd.heard.iter().position(|line| line == "READY=1").unwrap();
    assert!(systemd.heard[..first].iter().any(|line| line.starts_with("STATUS=starting")));
    wait_until("somebody can read what is wrong", || {
        systemd.has("STATUS=0 of 1 cameras up; rtsp://127.0.0.1")
    });
    let (clock, before) = (SystemClock::start(), systemd.pings());
    wait_until("more pings come than patience lasts", || systemd.pings() > before + 8);
    assert!(clock.now().elapsed > Duration::from_millis(WATCHDOG_MS), "pings are not sent for nothing");
    assert!(service.stop().success());
    assert!(systemd.has("STOPPING=1"), "{:?}", systemd.heard);
}

#[test]
fn systemd_hears_nothing_more_once_the_outbox_hangs() {
    let mut shop = Shop::with_clip();
    let mut systemd = Systemd::of(&mut shop);
    // The file in which numbers are reserved before the first record: whoever opens this to write waits for a reader.
    let numbers = shop.folder.path().join("outbox.sqlite.seq.new");
    mknodat(CWD, &numbers, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).unwrap();
    let service = shop.start();
    wait_until("the service works", || systemd.has("READY=1") && systemd.pings() > 0);
    wait_until("the service says what hangs", || systemd.has("STATUS=the outbox hangs"));
    assert!(service.log().contains("the outbox has not looked up for"), "{}", service.log());
    let (clock, pings) = (SystemClock::start(), systemd.pings());
    wait_until("systemd would have had enough", || {
        clock.now().elapsed > Duration::from_millis(2 * WATCHDOG_MS)
    });
    assert_eq!(systemd.pings(), pings, "a box that hangs must not say that it works");
}
