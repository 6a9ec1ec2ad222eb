//! `xspd check-config FILE`: every problem of a configuration and of the certificates, keys and
//! trust files that it names, or one line saying what it does, behind the warnings.

use std::collections::BTreeSet;
use std::path::PathBuf;

use serde_json::json;

use crate::app::build;
use crate::app::material::OutOfDate;
use crate::cli::Console;
use crate::cli::Exit;
use crate::config::Config;
use crate::config::Loaded;
use crate::config::Problem;
use crate::config::load;
use crate::platform::clock;
use crate::workers::auth_desk;

/// Checks a configuration and the files that it names, without starting anything.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The main file; conf.d/*.toml beside it and XSPD_ variables count too.
    file: PathBuf,
}

/// Prints the verdict: exit 0, or 78 with every problem.
pub fn run(args: Args, console: Console) -> Exit {
    let verdict = check(&args);
    if console.json {
        console.document(&document(&args, &verdict));
    } else {
        match &verdict {
            Ok(loaded) => {
                for warning in &loaded.warnings {
                    console.complain(format_args!("warning: {warning}"));
                }
                let file = args.file.display();
                console.line(format_args!("{file}: OK: {}", summary(&loaded.config)));
            }
            Err(Wrong::Configuration(problems)) => problems
                .iter()
                .for_each(|problem| console.complain(problem)),
            Err(Wrong::Material(problems)) => problems
                .iter()
                .for_each(|problem| console.complain(problem)),
        }
    }
    match verdict {
        Ok(_) => Exit::Ok,
        Err(_) => Exit::Config,
    }
}

/// What is wrong.
enum Wrong {
    Configuration(Vec<Problem>),
    /// The configuration is right; what lies in the files that it names is not. Each once: one
    /// file can be wrong for several listeners.
    Material(BTreeSet<String>),
}

fn check(args: &Args) -> Result<Loaded, Wrong> {
    let mut loaded = load(&args.file).map_err(Wrong::Configuration)?;
    let proof = build::prove(&loaded.config, clock::wall());
    loaded.warnings.extend(no_keys(&loaded.config));
    loaded
        .warnings
        .extend(proof.out_of_date.into_iter().map(out_of_date));
    if proof.problems.is_empty() {
        Ok(loaded)
    } else {
        let texts = proof.problems.iter().map(ToString::to_string).collect();
        Err(Wrong::Material(texts))
    }
}

/// The first start of a farm is before its keys, so that they may be missing.
fn no_keys(config: &Config) -> Option<Problem> {
    let file = auth_desk::key_file(&config.auth_service.as_ref()?.keys.directory);
    let missing = matches!(file.try_exists(), Ok(false));
    missing.then(|| Problem {
        path: "auth-service.key-management.directory".to_owned(),
        value: None,
        what: format!(
            "{} is not there, and without keys no token is issued or accepted",
            file.display()
        ),
        expected: Some(
            "`xspd keys generate` on the first node, `xspd keys import` on every other".to_owned(),
        ),
        place: None,
    })
}

/// The daemon starts with it, since nothing better is there; clients refuse it all the same.
fn out_of_date(found: OutOfDate) -> Problem {
    Problem {
        path: found.path,
        value: None,
        what: found.what,
        expected: None,
        place: None,
    }
}

fn document(args: &Args, verdict: &Result<Loaded, Wrong>) -> serde_json::Value {
    let files = verdict.as_ref().map(|loaded| loaded.files.as_slice());
    let files = files.unwrap_or_default();
    let warnings = verdict.as_ref().map(|loaded| loaded.warnings.as_slice());
    let warnings = warnings.unwrap_or_default();
    let problems = match verdict {
        Ok(_) => json!([]),
        Err(Wrong::Configuration(problems)) => json!(problems),
        Err(Wrong::Material(texts)) => texts
            .iter()
            .map(|what| json!({ "path": "", "what": what }))
            .collect(),
    };
    json!({
        "file": args.file,
        "files": files,
        "ok": verdict.is_ok(),
        "problems": problems,
        "warnings": warnings,
        "summary": verdict.as_ref().ok().map(|loaded| summary(&loaded.config)),
    })
}

fn summary(config: &Config) -> String {
    let hosts: usize = config.listeners.iter().map(|l| l.hosts.len()).sum();
    let upstreams: usize = config.pools.values().map(|p| p.upstreams.len()).sum();
    let parts = [
        count(config.listeners.len(), "listener"),
        count(hosts, "host"),
        count(config.routes.len(), "route"),
        count(config.pools.len(), "pool"),
        count(upstreams, "upstream"),
        count(config.trust.len(), "trust set"),
    ];
    parts.join(", ")
}

