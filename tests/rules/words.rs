//! Every word that an operator can meet in a log, a metric or an exit code stands in the README.

use std::collections::BTreeSet;
use std::fs;

use xspd::cli::Exit;

use crate::rules::source;

/// Fails with the list of words that no table of the README explains.
pub(crate) fn assert_documented<W: AsRef<str>>(words: &[W]) {
    let readme = fs::read_to_string(source::root().join("README.md")).expect("the README");
    let missing = undocumented(&readme, words);
    assert!(
        missing.is_empty(),
        "no table of README.md explains {missing:?}"
    );
}

#[test]
fn exit_codes_are_documented() {
    let codes = Exit::ALL.map(|exit| exit.code().to_string());
    assert_documented(&codes);
}

fn undocumented<'w, W: AsRef<str>>(readme: &str, words: &'w [W]) -> Vec<&'w str> {
    let known = table_words(readme);
    words
        .iter()
        .map(AsRef::as_ref)
        .filter(|word| !known.contains(*word))
        .collect()
}

/// The first cell of every row of every table, in full and by each `word` in it.
fn table_words(readme: &str) -> BTreeSet<&str> {
    let mut words = BTreeSet::new();
    for row in readme.lines().filter_map(|line| line.strip_prefix('|')) {
        let cell = row.split('|').next().unwrap_or_default().trim();
        words.insert(cell);
        // Between backticks are the odd parts.
        words.extend(cell.split('`').skip(1).step_by(2));
    }
    words
}

#[test]
fn only_the_first_cell_of_a_row_explains_a_word() {
    let readme = "a `prose-word`\n| word | what |\n|---|---|\n| `no-sni`, `bad-host` | see `other` |\n| 64 | usage |\n";
    let words = ["no-sni", "bad-host", "64", "other", "prose-word"];
    assert_eq!(undocumented(readme, &words), ["other", "prose-word"]);
}
