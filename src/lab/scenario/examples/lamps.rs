//! Busy lamps: a stream, a call that rings at a monitored line, and what the command line says.

use super::ACTIONS;
use super::Caller;
use super::Description;
use super::Example;
use super::line::Line;
use super::line::variable;
use super::path;
use crate::lab::scenario::description::XSI;

/// Who watches: his list stands in the seed, and the daemon tracks it always.
const WATCHER: &str = "bob@as.example.net";

/// Whom he watches; alice has Do Not Disturb on since an earlier line.
const WATCHED: &str = "carol@as.example.net";

/// Who calls there, and is on nobody's list.
const CALLER: &str = "dan@as.example.net";

pub(super) fn lamps(lab: &Description) -> Vec<Example> {
    watching(lab).unwrap_or_default()
}

fn watching(lab: &Description) -> Option<Vec<Example>> {
    let base = lab.endpoints.get(XSI)?;
    let find = |id: &str| lab.users.iter().find(|user| user.user_id == id);
    let (watcher, watched) = (Caller::of(find(WATCHER)?)?, find(WATCHED)?);
    let caller = Caller::of(find(CALLER)?)?;
    let extension = watched.extension.as_ref()?;
    let stream = format!("{base}/blf/v1/watchers/{WATCHER}/stream");
    let by = |line: Line, credentials: &str| {
        line.option("--cacert", &path(&lab.ca))
            .option("--user", credentials)
    };
    let blf = |verb: &str| Line::xspd().word("blf").word(verb);
    let config = path(&lab.config);
    let place = by(Line::body(), &caller.credentials)
        .option("--request", "POST")
        .end(&format!(
            "{base}{ACTIONS}/{CALLER}/calls/New?address={extension}"
        ));
    let calls = format!("{base}{ACTIONS}/{CALLER}/calls/$BLF_CALL");
    Some(vec![
        Example {
            title: format!("What {WATCHER} needs for his busy lamps"),
            command: blf("check")
                .word(WATCHER)
                .option("--config", &config)
                .done(),
            expect: "exit 0: nothing failed, and a checklist for a real platform",
        },
        Example {
            title: "His lamps as they come, for two seconds".to_owned(),
            command: by(Line::curl(), &watcher.credentials)
                .option("--no-buffer", "--max-time")
                .word("2")
                .end(&stream)
                + " || true",
            expect: "200 and an event with all his lines; longer without --max-time",
        },
        Example {
            title: format!("{CALLER} calls {WATCHED}, whom {WATCHER} watches"),
            command: variable("BLF_CALL", &place, "<callId>", '<'),
            expect: "the id of the call: echo $BLF_CALL",
        },
        Example {
            title: "The lamps again, as one document".to_owned(),
            command: by(Line::curl(), &watcher.credentials).end(&format!("{stream}?poll=0")),
            expect: "200: the line rings; the offer to pick the call up follows on the stream",
        },
        Example {
            title: "What an operator sees".to_owned(),
            command: blf("board")
                .word("--once")
                .option("--config", &config)
                .done(),
            expect: "exit 0: the channels of the daemon, and every line that is not idle",
        },
        Example {
            title: format!("{CALLER} gives up"),
            command: by(Line::curl(), &caller.credentials)
                .option("--request", "DELETE")
                .end_filled(&calls),
            expect: "200",
        },
    ])
}
