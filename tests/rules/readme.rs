//! The README as the rules read it, and what it says of the configuration.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::fs;

use xspd::config::Environment;
use xspd::config::NamedFiles;

use crate::rules::source;

fn text_of_readme() -> String {
    fs::read_to_string(source::root().join("README.md")).expect("the README")
}

/// Every option of the README's examples, with its value as in TOML but without quotes. They are
/// one configuration in pieces.
fn options() -> BTreeMap<String, String> {
    let readme = text_of_readme();
    let pieces = readme.split("```toml\n").skip(1);
    let example: String = pieces
        .filter_map(|piece| piece.split("```").next())
        .collect();
    let folder = tempfile::tempdir().expect("a temporary directory");
    let file = folder.path().join("xspd.toml");
    fs::write(&file, example).expect("the file is written");
    match xspd::config::load_with(&file, &Environment::default(), NamedFiles::Skip) {
        Ok(loaded) => xspd::config::effective(&loaded)
            .into_iter()
            .map(|option| (option.path, option.value.to_string().replace('"', "")))
            .collect(),
        Err(problems) => panic!("the README's configuration is refused: {problems:#?}"),
    }
}

#[test]
fn the_examples_are_one_good_configuration() {
    let options = options();
    assert_eq!(options["listener.cti.kind"], "passthrough");
    assert_eq!(options["trust.webex.directory"], "/etc/xspd/trust/webex");
}

#[test]
fn built_in_routes_are_documented() {
    let options = options();
    let expected: BTreeMap<_, _> = options
        .iter()
        .filter_map(|(path, value)| {
            let name = path.strip_prefix("route.")?.strip_suffix(".prefix")?;
            Some((name, value.as_str()))
        })
        .collect();
    let table = Table::after("Four routes are built in");
    let documented: BTreeMap<_, _> = table
        .rows
        .iter()
        .map(|row| (row[0].as_str(), row[1].as_str()))
        .collect();
    assert_eq!(documented, expected);
}

#[test]
fn defaults_are_documented_as_they_are() {
    let options = options();
    let mut wrong = Vec::new();
    let mut compare = |path: String, documented: &str| {
        // What follows the value says more about it.
        let default = documented.split([' ', ';']).next();
        if options.get(&path).map(String::as_str) != default {
            wrong.push(format!(
                "{path}: {:?} is not {documented:?}",
                options.get(&path)
            ));
        }
    };
    let policy = Table::after("changes each, and holds for Xsi-Actions");
    for row in &policy.rows {
        compare(format!("policy.{}", row[0]), &row[2]);
    }
    let limits = Table::after("Every listener has its own; the defaults:");
    for row in &limits.rows {
        compare(format!("listener.xsi.limits.{}", row[0]), &row[1]);
    }
    let others = limits.followed_by("| key |");
    for row in &others.rows {
        let key = row[0]
            .trim_start_matches('`')
            .split('`')
            .next()
            .unwrap_or_default();
        let table = if row[0].ends_with("of a route") {
            "route.xsi-actions"
        } else {
            "pool.xsp"
        };
        compare(format!("{table}.{key}"), &row[1]);
    }
    let auth = Table::after("Defaults of what has one and is not said above:");
    for row in &auth.rows {
        compare(row[0].clone(), &row[1]);
    }
    let events = Table::after("Defaults of `[events]`:");
    for row in &events.rows {
        compare(format!("events.{}", row[0]), &row[1]);
    }
    assert_eq!(wrong, Vec::<String>::new());
    let counted = policy.rows.len() + limits.rows.len() + others.rows.len() + auth.rows.len();
    assert!(counted > 40, "only {counted} rows were found");
}

/// A table of the README, without its head; a cell that is one `word` is that word.
pub(crate) struct Table {
    pub(crate) rows: Vec<Vec<String>>,
    /// What stands behind it.
    rest: String,
}

impl Table {
    /// The first table behind a text that stands there once.
    pub(crate) fn after(text: &str) -> Self {
        let readme = text_of_readme();
        let mut parts = readme.split(text);
        let (Some(_), Some(behind), None) = (parts.next(), parts.next(), parts.next()) else {
            panic!("README.md holds {text:?} not at all, or more than once");
        };
        // The rest of a row that was searched for belongs to the table before.
        Self::read(behind.split_once("\n\n").map_or("", |(_, behind)| behind))
    }

    /// The first table behind this one whose head starts so.
    pub(crate) fn followed_by(&self, head: &str) -> Self {
        let at = self.rest.find(head).expect("another table");
        Self::read(&self.rest[at..])
    }

    fn read(text: &str) -> Self {
        let start = text.find("\n|").map_or(0, |at| at + 1);
        let start = if text.starts_with('|') { 0 } else { start };
        let text = &text[start..];
        let end = text.find("\n\n").unwrap_or(text.len());
        let rows = text[..end].lines().skip(2).map(cells).collect();
        Self {
            rows,
            rest: text[end..].to_owned(),
        }
    }

    /// The words in the first column are exactly these.
    pub(crate) fn expect<W: AsRef<str>>(&self, words: &[W]) {
        let documented: BTreeSet<_> = self.rows.iter().map(|row| row[0].as_str()).collect();
        let expected: BTreeSet<_> = words.iter().map(AsRef::as_ref).collect();
        assert_eq!(documented, expected);
    }
}

fn cells(row: &str) -> Vec<String> {
    let row = row.trim().trim_start_matches('|').trim_end_matches('|');
    row.split('|')
        .map(|cell| {
            let cell = cell.trim();
            let word = cell
                .strip_prefix('`')
                .and_then(|cell| cell.strip_suffix('`'));
            word.filter(|word| !word.contains('`')).unwrap_or(cell)
        })
        .map(str::to_owned)
        .collect()
}

#[test]
fn a_table_is_read_by_rows_and_cells() {
    let readme = "text\n| word | what |\n|---|---|\n| `no-sni` | see `other`, `more` |\n| 64 | |\n\n| next |\n|---|\n| x |\n";
    let table = Table::read(readme);
    let expected = [vec!["no-sni", "see `other`, `more`"], vec!["64", ""]];
    assert_eq!(table.rows, expected);
    assert_eq!(table.followed_by("| next").rows, [["x"]]);
    table.expect(&["64", "no-sni"]);
}
