//! Remembers over restarts which generation of a trust set last let a client in, and says when an old
//! one can go and when a new one came.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use std::time::SystemTime;

use tokio_util::sync::CancellationToken;
use tracing::warn;

use crate::domain::alarms::AlarmKey;
use crate::domain::alarms::AlarmName;
use crate::domain::alarms::Condition;
use crate::domain::alarms::Observation;
use crate::domain::alarms::Severity;
use crate::domain::alarms::observation;
use crate::domain::certs::date;
use crate::domain::certs::trust_usage::Present;
use crate::domain::certs::trust_usage::QUIET_DAYS;
use crate::domain::certs::trust_usage::TrustUsage;
use crate::domain::certs::trust_usage::Verdict;
use crate::platform::clock;
use crate::platform::tasks::Tasks;
use crate::telemetry::Telemetry;
use crate::tls::trust::TrustAnchors;
use crate::workers::kept::KeptError;
use crate::workers::kept::KeptFolder;

/// How often it is looked and, after a change, written.
const LOOK: Duration = Duration::from_secs(60);

/// Where it is kept, below [`folder`].
const FILE: &str = "last-used.json";

fn folder(state: &Path) -> KeptFolder {
    KeptFolder::new(state, "trust")
}

/// Reads what is kept; nothing when there is none, or it is damaged or cannot be read, which is told.
#[must_use]
pub fn read(state: &Path) -> TrustUsage {
    match folder(state).read(FILE) {
        Ok(kept) => kept.unwrap_or_default(),
        Err(error) => {
            warn!(%error, "When trust generations were last used cannot be read.");
            TrustUsage::default()
        }
    }
}

/// What the worker stands on.
pub struct UsageGround {
    /// The state directory.
    pub state: PathBuf,
    /// Gives the trust sets in force.
    pub trust: Box<dyn Fn() -> BTreeMap<String, Arc<TrustAnchors>> + Send + Sync>,
    /// Counts handshakes by generation.
    pub telemetry: Arc<Telemetry>,
    /// Who is told.
    pub observe: Arc<dyn Fn(Observation) + Send + Sync>,
    /// Where blocking work runs.
    pub tasks: Tasks,
}

/// Looks until `stop`, and once more then.
pub async fn run(ground: UsageGround, stop: CancellationToken) {
    let state = ground.state.clone();
    let mut usage = ground
        .tasks
        .blocking(move || read(&state))
        .await
        .unwrap_or_default();
    for (set, anchors) in (ground.trust)() {
        for anchor in anchors.facts() {
            let kept = usage.of(&set, &anchor.generation);
            let at = kept.and_then(|kept| kept.last_used).unwrap_or_default();
            let edge = &ground.telemetry.edge;
            edge.generation_was_used(&set, &anchor.generation, at);
        }
    }
    // What was said before the restart may be over by now: all is said anew.
    let mut told: Told = usage
        .names()
        .map(|(set, name)| ((set.to_owned(), name.to_owned()), Verdict::Unused(0)))
        .collect();
    loop {
        let before = usage.clone();
        look(&ground, &mut usage, &mut told, clock::wall());
        if usage != before {
            let (state, kept) = (ground.state.clone(), usage.clone());
            let kept = move || keep(&state, &kept);
            if let Some(Err(error)) = ground.tasks.blocking(kept).await {
                warn!(%error, "When trust generations were last used cannot be kept.");
            }
        }
        if stop.is_cancelled() {
            return;
        }
        tokio::select! {
            () = stop.cancelled() => {}
            () = tokio::time::sleep(LOOK) => {}
        }
    }
}

fn keep(state: &Path, usage: &TrustUsage) -> Result<(), KeptError> {
    folder(state).keep(FILE, usage)
}

/// What was said last of a generation, so that it is said once. A new one is said to be so at each
/// look until the old one is gone: the board tells it once.
type Told = BTreeMap<(String, String), Verdict>;

