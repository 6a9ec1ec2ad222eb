//! The paths of both contexts and who may walk them.

use http::Method;

use crate::domain::xsi::codec::Element;
use crate::lab::broadworks::BroadWorks;
use crate::lab::broadworks::directory::Directory;
use crate::lab::broadworks::directory::User;
use crate::lab::broadworks::xsi::answer::Answer;
use crate::lab::broadworks::xsi::ask::Ask;
use crate::lab::broadworks::xsi::ask::Context;
use crate::lab::broadworks::xsi::calls;
use crate::lab::broadworks::xsi::credentials::Caller;
use crate::lab::broadworks::xsi::directories;
use crate::lab::broadworks::xsi::events;
use crate::lab::broadworks::xsi::fault::Fault;
use crate::lab::broadworks::xsi::group;
use crate::lab::broadworks::xsi::profile;
use crate::lab::broadworks::xsi::services;
use crate::lab::broadworks::xsi::versions;
use crate::lab::broadworks::xsi::voice_mail;
use crate::lab::broadworks::xsp::Xsp;

/// What a handler answers.
pub(super) type Outcome = Result<Answer, Fault>;

pub(super) const GET: &[Method] = &[Method::GET];
pub(super) const PUT: &[Method] = &[Method::PUT];
pub(super) const POST: &[Method] = &[Method::POST];
pub(super) const DELETE: &[Method] = &[Method::DELETE];
pub(super) const GET_PUT: &[Method] = &[Method::GET, Method::PUT];
pub(super) const PUT_DELETE: &[Method] = &[Method::PUT, Method::DELETE];
pub(super) const GET_DELETE: &[Method] = &[Method::GET, Method::DELETE];
pub(super) const GET_POST: &[Method] = &[Method::GET, Method::POST];
pub(super) const GET_POST_DELETE: &[Method] = &[Method::GET, Method::POST, Method::DELETE];
pub(super) const GET_PUT_DELETE: &[Method] = &[Method::GET, Method::PUT, Method::DELETE];

/// A request for the data of one user that may have them.
pub(super) struct UserAsk<'a> {
    pub(super) lab: &'a BroadWorks,
    pub(super) ask: &'a Ask,
    /// The directory as the request found it.
    pub(super) directory: &'a Directory,
    pub(super) user: &'a User,
    /// Whether the administrator asks.
    pub(super) by_administrator: bool,
}

impl UserAsk<'_> {
    /// The part of the path at a place, as the client wrote it; places count from `user`.
    pub(super) fn part(&self, at: usize) -> &str {
        self.ask
            .path
            .get(at)
            .map(String::as_str)
            .unwrap_or_default()
    }

    /// A relative URI below this user, as bodies carry them.
    pub(super) fn uri(&self, tail: &str) -> String {
        uri(self.user, tail)
    }

    /// Refuses methods that the resource does not have.
    pub(super) fn only(&self, allowed: &'static [Method]) -> Result<Verb, Fault> {
        only(self.ask, allowed)
    }

    /// Changes the user on disk.
    pub(super) fn change<T>(
        &self,
        change: impl FnOnce(&mut User) -> Result<T, Fault>,
    ) -> Result<T, Fault> {
        self.lab.store.update(|directory| {
            match directory.users.get_mut(&self.user.id.to_lowercase()) {
                Some(user) => change(user),
                None => Err(Fault::UserNotFound(self.user.id.clone())),
            }
        })
    }
}

/// A relative URI below a user.
pub(super) fn uri(user: &User, tail: &str) -> String {
    format!("/v2.0/user/{}/{tail}", user.id)
}

/// What is to be done with a resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verb {
    /// DELETE.
    Delete,
    /// GET or HEAD.
    Get,
    /// POST.
    Post,
    /// PUT.
    Put,
}

/// The verb, when the resource has it.
pub(super) fn only(ask: &Ask, allowed: &'static [Method]) -> Result<Verb, Fault> {
    let (verb, method) = match ask.method.as_str() {
        "GET" | "HEAD" => (Verb::Get, Method::GET),
        "PUT" => (Verb::Put, Method::PUT),
        "POST" => (Verb::Post, Method::POST),
        "DELETE" => (Verb::Delete, Method::DELETE),
        _ => return Err(Fault::MethodNotAllowed(allowed)),
    };
    if allowed.contains(&method) {
        Ok(verb)
    } else {
        Err(Fault::MethodNotAllowed(allowed))
    }
}

/// The one command of the lab that takes no credentials (specification 3.5.4.28).
pub(super) fn without_credentials(lab: &BroadWorks, ask: &Ask) -> Option<Outcome> {
    let lower = ask.lower();
    let parts: Vec<&str> = lower.iter().map(String::as_str).collect();
    match (ask.context, parts.as_slice()) {
        (Context::Actions, ["user", _, "calls", "callmenow"]) => Some(calls::call_me_now(lab, ask)),
        _ => None,
    }
}

/// Answers an authenticated request. Changes block on the disk.
pub(super) fn answer((lab, xsp): (&BroadWorks, Xsp), ask: &Ask, caller: &Caller) -> Outcome {
    let lower = ask.lower();
    let parts: Vec<&str> = lower.iter().map(String::as_str).collect();
    if parts.last() == Some(&"j_logout") {
        return Ok(Answer::done());
    }
    match (ask.context, parts.as_slice()) {
        (Context::Actions, ["versions"]) => {
            only(ask, GET).map(|_| Answer::document(versions::actions()))
        }
        (Context::Events, parts) => events::answer((lab, xsp), ask, caller, parts),
        (Context::Actions, ["group", _, "services", "callcenter", "unavailablecodes"]) => {
            group::unavailable_codes(lab, ask, caller)
        }
        (Context::Actions, ["user", _, tail @ ..]) => {
            let directory = lab.store.read();
            let user = addressed(&directory, ask, caller)?;
            let by_administrator = matches!(caller, Caller::Administrator(_));
            let ask = UserAsk {
                lab,
                ask,
                directory: &directory,
                user,
                by_administrator,
            };
            user_answer(&ask, tail)
        }
        (Context::Actions, _) => Err(Fault::UnknownResource),
    }
}

/// The user in the path, when the caller may have their data.
fn addressed<'a>(directory: &'a Directory, ask: &Ask, caller: &Caller) -> Result<&'a User, Fault> {
    let id = ask.path.get(1).map(String::as_str).unwrap_or_default();
    let user = directory
        .user(id)
        .ok_or_else(|| Fault::UserNotFound(id.to_owned()))?;
    match caller {
        Caller::Administrator(_) => Ok(user),
        Caller::User(own) if *own == user.id => Ok(user),
        Caller::User(_) => Err(Fault::NotAllowed),
    }
}

fn user_answer(ask: &UserAsk<'_>, tail: &[&str]) -> Outcome {
    match tail {
        ["profile", rest @ ..] => profile::answer(ask, rest),
        ["services", rest @ ..] => services::answer(ask, rest),
        ["directories", rest @ ..] => directories::answer(ask, rest),
        ["calls", rest @ ..] => calls::answer(ask, rest),
        ["voicemessagingmessages", rest @ ..] => voice_mail::answer(ask, rest),
        _ => Err(Fault::UnknownResource),
    }
}

/// A document of the verb GET, for resources that have no other.
pub(super) fn read_only(ask: &UserAsk<'_>, root: impl FnOnce() -> Element) -> Outcome {
    ask.only(GET).map(|_| Answer::document(root()))
}
