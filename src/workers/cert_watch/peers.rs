//! By which CAs we believe a peer: its chain is judged by those, not by what the public has.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use crate::config::Config;
use crate::domain::certs::facts::CertificateFacts;
use crate::domain::certs::inventory::Duty;
use crate::domain::certs::roots::Roots;
use crate::domain::certs::source::PlaceKind;
use crate::domain::certs::watchlist::Scan;
use crate::domain::certs::watchlist::Seen;

/// CAs by the file that they stand in.
pub(super) type Anchors = BTreeMap<String, Arc<Roots>>;

/// The CAs that a round over files found. A file that could not be read, or is a list of public
/// roots, is not among them.
pub(super) fn anchors(scan: &Scan) -> Anchors {
    let mut found: BTreeMap<&str, Vec<&CertificateFacts>> = BTreeMap::new();
    for sighting in &scan.sightings {
        let is_anchor = sighting.watched.duty == Duty::TrustAnchor;
        if is_anchor
            && sighting.place.kind == PlaceKind::File
            && let Ok(Seen::Chain(chain)) = &sighting.seen
        {
            let held = found.entry(sighting.place.name.as_str()).or_default();
            held.extend(chain.leaf());
        }
    }
    let roots = |(name, facts): (&str, Vec<&CertificateFacts>)| {
        let roots = Roots::of(facts);
        (name.to_owned(), Arc::new(roots))
    };
    found.into_iter().map(roots).collect()
}

/// Those of a peer that is watched under `entry`; `None` where none are configured or known.
pub(super) fn of(config: &Config, anchors: &Anchors, entry: &str) -> Option<Arc<Roots>> {
    let ca = ca(config, entry)?;
    anchors.get(&ca.display().to_string()).cloned()
}

fn ca<'a>(config: &'a Config, entry: &str) -> Option<&'a Path> {
    for pool in config.pools.values() {
        for upstream in &pool.upstreams {
            if entry == format!("pool.{}.upstream.{}", pool.name, upstream.name) {
                return upstream.tls.as_ref()?.ca.as_deref();
            }
        }
    }
    for listener in &config.listeners {
        if let Some(bridge) = &listener.bridge {
            let of = |address: String| format!("listener.{}.bridge.{address}", listener.name);
            let mut upstreams = bridge.upstreams.iter();
            if upstreams.any(|upstream| entry == of(upstream.address())) {
                return bridge.tls.as_ref()?.ca.as_deref();
            }
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::config::from_text;
    use crate::domain::certs::mint;
    use crate::domain::certs::mint::Minted;
    use crate::workers::cert_watch::entries::Source;
    use crate::workers::cert_watch::entries::entries;
    use crate::workers::cert_watch::scan;
    use crate::workers::cert_watch::scan::Cache;

    #[test]
    fn every_peer_with_a_ca_is_judged_by_what_its_file_holds() {
        let folder = tempfile::tempdir().unwrap();
        let root = Minted::root(mint::ca("Internal Root"));
        let ca = folder.path().join("ca.pem");
        fs::write(&ca, root.pem()).unwrap();
        let ca = ca.display();
        let text = format!(
            r#"
            [[pool]]
            name = "xsp"
            upstream = [
              {{ name = "a", url = "https://127.0.0.1:9", ca = "{ca}" }},
              {{ name = "b", url = "http://127.0.0.1:10" }},
            ]
            [[listener]]
            name = "none"
            addresses = ["127.0.0.1:0"]
            plaintext = true
            [[listener.host]]
            names = ["*"]
            [[trust]]
            name = "webex"
            files = ["{ca}"]
            [[listener]]
            name = "cti"
            kind = "cti"
            addresses = ["127.0.0.1:8012"]
            trust = "webex"
            allowed-identities = ["client.test"]
            [[listener.host]]
            names = ["*"]
            [listener.bridge]
            upstreams = ["xsp1.internal:8012", "xsp2.internal:8012"]
            ca = "{ca}"
            client-certificate = {{ chain = "{ca}", key = "file:{ca}" }}
            "#
        );
        let config = from_text(&text).unwrap_or_else(|problems| panic!("{problems:#?}"));
        let found = scan::files(&config, &[], &mut Cache::default(), mint::now());
        let anchors = anchors(&found);
        let facts = CertificateFacts::parse(&root.der).unwrap();
        let all = entries(&config);
        let peers = all
            .iter()
            .filter(|entry| matches!(entry.source, Source::Probe(_)));
        let peers: Vec<_> = peers
            .map(|entry| of(&config, &anchors, &entry.name).unwrap())
            .collect();
        assert_eq!(peers.len(), 3);
        assert!(peers.iter().all(|roots| roots.hold(&facts)));
        assert!(of(&config, &anchors, "pool.xsp.upstream.b").is_none());
    }
}
