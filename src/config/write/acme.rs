//! Automatic certificates, as written.

use crate::config;
use crate::config::AcmeExternal;
use crate::config::raw;
use crate::config::raw::SecretText;
use crate::config::write::number;

pub(super) fn acme(acme: &config::Acme) -> raw::Acme {
    let config::Acme {
        name,
        directory,
        ca,
        contact,
        external,
        profile,
        challenge,
        dns_hook,
        dns_issuer,
        names,
        places,
        key_type,
        orders_per_day,
    } = acme;
    let (eab_key_id, eab_secret) = match external {
        None => (None, None),
        Some(AcmeExternal { key_id, secret }) => {
            (Some(key_id.clone()), Some(SecretText(secret.to_string())))
        }
    };
    let path = |path: &std::path::PathBuf| path.display().to_string();
    raw::Acme {
        name: Some(name.clone()),
        directory: Some(directory.clone()),
        ca: ca.as_ref().map(path),
        contact: Some(contact.clone()),
        terms_agreed: Some(true),
        eab_key_id,
        eab_secret,
        profile: profile.clone(),
        challenge: Some(*challenge),
        dns_hook: dns_hook.as_ref().map(path),
        dns_issuer: dns_issuer.clone(),
        names: Some(names.clone()),
        places: Some(places.clone()),
        key_type: Some(*key_type),
        orders_per_day: number(*orders_per_day),
    }
}
