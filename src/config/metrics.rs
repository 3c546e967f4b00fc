//! `[metrics]`: figures for a Prometheus on the same machine. Off where the table is not there.

use super::document::Table;
use super::fault::FaultKind;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

const DEFAULT_LISTEN: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 9477);

/// Where figures can be had.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MetricsSettings {
    /// Address and port, of this machine only.
    pub listen: SocketAddr,
}

pub(super) fn metrics(table: &mut Table<'_>) -> Option<MetricsSettings> {
    let Some(written) = table.get("listen") else { return Some(MetricsSettings { listen: DEFAULT_LISTEN }) };
    let listen = written.parsed(|text| {
        let range = "an address of this machine that only it reaches, with a port, such as \"127.0.0.1:9477\" (there is neither a \
                     login nor encryption here; a Prometheus elsewhere comes through an agent on the box, or a proxy with both)"
            .to_owned();
        let got = format!("{:?}", text.chars().take(60).collect::<String>());
        let listen = text.parse::<SocketAddr>().ok().filter(|at| at.ip().is_loopback());
        listen.ok_or(FaultKind::OutOfRange { got, range })
    })?;
    Some(MetricsSettings { listen })
}
