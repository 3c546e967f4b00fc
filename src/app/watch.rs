//! `footfall watch`: what arrives at the broker, on the terminal.
//!
//! It listens like any other receiver, so what it shows is what head office can get, not what the box believes. `intake`
//! takes messages in and `view` turns them into text, both without a socket or a clock; `subscriber` and `screen` are the
//! broker's and the terminal's sides.

pub mod intake;
pub mod numbers;
mod screen;
mod subscriber;
pub mod view;

use super::cli::{Expectation, WatchArgs};
use super::exit::Failure;
use super::run::source::Source;
use crate::config::EdgeSettings;
use crate::publish::MqttSettings;
use crate::time::{Clock, FrameTime, SystemClock};
use crate::wire::topics::{BoxNames, Topics};
use anyhow::Context;
use intake::{Link, WatchState};
use jiff::tz::TimeZone;
use screen::Screen;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::Duration;
use subscriber::Heard;
use view::{About, View};

/// How long a redraw, a Ctrl-C or the end may have to wait. Faster than this nobody reads.
const LOOK_UP_EVERY: Duration = Duration::from_millis(200);
/// A box that is being stopped sends its open minute as a part; it has 5 s for that, and the network some more.
const LAST_RECORDS_WITHIN: Duration = Duration::from_secs(15);

/// Shows what arrives at the broker until it is told to stop, or for as long as `args` say.
///
/// # Errors
/// [`crate::config::ConfigError`] where the file has faults; [`Failure::Config`] where it names no broker;
/// [`Failure::NotSeen`] where something did not arrive that was expected.
pub fn watch(args: &WatchArgs) -> anyhow::Result<()> {
    let settings = Source::of(&args.config).load()?;
    let mqtt = settings.mqtt.as_ref().ok_or_else(|| {
        Failure::Config(format!(
            "{}: there is no [mqtt], so there is no broker to watch",
            args.config.display()
        ))
    })?;
    let names = BoxNames {
        tenant: settings.tenant.clone(),
        store: settings.store.clone(),
        box_id: settings.box_id.clone(),
    };
    let stop = stop_flag()?;
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::start());
    let mut session = Session {
        heard: WatchState::new(Topics::of(&names)),
        about: about(&settings, mqtt),
        zone: TimeZone::system(),
        screen: Screen::of_stdout()?,
        messages: subscriber::start(mqtt, &names, Arc::clone(&clock))?,
    };
    let end = End { length: args.length, expect: args.expect.clone() };
    loop {
        let now = clock.now();
        session.show(now)?;
        if stop.load(Ordering::Relaxed) || end.has_come(now.elapsed, &session.heard) {
            break;
        }
        session.listen(clock.as_ref())?;
    }
    session.close(&end)
}

/// A flag that goes up with Ctrl-C, SIGTERM or a terminal that is closed.
fn stop_flag() -> anyhow::Result<Arc<AtomicBool>> {
    let flag = Arc::new(AtomicBool::new(false));
    for signal in [SIGINT, SIGTERM, SIGHUP] {
        signal_hook::flag::register(signal, Arc::clone(&flag)).context("cannot listen for signals")?;
    }
    Ok(flag)
}

fn about(settings: &EdgeSettings, mqtt: &MqttSettings) -> About {
    About {
        box_id: settings.box_id.to_string(),
        store: settings.store.to_string(),
        tenant: settings.tenant.to_string(),
        broker: format!("{}:{}", mqtt.host, mqtt.port),
    }
}

/// One watch, from the first message to the last.
struct Session {
    heard: WatchState,
    about: About,
    zone: TimeZone,
    screen: Screen,
    messages: Receiver<Heard>,
}

impl Session {
    /// Waits for a message and takes it in, with those that are there already.
    fn listen(&mut self, clock: &dyn Clock) -> anyhow::Result<()> {
        match self.messages.recv_timeout(LOOK_UP_EVERY) {
            Ok(first) => self.hear(first, clock.now())?,
            Err(RecvTimeoutError::Timeout) => return Ok(()),
            Err(RecvTimeoutError::Disconnected) => {
                anyhow::bail!("the thread that listens to the broker has ended")
            }
        }
        let look_up = clock.now().elapsed + LOOK_UP_EVERY;
        // The screen must not wait for a broker that has more and more to tell.
        while let Some(left) = look_up.checked_sub(clock.now().elapsed)
            && let Ok(next) = self.messages.recv_timeout(left)
        {
            self.hear(next, clock.now())?;
        }
        Ok(())
    }

    fn hear(&mut self, heard: Heard, now: FrameTime) -> anyhow::Result<()> {
        match heard {
            Heard::Link(link) if link == self.heard.link => {}
            Heard::Link(link) => {
                self.heard.link = link;
                let line = self.view(now).link();
                self.screen.tell(&line)?;
            }
            Heard::Message(arrival) => {
                let shown = self.heard.take(&arrival);
                let line = self.view(now).message(&shown);
                self.screen.tell(&line)?;
            }
        }
        Ok(())
    }

