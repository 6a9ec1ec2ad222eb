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

/// xspd.toml with `#key` lines, and with `#: ` lines too, switched on.
fn switched_on(examples: bool) -> (tempfile::TempDir, PathBuf) {
    let text = fs::read_to_string(repository().join("config/xspd.toml")).unwrap();
    let line = |line: &str| match line.strip_prefix('#') {
        Some(rest) if rest.starts_with(": ") && examples => rest[2..].to_owned(),
        Some(rest) if rest.starts_with(|c: char| c.is_ascii_lowercase() || c == '[') => {
            rest.to_owned()
        }
        Some(_) | None => line.to_owned(),
    };
    let text: Vec<_> = text.lines().map(line).collect();
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("xspd.toml");
    fs::write(&file, text.join("\n")).unwrap();
    (directory, file)
}

#[test]
fn what_xspd_toml_shows_as_default_is_the_default() {
    let (_directory, file) = switched_on(false);
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
    let (_directory, file) = switched_on(true);
    let loaded = loaded(&file);
    let (mut all, mut shown) = (BTreeSet::new(), BTreeSet::new());
    keys(shape::root(), "", &mut all);
    written(&loaded.written, "", &mut shown);
    let missing: Vec<_> = all.difference(&shown).collect();
    assert!(missing.is_empty(), "not in config/xspd.toml: {missing:?}");
}

#[test]
fn every_example_and_valid_fixture_is_proven_and_survives_being_written_again() {
    let mut files = toml_files("config");
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
