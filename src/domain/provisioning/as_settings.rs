//! What has to be set on the Application Server so that its provisioning adapter calls us, and
//! what the guides forbid on the way: values that the AS cannot hold, and new URLs for a cluster
//! with many customers.

use std::net::IpAddr;

use crate::domain::provisioning::ids::GroupId;
use crate::domain::provisioning::ids::SpId;

/// Characters of a URL that the AS can hold (URL of the OCI schema).
pub const URL: usize = 256;
/// Characters of the account's name (ProvisioningUserName of the OCI schema).
pub const ACCOUNT: usize = 80;
/// Characters of the account's password.
pub const PASSWORD: usize = 20;
/// Customers of a cluster up to which its URLs may be edited; beyond, the partner guide sends
/// providers to Cisco TAC.
pub const CUSTOMERS: u64 = 50;

/// For whom the AS is to call us. The most specific one wins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Scope {
    /// One group of a service provider.
    Group(SpId, GroupId),
    /// A service provider or enterprise.
    ServiceProvider(SpId),
    /// Everybody for whom nothing else is set.
    System,
}

/// What the AS is to be told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings<'a> {
    /// Where the adapter of the template is.
    pub url: &'a str,
    /// The account.
    pub account: &'a str,
    /// Characters of the password, when it could be read.
    pub password: Option<usize>,
    /// Where it is written, for whoever types it.
    pub password_at: &'a str,
    /// For whom.
    pub scope: Scope,
    /// Customers that the cluster has already.
    pub customers: u64,
}

/// Why the AS must not, or cannot, be told so.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// The name of the account.
    #[error(
        "the account has {0} characters and the AS holds 1 to {ACCOUNT}: change `account` of the \
         template"
    )]
    Account(usize),
    /// An address in place of a name.
    #[error(
        "the URL names the host by its address ({0}); the AS needs the fully qualified name that \
         the certificate holds"
    )]
    Address(IpAddr),
    /// A value that would end the command that it stands in.
    #[error("{0} holds a character that no command line of the AS can carry: {1:?}")]
    Character(&'static str, char),
    /// More customers than may be moved.
    #[error(
        "the cluster has {0} customers, and with more than {CUSTOMERS} its URLs must not be edited \
         by the provider: open a case with Cisco TAC and let them do it"
    )]
    Customers(u64),
    /// The password.
    #[error(
        "the password has {0} characters and the AS holds 1 to {PASSWORD}: make a shorter one, \
         the same in the template here, on the AS and in Partner Hub"
    )]
    Password(usize),
    /// The URL is too long.
    #[error("the URL has {0} characters and the AS holds {URL}: shorten the template's key")]
    Url(usize),
    /// It is none.
    #[error("{0:?} is no https:// URL")]
    UrlForm(String),
}

/// Everything that speaks against these settings.
#[must_use]
pub fn objections(settings: &Settings<'_>) -> Vec<Refused> {
    let mut found = Vec::new();
    if settings.customers > CUSTOMERS {
        found.push(Refused::Customers(settings.customers));
    }
    let length = settings.url.chars().count();
    if length > URL {
        found.push(Refused::Url(length));
    }
    match host(settings.url) {
        None => found.push(Refused::UrlForm(settings.url.chars().take(URL).collect())),
        Some(host) => {
            if let Ok(address) = host.trim_matches(['[', ']']).parse() {
                found.push(Refused::Address(address));
            }
        }
    }
    let length = settings.account.chars().count();
    if length == 0 || length > ACCOUNT {
        found.push(Refused::Account(length));
    }
    if let Some(length) = settings.password
        && (length == 0 || length > PASSWORD)
    {
        found.push(Refused::Password(length));
    }
    for (what, text) in [("the URL", settings.url), ("the account", settings.account)] {
        if let Some(odd) = text.chars().find(|c| !fits(*c)) {
            found.push(Refused::Character(what, odd));
        }
    }
    found
}

/// What to type or click, a line each. Passwords are never among them.
#[must_use]
pub fn commands(settings: &Settings<'_>) -> Vec<String> {
    let Settings {
        url,
        account,
        password_at,
        ..
    } = settings;
    match &settings.scope {
        Scope::System => vec![
            "AS_CLI/Maintenance/ContainerOptions> add provisioning bw.imp.useProvisioningUrl true"
                .to_owned(),
            format!("AS_CLI/Interface/Messaging> set provisioningUrl {url}"),
            format!("AS_CLI/Interface/Messaging> set provisioningUserId {account}"),
            format!("AS_CLI/Interface/Messaging> set provisioningPassword <as in {password_at}>"),
            "AS_CLI/Interface/Messaging> set enableSynchronization true".to_owned(),
            "AS_CLI/Service/IntegratedIMP> set serviceDomain example.com".to_owned(),
            "AS_CLI/Service/IntegratedIMP/DefaultAttribute> set userAttrIsActive true".to_owned(),
        ],
        Scope::ServiceProvider(sp) => {
            page(&format!("service provider or enterprise {sp}"), settings)
        }
        Scope::Group(sp, group) => page(&format!("group {group} of {sp}"), settings),
    }
}

