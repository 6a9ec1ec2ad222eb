//! Requests to try against a running lab: command lines that work as printed, each with what to
//! expect, so that a person sees each rule of the edge once.

mod calls;
mod events;
mod lamps;
mod line;
mod provisioning;
mod sign_in;

use std::path::Path;

use line::Line;

use super::Description;
use super::User;
use super::description::ADMIN;
use super::description::AUTH_MTLS;
use super::description::CTI;
use super::description::XSI;
use crate::lab::pki::Client;

/// One request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Example {
    /// What it shows.
    pub title: String,
    /// A line for a shell.
    pub command: String,
    /// What comes back; for a line that keeps it in a variable, what is in it.
    pub expect: &'static str,
}

/// Where Xsi-Actions lies.
const ACTIONS: &str = "/com.broadsoft.xsi-actions/v2.0/user";

/// All examples, in the order in which they make sense.
pub(super) fn examples(lab: &Description) -> Vec<Example> {
    let Some(user) = lab.users.iter().find_map(Caller::of) else {
        return Vec::new();
    };
    let mut all = xsi(lab, &user);
    all.extend(sign_in::with_ci(lab, &user));
    all.extend(calls::calls(lab, &user));
    all.extend(events::events(lab, &user));
    all.extend(lamps::lamps(lab));
    all.extend(sign_in::with_mtls(lab, &user));
    all.extend(sign_in::revoked(lab, &user));
    all.extend(
        Client::ALL
            .into_iter()
            .filter_map(|client| mtls(lab, &user, client)),
    );
    all.extend(provisioning::provisioning(lab));
    all.extend(cti(lab));
    all.extend(admin(lab));
    all
}

/// Starts the daemon that all of them go to.
pub(super) fn daemon(lab: &Description) -> String {
    Line::xspd()
        .word("run")
        .option("--config", &path(&lab.config))
        .done()
}

/// Who makes the requests.
struct Caller<'a> {
    user: &'a User,
    user_id: &'a str,
    credentials: String,
}

impl<'a> Caller<'a> {
    /// `None` when the password is not known.
    fn of(user: &'a User) -> Option<Self> {
        let password = user.password.as_ref()?;
        Some(Self {
            user,
            user_id: &user.user_id,
            credentials: format!("{}:{password}", user.user_id),
        })
    }
}

fn xsi(lab: &Description, user: &Caller<'_>) -> Vec<Example> {
    let Some(base) = lab.endpoints.get(XSI) else {
        return Vec::new();
    };
    let url = |rest: &str| format!("{base}{ACTIONS}/{}/{rest}", user.user_id);
    let curl = || {
        Line::curl()
            .option("--cacert", &path(&lab.ca))
            .option("--user", &user.credentials)
    };
    vec![
        Example {
            title: format!("The profile of {}", user.user_id),
            command: curl().end(&url("profile")),
            expect: "200 and a Profile document",
        },
        Example {
            title: "The list of services, as JSON".to_owned(),
            command: curl().end(&url("services?format=json")),
            expect: "200 and {\"Services\": …}",
        },
        Example {
            title: "Do Not Disturb on".to_owned(),
            command: curl()
                .option("--request", "PUT")
                .option("--header", "Content-Type: application/xml; charset=UTF-8")
                .option("--data", DO_NOT_DISTURB)
                .end(&url("services/DoNotDisturb")),
            expect: "200",
        },
        Example {
            title: "Do Not Disturb as it is now".to_owned(),
            command: curl().end(&url("services/DoNotDisturb")),
            expect: "200 and <active>true</active>",
        },
        Example {
            title: "CallMeNow, which places calls without a password".to_owned(),
            command: curl()
                .option("--request", "POST")
                .end(&url("calls/CallMeNow?address=1002")),
            expect: "403: refused at the edge, the BroadWorks never sees it",
        },
    ]
}

const DO_NOT_DISTURB: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\
    <DoNotDisturb xmlns=\"http://schema.broadsoft.com/xsi\">\
    <active>true</active><ringSplash>false</ringSplash></DoNotDisturb>";

fn mtls(lab: &Description, user: &Caller<'_>, client: Client) -> Option<Example> {
    let base = lab.endpoints.get(AUTH_MTLS)?;
    let pair = lab.client_certificates.get(client.as_str())?;
    let (title, expect) = match client {
        Client::Good => ("The mTLS listener, with Webex's certificate", "200"),
        Client::LeafOnly => (
            "… with a file that holds only the leaf",
            "200: the issuing CA is in the trust file",
        ),
        Client::WrongName => (
            "… with a name that is not allowed",
            "403: the chain is good, the identity is not on the list",
        ),
        Client::Expired => ("… with an expired certificate", HANDSHAKE_REFUSED),
        Client::NoEku => (
            "… with a certificate without extended key usage",
            HANDSHAKE_REFUSED,
        ),
        Client::ServerAuthOnly => ("… with a certificate for servers", HANDSHAKE_REFUSED),
        Client::UnknownCa => (
            "… from a CA with the same name and another key",
            HANDSHAKE_REFUSED,
        ),
        Client::Rsa => return None,
    };
    Some(Example {
        title: title.to_owned(),
        command: Line::curl()
            .option("--cacert", &path(&lab.ca))
            .option("--cert", &without_password(&pair.cert))
            .option("--key", &path(&pair.key))
            .option("--user", &user.credentials)
            .end(&format!("{base}{ACTIONS}/{}/profile", user.user_id)),
        expect,
    })
}

/// What Webex's client sees first on a CTI connection of the lab.
fn cti(lab: &Description) -> Option<Example> {
    let (address, pair) = (
        lab.endpoints.get(CTI)?,
        lab.client_certificates.get(Client::Good.as_str())?,
    );
    Some(Example {
        title: "The CTI bridge, with Webex's certificate; without `| head -n 1` and `timeout 5` \
                events follow while people call"
            .to_owned(),
        command: Line::openssl()
            .option("-connect", address)
            .option("-CAfile", &path(&lab.ca))
            .option("-cert", &path(&pair.cert))
            .option("-key", &path(&pair.key))
            .first_line(),
        expect: "a ChannelHeartBeat document of the lab's XSP: what is really said is unpublished",
    })
}

const HANDSHAKE_REFUSED: &str = "an error from curl: the handshake is refused with an alert";

fn admin(lab: &Description) -> Option<Example> {
    let base = lab.endpoints.get(ADMIN)?;
    Some(Example {
        title: "What was counted".to_owned(),
        command: Line::curl().end(&format!("{base}/metrics")),
        expect: "200 and metrics for Prometheus",
    })
}

fn path(path: &Path) -> String {
    path.display().to_string()
}

/// curl takes what follows a colon for the password of the key.
fn without_password(certificate: &Path) -> String {
    path(certificate).replace('\\', r"\\").replace(':', r"\:")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_colon_in_a_path_does_not_begin_a_password() {
        let text = without_password(Path::new(r"/lab:2026/a\b.pem"));
        assert_eq!(text, r"/lab\:2026/a\\b.pem");
    }
}
