//! A call: placed, answered, transferred and ended, by two users.

use super::ACTIONS;
use super::Caller;
use super::Description;
use super::Example;
use super::line::Line;
use super::line::variable;
use super::path;
use super::sign_in::with_token;
use crate::lab::scenario::User;
use crate::lab::scenario::description::XSI;

/// What the signed-in user does, with the token, and what the called user does, with a password.
pub(super) fn calls(lab: &Description, user: &Caller<'_>) -> Vec<Example> {
    dialogue(lab, user).unwrap_or_default()
}

fn dialogue(lab: &Description, user: &Caller<'_>) -> Option<Vec<Example>> {
    let base = lab.endpoints.get(XSI)?;
    let mut others = colleagues(lab, user);
    let (called, target) = (others.next()?, others.next()?);
    let (called_number, target_number) = (called.extension.as_ref()?, target.extension.as_ref()?);
    let called_user = Caller::of(called)?;

    let own = |rest: &str| format!("{base}{ACTIONS}/{}/{rest}", user.user_id);
    let theirs = |rest: &str| format!("{base}{ACTIONS}/{}/{rest}", called.user_id);
    let by_user = |line: Line| with_token(line, lab);
    let by_called = |line: Line| {
        line.option("--cacert", &path(&lab.ca))
            .option("--user", &called_user.credentials)
    };
    let place = by_user(Line::body())
        .option("--request", "POST")
        .end(&own(&format!("calls/New?address={called_number}")));
    let ringing = by_called(Line::body()).end(&theirs("calls"));
    Some(vec![
        Example {
            title: format!("{} calls {}", user.user_id, called.user_id),
            command: variable("CALL", &place, "<callId>", '<'),
            expect: "the id of the call: echo $CALL",
        },
        Example {
            title: "The call as the caller sees it".to_owned(),
            command: by_user(Line::curl()).end_filled(&own("calls/$CALL")),
            expect: "200 and a Call that is Alerting",
        },
        Example {
            title: format!("The phone of {} rings", called.user_id),
            command: variable("RINGING", &ringing, "<callId>", '<'),
            expect: "the id of the same call at its other end: echo $RINGING",
        },
        Example {
            title: format!("{} answers", called.user_id),
            command: by_called(Line::curl())
                .option("--request", "PUT")
                .end_filled(&theirs("calls/$RINGING/Talk")),
            expect: "200: both are Active now",
        },
        Example {
            title: format!("{} sends the call on to {}", user.user_id, target.user_id),
            command: by_user(Line::curl())
                .option("--request", "PUT")
                .end_filled(&own(&format!(
                    "calls/$CALL/BlindTransfer?address={target_number}"
                ))),
            expect: "200: the call goes on without the one who transferred it",
        },
        Example {
            title: format!("{} hangs up", called.user_id),
            command: by_called(Line::curl())
                .option("--request", "DELETE")
                .end_filled(&theirs("calls/$RINGING")),
            expect: "200",
        },
        Example {
            title: "The call log".to_owned(),
            command: by_user(Line::curl()).end(&own("directories/CallLogs")),
            expect: "200 and the call among the placed ones",
        },
    ])
}

/// Who can be called, in the order of their ids.
pub(super) fn colleagues<'a>(
    lab: &'a Description,
    user: &'a Caller<'_>,
) -> impl Iterator<Item = &'a User> {
    lab.users.iter().filter(|other| colleague(user.user, other))
}

/// Somebody of the same group who can be called, and answer.
fn colleague(user: &User, other: &User) -> bool {
    other.user_id != user.user_id
        && other.service_provider == user.service_provider
        && other.group == user.group
        && other.extension.is_some()
        && other.password.is_some()
}
