//! The classes of automatic certificates: what is changed counts from the next order on.

use crate::config::Acme;
use crate::config::change::At;
use crate::config::change::ChangeClass;
use crate::config::change::classes::compare;

pub(super) fn all(at: &mut At<'_>, old: &[Acme], new: &[Acme]) {
    let old = old.iter().map(|a| (&a.name, a));
    let new = new.iter().map(|a| (&a.name, a));
    at.named("acme", old, new, ChangeClass::Live, acme);
}

fn acme(at: &mut At<'_>, old: &Acme, new: &Acme) {
    compare!(at, Acme, old, new;
        Live name "name",
        Live directory "directory",
        Live ca "ca",
        Live contact "contact",
        Live external "eab-key-id",
        Live profile "profile",
        Live challenge "challenge",
        Live dns_hook "dns-hook",
        Live dns_issuer "dns-issuer",
        Live names "names",
        Live places "for",
        Live key_type "key-type",
        Live orders_per_day "orders-per-day",
    );
}