    fn view(&self, now: FrameTime) -> View<'_> {
        View { about: &self.about, heard: &self.heard, at: now.wall, zone: &self.zone }
    }

    fn show(&mut self, now: FrameTime) -> anyhow::Result<()> {
        let view = View { about: &self.about, heard: &self.heard, at: now.wall, zone: &self.zone };
        Ok(self.screen.draw(&view)?)
    }

    /// Leaves the terminal as it was, says what arrived, and whether that is enough.
    fn close(self, end: &End) -> anyhow::Result<()> {
        self.screen.close(&format!("Arrived: {}", self.heard.received.words()))?;
        Ok(end.verdict(&self.heard, &self.about)?)
    }
}

/// When a watch ends by itself, and what must have arrived by then.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
struct End {
    length: Option<Duration>,
    expect: Vec<Expectation>,
}

impl End {
    /// After its length. Where something is expected the box is being stopped just then, and its last records are on
    /// their way: so it listens until the box says that it has stopped.
    fn has_come(&self, elapsed: Duration, heard: &WatchState) -> bool {
        let Some(length) = self.length else {
            return false;
        };
        let nothing_more_comes = self.expect.is_empty() || heard.is_stopped();
        elapsed >= length && (nothing_more_comes || elapsed >= length + LAST_RECORDS_WITHIN)
    }

    fn verdict(&self, heard: &WatchState, about: &About) -> Result<(), Failure> {
        let missing: Vec<&str> =
            self.expect.iter().filter(|what| !arrived(**what, heard)).map(|what| name(*what)).collect();
        let About { box_id, broker, .. } = about;
        let unheard = |why: &str| Failure::NotSeen(format!("nothing heard of box {box_id}: {why}"));
        match (&heard.link, missing.as_slice()) {
            (Link::Lost { problem }, _) if self.has_ended_deaf(heard) => Err(unheard(problem)),
            (Link::Connecting, _) if self.has_ended_deaf(heard) => {
                Err(unheard(&format!("broker {broker} has not answered yet; give it longer")))
            }
            (_, []) => Ok(()),
            (_, missing) => Err(Failure::NotSeen(format!(
                "no {} arrived from box {box_id} over broker {broker}",
                missing.join(" and no ")
            ))),
        }
    }

    /// Whether it was to end by itself, and did so without having heard anything.
    const fn has_ended_deaf(&self, heard: &WatchState) -> bool {
        self.length.is_some() && heard.received.messages == 0
    }
}

fn arrived(what: Expectation, heard: &WatchState) -> bool {
    match what {
        Expectation::Crossings => heard.received.crossings > 0,
        Expectation::Minutes => heard.received.minutes > 0,
        Expectation::Conversion => {
            let store = heard.now.as_ref().and_then(|(now, _)| now.store.as_ref());
            store.is_some_and(|store| store.conversion.is_some() && store.transactions > Some(0))
        }
    }
}

const fn name(what: Expectation) -> &'static str {
    match what {
        Expectation::Crossings => "crossing",
        Expectation::Minutes => "minute record",
        Expectation::Conversion => "sale with a conversion rate",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::{BoxId, StoreId, TenantId};
    use intake::Arrival;

    fn heard(state: &str) -> WatchState {
        let names = BoxNames {
            tenant: TenantId::parse("acme").unwrap(),
            store: StoreId::parse("berlin-1").unwrap(),
            box_id: BoxId::parse("door-box").unwrap(),
        };
        let topics = Topics::of(&names);
        let mut heard = WatchState::new(topics.clone());
        let message =
            format!(r#"{{"v":1,"state":"{state}","since_ms":1,"software":"f","cameras":[],"problems":[]}}"#);
        let at = crate::time::WallTime::default();
        heard.take(&Arrival { topic: topics.state, payload: message.into_bytes(), qos: 1, at });
        heard
    }

    /// Whether a watch of 40 s that expects something is over after so many seconds.
    #[track_caller]
    fn check(seconds: u64, state: &str, is_over: bool) {
        let end = End { length: Some(Duration::from_secs(40)), expect: vec![Expectation::Minutes] };
        assert_eq!(
            end.has_come(Duration::from_secs(seconds), &heard(state)),
            is_over,
            "{seconds} s, {state}"
        );
    }

    #[test]
    fn a_watch_that_expects_something_waits_until_the_box_has_stopped_but_not_for_ever() {
        check(39, "stopped", false);
        check(40, "stopped", true);
        check(40, "online", false);
        check(54, "offline", false);
        check(55, "online", true);
    }

    #[test]
    fn a_watch_that_expects_nothing_ends_on_time_and_one_of_no_length_never() {
        let on_time = End { length: Some(Duration::from_secs(40)), expect: Vec::new() };
        assert!(on_time.has_come(Duration::from_secs(40), &heard("online")));
        assert!(!End::default().has_come(Duration::from_secs(1_000_000), &heard("stopped")));
    }

    #[test]
    fn everything_that_is_missing_is_named_in_one_message() {
        let expect = vec![Expectation::Crossings, Expectation::Minutes];
        let end = End { length: Some(Duration::from_secs(1)), expect };
        let about = About {
            box_id: "door-box".to_owned(),
            store: String::new(),
            tenant: String::new(),
            broker: "h:1".to_owned(),
        };
        let fault = end.verdict(&heard("online"), &about).unwrap_err().to_string();
        assert_eq!(fault, "no crossing and no minute record arrived from box door-box over broker h:1");
    }
}
