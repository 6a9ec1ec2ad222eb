//! Templates and captured calls.

use std::collections::BTreeMap;

use serde_json::json;

use crate::config::Template;
use crate::domain::provisioning::ids::RequestId;
use crate::inbound::endpoints::operations::Answer;
use crate::inbound::endpoints::operations::Operations;
use crate::inbound::endpoints::operations::done;
use crate::inbound::endpoints::operations::refused::Refused;
use crate::inbound::endpoints::operations::store_failed;

impl Operations {
    /// The templates, and how many customers each cluster has.
    pub(super) async fn templates(&self) -> Answer {
        let enterprises = self.provisioner.store().enterprises().await;
        let enterprises = enterprises.map_err(|error| store_failed(&error))?;
        let mut customers: BTreeMap<&str, u64> = BTreeMap::new();
        for template in &self.config.templates {
            customers.entry(&template.cluster).or_default();
        }
        for held in &enterprises {
            *customers.entry(held.key.cluster.as_str()).or_default() += 1;
        }
        // Partner Hub knows of customers that never came through here.
        for template in &self.config.templates {
            let known = customers.entry(&template.cluster).or_default();
            *known = u64::from(template.customers).max(*known);
        }
        let clusters: Vec<_> = customers
            .iter()
            .map(|(cluster, customers)| json!({"cluster": cluster, "customers": customers}))
            .collect();
        let templates: Vec<_> = self.config.templates.iter().map(template).collect();
        done(json!({"templates": templates, "clusters": clusters}))
    }

    /// Captured calls, newest first.
    pub(super) fn captures(&self) -> Answer {
        let all = self.captures.list(None);
        let captures: Vec<_> = all
            .iter()
            .map(|capture| {
                json!({
                    "id": capture.id.as_str(),
                    "at": capture.at.0,
                    "template": capture.template.as_str(),
                    "outcome": capture.outcome,
                    "status": capture.status,
                    "format": capture.format,
                })
            })
            .collect();
        done(json!({"captures": captures}))
    }

    /// One captured call, as `xspd provision mapping test --capture` takes it.
    pub(super) fn capture(&self, id: &str) -> Answer {
        let gone =
            || Refused::unknown("there is no such capture; the oldest make room for the newest");
        let id = RequestId::parse(id).map_err(|_| gone())?;
        let capture = self.captures.show(&id).ok_or_else(gone)?;
        // What was serialised when it was kept is so again.
        done(serde_json::from_str(&capture.to_json()).unwrap_or_default())
    }
}

fn template(template: &Template) -> serde_json::Value {
    let email = if template.trusted_email {
        "trusted"
    } else {
        "untrusted"
    };
    let account = template
        .credentials
        .as_ref()
        .map(|held| held.account.as_str());
    let urls: Vec<_> = template.matches.iter().map(ToString::to_string).collect();
    json!({
        "key": template.name,
        "mode": template.mode,
        "cluster": template.cluster,
        "partner": template.partner,
        "package": template.package,
        "email": email,
        "capture": template.capture,
        "account": account,
        "urls": urls,
        "enterprise-mode": template.enterprise_mode,
        "on-remove": template.on_remove,
        "user-id-change": template.user_id_change,
    })
}
