//! Automatic certificates: what each challenge needs must be there, and names must be such as a
//! certificate can carry.

use crate::config::Acme;
use crate::config::AcmeChallenge;
use crate::config::AcmeExternal;
use crate::config::AcmeKey;
use crate::config::Listener;
use crate::config::check::at::At;
use crate::config::check::auth::is_loopback;
use crate::config::check::rules;
use crate::config::raw;
use crate::config::secret::SECRET_FORM;
use crate::config::values;
use crate::config::values::Wrong;
use crate::config::values::wrong;
use crate::domain::certs::csr::Request;
use crate::domain::certs::csr::Subject;

const URL_FORM: &str = "`https://host/path` of the CA's directory, such as https://acme-v02.api.letsencrypt.org/directory";

const WORD_FORM: &str = "1 to 256 printable characters without spaces";

/// All of them.
pub(super) fn acme(at: &At<'_>, raw: Option<&[raw::Acme]>, listeners: &[Listener]) -> Vec<Acme> {
    let name = |acme: &raw::Acme| acme.name.clone();
    let proven = at.named("acme", raw, name, |at, name, raw| {
        one(at, name, raw, listeners)
    });
    proven.into_iter().flatten().collect()
}

fn one(at: &At<'_>, name: String, raw: &raw::Acme, listeners: &[Listener]) -> Option<Acme> {
    let directory = at.required("directory", raw.directory.as_deref(), URL_FORM, url);
    if raw.terms_agreed != Some(true) {
        at.key("terms-agreed").refuse(
            "the CA issues nothing before its terms of service are agreed to",
            "true, after a person has read them",
        );
    }
    let challenge = raw.challenge.unwrap_or(AcmeChallenge::Http01);
    let (dns, persist) = (AcmeChallenge::Dns01, AcmeChallenge::DnsPersist01);
    let dns_hook = at.text("dns-hook", raw.dns_hook.as_deref(), values::path);
    belongs(at, "dns-hook", raw.dns_hook.is_some(), challenge, dns);
    let dns_issuer = at.text("dns-issuer", raw.dns_issuer.as_deref(), word);
    belongs(
        at,
        "dns-issuer",
        raw.dns_issuer.is_some(),
        challenge,
        persist,
    );
    let names = names(at, raw, challenge);
    let places = places(at, raw, listeners);
    let plain = listeners.iter().any(|listener| listener.plaintext);
    if challenge == AcmeChallenge::Http01 && !plain {
        at.key("challenge").refuse(
            "the CA asks on port 80, and no listener is there",
            "a [[listener]] with `plaintext = true` on port 80 (its routes may be empty), or another \
             challenge",
        );
    }
    let contact = at.list("contact", raw.contact.as_deref(), contact);
    let orders = at.count("orders-per-day", raw.orders_per_day, &rules::ACME_ORDERS);
    Some(Acme {
        name,
        ca: at.text("ca", raw.ca.as_deref(), values::path),
        external: external(at, raw),
        profile: at.text("profile", raw.profile.as_deref(), word),
        directory: directory?,
        contact,
        challenge,
        dns_hook,
        dns_issuer,
        names,
        places,
        key_type: raw.key_type.unwrap_or(AcmeKey::EcdsaP256),
        orders_per_day: usize::try_from(orders).unwrap_or(usize::MAX),
    })
}

fn contact(text: &str) -> Result<String, Wrong> {
    if text.starts_with("mailto:") && text.contains('@') {
        word(text)
    } else {
        wrong("not an address", "`mailto:noc@example.com`")
    }
}

fn names(at: &At<'_>, raw: &raw::Acme, challenge: AcmeChallenge) -> Vec<String> {
    let form = "at least one host name";
    let names = at.some("names", raw.names.as_deref(), form, |text: &str| {
        let request = Request::new(&[text], Subject::default());
        request
            .map(|_| text.to_ascii_lowercase())
            .map_err(|problem| Wrong {
                what: problem.to_string(),
                expected: form.to_owned(),
            })
    });
    let wild = names.iter().any(|name| name.starts_with("*."));
    let dns = match challenge {
        AcmeChallenge::Dns01 | AcmeChallenge::DnsPersist01 => true,
        AcmeChallenge::Http01 | AcmeChallenge::TlsAlpn01 => false,
    };
    if wild && !dns {
        at.key("names").refuse(
            format!("a wildcard cannot be proven with {}", challenge.word()),
            "challenge = \"dns-01\" or \"dns-persist-01\", or names without `*`",
        );
    }
    names
}

fn places(at: &At<'_>, raw: &raw::Acme, listeners: &[Listener]) -> Vec<String> {
    let form = "at least one listener";
    at.some("for", raw.places.as_deref(), form, |text: &str| {
        let listener = text.split('/').next().unwrap_or_default();
        let mut all = listeners.iter();
        if all.any(|held| held.name == listener && held.terminates_tls()) {
            Ok(text.to_owned())
        } else {
            wrong(
                "there is no such listener with TLS",
                "the name of a listener, or listener/host",
            )
        }
    })
}

/// A key that one challenge needs and the others do not use.
fn belongs(at: &At<'_>, key: &str, written: bool, is: AcmeChallenge, of: AcmeChallenge) {
    let challenge = of.word();
    if is == of && !written {
        at.key(key).refuse(
            "missing",
            format!("a value, for challenge = \"{challenge}\""),
        );
    } else if is != of && written {
        at.key(key)
            .refuse("has no effect here", format!("challenge = \"{challenge}\""));
    }
}

fn external(at: &At<'_>, raw: &raw::Acme) -> Option<AcmeExternal> {
    let key_id = at.text("eab-key-id", raw.eab_key_id.as_deref(), word);
    let secret = at.secret("eab-secret", raw.eab_secret.as_ref());
    if raw.eab_key_id.is_some() && raw.eab_secret.is_none() {
        at.key("eab-secret").refuse("missing", SECRET_FORM);
    }
    if raw.eab_secret.is_some() && raw.eab_key_id.is_none() {
        at.key("eab-key-id")
            .refuse("missing", "the id that the CA gave with the key");
    }
    Some(AcmeExternal {
        key_id: key_id?,
        secret: secret?,
    })
}

fn word(text: &str) -> Result<String, Wrong> {
    if (1..=256).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic()) {
        Ok(text.to_owned())
    } else {
        wrong("not printable, empty or too long", WORD_FORM)
    }
}

/// Account and certificates are asked for there, so in clear only on this machine.
fn url(text: &str) -> Result<String, Wrong> {
    let (scheme, rest) = text.split_once("://").unwrap_or_default();
    let authority = rest.split('/').next().unwrap_or_default();
    let plain = rest
        .bytes()
        .all(|b| b.is_ascii_graphic() && !b"#@\\\"<>^`{|}".contains(&b));
    if !plain || authority.is_empty() || text.len() > 1024 {
        return wrong("not a URL of a directory", URL_FORM);
    }
    let (host, _) = match scheme {
        "https" => values::host_port(authority, Some(443))?,
        "http" => values::host_port(authority, Some(80))?,
        _ => return wrong("not a URL with https", URL_FORM),
    };
    if scheme == "http" && !is_loopback(host.trim_matches(['[', ']'])) {
        return wrong("it would go in clear", URL_FORM);
    }
    Ok(text.to_owned())
}
