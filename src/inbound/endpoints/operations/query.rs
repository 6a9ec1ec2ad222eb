//! What stands in queries: filters, cursors, clusters.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::domain::auth::parameters::Form;
use crate::domain::provisioning::ids::ClusterName;
use crate::domain::provisioning::ids::EnterpriseKey;
use crate::domain::provisioning::ids::Moment;
use crate::domain::provisioning::ids::SpEnterpriseId;
use crate::domain::provisioning::ids::TemplateKey;
use crate::domain::provisioning::policy::Settings;
use crate::domain::provisioning::record::JobState;
use crate::inbound::endpoints::operations::refused::Refused;
use crate::store::query::Cursor;
use crate::store::query::Filter;
use crate::store::query::PAGE;

/// Users on a page when nothing is said.
const USUAL: u32 = 100;

/// Parameters of a query, each once.
pub(in crate::inbound::endpoints) struct Query(Form);

/// One page of the user-status view.
pub(super) struct Wanted {
    pub(super) filter: Filter,
    pub(super) cursor: Option<Cursor>,
    pub(super) limit: u32,
}

impl Query {
    pub(in crate::inbound::endpoints) fn read(
        query: Option<&str>,
        known: &[&str],
    ) -> Result<Self, Refused> {
        let text = query.unwrap_or_default();
        let form = Form::parse(text.as_bytes());
        let form = form.map_err(|_| {
            Refused::malformed("the query cannot be read: each parameter once, escapes whole")
        })?;
        // A filter that is misspelt would show everybody.
        for pair in text.split('&').filter(|pair| !pair.is_empty()) {
            let name = pair.split('=').next().unwrap_or_default();
            if !known.contains(&name) {
                let known = known.join(", ");
                let shown: String = name.chars().take(40).collect();
                return Err(Refused::malformed(format!(
                    "there is no parameter {shown:?} here; there is: {known}"
                )));
            }
        }
        Ok(Self(form))
    }

    pub(in crate::inbound::endpoints) fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name)
    }

    pub(super) fn cluster(&self) -> Result<Option<ClusterName>, Refused> {
        let cluster = self.get("cluster").map(ClusterName::parse).transpose();
        cluster.map_err(|wrong| Refused::malformed(format!("cluster: {wrong}")))
    }

    pub(in crate::inbound::endpoints) fn flag(&self, name: &str) -> Result<bool, Refused> {
        match self.get(name) {
            None | Some("false") => Ok(false),
            Some("true") => Ok(true),
            Some(_) => Err(Refused::malformed(format!("{name} is true or false"))),
        }
    }
}

impl Wanted {
    /// The parameters of a list.
    pub(super) const KNOWN: [&'static str; 9] = [
        "state",
        "template",
        "cluster",
        "enterprise",
        "user",
        "since-seconds",
        "exclude-provisioned",
        "cursor",
        "limit",
    ];

    /// Reads a query. `clusters` are those that an enterprise without one may be of.
    pub(super) fn read(
        query: &Query,
        clusters: &[ClusterName],
        now: Moment,
    ) -> Result<Self, Refused> {
        let mut filter = Filter {
            states: states(query.get("state"))?,
            cluster: query.cluster()?,
            user_prefix: query.get("user").map(str::to_lowercase),
            ..Filter::default()
        };
        if query.flag("exclude-provisioned")? {
            if filter.states.is_empty() {
                filter.states.extend(JobState::ALL);
            }
            let over =
                |state: &JobState| matches!(state, JobState::Provisioned | JobState::NoChange);
            filter.states.retain(|state| !over(state));
        }
        if let Some(template) = query.get("template") {
            let template = TemplateKey::parse(template);
            let wrong = |wrong| Refused::malformed(format!("template: {wrong}"));
            filter.template = Some(template.map_err(wrong)?);
        }
        if let Some(enterprise) = query.get("enterprise") {
            let wrong = |wrong| Refused::malformed(format!("enterprise: {wrong}"));
            let enterprise = SpEnterpriseId::parse(enterprise).map_err(wrong)?;
            let cluster = match (&filter.cluster, clusters) {
                (Some(cluster), _) => cluster.clone(),
                (None, [one]) => one.clone(),
                (None, _) => return Err(name_cluster(clusters)),
            };
            filter.enterprise = Some(EnterpriseKey::new(cluster, &enterprise));
        }
        if let Some(seconds) = query.get("since-seconds") {
            let seconds: u64 = seconds
                .parse()
                .map_err(|_| Refused::malformed("since-seconds is a number of seconds"))?;
            let ago = Duration::from_secs(seconds).as_millis();
            let ago = u64::try_from(ago).unwrap_or(u64::MAX);
            filter.since = Some(Moment(now.0.saturating_sub(ago)));
        }
        let limit = match query.get("limit").map(str::parse) {
            None => USUAL,
            Some(Ok(limit)) if (1..=PAGE).contains(&limit) => limit,
            Some(_) => return Err(Refused::malformed(format!("limit is from 1 to {PAGE}"))),
        };
        let cursor = query.get("cursor").map(cursor_of).transpose()?;
        Ok(Self {
            filter,
            cursor,
            limit,
        })
    }
}

