//! What systemd is told: that the box counts, how it is in words, and that it still works.
//!
//! The last is said only while every part [looks up](super::liveness). A process that hangs goes silent, and systemd starts
//! it anew (`WatchdogSec` in the unit). Where nobody listens (no `NOTIFY_SOCKET`) all of this does nothing.

use super::liveness::{Hung, Liveness};
use sd_notify::NotifyState;
use std::time::Duration;

/// How often parts are looked at where nobody wants to be told more often.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// Pings for each watchdog time: one that is late, or lost, must not end a box that works.
const PINGS: u32 = 4;

/// Longest text that is told; a status is one line on somebody's screen.
const MOST_CHARS: usize = 200;

/// Tells systemd how the service is.
#[derive(Debug)]
pub(super) struct Watchdog {
    liveness: Liveness,
    /// None: systemd does not want to hear that the service works.
    within: Option<Duration>,
    look_at: Duration,
    is_ready: bool,
    told: String,
    /// Who was told to hang last, so that the log says it once.
    hung: Option<String>,
}

impl Watchdog {
    /// Says that the service begins. A part that has not looked up for `patience` hangs.
    pub(super) fn start(patience: Duration) -> Self {
        let mut watchdog = Self {
            liveness: Liveness::new(patience),
            within: sd_notify::watchdog_enabled(),
            look_at: Duration::ZERO,
            is_ready: false,
            told: String::new(),
            hung: None,
        };
        watchdog.status("starting: the network is being loaded");
        watchdog
    }

    /// Whether it is time for [`Watchdog::look`].
    pub(super) fn is_due(&self, now: Duration) -> bool {
        now >= self.look_at
    }

    /// Takes how often each part has looked up, whether every camera is being counted, and how the box is in words.
    pub(super) fn look(
        &mut self,
        parts: Vec<(String, u64)>,
        counts: bool,
        status: &str,
        now: Duration,
    ) -> Option<Hung> {
        self.look_at = now + self.within.map_or(LOOK_EVERY, |within| LOOK_EVERY.min(within / PINGS));
        self.liveness.look(parts, now);
        if counts && !std::mem::replace(&mut self.is_ready, true) {
            tell(&[NotifyState::Ready]);
        }
        let hung = self.liveness.hung(now);
        match &hung {
            Some(hung) => self.is_hung(hung),
            None => {
                if self.within.is_some() {
                    tell(&[NotifyState::Watchdog]);
                }
                if let Some(part) = self.hung.take() {
                    tracing::warn!("{part} works again");
                }
                self.status(status);
            }
        }
        hung
    }

    fn is_hung(&mut self, hung: &Hung) {
        if self.hung.as_ref() != Some(&hung.part) {
            let follows = match self.within {
                Some(_) => "systemd will start the service anew",
                None => "restart the service, and see what its disk and its network do",
            };
            tracing::error!("{hung}: it hangs; {follows}");
            self.status(&format!("{} hangs; {follows}", hung.part));
            self.hung = Some(hung.part.clone());
        }
    }

    fn status(&mut self, text: &str) {
        if self.told != text {
            text.clone_into(&mut self.told);
            // A line is all that systemd takes.
            let line: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
            tell(&[NotifyState::Status(&line.chars().take(MOST_CHARS).collect::<String>())]);
        }
    }

    /// Says that the service is being stopped.
    pub(super) fn stopping() {
        tell(&[NotifyState::Stopping, NotifyState::Status("stopping: what was counted goes to the disk")]);
    }
}

fn tell(what: &[NotifyState<'_>]) {
    if let Err(fault) = sd_notify::notify(what) {
        tracing::debug!(%fault, "systemd is not told");
    }
}
