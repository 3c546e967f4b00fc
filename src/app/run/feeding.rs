//! Starts the ways in by which other systems of the store tell the box something.

use super::board::Board;
use crate::config::{EdgeSettings, SiteSettings};
use crate::feeds::folder::FolderNews;
use crate::feeds::mqtt::FeedsLink;
use crate::feeds::{Close, Feed, FeedSender, folder, http, mqtt};
use crate::site::StaffSource;
use crate::time::Clock;
use crate::wire::topics::BoxNames;
use anyhow::Context;
use std::sync::Arc;

/// Starts those that the config file asks for, of the store and of its sensors; gives what ends them.
///
/// # Errors
/// Where an address is taken, a certificate cannot be used, or the system gives no thread.
pub(super) fn start(
    settings: &EdgeSettings,
    store: Option<(&SiteSettings, FeedSender)>,
    sensors: Option<(Feed, FeedSender)>,
    board: &Arc<Board>,
    clock: &Arc<dyn Clock>,
) -> anyhow::Result<Vec<Close>> {
    let mut ways = Vec::new();
    let of_store = store.iter().flat_map(|(site, to)| over_broker(site).map(|feed| (feed, to.clone())));
    let feeds: Vec<_> = of_store.chain(sensors).collect();
    if let Some(broker) = settings.mqtt.as_ref().filter(|_| !feeds.is_empty()) {
        let names = BoxNames {
            tenant: settings.tenant.clone(),
            store: settings.store.clone(),
            box_id: settings.box_id.clone(),
        };
        let tell = problem_teller(board, clock, "feeds");
        let told = move |link| match link {
            FeedsLink::Up => tell(None),
            FeedsLink::Down(text) => tell(Some(text)),
        };
        ways.push(mqtt::start(broker, &names, &feeds, told)?);
    }
    if let Some((site, to)) = store {
        start_beside_broker(site, &to, board, clock, &mut ways)?;
    }
    Ok(ways)
}

/// The store's feeds that come over the broker.
fn over_broker(site: &SiteSettings) -> impl Iterator<Item = Feed> {
    let wanted = [
        (Feed::Till, site.till.as_ref().is_some_and(|till| till.mqtt)),
        (Feed::Staffing, site.store.staff == StaffSource::Feed),
        (Feed::Badges, true),
    ];
    wanted.into_iter().filter_map(|(feed, is_wanted)| is_wanted.then_some(feed))
}

/// The ways in for those who do not speak to the broker.
fn start_beside_broker(
    site: &SiteSettings,
    to: &FeedSender,
    board: &Arc<Board>,
    clock: &Arc<dyn Clock>,
    ways: &mut Vec<Close>,
) -> anyhow::Result<()> {
    let till = site.till.as_ref();
    if let Some(http) = till.and_then(|till| till.http.as_ref()) {
        let (address, close) = http::start(http, &[Feed::Till, Feed::Staffing, Feed::Badges], to.clone())
            .with_context(|| format!("cannot listen on {} for the till; give another port", http.listen))?;
        tracing::info!("the till may send to http://{address}/v1/till");
        ways.push(close);
    }
    if let Some(folder) = till.and_then(|till| till.folder.as_ref()) {
        let tell = problem_teller(board, clock, "till folder");
        let told = move |news| match news {
            FolderNews::Fine => tell(None),
            FolderNews::Trouble(text) => tell(Some(text)),
        };
        ways.push(folder::start(Feed::Till, folder, to.clone(), Arc::clone(clock), told)?);
    }
    Ok(())
}

/// Tells the board what is wrong, or that nothing is any more; once each.
fn problem_teller(
    board: &Arc<Board>,
    clock: &Arc<dyn Clock>,
    about: &'static str,
) -> impl Fn(Option<String>) + Send + use<> {
    let (board, clock) = (Arc::clone(board), Arc::clone(clock));
    move |trouble| match trouble {
        Some(text) => {
            if board.problem(about, &text, clock.now().wall) {
                tracing::warn!("{about}: {text}");
            }
        }
        None => {
            if board.solved(about) {
                tracing::info!("{about}: all is well again");
            }
        }
    }
}