fn look(ground: &UsageGround, usage: &mut TrustUsage, told: &mut Told, now: SystemTime) {
    let mut there = BTreeSet::new();
    for (set, anchors) in (ground.trust)() {
        let present = present(&ground.telemetry, &set, &anchors);
        let verdicts = usage.look(&set, &present, now);
        for (generation, verdict) in present.iter().zip(verdicts) {
            let key = (set.clone(), generation.name.clone());
            let last = told.insert(key, verdict);
            if last == Some(verdict) && verdict != Verdict::New {
                continue;
            }
            for observation in say(&set, generation, verdict, last.is_some()) {
                (ground.observe)(observation);
            }
        }
        there.extend(present.into_iter().map(|held| (set.clone(), held.name)));
    }
    let gone = told.keys().filter(|key| !there.contains(*key)).cloned();
    for (set, name) in gone.collect::<Vec<_>>() {
        for alarm in [
            AlarmName::WebexTrustChainNewVersion,
            AlarmName::TrustGenerationUnused,
        ] {
            (ground.observe)(over(alarm, &set, &name));
        }
        told.remove(&(set, name));
    }
}

fn present(telemetry: &Telemetry, set: &str, anchors: &TrustAnchors) -> Vec<Present> {
    let mut found: Vec<Present> = Vec::new();
    for anchor in anchors.facts() {
        match found
            .iter_mut()
            .find(|held| *held.name == *anchor.generation)
        {
            Some(held) => held.ends = held.ends.max(anchor.ends),
            None => found.push(Present {
                name: anchor.generation.to_string(),
                ends: anchor.ends,
                last_used: telemetry.edge.generation_last_used(set, &anchor.generation),
            }),
        }
    }
    found
}

fn over(name: AlarmName, set: &str, generation: &str) -> Observation {
    Observation {
        key: AlarmKey::new(name, &format!("{generation} of {set}")),
        condition: Condition::Absent,
    }
}

fn say(set: &str, generation: &Present, verdict: Verdict, before: bool) -> Vec<Observation> {
    let name = &generation.name;
    let wrong = |alarm, severity, text, rule: &str| Observation {
        key: AlarmKey::new(alarm, &format!("{name} of {set}")),
        condition: Condition::Present(observation::Present {
            severity,
            step: String::new(),
            text,
            rule: rule.to_owned(),
            ends: generation.ends,
            details: vec![("trust".to_owned(), set.to_owned())],
        }),
    };
    let new = AlarmName::WebexTrustChainNewVersion;
    let unused = AlarmName::TrustGenerationUnused;
    match verdict {
        Verdict::New => {
            let is_new = wrong(
                new,
                Severity::Informational,
                format!(
                    "A new chain file is in force in trust set {set}: {name}. Clients below it are let in \
                 from now on; put it on every other node too."
                ),
                "a new file in the trust set",
            );
            vec![is_new, over(unused, set, name)]
        }
        Verdict::Unused(since) => {
            let since = date::from_unix(since).map_or_else(String::new, date::text);
            let is_unused = wrong(
                unused,
                Severity::Informational,
                format!(
                    "{name} of trust set {set} has let no client in since {since}, while a newer chain \
                     has: it is safe to remove, once the same is true on every node."
                ),
                &format!("unused for {QUIET_DAYS} days"),
            );
            vec![over(new, set, name), is_unused]
        }
        Verdict::Used if before => vec![over(new, set, name), over(unused, set, name)],
        Verdict::Used => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_is_not_written_where_a_link_leads() {
        let (state, outside) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        keep(state.path(), &TrustUsage::default()).unwrap();
        let trust = state.path().join("trust");
        std::fs::remove_dir_all(&trust).unwrap();
        std::os::unix::fs::symlink(outside.path(), &trust).unwrap();
        let said = keep(state.path(), &TrustUsage::default()).unwrap_err();
        assert!(said.to_string().contains("is a link"), "{said}");
        assert_eq!(std::fs::read_dir(outside.path()).unwrap().count(), 0);
    }

    #[test]
    fn a_new_version_is_wrong_for_as_long_as_it_is_said_and_over_with_the_old_one() {
        let generation = Present {
            name: "2027.txt".to_owned(),
            ends: None,
            last_used: None,
        };
        let told = |verdict, before| {
            let all = say("webex", &generation, verdict, before).into_iter();
            let all = all.map(|said| {
                let is_on = matches!(said.condition, Condition::Present(_));
                (said.key.name, is_on)
            });
            all.collect::<Vec<_>>()
        };
        let (new, unused) = (
            AlarmName::WebexTrustChainNewVersion,
            AlarmName::TrustGenerationUnused,
        );
        assert_eq!(told(Verdict::New, true), [(new, true), (unused, false)]);
        assert_eq!(
            told(Verdict::Unused(0), true),
            [(new, false), (unused, true)]
        );
        assert_eq!(told(Verdict::Used, true), [(new, false), (unused, false)]);
        assert_eq!(told(Verdict::Used, false), []);
    }
}
