//! Where messages go: `footfall/v1/{tenant}/{store}/{box}/records|live|state`, and where the box listens,
//! `.../ack|backfill` to whoever stores its records and `.../till|staffing|badges` to the store.
//!
//! The three ids are checked when they are made ([`crate::ids`]), so a topic can hold no
//! wildcard, no slash and none of the signs that some brokers map to others.

use crate::ids::{BoxId, StoreId, TenantId};

/// Who a box is: the part of its topics that names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BoxNames {
    /// Who owns the store.
    pub tenant: TenantId,
    /// The store.
    pub store: StoreId,
    /// The box; unique in the world, so it is also the MQTT client id.
    pub box_id: BoxId,
}

/// The topics of one box.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Topics {
    /// Gzipped batches of durable records, QoS 1.
    pub records: String,
    /// Events and current values at once, QoS 0, no promise.
    pub live: String,
    /// What the box says of itself, QoS 1, retained; also the last will.
    pub state: String,
    /// How far the receiver has stored records, QoS 1, retained; the box subscribes.
    pub ack: String,
    /// Records that the receiver wants again, QoS 1; the box subscribes.
    pub backfill: String,
}

impl Topics {
    /// The topics of the box with these names.
    #[must_use]
    pub fn of(names: &BoxNames) -> Self {
        let base = base(names);
        Self {
            records: format!("{base}/records"),
            live: format!("{base}/live"),
            state: format!("{base}/state"),
            ack: format!("{base}/ack"),
            backfill: format!("{base}/backfill"),
        }
    }

    /// Where others tell the box something: `till`, `staffing`, `badges`. QoS 1; the box subscribes.
    #[must_use]
    pub fn feed(names: &BoxNames, name: &str) -> String {
        format!("{}/{name}", base(names))
    }
}

/// What a box and head office tell each other of the box itself; `docs/design/fleet.md` says who says what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FleetTopics {
    /// What the box is to count with, retained; the box subscribes.
    pub config_desired: String,
    /// What it counts with, retained.
    pub config_reported: String,
    /// Things to do; the box subscribes.
    pub command: String,
    /// What came of them.
    pub command_result: String,
    /// How the box is, every minute.
    pub health: String,
    /// The package that is to run, retained; the box subscribes.
    pub software_desired: String,
    /// The one that runs, retained.
    pub software_reported: String,
    /// A signing request.
    pub certificate_request: String,
    /// A certificate, retained; the box subscribes.
    pub certificate_issued: String,
}

impl FleetTopics {
    /// The topics of the box with these names.
    #[must_use]
    pub fn of(names: &BoxNames) -> Self {
        let base = base(names);
        Self {
            config_desired: format!("{base}/config/desired"),
            config_reported: format!("{base}/config/reported"),
            command: format!("{base}/command"),
            command_result: format!("{base}/command/result"),
            health: format!("{base}/health"),
            software_desired: format!("{base}/software/desired"),
            software_reported: format!("{base}/software/reported"),
            certificate_request: format!("{base}/certificate/request"),
            certificate_issued: format!("{base}/certificate/issued"),
        }
    }
}

fn base(names: &BoxNames) -> String {
    format!("footfall/v1/{}/{}/{}", names.tenant, names.store, names.box_id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_box_has_its_topics_below_its_own_name() {
        let names = BoxNames {
            tenant: TenantId::parse("acme").unwrap(),
            store: StoreId::parse("berlin-1").unwrap(),
            box_id: BoxId::parse("acme-b1-door").unwrap(),
        };
        let topics = Topics::of(&names);
        assert_eq!(topics.records, "footfall/v1/acme/berlin-1/acme-b1-door/records");
        assert_eq!(topics.live, "footfall/v1/acme/berlin-1/acme-b1-door/live");
        assert_eq!(Topics::feed(&names, "till"), "footfall/v1/acme/berlin-1/acme-b1-door/till");
        assert_eq!(topics.state, "footfall/v1/acme/berlin-1/acme-b1-door/state");
        assert_eq!(topics.ack, "footfall/v1/acme/berlin-1/acme-b1-door/ack");
        assert_eq!(topics.backfill, "footfall/v1/acme/berlin-1/acme-b1-door/backfill");
    }
}
