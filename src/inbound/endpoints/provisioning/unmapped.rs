//! Calls that no rule knows, shared between the adapters of all configurations and whoever raises
//! the alarm.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;

use crate::domain::provisioning::ids::TemplateKey;
use crate::domain::provisioning::unmapped::Last;
use crate::domain::provisioning::unmapped::Print;
use crate::domain::provisioning::unmapped::Unknown;
use crate::domain::provisioning::unmapped::Unmapped;
use crate::inbound::endpoints::provisioning::moment;

/// The calls since the start.
#[derive(Default)]
pub struct UnmappedCalls(Mutex<Unmapped>);

impl UnmappedCalls {
    /// Templates to which such calls come.
    #[must_use]
    pub fn standing(&self) -> Vec<(TemplateKey, Unknown)> {
        self.held().standing(moment())
    }

    pub(super) fn came(&self, template: &TemplateKey, mapping: Print, last: Last) {
        self.held().came(template, mapping, last);
    }

    /// These are the mappings from now on.
    pub fn adopt(&self, mappings: &BTreeMap<TemplateKey, Print>) {
        self.held().adopt(mappings);
    }

    fn held(&self) -> MutexGuard<'_, Unmapped> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
