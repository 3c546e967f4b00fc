//! Software from head office: looks at what is announced, fetches it, and tells what came of it.
//!
//! It installs nothing: that is a root unit's, which trusts nothing that this part lays down.

use super::agent::{Part, PartSetup};
use crate::app::enrol::architecture;
use crate::config::{Identity, UpdateSettings};
use crate::fleet::enrol::is_safe;
use crate::fleet::fetch::{self, FetchError};
use crate::fleet::https::Https;
use crate::fleet::mqtt::{FleetSender, Heard, Inbound, Outbound};
use crate::fleet::release::PublicKey;
use crate::fleet::update::{Installed, Offer, report};
use crate::time::FrameTime;
use crate::wire::v1::fleet::{SoftwareDesired, SoftwareReported, SoftwareStatus};
use anyhow::Context;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, TryRecvError, sync_channel};
use std::time::Duration;

/// A package that could not be fetched is tried again after this long.
const RETRY_EVERY: Duration = Duration::from_secs(600);
/// How often it is looked whether an update has come to its end.
const LOOK_EVERY: Duration = Duration::from_secs(5);

/// What is desired, looked at.
struct Wanted {
    offer: Offer,
    desired: SoftwareDesired,
    /// By the even clock.
    try_at: Duration,
}

/// The part of the fleet that fetches software.
pub(super) struct SoftwarePart {
    state: PathBuf,
    key: PublicKey,
    authorities: Option<Vec<u8>>,
    head_office: String,
    here: Installed,
    sender: FleetSender,
    wanted: Option<Wanted>,
    /// What becomes of the package that is being fetched.
    fetching: Option<Receiver<Result<(), FetchError>>>,
    told: Option<SoftwareReported>,
    look_at: Duration,
}

impl SoftwarePart {
    /// # Errors
    /// Where the release key cannot be read.
    pub(super) fn start(
        setup: &PartSetup<'_>,
        (state, identity): (&Path, &Identity),
        update: &UpdateSettings,
    ) -> anyhow::Result<Self> {
        let path = &update.key_file;
        let text =
            std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
        let key = PublicKey::parse(&text).with_context(|| format!("{} is no release key", path.display()))?;
        let authorities = update.ca_file.as_ref();
        let authorities = authorities
            .map(|path| std::fs::read(path).with_context(|| format!("cannot read {}", path.display())))
            .transpose()?;
        Ok(Self {
            state: state.to_owned(),
            key,
            authorities,
            head_office: identity.head_office.clone(),
            here: Installed {
                version: env!("CARGO_PKG_VERSION").to_owned(),
                architecture: architecture().to_owned(),
            },
            sender: setup.sender.clone(),
            wanted: None,
            fetching: None,
            told: None,
            look_at: Duration::ZERO,
        })
    }

    fn tell(&mut self, report: SoftwareReported) {
        let is_same =
            |told: &SoftwareReported| SoftwareReported { at_ms: told.at_ms, ..report.clone() } == *told;
        if self.told.as_ref().is_some_and(is_same) {
            return;
        }
        let payload = serde_json::to_vec(&report).expect("texts can be written");
        self.sender.say(Outbound::SoftwareReported, payload);
        self.told = Some(report);
    }

    fn say(&mut self, version: Option<&str>, status: SoftwareStatus, detail: String, now: FrameTime) {
        let report = report(&self.here, version, status, detail, now.wall.unix_ms());
        self.tell(report);
    }

    /// Looks at what is announced.
    fn take(&mut self, desired: SoftwareDesired, now: FrameTime) {
        let offer = match Offer::read(&desired.manifest, &desired.signature, &self.key) {
            Ok(offer) => offer,
            Err(refusal) => {
                tracing::error!("the software that head office announces is refused: {refusal}");
                return self.say(None, SoftwareStatus::Refused, refusal.to_string(), now);
            }
        };
        let version = offer.manifest().version.clone();
        if version == self.here.version {
            return self.say(Some(&version), SoftwareStatus::Current, String::new(), now);
        }
        // What did not do once is not tried again, though the wish for it is retained.
        let is_over = |result: &SoftwareReported| {
            let did_not_do = matches!(result.status, SoftwareStatus::Refused | SoftwareStatus::RolledBack);
            did_not_do && result.desired.as_ref() == Some(&version)
        };
        if let Some(result) = fetch::result(&self.state).filter(is_over) {
            return self.tell(result);
        }
        if let Some(why) = self.why_not(&offer, &desired.url) {
            tracing::error!("version {version} of the software is refused: {why}");
            return self.say(Some(&version), SoftwareStatus::Refused, why, now);
        }
        self.wanted = Some(Wanted { offer, desired, try_at: now.elapsed });
    }

