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
