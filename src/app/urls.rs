//! Provisioning URLs of clusters with many customers: a reload does not change them.

use crate::app::AppError;
use crate::config::Config;
use crate::config::Template;
use crate::config::TemplateMode;
use crate::domain::provisioning::as_settings::CUSTOMERS;

/// What is called at another URL after a change from `old` to `new`, or at none, and must not be.
pub(super) fn edited(old: &Config, new: &Config) -> Vec<AppError> {
    let of_cluster = |config: &Config, cluster: &str| {
        let ours = config.templates.iter();
        let ours = ours.filter(|template| template.cluster == cluster);
        ours.map(|template| template.customers).max().unwrap_or(0)
    };
    let called = old.templates.iter().filter(|held| is_called(held));
    called
        .filter_map(|held| {
            let mut now = new.templates.iter();
            let now = now.find(|template| template.name == held.name);
            let same = now.is_some_and(|now| is_called(now) && now.matches == held.matches);
            let before = of_cluster(old, &held.cluster);
            let customers = before.max(of_cluster(new, &held.cluster));
            let many = u64::from(customers) > CUSTOMERS;
            (many && !same).then(|| AppError::ManyCustomers {
                template: held.name.clone(),
                cluster: held.cluster.clone(),
                customers,
            })
        })
        .collect()
}

const fn is_called(template: &Template) -> bool {
    match template.mode {
        TemplateMode::Api | TemplateMode::Relay => true,
        TemplateMode::Observe => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(name: &str, rest: &str) -> Config {
        let text = format!(
            "[[template]]\nname = \"{name}\"\nmode = \"relay\"\n{rest}\
             bridge-url = \"https://bridge.example.com/x\"\naccount = \"prov\"\n\
             password = \"file:/etc/xspd/acme\"\n\
             [[listener]]\nname = \"prov\"\nkind = \"provisioning\"\naddresses = [\"127.0.0.1:8443\"]\n\
             [[listener.host]]\nnames = [\"adapter.sp.example\"]\n"
        );
        crate::config::from_text(&text).unwrap_or_else(|wrong| panic!("{wrong:?}"))
    }

    #[test]
    fn a_url_of_a_cluster_with_many_customers_does_not_change_at_a_reload() {
        let many = "customers = 51\n";
        let old = config("acme", many);
        let moved = "customers = 51\nmatch = [\"https://adapter.sp.example/new\"]\n";
        for new in [config("acme", moved), config("other", many)] {
            let refused = edited(&old, &new);
            let text = refused.first().map(ToString::to_string).unwrap_or_default();
            assert!(
                text.contains("51 customers") && text.contains("TAC"),
                "{text}"
            );
        }
        assert!(edited(&old, &config("acme", many)).is_empty());
        let few = config("acme", "customers = 50\n");
        assert!(edited(&few, &config("other", "")).is_empty());
        // Whoever takes the number out with the URL is not let through by that.
        let unsaid = "match = [\"https://adapter.sp.example/new\"]\n";
        assert_eq!(edited(&old, &config("acme", unsaid)).len(), 1);
    }
}
