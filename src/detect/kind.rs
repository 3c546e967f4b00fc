//! Which detector looks at a camera.

use std::fmt;

/// What finds the people of one camera.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum DetectorKind {
    /// The network: cameras that see people from the side, or from above at an angle.
    #[default]
    Network,
    /// What differs from the empty place: cameras that look down.
    Foreground,
    /// The network, and what differs where the network sees nobody.
    Both,
}

impl DetectorKind {
    /// Every kind, for messages and help.
    pub const ALL: [Self; 3] = [Self::Network, Self::Foreground, Self::Both];

    /// As written in the config and on the command line.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Network => "network",
            Self::Foreground => "foreground",
            Self::Both => "both",
        }
    }

    /// By its name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// Whether its boxes say how tall people are at each place, so that a floor can be learned from them.
    #[must_use]
    pub const fn sizes_people(self) -> bool {
        matches!(self, Self::Network)
    }

    /// Whether the network is run.
    #[must_use]
    pub const fn has_network(self) -> bool {
        matches!(self, Self::Network | Self::Both)
    }
}

impl fmt::Display for DetectorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kind_is_found_by_the_name_it_shows() {
        for kind in DetectorKind::ALL {
            assert_eq!(DetectorKind::parse(&kind.to_string()), Some(kind));
        }
        assert_eq!(DetectorKind::parse("mog2"), None);
    }
}
