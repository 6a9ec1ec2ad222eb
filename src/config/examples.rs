//! The files an operator starts from and the fixtures: what we ship is checked by what we ship.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::path::PathBuf;

use crate::config::Environment;
use crate::config::Loaded;
use crate::config::NamedFiles;
use crate::config::Problem;
use crate::config::check::check;
use crate::config::effective;
use crate::config::load_with;
use crate::config::path::join;
use crate::config::raw::Raw;
use crate::config::shape;
use crate::config::shape::Shape;
use crate::config::tree::Node;
use crate::config::tree::Value;
use crate::config::write::write;

fn repository() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn load(file: &Path) -> Result<Loaded, Vec<Problem>> {
    load_with(file, &Environment::default(), NamedFiles::Skip)
}

fn loaded(file: &Path) -> Loaded {
    load(file).unwrap_or_else(|problems| panic!("{}", lines(&problems)))
}

fn lines(problems: &[Problem]) -> String {
    let lines: Vec<_> = problems.iter().map(ToString::to_string).collect();
    lines.join("\n")
}

fn toml_files(directory: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(repository().join(directory)).unwrap();
    let paths = entries.map(|entry| entry.unwrap().path());
    let mut files: Vec<_> = paths
        .filter(|p| p.extension().is_some_and(|e| e == "toml"))
        .collect();
    files.sort();
    files
}

/// Which lines of xspd.toml are switched on besides `#key` lines.
#[derive(Clone, Copy, PartialEq)]
enum On {
    Defaults,
    /// `#: ` lines too.
    Examples,
    /// And `#or: ` lines instead of the line before them.
    Alternatives,
}

/// xspd.toml with lines switched on.
fn switched_on(on: On) -> (tempfile::TempDir, PathBuf) {
    let written = fs::read_to_string(repository().join("config/xspd.toml")).unwrap();
    let mut text: Vec<String> = Vec::new();
    let mut before = "";
    for line in written.lines() {
        let examples = on != On::Defaults;
        match line.strip_prefix('#') {
            Some(rest) if rest.starts_with("or: ") => {
                if on == On::Alternatives {
                    if !before.starts_with("#or: ") {
                        text.pop();
                    }
                    text.push(rest[4..].to_owned());
                }
            }
            Some(rest) if rest.starts_with(": ") && examples => text.push(rest[2..].to_owned()),
            Some(rest) if rest.starts_with(|c: char| c.is_ascii_lowercase() || c == '[') => {
                text.push(rest.to_owned());
            }
            Some(_) | None => text.push(line.to_owned()),
        }
        before = line;
    }
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("xspd.toml");
    fs::write(&file, text.join("\n")).unwrap();
    (directory, file)
}

#[test]
fn what_xspd_toml_shows_as_default_is_the_default() {
    let (_directory, file) = switched_on(On::Defaults);
    let plain = loaded(&repository().join("config/xspd.toml"));
    let shown = loaded(&file);
    assert_eq!(plain.config, shown.config);
    // And none of the options shown was in force before by being written.
    assert!(effective(&plain).len() > 80);
    let written = |loaded: &Loaded| {
        effective(loaded)
            .iter()
            .filter(|s| s.place.is_some())
            .count()
    };
    assert!(written(&shown) > written(&plain) + 60);
}

#[test]
fn xspd_toml_has_every_option_and_its_examples_are_right() {
    fn keys(shape: &Shape, path: &str, found: &mut BTreeSet<String>) {
        match shape {
            Shape::List(element) => keys(element, path, found),
            Shape::Scalar(_) => {}
            Shape::Table(entries) => {
                for (key, shape) in entries {
                    let path = join(path, key);
                    keys(shape, &path, found);
                    found.insert(path);
                }
            }
        }
    }
    fn written(node: &Node, path: &str, found: &mut BTreeSet<String>) {
        match &node.value {
            Value::Array(elements) => elements.iter().for_each(|e| written(e, path, found)),
            Value::Table(entries) => {
                for (key, node) in entries {
                    let path = join(path, key);
                    written(node, &path, found);
                    found.insert(path);
                }
            }
            Value::Boolean(_)
            | Value::Datetime(_)
            | Value::Float(_)
            | Value::Integer(_)
            | Value::String(_) => {}
        }
    }
    let (mut all, mut shown) = (BTreeSet::new(), BTreeSet::new());
    keys(shape::root(), "", &mut all);
    let configs = [On::Examples, On::Alternatives].map(|on| {
        let (_directory, file) = switched_on(on);
        let loaded = loaded(&file);
        assert_eq!(loaded.warnings, []);
        written(&loaded.written, "", &mut shown);
        loaded.config
    });
    assert_eq!(configs[0], configs[1], "alternatives say the same");
    let missing: Vec<_> = all.difference(&shown).collect();
    assert!(missing.is_empty(), "not in config/xspd.toml: {missing:?}");
}

#[test]
fn every_example_and_valid_fixture_is_proven_and_survives_being_written_again() {
    let mut files = toml_files("config");
    // A mapping of provisioning requests is no configuration; its own tests hold it.
    files.retain(|file| !file.ends_with("adapter-mapping.toml"));
    files.extend(toml_files("tests/fixtures/config/valid"));
    assert!(files.len() >= 6);
    for file in files {
        let config = loaded(&file).config;
        let text = toml::to_string(&write(&config)).unwrap();
        let raw: Raw = toml::from_str(&text).unwrap();
        let again = check(&raw);
        assert_eq!(again.problems, [], "{}\n{text}", file.display());
        assert_eq!(again.config, config, "{}", file.display());
    }
}

#[test]
fn every_invalid_fixture_is_refused_for_exactly_what_it_expects() {
    let files = toml_files("tests/fixtures/config/invalid");
    assert!(files.len() >= 25);
    let mut complaints = Vec::new();
    for file in files {
        let expect = fs::read_to_string(file.with_extension("expect")).unwrap_or_default();
        let problems = match load(&file) {
            Ok(_) => Vec::new(),
            Err(problems) => problems,
        };
        let all = lines(&problems);
        let missing: Vec<_> = expect.lines().filter(|part| !all.contains(part)).collect();
        if !missing.is_empty() || problems.len() != expect.lines().count() {
            complaints.push(format!(
                "{}\n{all}\nmissing: {missing:#?}\n",
                file.display()
            ));
        }
        assert!(!all.contains("hunter2"), "a secret was repeated: {all}");
    }
    assert!(complaints.is_empty(), "{}", complaints.join("\n"));
}
