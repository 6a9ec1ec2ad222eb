//! Signing in as the Webex App does: through Webex, which gets a BroadWorks token from the daemon.

use super::Caller;
use super::Description;
use super::Example;
use super::line::Line;
use super::line::variable;
use super::path;
use crate::lab::scenario::description::ADMIN;
use crate::lab::scenario::description::WEBEX_CI;
use crate::lab::scenario::description::WEBEX_IDP_PROXY;
use crate::lab::scenario::description::XSI;
use crate::lab::scenario::secrets::OPERATOR_TOKEN;

/// The shell's variable with the user's BroadWorks token.
pub(super) const TOKEN: &str = "TOKEN";

/// With CI token validation: the daemon asks Webex whose the CI token is.
pub(super) fn with_ci(lab: &Description, user: &Caller<'_>) -> Vec<Example> {
    let (Some(ci), Some(proxy)) = (
        lab.endpoints.get(WEBEX_CI),
        lab.endpoints.get(WEBEX_IDP_PROXY),
    ) else {
        return Vec::new();
    };
    let webex_token = Line::body()
        .option("--cacert", &path(&lab.ca))
        .option("--request", "POST")
        .end(&format!("{ci}/lab/user-token?user={}", user.user_id));
    let fetch = Line::body()
        .option("--cacert", &path(&lab.ca))
        .filled("--header", "Authorization: Bearer $WEBEX_TOKEN")
        .end(&format!("{proxy}/idp/bwtoken/fetch"));
    let mut all = vec![
        Example {
            title: format!("{} signs in to Webex", user.user_id),
            command: variable("WEBEX_TOKEN", &webex_token, "\"access_token\":\"", '"'),
            expect: "a token of Common Identity, as a signed-in app holds it: echo $WEBEX_TOKEN",
        },
        Example {
            title: "The app asks Webex for a BroadWorks token; Webex asks the daemon, which asks \
                    Webex whose the first token is"
                .to_owned(),
            command: variable(TOKEN, &fetch, "\"bearer\":\"", '"'),
            expect: "a token of the daemon: echo $TOKEN",
        },
    ];
    all.extend(profile(lab, user));
    all
}

/// With mutual TLS: the daemon believes Webex's certificate, and the user's password.
pub(super) fn with_mtls(lab: &Description, user: &Caller<'_>) -> Vec<Example> {
    let Some(proxy) = lab.endpoints.get(WEBEX_IDP_PROXY) else {
        return Vec::new();
    };
    let fetch = Line::body()
        .option("--cacert", &path(&lab.ca))
        .option("--user", &user.credentials)
        .end(&format!("{proxy}/idp/bwtoken/fetch"));
    let mut all = vec![Example {
        title: "The same with a BroadWorks password; Webex shows its certificate to the mTLS \
                listener"
            .to_owned(),
        command: variable(TOKEN, &fetch, "\"bearer\":\"", '"'),
        expect: "another token of the daemon: echo $TOKEN",
    }];
    all.extend(profile(lab, user));
    all
}

/// The end of a token.
pub(super) fn revoked(lab: &Description, user: &Caller<'_>) -> Vec<Example> {
    let (Some(admin), Some(profile)) = (lab.endpoints.get(ADMIN), profile(lab, user)) else {
        return Vec::new();
    };
    let operator = format!("Authorization: Bearer {OPERATOR_TOKEN}");
    vec![
        Example {
            title: "The phone is lost: an operator revokes the token".to_owned(),
            command: Line::curl()
                .option("--header", &operator)
                .filled("--data-urlencode", "token=$TOKEN")
                .end(&format!("{admin}/authService/revoke")),
            expect: "200",
        },
        Example {
            title: "The profile, with the revoked token".to_owned(),
            expect: "401: it opens nothing any more",
            ..profile
        },
    ]
}

fn profile(lab: &Description, user: &Caller<'_>) -> Option<Example> {
    let base = lab.endpoints.get(XSI)?;
    Some(Example {
        title: "The profile, with the token".to_owned(),
        command: with_token(Line::curl(), lab).end(&format!(
            "{base}{}/{}/profile",
            super::ACTIONS,
            user.user_id
        )),
        expect: "200 and a Profile document: the daemon put a login token in its place",
    })
}

/// A request of the signed-in user. `bearer` is in lower case, as Webex clients write it.
pub(super) fn with_token(line: Line, lab: &Description) -> Line {
    line.option("--cacert", &path(&lab.ca))
        .filled("--header", "Authorization: bearer $TOKEN")
}
