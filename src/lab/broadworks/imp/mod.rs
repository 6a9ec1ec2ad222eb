//! The Application Server's provisioning server: it calls the messaging server when Integrated
//! IM&P is given, changed or taken away, and lets the change happen only when that agrees.
//!
//! What a real one sends is not published. The forms here are the one that the daemon proposes and
//! what is known of a client of the same interface; which of them, in which encoding and with how
//! much ceremony, is a setting of the lab.

mod call;
mod desk;
mod form;
mod settings;

pub(super) use call::Failure;
pub(super) use desk::Desk;
pub use settings::Authorization;
pub use settings::Charset;
pub use settings::Form;
pub use settings::Removal;
pub use settings::Settings;
pub use settings::Version;

use crate::lab::broadworks::directory::Directory;
use crate::lab::broadworks::directory::Messaging;
use crate::lab::broadworks::directory::User;

/// What the messaging server is to be told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Order {
    /// The user has the service and looks like this.
    Present(Box<User>),
    /// The user does not have it.
    Absent(String),
}

/// What a change of a user means for messaging servers, in order: first the old one, if another
/// counts now, then the new one.
pub(super) fn orders(
    directory: &Directory,
    before: &User,
    after: Option<&User>,
) -> Vec<(Messaging, Order)> {
    let server = |user: &User| directory.messaging_of(user).cloned();
    let had = before.has_imp().then(|| server(before)).flatten();
    let has = after.filter(|user| user.has_imp());
    let has = has.and_then(|user| Some((server(user)?, user)));
    let present = |(server, user): (Messaging, &User)| {
        let user = Box::new(user.clone());
        (server, Order::Present(user))
    };
    let absent = |server: Messaging| (server, Order::Absent(before.id.clone()));
    match (had, has) {
        (None, None) => Vec::new(),
        (Some(old), None) => vec![absent(old)],
        (None, Some(new)) => vec![present(new)],
        // Which calls a new user id causes is not known; these leave nobody behind.
        (Some(old), Some(new)) if before.id != new.1.id => vec![present(new), absent(old)],
        (Some(_), Some(new)) => {
            let told = directory.provisioning.synchronize && is_other(before, new.1);
            if told { vec![present(new)] } else { Vec::new() }
        }
    }
}

/// Whether anything differs that a messaging server is told.
fn is_other(before: &User, after: &User) -> bool {
    fn told(user: &User) -> [Option<&str>; 10] {
        [
            Some(&user.service_provider),
            Some(&user.group),
            Some(&user.first_name),
            Some(&user.last_name),
            user.email.as_deref(),
            user.number.as_deref(),
            user.mobile.as_deref(),
            user.extension.as_deref(),
            user.language.as_deref(),
            user.time_zone.as_deref(),
        ]
    }
    told(before) != told(after)
}