/// What the commands leave open, a sentence each.
#[must_use]
pub fn remarks(settings: &Settings<'_>) -> Vec<String> {
    let mut all = vec![
        "The account is a BroadWorks system administrator of type Provisioning, not read-only; its \
         name and password are the same on the AS, here and in the template of Partner Hub."
            .to_owned(),
        "serviceDomain may be any name; Webex ignores it.".to_owned(),
    ];
    if settings.password.is_none() {
        all.push(format!(
            "The password could not be read here ({}); the AS holds 1 to {PASSWORD} characters.",
            settings.password_at
        ));
    }
    if settings.scope != Scope::System {
        all.push(
            "bw.imp.useProvisioningUrl and enableSynchronization are set once for the system."
                .to_owned(),
        );
    }
    all
}

fn page(of: &str, settings: &Settings<'_>) -> Vec<String> {
    vec![
        format!("Web portal, {of}: Services > Integrated IM&P"),
        "  Service domain:         any name, for example example.com".to_owned(),
        "  Messaging server:       use the one below".to_owned(),
        format!("  URL:                    {}", settings.url),
        format!("  Username:               {}", settings.account),
        format!("  Password:               <as in {}>", settings.password_at),
        "  Default user identity:  Primary".to_owned(),
        "  Apply".to_owned(),
    ]
}

fn fits(c: char) -> bool {
    c.is_ascii_graphic() && !"\"'`\\;|<>".contains(c)
}

fn host(url: &str) -> Option<&str> {
    let rest = url
        .get(..8)
        .filter(|start| start.eq_ignore_ascii_case("https://"));
    let rest = rest.and_then(|_| url.get(8..))?;
    let authority = rest.split(['/', '?', '#']).next()?;
    if authority.contains('@') {
        return None;
    }
    let host = match authority.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => host,
        Some(_) | None => authority,
    };
    (!host.is_empty()).then_some(host)
}

#[cfg(test)]
mod tests {
    use super::*;

    const URL_OF_TEMPLATE: &str = "https://adapter.sp.example/adapter/v1/t/acme-premium";

    fn settings() -> Settings<'static> {
        Settings {
            url: URL_OF_TEMPLATE,
            account: "webexprov",
            password: Some(20),
            password_at: "/etc/xspd/secrets/acme-premium",
            scope: Scope::System,
            customers: 50,
        }
    }

    #[test]
    fn good_settings_become_commands_without_a_password() {
        let settings = settings();
        assert_eq!(objections(&settings), []);
        let commands = commands(&settings);
        assert_eq!(commands.len(), 7);
        assert_eq!(
            commands[1],
            format!("AS_CLI/Interface/Messaging> set provisioningUrl {URL_OF_TEMPLATE}")
        );
        assert!(commands[3].ends_with("<as in /etc/xspd/secrets/acme-premium>"));
        let group = Settings {
            scope: Scope::Group(SpId::parse("SP1").unwrap(), GroupId::parse("Acme").unwrap()),
            ..settings
        };
        assert!(super::commands(&group)[0].contains("group Acme of SP1"));
    }

    #[test]
    fn a_cluster_with_more_than_fifty_customers_is_for_tac() {
        let many = Settings {
            customers: 51,
            ..settings()
        };
        let found = objections(&many);
        assert_eq!(found, [Refused::Customers(51)]);
        assert!(found[0].to_string().contains("Cisco TAC"));
    }

    #[test]
    fn what_the_as_cannot_hold_is_refused_at_once() {
        let long = format!("https://adapter.sp.example/{}", "x".repeat(URL));
        let account = "a".repeat(81);
        for (settings, expected) in [
            (
                Settings {
                    url: &long,
                    ..settings()
                },
                vec![Refused::Url(283)],
            ),
            (
                Settings {
                    url: "http://adapter.sp.example/",
                    ..settings()
                },
                vec![Refused::UrlForm("http://adapter.sp.example/".to_owned())],
            ),
            (
                Settings {
                    url: "https://192.0.2.1:8443/x",
                    ..settings()
                },
                vec![Refused::Address("192.0.2.1".parse().unwrap())],
            ),
            (
                Settings {
                    url: "https://[2001:db8::1]/x",
                    ..settings()
                },
                vec![Refused::Address("2001:db8::1".parse().unwrap())],
            ),
            (
                Settings {
                    account: &account,
                    ..settings()
                },
                vec![Refused::Account(81)],
            ),
            (
                Settings {
                    account: "a b",
                    ..settings()
                },
                vec![Refused::Character("the account", ' ')],
            ),
            (
                Settings {
                    password: Some(21),
                    ..settings()
                },
                vec![Refused::Password(21)],
            ),
            (
                Settings {
                    password: Some(0),
                    ..settings()
                },
                vec![Refused::Password(0)],
            ),
        ] {
            assert_eq!(objections(&settings), expected);
        }
    }
}
