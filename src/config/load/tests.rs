//! Files, `conf.d`, environment and origins together; arbitrary input never panics.

use proptest::prelude::*;

use super::*;
use crate::config::effective;
use crate::config::shape::Shape;

const MAIN: &str = r#"
[[pool]]
name = "xsp"
[[pool.upstream]]
name = "one"
url = "http://10.0.0.5:80"
[[listener]]
name = "public"
addresses = ["127.0.0.1:0"]
trust = "webex"
[[listener.host]]
names = ["*"]
client-certificates = "optional"
[[trust]]
name = "webex"
directory = "/etc/xspd/trust"
"#;

fn loaded(
    files: &[(&str, &str)],
    variables: &[(&str, &str)],
) -> (tempfile::TempDir, Result<Loaded, Vec<Problem>>) {
    let directory = tempfile::tempdir().unwrap();
    for (name, text) in files {
        let file = directory.path().join(name);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, text).unwrap();
    }
    let environment = variables.iter().copied().collect();
    let main = directory.path().join("xspd.toml");
    let result = load_with(&main, &environment, NamedFiles::Skip);
    (directory, result)
}

fn problems(files: &[(&str, &str)], variables: &[(&str, &str)]) -> Vec<String> {
    let (directory, result) = loaded(files, variables);
    let prefix = format!("{}/", directory.path().display());
    let problems = result.unwrap_err();
    problems
        .iter()
        .map(|p| p.to_string().replace(&prefix, ""))
        .collect()
}

#[test]
fn later_files_and_the_environment_lie_over_the_main_file() {
    let (directory, result) = loaded(
        &[
            ("xspd.toml", MAIN),
            (
                "conf.d/20-b.toml",
                "[drain]\nsettle = '7s'\ndeadline = '8s'",
            ),
            (
                "conf.d/10-a.toml",
                "[drain]\nsettle = '6s'\n[[pool]]\nname = 'xsp'\nconnections = 9",
            ),
            ("conf.d/.hidden.toml", "nonsense ="),
            ("conf.d/readme.txt", "nonsense ="),
        ],
        &[("XSPD_DRAIN__DEADLINE", "9s"), ("HOME", "/")],
    );
    let loaded = result.unwrap();
    assert_eq!(loaded.files.len(), 3);
    assert_eq!(loaded.config.drain.settle.as_secs(), 7);
    assert_eq!(loaded.config.drain.deadline.as_secs(), 9);
    assert_eq!(loaded.config.pools["xsp"].connections, 9);
    assert_eq!(loaded.config.pools["xsp"].upstreams.len(), 1);

    let settings = effective(&loaded);
    let origin = |path: &str| {
        let setting = settings
            .iter()
            .find(|setting| setting.path == path)
            .unwrap();
        let place = setting.place.as_ref().map(ToString::to_string);
        let prefix = format!("{}/", directory.path().display());
        place.map_or_else(|| "default".to_owned(), |place| place.replace(&prefix, ""))
    };
    assert_eq!(origin("drain.settle"), "conf.d/20-b.toml:2:1");
    assert_eq!(origin("drain.deadline"), "XSPD_DRAIN__DEADLINE");
    assert_eq!(origin("watch.poll"), "default");
    assert_eq!(origin("pool.xsp.connections"), "conf.d/10-a.toml:5:1");
    assert_eq!(origin("listener.public.host[0].trust"), "xspd.toml:10:1");
    assert_eq!(
        origin("listener.public.host[0].client-certificates"),
        "xspd.toml:13:1"
    );
    assert_eq!(origin("listener.public.host[0].routes"), "default");
}

#[test]
fn problems_of_all_sources_come_at_once_with_their_places() {
    let main = format!("{MAIN}\n[drain]\nsettel = '1s'\ndeadline = 5\n");
    let problems = problems(
        &[
            ("xspd.toml", &main),
            ("conf.d/a.toml", "[watch]\npoll = 'soon'"),
        ],
        &[("XSPD_WATCH__DEBOUNCE", "never"), ("XSPD_WHAT", "1")],
    );
    let starts = [
        "xspd.toml:19:1: drain.settel: unknown key; expected one of deadline, settle",
        "xspd.toml:20:1: drain.deadline = 5: wrong type, an integer; expected a number and a unit",
        "conf.d/a.toml:2:1: watch.poll = \"soon\": not a duration",
        "XSPD_WHAT: what: unknown key",
        "XSPD_WATCH__DEBOUNCE: watch.debounce = \"never\": not a duration",
    ];
    assert_eq!(problems.len(), starts.len(), "{problems:#?}");
    for (problem, start) in problems.iter().zip(starts) {
        assert!(problem.starts_with(start), "{problem}\n{start}");
    }
}

#[test]
fn a_text_is_proven_on_its_own() {
    assert_eq!(from_text(MAIN).map(|config| config.listeners.len()), Ok(1));
    let problems = from_text("colour = 1").unwrap_err();
    assert!(
        problems[0].to_string().starts_with("config:1:1: colour: "),
        "{problems:?}"
    );
}

#[test]
fn file_problems_come_together_with_the_others() {
    let directory = tempfile::tempdir().unwrap();
    let main = directory.path().join("xspd.toml");
    let text = MAIN.replace("/etc/xspd/trust", "/nonexistent/trust");
    fs::write(
        &main,
        format!("{text}refuse-expired = 1\nfiles = ['/nonexistent/a.pem']"),
    )
    .unwrap();
    let result = load_with(&main, &Environment::default(), NamedFiles::Check);
    let problems: Vec<_> = result.unwrap_err().into_iter().map(|p| p.path).collect();
    assert_eq!(
        problems,
        [
            "trust.webex.directory",
            "trust.webex.refuse-expired",
            "trust.webex.files[0]"
        ]
    );
}