/// Which cluster is meant must be said where there are several.
pub(super) fn name_cluster(clusters: &[ClusterName]) -> Refused {
    let names: Vec<_> = clusters.iter().map(ClusterName::as_str).collect();
    Refused::conflict(format!(
        "there are several clusters ({}): say which, with --cluster or ?cluster=",
        names.join(", ")
    ))
}

/// A template that is none is told with those that there are.
pub(super) fn no_template(name: &str, settings: &Settings) -> Refused {
    let all = settings.templates.keys().map(TemplateKey::as_str);
    let all: Vec<&str> = all.collect();
    let shown: String = name.chars().take(TemplateKey::MOST).collect();
    Refused::unknown(format!(
        "there is no template {shown:?}; there is: {}",
        all.join(", ")
    ))
}

/// A cluster that is none, in the same way.
pub(super) fn no_cluster(name: &ClusterName, clusters: &[ClusterName]) -> Refused {
    let names: Vec<_> = clusters.iter().map(ClusterName::as_str).collect();
    Refused::unknown(format!(
        "there is no cluster {:?}; there is: {}",
        name.as_str(),
        names.join(", ")
    ))
}

/// An enterprise that nobody knows; there may be thousands.
pub(super) fn no_enterprise(id: &str) -> Refused {
    Refused::unknown(format!(
        "nothing is known of an enterprise {id:?}; `xspd enterprise list` shows all"
    ))
}

fn states(written: Option<&str>) -> Result<Vec<JobState>, Refused> {
    let words = written.unwrap_or_default().split(',');
    words
        .map(str::trim)
        .filter(|word| !word.is_empty())
        .map(|word| {
            let mut all = JobState::ALL.into_iter();
            all.find(|state| state.as_str() == word).ok_or_else(|| {
                let all = JobState::ALL.map(JobState::as_str).join(", ");
                let shown: String = word.chars().take(40).collect();
                Refused::malformed(format!("{shown:?} is no state; there is: {all}"))
            })
        })
        .collect()
}

/// A cursor as it is handed out.
pub(super) fn cursor_text(cursor: &Cursor) -> Option<String> {
    let bytes = serde_json::to_vec(cursor).ok()?;
    Some(URL_SAFE_NO_PAD.encode(bytes))
}

fn cursor_of(text: &str) -> Result<Cursor, Refused> {
    let bytes = URL_SAFE_NO_PAD.decode(text).ok();
    let cursor = bytes.and_then(|bytes| serde_json::from_slice(&bytes).ok());
    cursor.ok_or_else(|| Refused::malformed("the cursor is none that was handed out here"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wanted(text: &str, clusters: &[&str]) -> Result<Wanted, Refused> {
        let query = Query::read(Some(text), &Wanted::KNOWN)?;
        let clusters: Vec<_> = clusters
            .iter()
            .map(|name| ClusterName::parse(name).unwrap())
            .collect();
        Wanted::read(&query, &clusters, Moment(100_000))
    }

    #[test]
    fn a_query_becomes_a_filter() {
        let text =
            "state=attention,stalled&user=ANNA&since-seconds=10&enterprise=SP1%2BAcme&limit=7";
        let wanted = wanted(text, &["east"]).unwrap();
        assert_eq!(
            wanted.filter.states,
            [JobState::Attention, JobState::Stalled]
        );
        assert_eq!(wanted.filter.user_prefix.as_deref(), Some("anna"));
        assert_eq!(wanted.filter.since, Some(Moment(90_000)));
        assert_eq!(wanted.filter.enterprise.unwrap().enterprise(), "sp1+acme");
        assert_eq!(wanted.limit, 7);
    }

    #[test]
    fn who_is_provisioned_is_left_out_on_wish() {
        let all = wanted("exclude-provisioned=true", &[])
            .unwrap()
            .filter
            .states;
        assert_eq!(all.len(), JobState::ALL.len() - 2);
        assert!(!all.contains(&JobState::Provisioned) && !all.contains(&JobState::NoChange));
    }

    #[test]
    fn what_cannot_be_meant_is_refused_in_words() {
        for (text, word) in [
            ("stat=attention", "no parameter \"stat\""),
            ("state=done", "\"done\" is no state"),
            ("limit=0", "limit is from 1"),
            ("limit=1001", "limit is from 1"),
            ("since-seconds=-1", "number of seconds"),
            ("cursor=%21", "cursor"),
            ("user=a&user=b", "each parameter once"),
            ("exclude-provisioned=yes", "true or false"),
            ("enterprise=a", "several clusters (east, west)"),
        ] {
            let refused = wanted(text, &["east", "west"]).err().unwrap();
            assert!(refused.text.contains(word), "{text}: {}", refused.text);
        }
    }
}
