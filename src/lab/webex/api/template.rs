//! Customer templates, as Partner Hub has them.

/// A customer template: how the users of a customer are provisioned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template {
    /// Its name, which is also the last part of the path of its provisioning bridge.
    pub key: String,
    /// What calls of the API name it by.
    pub provisioning_id: String,
    /// Whether e-mail addresses that the provider gives are believed. Otherwise users type and
    /// confirm their own.
    pub trusted_email: bool,
    /// Whether the service provider id alone names the customer, as for enterprises; otherwise it
    /// is with the group id.
    pub enterprise_mode: bool,
    /// What stands before the ids of the provider in the name of a customer: the reseller, as the
    /// published examples have it.
    pub reseller: Option<String>,
    /// What the bridge assigns.
    pub package: String,
    /// Whom the bridge lets in.
    pub account: String,
    /// With this password.
    pub password: String,
}

/// Name of the account at every bridge of the lab.
pub const BRIDGE_ACCOUNT: &str = "webexprov";

/// Its password, the same at every bridge; public, as all passwords of the lab.
pub const BRIDGE_PASSWORD: &str = "Br1dge-Passw0rd!";

impl Template {
    /// Believes e-mail addresses; customers are enterprises.
    #[must_use]
    pub fn trusted() -> Self {
        Self {
            key: "trusted".to_owned(),
            // base64url of two UUIDs with a colon between them, as in the published examples.
            provisioning_id: "M2YwYzZmMGUtN2ExZC00ZjViLTlhNTUtMWFiMGUyZDNjNGI1OjFhMWExYTFhLTAwMDEtNDAwMC04MDAwLTAwMDAwMDAwMDAwMQ".to_owned(),
            trusted_email: true,
            enterprise_mode: true,
            reseller: None,
            package: "standard".to_owned(),
            account: BRIDGE_ACCOUNT.to_owned(),
            password: BRIDGE_PASSWORD.to_owned(),
        }
    }

    /// Has users confirm their e-mail addresses; customers are enterprises.
    #[must_use]
    pub fn untrusted() -> Self {
        Self {
            key: "untrusted".to_owned(),
            provisioning_id: "M2YwYzZmMGUtN2ExZC00ZjViLTlhNTUtMWFiMGUyZDNjNGI1OjFhMWExYTFhLTAwMDItNDAwMC04MDAwLTAwMDAwMDAwMDAwMg".to_owned(),
            trusted_email: false,
            package: "basic".to_owned(),
            ..Self::trusted()
        }
    }

    /// Believes e-mail addresses; customers are groups of service providers.
    #[must_use]
    pub fn groups() -> Self {
        Self {
            key: "groups".to_owned(),
            provisioning_id: "M2YwYzZmMGUtN2ExZC00ZjViLTlhNTUtMWFiMGUyZDNjNGI1OjFhMWExYTFhLTAwMDMtNDAwMC04MDAwLTAwMDAwMDAwMDAwMw".to_owned(),
            enterprise_mode: false,
            package: "premium".to_owned(),
            ..Self::trusted()
        }
    }

    /// The lab's three.
    #[must_use]
    pub fn all() -> Vec<Self> {
        vec![Self::trusted(), Self::untrusted(), Self::groups()]
    }
}

#[cfg(test)]
mod tests {
    use base64::Engine;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    use uuid::Uuid;

    use super::*;

    #[test]
    fn provisioning_ids_are_two_uuids_and_differ() {
        let ids = Template::all().into_iter().map(|template| {
            let bytes = URL_SAFE_NO_PAD.decode(&template.provisioning_id).unwrap();
            let text = String::from_utf8(bytes).unwrap();
            let (partner, template) = text.split_once(':').unwrap();
            assert_eq!(partner, crate::lab::webex::ORGANIZATION);
            Uuid::try_parse(template).unwrap()
        });
        let ids: std::collections::BTreeSet<_> = ids.collect();
        assert_eq!(ids.len(), 3);
    }
}
