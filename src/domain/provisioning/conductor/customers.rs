//! The customers: who of a customer's users goes first, and who waits behind.

use std::collections::BTreeMap;
use std::collections::HashMap;
use std::time::Instant;

use crate::domain::provisioning::conductor::job::Slot;
use crate::domain::provisioning::ids::EnterpriseKey;
use crate::domain::provisioning::record::EnterpriseRecord;

/// Where a customer is kept; it stays for ever.
pub(super) type CustomerId = usize;

pub(super) struct Customer {
    pub(super) record: EnterpriseRecord,
    /// Who goes first: asks whether there is an organisation, and begins it.
    pub(super) candidate: Option<Slot>,
    /// Whether Webex said, since the candidate became one, that there is none.
    pub(super) looked: bool,
    /// Who waits behind, in the order of coming.
    pub(super) waiting: BTreeMap<u64, Slot>,
    pub(super) dirty: bool,
    pub(super) saving: bool,
    /// Somebody was to ask again, and nobody waited.
    pub(super) knock_due: bool,
    /// When somebody asks again whether the administrator has let us in.
    pub(super) knock_at: Option<Instant>,
}

#[derive(Default)]
pub(super) struct Customers {
    all: Vec<Customer>,
    index: HashMap<EnterpriseKey, CustomerId>,
    places: u64,
}

impl Customers {
    pub(super) fn find(&self, key: &EnterpriseKey) -> Option<CustomerId> {
        self.index.get(key).copied()
    }

    pub(super) fn get(&self, id: CustomerId) -> Option<&Customer> {
        self.all.get(id)
    }

    pub(super) fn get_mut(&mut self, id: CustomerId) -> Option<&mut Customer> {
        self.all.get_mut(id)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (CustomerId, &Customer)> {
        self.all.iter().enumerate()
    }

    pub(super) fn add(&mut self, record: EnterpriseRecord) -> CustomerId {
        let id = self.all.len();
        self.index.insert(record.key.clone(), id);
        self.all.push(Customer {
            record,
            candidate: None,
            looked: false,
            waiting: BTreeMap::new(),
            dirty: false,
            saving: false,
            knock_due: false,
            knock_at: None,
        });
        id
    }

    /// A place behind all that wait.
    pub(super) fn wait(&mut self, id: CustomerId, slot: Slot) -> Option<u64> {
        self.places += 1;
        let customer = self.all.get_mut(id)?;
        customer.waiting.insert(self.places, slot);
        Some(self.places)
    }
}
