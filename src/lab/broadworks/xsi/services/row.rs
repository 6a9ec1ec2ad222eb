//! What a row of the service table is made of.

use Kind::Boolean;
use Kind::Choice;
use Kind::Phone;
use Kind::Rings;

/// A service that can be assigned to a user.
#[derive(Debug)]
pub(in crate::lab::broadworks) struct Service {
    /// Name in the services list.
    pub(in crate::lab::broadworks) name: &'static str,
    /// Last part of its URI, lower case; `None` for a service without a resource.
    pub(in crate::lab::broadworks) path: Option<&'static str>,
    /// Root element of its document.
    pub(in crate::lab::broadworks) root: &'static str,
    /// Its elements in the order of the schema.
    pub(in crate::lab::broadworks) fields: &'static [Field],
    /// What a PUT may do.
    pub(in crate::lab::broadworks) put: Put,
    /// When the first element is true, the second must have a value.
    pub(in crate::lab::broadworks) needs: &'static [(&'static str, &'static str)],
    /// The list of users below the resource.
    pub(in crate::lab::broadworks) users: Option<UserList>,
}

/// What a PUT may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::lab::broadworks) enum Put {
    /// Elements left out stay as they are.
    Merge,
    /// There is no PUT.
    Never,
    /// Elements left out lose their value.
    Replace,
}

/// A list of users with sub-resources of its own.
#[derive(Debug, Clone, Copy)]
pub(in crate::lab::broadworks) struct UserList {
    /// The element that holds it, also the bare root of the sub-resource.
    pub(in crate::lab::broadworks) field: &'static str,
    /// The spellings of the sub-resource, lower case.
    pub(in crate::lab::broadworks) paths: &'static [&'static str],
}

/// An element of a service.
#[derive(Debug)]
pub(in crate::lab::broadworks) struct Field {
    /// Element name.
    pub(in crate::lab::broadworks) name: &'static str,
    /// What it may hold.
    pub(in crate::lab::broadworks) kind: Kind,
    /// What it holds until somebody sets it; `None` leaves it out.
    pub(in crate::lab::broadworks) default: Option<&'static str>,
}

/// What an element may hold.
#[derive(Debug)]
pub(in crate::lab::broadworks) enum Kind {
    /// `true` or `false`.
    Boolean,
    /// One of some words.
    Choice(&'static [&'static str]),
    /// An e-mail address; nil clears it.
    Email,
    /// A number between two bounds, both included.
    Integer(u32, u32),
    /// A wrapper with records of one name: record element, its elements, most records; nil clears.
    List(&'static str, &'static [Field], usize),
    /// A file: description, media type, and where it is or its content in base64.
    Media,
    /// A phone number or SIP URI; nil clears it.
    Phone,
    /// Elements of their own.
    Record(&'static [Field]),
    /// Records without a wrapper, told apart by one element: its name, elements, most records.
    Repeated(&'static str, &'static [Field], usize),
    /// Rings: 0 or 2 to 20.
    Rings,
    /// A SIP URI without its scheme; nil clears it.
    SipUri,
    /// Text of so many characters; nil clears it.
    Text(usize),
    /// Users, of whom a PUT needs only `userId`; nil clears the list.
    Users,
}

/// Off by default.
pub(super) const fn flag(name: &'static str) -> Field {
    Field {
        name,
        kind: Boolean,
        default: Some("false"),
    }
}

/// On by default.
pub(super) const fn raised(name: &'static str) -> Field {
    Field {
        name,
        kind: Boolean,
        default: Some("true"),
    }
}

/// A number without a default.
pub(super) const fn number(name: &'static str) -> Field {
    Field {
        name,
        kind: Phone,
        default: None,
    }
}

/// Rings with a default.
pub(super) const fn rings(name: &'static str, default: &'static str) -> Field {
    Field {
        name,
        kind: Rings,
        default: Some(default),
    }
}

/// A word with a default.
pub(super) const fn choice(
    name: &'static str,
    words: &'static [&'static str],
    first: &'static str,
) -> Field {
    Field {
        name,
        kind: Choice(words),
        default: Some(first),
    }
}

/// Anything without a default.
pub(super) const fn field(name: &'static str, kind: Kind) -> Field {
    Field {
        name,
        kind,
        default: None,
    }
}

/// A service whose PUT merges.
pub(super) const fn service(
    name: &'static str,
    path: &'static str,
    root: &'static str,
    fields: &'static [Field],
) -> Service {
    Service {
        name,
        path: Some(path),
        root,
        fields,
        put: Put::Merge,
        needs: &[],
        users: None,
    }
}

/// A service without a resource.
pub(super) const fn named(name: &'static str) -> Service {
    Service {
        name,
        path: None,
        root: "",
        fields: &[],
        put: Put::Never,
        needs: &[],
        users: None,
    }
}

/// A service that cannot be on without its number.
pub(super) const fn needing(
    service: Service,
    needs: &'static [(&'static str, &'static str)],
) -> Service {
    Service { needs, ..service }
}

/// A service without a PUT.
pub(super) const fn read_only(service: Service) -> Service {
    Service {
        put: Put::Never,
        ..service
    }
}
