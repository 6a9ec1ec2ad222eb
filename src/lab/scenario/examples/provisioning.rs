//! Integrated IM&P, given as an administrator of the Application Server gives it.

use super::Example;
use super::line::Line;
use super::path;
use crate::lab::broadworks::Prospect;
use crate::lab::scenario::Description;

/// Each customer's user, by what becomes of it.
pub(super) fn provisioning(lab: &Description) -> Vec<Example> {
    let Some(state_dir) = lab.config.parent() else {
        return Vec::new();
    };
    let assign = |prospect: Prospect, title: &str| Example {
        title: format!("{title}: {}", prospect.user()),
        command: Line::xspd()
            .word("lab")
            .word("assign-imp")
            .word(prospect.user())
            .option("--state-dir", &path(state_dir))
            .done(),
        expect: "exit 0: the daemon has the wish on its disk, and Webex is on it",
    };
    vec![
        assign(
            Prospect::Trusted,
            "Integrated IM&P for a user whose address is believed",
        ),
        assign(
            Prospect::Untrusted,
            "The same for one who has to confirm an address",
        ),
        assign(
            Prospect::Conflicting,
            "The same for one whose organisation has to agree (2017)",
        ),
        Example {
            title: "What becomes of them; with --watch as it happens".to_owned(),
            command: Line::xspd()
                .word("provision")
                .word("list")
                .option("--config", &path(&lab.config))
                .done(),
            expect: "exit 0 and a line for each of them",
        },
    ]
}
