//! What a source file looks like.

use crate::rules::source;
use crate::rules::source::Source;

/// Lines of a file in `src`, its tests apart. Longer files hide two subjects.
const LONGEST: usize = 400;

/// Files that may be longer, each with its reason.
const LONGER: &[(&str, &str)] = &[(
    "src/domain/alarms/catalogue.rs",
    "one table, in which each alarm has its row",
)];

/// Names that say nothing about the content.
const NAMELESS: [&str; 4] = ["utils", "common", "helpers", "misc"];

/// Marks of unfinished work. Split, so that this file does not find itself.
const UNFINISHED: [&str; 4] = [
    concat!("TO", "DO"),
    concat!("FIX", "ME"),
    concat!("to", "do!"),
    concat!("unimple", "mented!"),
];

fn everywhere() -> Vec<Source> {
    ["src", "tests", "benches"]
        .into_iter()
        .flat_map(source::below)
        .collect()
}

fn expect_none(rule: &str, broken: &[String]) {
    assert!(broken.is_empty(), "{rule}:\n{}", broken.join("\n"));
}

#[test]
fn files_open_by_saying_what_they_are() {
    let silent: Vec<_> = everywhere()
        .iter()
        .filter(|source| !source.text.starts_with("//! "))
        .map(|source| source.path.clone())
        .collect();
    expect_none("the first line of a file is `//! …`", &silent);
}

#[test]
fn files_are_short() {
    let long: Vec<_> = source::below("src")
        .iter()
        .filter(|source| !LONGER.iter().any(|(path, _)| *path == source.path))
        .filter(|source| !holds_tests(&source.path))
        .map(|source| (source, length(source)))
        .filter(|(_, length)| *length > LONGEST)
        .map(|(source, length)| format!("{}: {length} lines", source.path))
        .collect();
    expect_none("a file has at most 400 lines, tests apart", &long);
}

/// Whether a file is a test module that has a file, or a folder of files, to itself.
fn holds_tests(path: &str) -> bool {
    path.split('/')
        .any(|part| part == "tests" || part == "tests.rs")
}

/// Lines outside test modules.
fn length(source: &Source) -> usize {
    let written = source.text.lines();
    let code = source.code.lines();
    let mut in_tests = false;
    written
        .zip(code)
        .filter(|(written, code)| {
            // A test module is blank from its attribute to the next line of other code.
            in_tests = written.trim() == "#[cfg(test)]" && code.trim().is_empty()
                || in_tests && code.trim().is_empty();
            !in_tests
        })
        .count()
}

#[test]
fn lints_are_expected_with_a_reason_and_never_allowed() {
    let allowed: Vec<_> = everywhere().iter().flat_map(allow_attributes).collect();
    expect_none("use `#[expect(lint, reason = \"…\")]`", &allowed);
}

fn allow_attributes(source: &Source) -> Vec<String> {
    // Test modules count here, so only comments and literals are blanked.
    let code = source::without_comments_and_literals(&source.text);
    ["#[", "#!["]
        .iter()
        .flat_map(|open| code.match_indices(open))
        .filter(|(at, _)| {
            let attribute = code[*at..].split(']').next().unwrap_or_default();
            attribute
                .split(|c: char| !c.is_alphanumeric() && c != '_')
                .any(|word| word == "allow")
        })
        .map(|(at, _)| format!("{}:{}", source.path, source.line(at)))
        .collect()
}

#[test]
fn file_names_name_a_subject() {
    let nameless: Vec<_> = everywhere()
        .iter()
        .filter(|source| {
            let mut parts = source.path.trim_end_matches(".rs").split('/');
            parts.any(|part| NAMELESS.contains(&part))
        })
        .map(|source| source.path.clone())
        .collect();
    expect_none("a file is named after what it holds", &nameless);
}

#[test]
fn imports_name_what_they_take() {
    let globs: Vec<_> = everywhere().iter().flat_map(glob_imports).collect();
    expect_none(
        "no glob imports, except `use super::*` in tests and the face of a room",
        &globs,
    );
}

/// `use …::*;` outside test modules. `pub use leaf::*` re-exports and is fine.
fn glob_imports(source: &Source) -> Vec<String> {
    source
        .code
        .match_indices("::*")
        .filter(|(at, _)| {
            let start = source.code[..*at]
                .rfind([';', '{', '}'])
                .map_or(0, |before| before + 1);
            source.code[start..*at].trim_start().starts_with("use ")
        })
        .map(|(at, _)| format!("{}:{}", source.path, source.line(at)))
        .collect()
}

#[test]
fn nothing_is_left_for_later() {
    let unfinished: Vec<_> = everywhere()
        .iter()
        .flat_map(|source| {
            source.text.lines().enumerate().filter_map(|(at, line)| {
                let found = UNFINISHED.iter().find(|mark| line.contains(*mark))?;
                Some(format!("{}:{}: {found}", source.path, at + 1))
            })
        })
        .collect();
    expect_none("no marks of unfinished work", &unfinished);
}

#[test]
fn these_rules_can_fail() {
    let text = "//! Fine.\nuse std::*;\npub use leaf::*;\n#[cfg_attr(test, allow(dead_code))]\nfn f() -> u32 { 2::<A>::*b }\n\
                #[cfg(test)]\nmod tests {\n    use super::*;\n    #[allow(x)]\n    fn g() {}\n}\n";
    let source = Source::new("src/a.rs", text);
    assert_eq!(glob_imports(&source), ["src/a.rs:2"]);
    assert_eq!(allow_attributes(&source), ["src/a.rs:4", "src/a.rs:9"]);
    assert_eq!(length(&source), 5);
    assert!(holds_tests("src/outbound/tests/relay.rs") && holds_tests("src/cli/trust/tests.rs"));
    assert!(!holds_tests("src/cli/latests.rs"));
}
