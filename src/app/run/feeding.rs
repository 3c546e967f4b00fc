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

/// Starts those that the config file asks for; gives what ends them.
///
/// # Errors
/// Where an address is taken, a certificate cannot be used, or the system gives no thread.
pub(super) fn start(
    settings: &EdgeSettings,
    site: &SiteSettings,
    to: &FeedSender,
    board: &Arc<Board>,
    clock: &Arc<dyn Clock>,
) -> anyhow::Result<Vec<Close>> {
    let mut ways = Vec::new();
    let till = site.till.as_ref();
    let wanted = |feed: &Feed| match feed {
        Feed::Till => till.is_some_and(|till| till.mqtt),
        Feed::Staffing => site.store.staff == StaffSource::Feed,
        Feed::Badges => true,
    };
    if let Some(broker) = &settings.mqtt {
        let feeds: Vec<Feed> = Feed::ALL.into_iter().filter(wanted).collect();
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
        ways.push(mqtt::start(broker, &names, &feeds, to.clone(), told)?);
    }
    if let Some(http) = till.and_then(|till| till.http.as_ref()) {
        let (address, close) = http::start(http, &Feed::ALL, to.clone())
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
    Ok(ways)
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