    fn why_not(&self, offer: &Offer, address: &str) -> Option<String> {
        let (offered, here) = (&offer.manifest().architecture, &self.here.architecture);
        if offered != here {
            return Some(format!("the package is for {offered}, this machine is {here}"));
        }
        let is_there = address.strip_prefix(&self.head_office).is_some_and(|path| path.starts_with('/'));
        (!is_there || !is_safe(&self.head_office))
            .then(|| "its address is not on the head office that enrolled this box".to_owned())
    }

    /// Begins to fetch what is wanted, where nothing else is under way.
    fn begin(&mut self, now: FrameTime) -> anyhow::Result<()> {
        let Some(wanted) = self.wanted.as_mut().filter(|wanted| now.elapsed >= wanted.try_at) else {
            return Ok(());
        };
        if self.fetching.is_some() || fetch::is_ready(&self.state) {
            return Ok(());
        }
        wanted.try_at = now.elapsed + RETRY_EVERY;
        let (offer, desired) = (wanted.offer.clone(), wanted.desired.clone());
        let https = Https::new(self.authorities.as_deref())?;
        let (state, version) = (self.state.clone(), offer.manifest().version.clone());
        let (done, fetching) = sync_channel(1);
        let fetch = move || {
            if done.send(fetch::lay_down(&state, &offer, &desired, &https)).is_err() {
                tracing::debug!("nobody waits for the package any more");
            }
        };
        std::thread::Builder::new().name("fetch".to_owned()).spawn(fetch)?;
        self.fetching = Some(fetching);
        self.say(Some(&version), SoftwareStatus::Fetching, String::new(), now);
        Ok(())
    }

    /// Takes what became of the package that was fetched.
    fn end(&mut self, now: FrameTime) {
        let Some(fetched) = self.fetching.as_ref().map(Receiver::try_recv) else { return };
        let fetched = match fetched {
            Err(TryRecvError::Empty) => return,
            Err(TryRecvError::Disconnected) => None,
            Ok(fetched) => Some(fetched),
        };
        self.fetching = None;
        let version = self.wanted.as_ref().map(|wanted| wanted.offer.manifest().version.clone());
        match fetched {
            Some(Ok(())) => {
                self.wanted = None;
                tracing::info!(
                    "version {} of the software lies ready",
                    version.as_deref().unwrap_or_default()
                );
                self.say(version.as_deref(), SoftwareStatus::Ready, String::new(), now);
            }
            Some(Err(FetchError::Refused(refusal))) => {
                self.wanted = None;
                tracing::error!("the package is refused: {refusal}");
                self.say(version.as_deref(), SoftwareStatus::Refused, refusal.to_string(), now);
            }
            Some(Err(fault)) => {
                tracing::warn!("the package is not fetched and tried again in 10 minutes: {fault}");
                self.say(version.as_deref(), SoftwareStatus::Fetching, fault.to_string(), now);
            }
            None => tracing::error!("the thread that fetches a package panicked; please report this"),
        }
    }
}

impl Part for SoftwarePart {
    fn takes(&self, about: Inbound) -> bool {
        about == Inbound::SoftwareDesired
    }

    fn heard(&mut self, heard: Heard, now: FrameTime) {
        if !heard.payload.is_empty() {
            match serde_json::from_slice::<SoftwareDesired>(&heard.payload) {
                Ok(desired) => self.take(desired, now),
                Err(fault) => tracing::warn!("head office announces software that cannot be read: {fault}"),
            }
        }
        // Retained: it comes again at each connect, also after a restart.
        heard.confirm();
    }

    fn tick(&mut self, now: FrameTime) {
        self.end(now);
        if now.elapsed >= self.look_at {
            self.look_at = now.elapsed + LOOK_EVERY;
            match fetch::result(&self.state) {
                Some(result) if self.fetching.is_none() && !fetch::is_ready(&self.state) => self.tell(result),
                _ if self.told.is_none() => self.say(None, SoftwareStatus::Current, String::new(), now),
                _ => {}
            }
        }
        if let Err(fault) = self.begin(now) {
            tracing::error!("the package cannot be fetched: {fault:#}");
        }
    }
}