#[test]
fn syntax_errors_of_every_file_are_reported() {
    let problems = problems(
        &[
            ("xspd.toml", "a = \n"),
            ("conf.d/a.toml", "[pool\n"),
            ("conf.d/b.toml", MAIN),
        ],
        &[],
    );
    assert!(
        problems.iter().any(|p| p.starts_with("xspd.toml:1:")),
        "{problems:?}"
    );
    assert!(
        problems.iter().any(|p| p.starts_with("conf.d/a.toml:1:")),
        "{problems:?}"
    );
    assert!(
        !problems.iter().any(|p| p.starts_with("conf.d/b.toml")),
        "{problems:?}"
    );
}

#[test]
fn a_missing_a_huge_and_a_binary_file_are_refused() {
    assert!(
        problems(&[], &[])
            .concat()
            .contains("xspd.toml cannot be read")
    );
    let huge = "#".repeat(1024 * 1024 + 1);
    assert!(
        problems(&[("xspd.toml", &huge)], &[])
            .concat()
            .contains("larger than 1 MiB")
    );
    let directory = tempfile::tempdir().unwrap();
    let main = directory.path().join("xspd.toml");
    fs::write(&main, b"a = \"\xff\"").unwrap();
    let result = load_with(&main, &Environment::default(), NamedFiles::Skip);
    assert!(result.unwrap_err()[0].what.contains("not UTF-8"));
}

/// Text of a value that may or may not fit.
fn any_value() -> impl Strategy<Value = String> {
    prop_oneof![
        any::<i64>().prop_map(|n| n.to_string()),
        any::<bool>().prop_map(|b| b.to_string()),
        any::<f64>()
            .prop_filter("finite", |f| f.is_finite())
            .prop_map(|f| format!("{f:?}")),
        Just("nan".to_owned()),
        Just("1979-05-27".to_owned()),
        Just("{}".to_owned()),
        "[a-z0-9:/.*-]{0,20}".prop_map(|text| format!("{text:?}")),
        prop::sample::select(vec![
            "10s",
            "99d",
            "1GiB",
            "xsp",
            "webex",
            "http",
            "passthrough",
            "required",
            "none",
            "https://x",
            "http://[::1]:80",
            "127.0.0.1:0",
            "*",
            "*.a",
            "file:/k",
            "env:K",
            "TLS_AES_128_GCM_SHA256",
            "/a",
            "",
            "xsi-actions",
            "answer",
            "0.0.0.0/0",
            "deny",
        ])
        .prop_map(|text| format!("{text:?}")),
        prop::collection::vec("[a-z0-9:/.*-]{0,12}", 0..4).prop_map(|texts| format!("{texts:?}")),
    ]
}

/// A table of known keys, some of the wrong type, as inline TOML.
fn any_node(shape: &Shape) -> BoxedStrategy<String> {
    match shape {
        Shape::Scalar(_) => any_value().boxed(),
        Shape::List(element) => {
            let good = prop::collection::vec(any_node(element), 0..3);
            let good = good.prop_map(|elements| format!("[{}]", elements.join(", ")));
            prop_oneof![9 => good, 1 => any_value()].boxed()
        }
        Shape::Table(keys) => {
            let entries: Vec<_> = keys
                .iter()
                .map(|(key, shape)| {
                    let key = key.clone();
                    let entry = any_node(shape).prop_map(move |value| format!("{key} = {value}"));
                    prop::option::weighted(0.4, entry)
                })
                .collect();
            let good = entries.prop_map(|entries| {
                let entries: Vec<_> = entries.into_iter().flatten().collect();
                format!("{{ {} }}", entries.join(", "))
            });
            prop_oneof![12 => good, 1 => any_value()].boxed()
        }
    }
}

fn any_file() -> impl Strategy<Value = String> {
    let Shape::Table(keys) = shape::root() else {
        panic!("the root is a table");
    };
    let entries: Vec<_> = keys
        .iter()
        .map(|(key, shape)| {
            let key = key.clone();
            any_node(shape).prop_map(move |value| format!("{key} = {value}\n"))
        })
        .collect();
    entries.prop_map(|entries| entries.concat())
}

proptest! {
    #[test]
    fn plausible_files_are_judged_without_a_panic_and_fit_after_pruning(text in any_file()) {
        let mut node = Node::parse(Path::new("f"), &text).unwrap();
        let _ = shape::prune(&mut node, shape::root());
        prop_assert!(Raw::deserialize(node.to_toml()).is_ok(), "{}", text);
        let mut problems = Vec::new();
        let _ = check(&raw(&node, &mut problems));
        prop_assert!(shape::prune(&mut node, shape::root()).is_empty());
    }

    #[test]
    fn any_text_is_parsed_or_refused_without_a_panic(text in "\\PC{0,80}|[\\[\\]a-z=\"'\n.{},#1]{0,60}") {
        if let Ok(mut node) = Node::parse(Path::new("f"), &text) {
            let _ = shape::prune(&mut node, shape::root());
        }
    }

    #[test]
    fn any_variable_is_laid_or_refused_without_a_panic(
        name in "[A-Z0-9_]{0,30}|(POOL|LISTENER|ROUTE|ADMIN)(__[A-Z0-9_]{1,12}){0,3}",
        value in "\\PC{0,20}",
    ) {
        let mut node = Node::parse(Path::new("f"), MAIN).unwrap();
        let environment = [(format!("XSPD_{name}"), value)].into_iter().collect();
        let _ = merge::override_by(&mut node, &environment, shape::root());
        let _ = shape::prune(&mut node, shape::root());
        prop_assert!(Raw::deserialize(node.to_toml()).is_ok());
    }
}
