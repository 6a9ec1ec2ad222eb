//! A cluster with many customers, whose URLs are not the provider's to edit.

use crate::config::Template;
use crate::config::TemplateMode;
use crate::config::check::at::At;
use crate::domain::provisioning::as_settings::CUSTOMERS;

/// Warns of each template that the Application Server could call only at a URL that is new to it.
/// Whether the move was made already, with Cisco, is not to be seen here.
pub(in crate::config::check) fn customers(at: &At<'_>, templates: &[Template]) {
    for template in templates {
        let same = templates
            .iter()
            .filter(|one| one.cluster == template.cluster);
        let most = same.map(|one| one.customers).max().unwrap_or(0);
        let calls = match template.mode {
            TemplateMode::Api | TemplateMode::Relay => true,
            TemplateMode::Observe => false,
        };
        if u64::from(most) <= CUSTOMERS || !calls || !template.matches.is_empty() {
            continue;
        }
        let place = at.key("template").element(&format!(".{}", template.name));
        place.key("customers").warn(
            format!(
                "the cluster {:?} has {most} customers: with more than {CUSTOMERS} the provider must \
                 not edit its provisioning URLs or its service domain",
                template.cluster
            ),
            "`match` with the URL that the Application Server calls already, or a case with Cisco \
             TAC, who makes the change",
        );
    }
}
