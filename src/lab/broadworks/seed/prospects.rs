//! Customers who are to come to Webex.

use std::collections::BTreeMap;

use crate::lab::broadworks::directory::Directory;
use crate::lab::broadworks::directory::Group;
use crate::lab::broadworks::directory::INTEGRATED_IMP;
use crate::lab::broadworks::directory::Messaging;
use crate::lab::broadworks::directory::ProviderKind;
use crate::lab::broadworks::directory::ServiceProvider;
use crate::lab::broadworks::error::LabError;
use crate::lab::broadworks::password::Passwords;
use crate::lab::broadworks::seed::PASSCODE;
use crate::lab::broadworks::seed::PASSWORD;
use crate::lab::broadworks::seed::Person;
use crate::lab::broadworks::seed::user;

/// Customers whose users are not in Webex yet, each with one user.
pub(super) fn add(directory: &mut Directory, passwords: &Passwords) -> Result<(), LabError> {
    let missing = |directory: &Directory| {
        let mut all = Prospect::ALL.into_iter();
        all.any(|prospect| !directory.providers.contains_key(prospect.enterprise()))
    };
    if !missing(directory) {
        return Ok(());
    }
    let (password, passcode) = (passwords.hash(PASSWORD)?, passwords.hash(PASSCODE)?);
    for prospect in Prospect::ALL {
        if directory.providers.contains_key(prospect.enterprise()) {
            continue;
        }
        let group = Group {
            phone_list: Vec::new(),
            messaging: Messaging::default(),
        };
        let provider = ServiceProvider {
            kind: ProviderKind::Enterprise,
            reseller: prospect.reseller().map(str::to_owned),
            phone_list: Vec::new(),
            groups: BTreeMap::from([("main".to_owned(), group)]),
            messaging: Messaging::default(),
            service_packs: BTreeMap::new(),
        };
        if let Some(reseller) = prospect.reseller() {
            directory.resellers.entry(reseller.to_owned()).or_default();
        }
        let id = prospect.enterprise().to_owned();
        directory.providers.insert(id, provider);
        let mut user = user(&prospect.person(), &password, &passcode);
        user.email = Some(prospect.email().to_owned());
        user.imp_id = None;
        user.assigned.retain(|service| service != INTEGRATED_IMP);
        directory.users.insert(user.id.to_lowercase(), user);
    }
    Ok(())
}

/// A customer who is to come to Webex, by how that goes for its user.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Prospect {
    /// The address belongs to an organisation whose administrator has to agree (2017).
    Conflicting,
    /// The address is believed.
    Trusted,
    /// The user has to confirm an address.
    Untrusted,
}

impl Prospect {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Conflicting, Self::Trusted, Self::Untrusted];

    /// The id of the enterprise.
    #[must_use]
    pub const fn enterprise(self) -> &'static str {
        match self {
            Self::Conflicting => "globex",
            Self::Trusted => "acme",
            Self::Untrusted => "initech",
        }
    }

    /// The id of the enterprise's reseller, if it has one.
    #[must_use]
    pub const fn reseller(self) -> Option<&'static str> {
        match self {
            Self::Trusted => Some("reseller1"),
            Self::Conflicting | Self::Untrusted => None,
        }
    }

    /// The id of the user.
    #[must_use]
    pub const fn user(self) -> &'static str {
        match self {
            Self::Conflicting => "gus@globex.example.net",
            Self::Trusted => "amy@acme.example.net",
            Self::Untrusted => "ian@initech.example.net",
        }
    }

    /// The user's e-mail address.
    #[must_use]
    pub const fn email(self) -> &'static str {
        // The ids are what the users of these customers are reached at, too.
        self.user()
    }

    #[rustfmt::skip]
    const fn person(self) -> Person {
        match self {
            Self::Conflicting => Person(self.user(), "Gus", "Grant", "globex", "main", "2405550501", "0501", "Board", None, None),
            Self::Trusted => Person(self.user(), "Amy", "Archer", "acme", "main", "2405550502", "0502", "Board", None, None),
            Self::Untrusted => Person(self.user(), "Ian", "Ingram", "initech", "main", "2405550503", "0503", "Board", None, None),
        }
    }
}
