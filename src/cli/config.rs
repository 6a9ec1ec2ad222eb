//! `xspd config show` and `xspd config schema`.

use std::path::Path;
use std::path::PathBuf;

use serde_json::json;

use crate::cli::Console;
use crate::cli::Exit;
use crate::config::DEFAULT_PATH;
use crate::config::Environment;
use crate::config::NamedFiles;
use crate::config::Problem;
use crate::config::Setting;
use crate::config::effective;
use crate::config::load_with;
use crate::config::schema;

/// Shows what a configuration amounts to, or which keys there are.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, clap::Subcommand)]
enum What {
    /// The JSON Schema of the configuration file.
    Schema,
    /// Every value with the place where it was written.
    Show(Show),
}

#[derive(Debug, clap::Args)]
struct Show {
    /// The main file; conf.d/*.toml beside it and XSPD_ variables count too.
    #[arg(long, value_name = "FILE", default_value = DEFAULT_PATH)]
    config: PathBuf,
    /// Show defaults too, not only what was written.
    #[arg(long)]
    effective: bool,
}

/// Prints what was asked for: exit 0, or 78 when the configuration is wrong.
pub fn run(args: Args, console: Console) -> Exit {
    match args.what {
        What::Schema => {
            console.document(&schema());
            Exit::Ok
        }
        What::Show(show) => match settings(&show.config, show.effective) {
            Ok(settings) if console.json => {
                console.document(&json!(settings));
                Exit::Ok
            }
            Ok(settings) => {
                settings.iter().for_each(|setting| console.line(setting));
                Exit::Ok
            }
            Err(problems) => {
                problems
                    .iter()
                    .for_each(|problem| console.complain(problem));
                Exit::Config
            }
        },
    }
}

/// The files named are left alone: an operator may not read the keys, but may look at the rest.
fn settings(file: &Path, with_defaults: bool) -> Result<Vec<Setting>, Vec<Problem>> {
    let loaded = load_with(file, &Environment::process(), NamedFiles::Skip)?;
    let mut settings = effective(&loaded);
    settings.retain(|setting| with_defaults || setting.place.is_some());
    Ok(settings)
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Debug, Parser)]
    struct Line {
        #[command(flatten)]
        args: Args,
    }

    fn parse(words: &[&str]) -> Args {
        let words = ["config"].iter().chain(words);
        Line::try_parse_from(words).unwrap().args
    }

    #[test]
    fn show_tells_the_origin_of_every_value() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("xspd.toml");
        let text = "[[listener]]\nname = 'l'\nplaintext = true\naddresses = ['127.0.0.1:0']\n\
                    [[pool]]\nname = 'xsp'\nupstream = [{ name = 'one', url = 'http://x' }]\n";
        std::fs::write(&file, text).unwrap();
        let shown = |with_defaults| {
            let settings = settings(&file, with_defaults).unwrap();
            settings.iter().map(ToString::to_string).collect::<Vec<_>>()
        };
        let at = |line| format!("{}:{line}", file.display());
        let effective = shown(true);
        let has = |line: &str| effective.iter().any(|shown| shown.starts_with(line));
        assert!(has("drain.settle = \"5s\"  # default"), "{effective:#?}");
        assert!(has(&format!("listener.l.plaintext = true  # {}:1", at(3))));
        assert!(has(&format!(
            "pool.xsp.upstream.one.url = \"http://x:80\"  # {}",
            at(7)
        )));
        let written = shown(false);
        assert!(
            written.len() > 4 && written.len() < effective.len(),
            "{written:#?}"
        );
        assert!(written.iter().all(|line| !line.ends_with("default")));
    }

    #[test]
    fn a_configuration_that_cannot_be_read_ends_with_the_exit_code_of_a_wrong_one() {
        let absent = parse(&["show", "--effective", "--config", "/nonexistent/x.toml"]);
        assert_eq!(run(absent, Console::default()), Exit::Config);
    }
}