fn count(number: usize, word: &str) -> String {
    let ending = if number == 1 { "" } else { "s" };
    format!("{number} {word}{ending}")
}

#[cfg(test)]
mod tests {
    use rcgen::ExtendedKeyUsagePurpose;

    use super::*;
    use crate::domain::certs::mint;
    use crate::domain::certs::mint::Minted;
    use crate::platform::files;

    fn verdict(text: &str) -> (Exit, serde_json::Value) {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("xspd.toml");
        std::fs::write(&file, text).unwrap();
        let args = || Args { file: file.clone() };
        let document = document(&args(), &check(&args()));
        (run(args(), Console::default()), document)
    }

    #[test]
    fn a_good_file_is_ok_with_a_summary() {
        let text = "[[listener]]\nname = 'l'\nkind = 'passthrough'\naddresses = ['127.0.0.1:0']\n\
                    passthrough = [{ names = ['*'], upstreams = ['127.0.0.1:1'] }]\n";
        let (exit, document) = verdict(text);
        assert_eq!(exit, Exit::Ok, "{document:#}");
        assert_eq!(document["ok"], true);
        assert_eq!(
            document["summary"],
            "1 listener, 0 hosts, 0 routes, 0 pools, 0 upstreams, 0 trust sets"
        );
    }

    #[test]
    fn a_warning_is_told_and_refuses_nothing() {
        let (exit, document) = verdict(
            "[application-server]\naddresses = ['127.0.0.1']\ntls = false\nuser-id = 'a'\n\
             password = 'env:PATH'\n[[listener]]\nname = 'l'\nkind = 'passthrough'\n\
             addresses = ['127.0.0.1:0']\n\
             passthrough = [{ names = ['*'], upstreams = ['127.0.0.1:1'] }]\n",
        );
        assert_eq!(exit, Exit::Ok, "{document:#}");
        assert_eq!(document["warnings"][0]["path"], "application-server");
        assert_eq!(document["warnings"][0]["place"]["file"]["line"], 1);
    }

    #[test]
    fn a_certificate_that_has_ended_is_a_warning_since_the_daemon_starts_with_it() {
        let directory = tempfile::tempdir().unwrap();
        let root = Minted::root(mint::ca("Root"));
        let params = mint::leaf("xsp.example.com", ExtendedKeyUsagePurpose::ServerAuth);
        let leaf = root.issue(mint::since(params, 2010));
        let at = |name: &str| directory.path().join(name);
        std::fs::write(at("a.pem"), leaf.pem() + &root.pem()).unwrap();
        files::write_atomic(&at("a.key"), leaf.key_pem().as_bytes(), files::PRIVATE).unwrap();
        let folder = directory.path().display();
        let (exit, document) = verdict(&format!(
            "[[pool]]\nname = 'xsp'\nupstream = [{{ name = 'a', url = 'http://127.0.0.1:9' }}]\n\
             [[listener]]\nname = 'edge'\naddresses = ['127.0.0.1:0']\n[[listener.host]]\n\
             names = ['xsp.example.com']\n\
             certificates = [{{ chain = '{folder}/a.pem', key = 'file:{folder}/a.key' }}]\n",
        ));
        assert_eq!(exit, Exit::Ok, "{document:#}");
        let warning = &document["warnings"][0];
        assert_eq!(warning["path"], "listener.edge", "{document:#}");
        let what = warning["what"].as_str().unwrap();
        assert!(what.contains("a.pem: Certificate 1"), "{what}");
        assert!(what.contains("it ended on 2020-01-01"), "{what}");
    }

    #[test]
    fn a_bad_file_is_refused_with_every_problem_and_its_line() {
        let (exit, document) = verdict("[admin]\naddress = 'x'\nadress = 'y'\n");
        assert_eq!(exit, Exit::Config);
        assert_eq!(document["problems"].as_array().map(Vec::len), Some(3));
        assert_eq!(document["problems"][0]["path"], "admin.address");
        assert_eq!(document["problems"][0]["place"]["file"]["line"], 2);
    }

    #[test]
    fn a_missing_file_is_a_problem_too() {
        let file = PathBuf::from("/nonexistent/xspd.toml");
        assert_eq!(run(Args { file }, Console { json: true }), Exit::Config);
    }
}
