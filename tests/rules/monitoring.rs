//! What a NOC loads into its own systems speaks of metrics and verbs that exist.

use std::collections::BTreeSet;
use std::fs;

use crate::rules::source;

/// Names of metrics in a text: `xspd_…` and `x509_…`, without the suffixes of a histogram.
fn metrics_in(text: &str) -> BTreeSet<String> {
    let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
    text.split(|c| !is_name(c))
        .filter(|word| word.starts_with("xspd_") || word.starts_with("x509_"))
        .map(|word| word.trim_end_matches("_bucket").to_owned())
        .collect()
}

fn noc_files() -> Vec<(String, String)> {
    let folder = source::root().join("config/noc");
    fs::read_dir(folder)
        .expect("config/noc")
        .map(|entry| {
            let path = entry.expect("an entry").path();
            let name = path.file_name().expect("a name").to_string_lossy();
            (
                name.into_owned(),
                fs::read_to_string(&path).expect("a text"),
            )
        })
        .collect()
}

#[test]
fn rules_dashboards_and_templates_name_metrics_of_the_readme_only() {
    let readme = fs::read_to_string(source::root().join("README.md")).expect("the README");
    let known = metrics_in(&readme);
    let mut seen = 0;
    for (file, text) in noc_files() {
        // Commands of Icinga have names of their own.
        if file.ends_with(".conf") {
            continue;
        }
        let named = metrics_in(&text);
        seen += named.len();
        let strange: Vec<_> = named.difference(&known).collect();
        assert!(
            strange.is_empty(),
            "{file}: {strange:?} are no metrics of xspd"
        );
    }
    assert!(seen > 20, "only {seen} metrics were found");
}

#[test]
fn every_check_of_icinga_is_a_verb_of_check() {
    let files = noc_files();
    let (_, text) = files
        .iter()
        .find(|(name, _)| name == "icinga-commands.conf")
        .expect("the commands of Icinga");
    let asked: BTreeSet<_> = text
        .lines()
        .filter_map(|line| line.split("\"check\", \"").nth(1)?.split('"').next())
        .collect();
    let verbs = BTreeSet::from(["alarms", "cert", "events", "farm", "queue"]);
    assert_eq!(asked, verbs);
}

#[test]
fn certificates_whose_end_takes_nothing_away_are_left_aside_and_declared_ones_are_not() {
    for (file, text) in noc_files() {
        let is_test = file.ends_with(".test.yml");
        let plain = text.replace('\\', "");
        for series in ["x509_cert_not_after", "x509_cert_not_before"] {
            for (at, _) in plain.match_indices(series).filter(|_| !is_test) {
                let rest = &plain[at..];
                let labels = rest.split_once('}').expect("labels").0;
                let own =
                    labels.contains("counts=\"true\"") || labels.contains("object=\"{#OBJECT");
                assert!(own, "{file}: {labels}");
            }
        }
        if plain.contains("x509_cert_not_after") && !is_test {
            let declared = "xspd_cert_end_timestamp_seconds{";
            assert!(plain.contains(declared), "{file}: {declared}");
        }
    }
}

#[test]
fn items_of_zabbix_have_keys_of_their_own() {
    let files = noc_files();
    let (_, text) = files
        .iter()
        .find(|(name, _)| name == "zabbix-xspd.yaml")
        .expect("the template of Zabbix");
    let lines = text.lines().map(str::trim_start);
    let keys: Vec<_> = lines
        .filter_map(|line| line.strip_prefix("key: "))
        .filter(|key| *key != "xspd.metrics")
        .collect();
    let different: BTreeSet<_> = keys.iter().collect();
    assert_eq!(different.len(), keys.len());
    let uuids: Vec<_> = text
        .lines()
        .filter_map(|line| line.trim_start().strip_prefix("- uuid: "))
        .collect();
    let different: BTreeSet<_> = uuids.iter().collect();
    assert_eq!(different.len(), uuids.len());
    let managed = "xspd.cert.not_after[{#OBJECT},{#SERIAL},{#CN},{#MANAGED}]";
    assert!(text.contains(managed));
}
