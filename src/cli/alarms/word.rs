//! What people say of alarms: acknowledge, silence, clear, test.

use serde_json::Value;
use serde_json::json;

use crate::cli::Console;
use crate::cli::Exit;
use crate::cli::admin::Door;
use crate::cli::admin::escaped;
use crate::cli::alarms::done;
use crate::cli::alarms::rows::when;
use crate::cli::operations::Daemon;
use crate::cli::operations::plain;
use crate::cli::operations::text;
use crate::cli::provision::list::ago;

/// Which alarm.
#[derive(Debug, clap::Args)]
struct Which {
    /// Its name, as in the list.
    #[arg(value_name = "ALARM")]
    name: String,
    /// Its object; may be left out where there is one alarm of the name.
    #[arg(value_name = "OBJECT")]
    object: Option<String>,
}

/// Which alarm, and for how long.
#[derive(Debug, clap::Args)]
pub(super) struct Ack {
    #[command(flatten)]
    which: Which,
    /// For so long, as 8h or 2d; else until it is over or gets worse.
    #[arg(long = "for", value_name = "TIME", value_parser = ago)]
    seconds: Option<u64>,
    /// What others should know.
    #[arg(long, value_name = "TEXT", default_value = "")]
    comment: String,
    #[command(flatten)]
    door: Door,
}

/// Which alarm.
#[derive(Debug, clap::Args)]
pub(super) struct Unack {
    #[command(flatten)]
    which: Which,
    #[command(flatten)]
    door: Door,
}

/// Which alarm, and why.
#[derive(Debug, clap::Args)]
pub(super) struct Clear {
    #[command(flatten)]
    which: Which,
    /// Why.
    #[arg(long, value_name = "TEXT", default_value = "")]
    comment: String,
    #[command(flatten)]
    door: Door,
}

/// What, and for how long.
#[derive(Debug, clap::Args)]
pub(super) struct Silence {
    /// Pattern of names: * is any text, ? any one character.
    #[arg(value_name = "ALARM")]
    name: String,
    /// Pattern of objects.
    #[arg(value_name = "OBJECT", default_value = "*")]
    object: String,
    /// For so long, as 8h or 2d; 90 days at most.
    #[arg(long = "for", value_name = "TIME", value_parser = ago)]
    seconds: u64,
    /// Why.
    #[arg(long, value_name = "TEXT", default_value = "")]
    comment: String,
    #[command(flatten)]
    door: Door,
}

/// Which silence.
#[derive(Debug, clap::Args)]
pub(super) struct Unsilence {
    /// Its id, as `xspd alarms silences` lists it.
    #[arg(value_name = "ID")]
    id: u64,
    #[command(flatten)]
    door: Door,
}

/// Which sink.
#[derive(Debug, clap::Args)]
pub(super) struct Test {
    /// Its name in the configuration.
    #[arg(value_name = "SINK")]
    sink: String,
    #[command(flatten)]
    door: Door,
}

pub(super) fn ack(args: &Ack, console: Console) -> Exit {
    let order = json!({"name": args.which.name, "object": args.which.object,
        "comment": args.comment, "seconds": args.seconds});
    let asked = Daemon::of_alarms(&args.door);
    let said = asked.and_then(|daemon| daemon.post("/alarms/v1/ack", &order));
    done(said, "Acknowledged.", console)
}

pub(super) fn unack(args: &Unack, console: Console) -> Exit {
    let order = json!({"name": args.which.name, "object": args.which.object});
    let asked = Daemon::of_alarms(&args.door);
    let said = asked.and_then(|daemon| daemon.post("/alarms/v1/unack", &order));
    done(said, "Given back.", console)
}

pub(super) fn clear(args: &Clear, console: Console) -> Exit {
    let order = json!({"name": args.which.name, "object": args.which.object,
        "comment": args.comment});
    let asked = Daemon::of_alarms(&args.door);
    let said = asked.and_then(|daemon| daemon.post("/alarms/v1/clear", &order));
    done(
        said,
        "Cleared; if it is seen again it is raised again.",
        console,
    )
}

pub(super) fn silence(args: &Silence, console: Console) -> Exit {
    let order = json!({"name": args.name, "object": args.object, "comment": args.comment,
        "seconds": args.seconds});
    let asked = Daemon::of_alarms(&args.door);
    match asked.and_then(|daemon| daemon.post("/alarms/v1/silence", &order)) {
        Ok(said) if console.json => console.document(&said),
        Ok(said) => {
            let silence = said.get("silence").unwrap_or(&Value::Null);
            let until = silence.get("until").unwrap_or(&Value::Null);
            console.line(format_args!(
                "Silence {} until {}: {}.",
                text(silence, "id"),
                when(until),
                holds(said.get("holds").and_then(Value::as_u64))
            ));
        }
        Err(failure) => return failure.told(console),
    }
    Exit::Ok
}

/// How much a silence holds back now; an older daemon does not say.
fn holds(alarms: Option<u64>) -> String {
    match alarms {
        None => "it holds back what matches".to_owned(),
        Some(0) => "it holds back no alarm that is on now, only what may come".to_owned(),
        Some(1) => "it holds back 1 alarm that is on now".to_owned(),
        Some(more) => format!("it holds back {more} alarms that are on now"),
    }
}

pub(super) fn unsilence(args: &Unsilence, console: Console) -> Exit {
    let asked = Daemon::of_alarms(&args.door);
    let order = json!({"id": args.id});
    let said = asked.and_then(|daemon| daemon.post("/alarms/v1/unsilence", &order));
    done(said, "The silence is over.", console)
}

pub(super) fn test(args: &Test, console: Console) -> Exit {
    let target = format!("/alarms/v1/test/{}", escaped(&args.sink));
    let asked = Daemon::of_alarms(&args.door);
    match asked.and_then(|daemon| daemon.post(&target, &json!({}))) {
        Ok(said) if console.json => console.document(&said),
        Ok(said) => console.line(tried(&args.sink, &said)),
        Err(failure) => return failure.told(console),
    }
    Exit::Ok
}

/// What came of a test; an older daemon does not say whether that was confirmed.
fn tried(sink: &str, said: &Value) -> String {
    let (sink, number) = (plain(sink), text(said, "identifier"));
    let took = text(said, "milliseconds");
    if said["confirmed"] == false {
        format!(
            "Notice {number} was sent to {sink} within {took} ms. Sent is all that is known: traps \
             and syslog are not confirmed. Look there whether it arrived."
        )
    } else {
        format!("{sink} took notice {number} after {took} ms.")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_nobody_confirms_is_not_called_taken() {
        let said = |confirmed: Value| {
            tried(
                "traps",
                &json!({"identifier": 24, "milliseconds": 50, "confirmed": confirmed}),
            )
        };
        assert_eq!(said(true.into()), "traps took notice 24 after 50 ms.");
        assert_eq!(said(Value::Null), "traps took notice 24 after 50 ms.");
        let sent = said(false.into());
        assert!(
            !sent.contains("took") && sent.contains("not confirmed"),
            "{sent}"
        );
    }

    #[test]
    fn a_silence_that_holds_nothing_says_so() {
        assert!(holds(Some(0)).contains("no alarm that is on"));
        assert!(holds(Some(1)).ends_with("1 alarm that is on now"));
        assert!(holds(Some(12)).contains("12 alarms"));
    }
}
