//! The service provider and the enterprise that a fresh lab starts with.

use std::collections::BTreeMap;

use crate::lab::broadworks::directory::Group;
use crate::lab::broadworks::directory::Messaging;
use crate::lab::broadworks::directory::PhoneEntry;
use crate::lab::broadworks::directory::ProviderKind;
use crate::lab::broadworks::directory::ServiceProvider;

pub(super) fn providers() -> BTreeMap<String, ServiceProvider> {
    let group = |id: &str, list: &[(&str, &str)]| {
        (
            id.to_owned(),
            Group {
                phone_list: phones(list),
                messaging: Messaging::default(),
            },
        )
    };
    let enterprise = ServiceProvider {
        kind: ProviderKind::Enterprise,
        reseller: None,
        phone_list: phones(&[
            ("Emergency Desk", "2405550190"),
            ("Helpdesk", "2405550199"),
            ("Réception", "2405550100"),
        ]),
        groups: BTreeMap::from([
            group("hq", &[("Cafeteria", "2405550110"), ("Gate", "2405550111")]),
            group("branch", &[("Parking", "2405550210")]),
        ]),
        messaging: Messaging::default(),
        service_packs: BTreeMap::new(),
    };
    let provider = ServiceProvider {
        kind: ProviderKind::ServiceProvider,
        reseller: None,
        phone_list: Vec::new(),
        groups: BTreeMap::from([
            group("customer", &[("Service Hotline", "3015550300")]),
            group("other", &[]),
        ]),
        messaging: Messaging::default(),
        service_packs: BTreeMap::new(),
    };
    BTreeMap::from([
        ("ent1".to_owned(), enterprise),
        ("sp1".to_owned(), provider),
    ])
}

pub(super) fn phones(list: &[(&str, &str)]) -> Vec<PhoneEntry> {
    let entry = |(name, number): &(&str, &str)| PhoneEntry {
        name: (*name).to_owned(),
        number: (*number).to_owned(),
    };
    list.iter().map(entry).collect()
}
