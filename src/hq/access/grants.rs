//! What an account may do, and where.
//!
//! A grant is a role over a chain, a region or a store. What is not obvious: nothing is ever taken away by a second grant. The
//! highest role that reaches a store counts, so the order of grants means nothing.

use std::sync::Arc;

/// What somebody may do. Each may do what the former may.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// Sees.
    Viewer,
    /// Changes what belongs to a store: displays, sales.
    Manager,
    /// Changes who may do what. Over a whole chain only.
    Admin,
}

impl Role {
    /// As it is written.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Viewer => "viewer",
            Self::Manager => "manager",
            Self::Admin => "admin",
        }
    }

    /// Reads what [`as_str`](Self::as_str) wrote.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Viewer, Self::Manager, Self::Admin].into_iter().find(|role| role.as_str() == text)
    }
}

/// Where a role holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// In the whole chain.
    Chain,
    /// In the stores of a region.
    Region {
        /// Its row.
        region_id: i64,
        /// Its name.
        name: String,
    },
    /// In one store.
    Store {
        /// Its row.
        store_id: i64,
        /// Its name.
        name: String,
    },
}

/// A role, and where it holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grant {
    /// What may be done.
    pub role: Role,
    /// The chain's row.
    pub tenant_id: i64,
    /// The chain's name.
    pub tenant: String,
    /// Where in the chain.
    pub place: Place,
}

/// A store, as far as is asked for who may read it and how it is named.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoreRow {
    /// Its row.
    pub store_id: i64,
    /// The chain's row.
    pub tenant_id: i64,
    /// The chain's name.
    pub tenant: String,
    /// The region's row, where it has one.
    pub region_id: Option<i64>,
    /// The region's title, where it has one.
    pub region: Option<String>,
    /// Its name in the chain.
    pub name: String,
    /// Its title, for people.
    pub title: String,
    /// ISO 4217.
    pub currency: String,
    /// How many decimals the currency's smallest unit stands for.
    pub decimals: i64,
    /// Where it stands now.
    pub time_zone: String,
    /// Whether `footfall-hq simulate` made it.
    pub simulated: bool,
}

/// The stores in which somebody has at least some role.
#[derive(Debug, Clone)]
pub struct Scope {
    grants: Arc<[Grant]>,
    least: Role,
}

impl Scope {
    /// Of grants, those with at least this role.
    #[must_use]
    pub fn new(grants: Arc<[Grant]>, least: Role) -> Self {
        Self { grants, least }
    }

    /// Whether the store is one of them.
    #[must_use]
    pub fn holds(&self, store: &StoreRow) -> bool {
        self.granted(store.tenant_id).any(|grant| match grant.place {
            Place::Chain => true,
            Place::Region { region_id, .. } => store.region_id == Some(region_id),
            Place::Store { store_id, .. } => store.store_id == store_id,
        })
    }

    /// Whether it is the whole chain.
    #[must_use]
    pub fn holds_chain(&self, tenant_id: i64) -> bool {
        self.granted(tenant_id).any(|grant| grant.place == Place::Chain)
    }

    /// The chains that are wholly in it: rows, each once.
    #[must_use]
    pub fn chains(&self) -> Vec<i64> {
        let mut chains: Vec<i64> = self.grants.iter().map(|grant| grant.tenant_id).collect();
        chains.sort_unstable();
        chains.dedup();
        chains.retain(|tenant_id| self.holds_chain(*tenant_id));
        chains
    }

    fn granted(&self, tenant_id: i64) -> impl Iterator<Item = &Grant> {
        self.grants.iter().filter(move |grant| grant.role >= self.least && grant.tenant_id == tenant_id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn store(tenant_id: i64, region_id: Option<i64>, store_id: i64) -> StoreRow {
        StoreRow {
            store_id,
            tenant_id,
            tenant: format!("chain{tenant_id}"),
            region_id,
            region: None,
            name: format!("store{store_id}"),
            title: String::new(),
            currency: "EUR".to_owned(),
            decimals: 2,
            time_zone: "Europe/Vienna".to_owned(),
            simulated: false,
        }
    }

    fn grant(role: Role, tenant_id: i64, place: Place) -> Grant {
        Grant { role, tenant_id, tenant: format!("chain{tenant_id}"), place }
    }

    #[track_caller]
    fn check(grants: Vec<Grant>, least: Role, held: &[i64]) {
        let scope = Scope::new(grants.into(), least);
        let all = [store(1, Some(1), 11), store(1, Some(2), 12), store(1, None, 13), store(2, Some(3), 21)];
        let found: Vec<i64> = all.iter().filter(|store| scope.holds(store)).map(|s| s.store_id).collect();
        assert_eq!(found, held);
    }

    #[test]
    fn a_grant_reaches_its_place_and_no_further() {
        let region = Place::Region { region_id: 2, name: "north".to_owned() };
        let one = Place::Store { store_id: 13, name: "store13".to_owned() };
        check(vec![], Role::Viewer, &[]);
        check(vec![grant(Role::Viewer, 1, Place::Chain)], Role::Viewer, &[11, 12, 13]);
        check(vec![grant(Role::Viewer, 1, region.clone())], Role::Viewer, &[12]);
        check(vec![grant(Role::Viewer, 1, one.clone())], Role::Viewer, &[13]);
        check(vec![grant(Role::Viewer, 1, region), grant(Role::Viewer, 1, one)], Role::Viewer, &[12, 13]);
        check(vec![grant(Role::Viewer, 2, Place::Chain)], Role::Viewer, &[21]);
    }

    #[test]
    fn a_store_of_another_chain_is_not_reached_by_a_number_that_is_alike() {
        let place = Place::Store { store_id: 21, name: "store21".to_owned() };
        check(vec![grant(Role::Admin, 1, place)], Role::Viewer, &[]);
    }

    #[test]
    fn a_lesser_role_is_not_enough_and_a_higher_one_is() {
        check(vec![grant(Role::Viewer, 1, Place::Chain)], Role::Manager, &[]);
        check(vec![grant(Role::Admin, 1, Place::Chain)], Role::Manager, &[11, 12, 13]);
    }

    #[test]
    fn the_chains_are_those_that_are_granted_as_a_whole() {
        let region = Place::Region { region_id: 3, name: "south".to_owned() };
        let grants = vec![grant(Role::Admin, 1, Place::Chain), grant(Role::Manager, 2, region)];
        assert_eq!(Scope::new(grants.into(), Role::Viewer).chains(), [1]);
    }
}
