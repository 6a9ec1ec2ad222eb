//! Subscriptions (specification 4.6.1 and 4.6.2).

use crate::domain::xsi::codec::Element;
use crate::lab::broadworks::directory::Directory;
use crate::lab::broadworks::directory::User;
use crate::lab::broadworks::events::command::Ask as EventAsk;
use crate::lab::broadworks::events::command::Destination;
use crate::lab::broadworks::events::command::Reply;
use crate::lab::broadworks::events::command::Subscribe;
use crate::lab::broadworks::events::command::Target;
use crate::lab::broadworks::events::contact::Contact;
use crate::lab::broadworks::events::package::Package;
use crate::lab::broadworks::events::package::Packages;
use crate::lab::broadworks::events::view::SubscriptionView;
use crate::lab::broadworks::xsi::answer::Answer;
use crate::lab::broadworks::xsi::events::EventRequest;
use crate::lab::broadworks::xsi::events::read;
use crate::lab::broadworks::xsi::events::render;
use crate::lab::broadworks::xsi::fault::Fault;
use crate::lab::broadworks::xsi::route::GET;
use crate::lab::broadworks::xsi::route::GET_PUT_DELETE;
use crate::lab::broadworks::xsi::route::Outcome;
use crate::lab::broadworks::xsi::route::POST;
use crate::lab::broadworks::xsi::route::Verb;
use crate::lab::broadworks::xsi::route::only;
use crate::lab::broadworks::xsi::services;

/// Packages of one list: more than there are is a mistake.
const LIST: usize = 39;

/// Makes a subscription. The path says to whom; `/subscription` at its end is an older form.
pub(super) fn create(request: &EventRequest<'_>, parts: &[&str]) -> Outcome {
    let parts = match parts {
        [path @ .., "subscription"] if !path.is_empty() => path,
        _ => parts,
    };
    let directory = request.lab.store.read();
    // What is not the asker's is refused before anything of the body is looked at.
    let target = target(request, &directory, parts)?;
    only(request.ask, POST)?;
    let document = request.ask.document("Subscription")?;
    let subscribe = subscribe(&directory, &document, target)?;
    let (lab, owner) = (request.lab, &request.owner);
    let reply = lab.calls.read(|calls| {
        lab.events
            .subscribe(calls, &|| lab.store.read(), owner, subscribe)
    });
    subscribed(reply.map_err(|refusal| request.fault(refusal))?)
}

/// The answer of a subscription that was made or prolonged.
pub(super) fn subscribed(reply: Reply) -> Outcome {
    match reply {
        Reply::Subscribed {
            subscription,
            expires,
        } => Ok(Answer::document(render::subscribed(subscription, expires))),
        Reply::Channels(_) | Reply::Done | Reply::Opened { .. } | Reply::Prolonged(_) => {
            Err(Fault::Internal)
        }
    }
}

/// The target in the path, when the caller may watch it: users themselves, the administrator all.
fn target(
    request: &EventRequest<'_>,
    directory: &Directory,
    parts: &[&str],
) -> Result<Target, Fault> {
    let target = match parts {
        ["user", _, rest @ ..] => {
            let user = user(request, directory)?.id.clone();
            let sub = match rest {
                [] => None,
                ["subid", _] => Some(request.part(3).to_owned()),
                _ => return Err(Fault::UnknownResource),
            };
            return Ok(Target::User { user, sub });
        }
        ["system"] => Target::System,
        ["serviceprovider" | "enterprise", _] => Target::Provider(request.part(1).to_owned()),
        ["serviceprovider" | "enterprise", _, "group", _] => Target::Group {
            provider: request.part(1).to_owned(),
            group: request.part(3).to_owned(),
        },
        // The group of a user's own word: qualified by the query.
        ["group", _] => Target::Group {
            provider: qualifier(request)?,
            group: request.part(1).to_owned(),
        },
        _ => return Err(Fault::UnknownResource),
    };
    if !request.by_administrator {
        return Err(Fault::NotAllowed);
    }
    known(directory, &target)?;
    Ok(target)
}

fn qualifier(request: &EventRequest<'_>) -> Result<String, Fault> {
    let query = &request.ask.query;
    let given = ["targetGrpParentId", "serviceProviderId", "enterpriseId"]
        .into_iter()
        .find_map(|name| query.first(name));
    given
        .map(str::to_owned)
        .ok_or(Fault::Parameter("targetGrpParentId"))
}

/// Whether a collection is there.
pub(super) fn known(directory: &Directory, target: &Target) -> Result<(), Fault> {
    let (provider, group) = match target {
        Target::Group { provider, group } => (provider, Some(group)),
        Target::Provider(provider) => (provider, None),
        Target::System | Target::User { .. } => return Ok(()),
    };
    let held = directory.providers.get(provider);
    let held = held.ok_or_else(|| Fault::NotFound("Service provider", provider.clone()))?;
    match group {
        Some(group) if !held.groups.contains_key(group) => {
            Err(Fault::NotFound("Group", group.clone()))
        }
        Some(_) | None => Ok(()),
    }
}

fn user<'d>(request: &EventRequest<'_>, directory: &'d Directory) -> Result<&'d User, Fault> {
    let id = request.part(1);
    let user = directory
        .user(id)
        .ok_or_else(|| Fault::UserNotFound(id.to_owned()))?;
    if request.by_administrator || request.owner.id() == user.id {
        Ok(user)
    } else {
        Err(Fault::NotAllowed)
    }
}

/// What the document asks for. Ids of the subscriber and the target in it are passed over, as
/// the path and the credentials say them.
pub(super) fn subscribe(
    directory: &Directory,
    document: &Element,
    target: Target,
) -> Result<Subscribe, Fault> {
    let (packages, list) = packages(directory, document, &target)?;
    let set = read::id(document, "channelSetId")?;
    let uri = document
        .child("httpContact")
        .and_then(|contact| contact.child_text("uri"))
        .map(|uri| uri.trim().to_owned());
    // If both are given the channel wins (specification 4.6.2).
    let route = match (set, uri) {
        (Some(set), _) => Destination::ChannelSet(set),
        (None, Some(uri)) => {
            Contact::parse(&uri).map_err(|_| {
                Fault::Value("uri: the lab posts to http:// on this machine only".to_owned())
            })?;
            Destination::Contact(uri)
        }
        (None, None) => return Err(Fault::Parameter("channelSetId")),
    };
    Ok(Subscribe {
        target,
        packages,
        list,
        application: read::id(document, "applicationId")?,
        shared: read::id(document, "sharedSubscriptionId")?,
        replaces: true,
        route,
        expires: read::expires(document)?,
        state: Vec::new(),
    })
}

/// One package, whose service the target must have; or a list, which is not checked so (4.2.4.6).
fn packages(
    directory: &Directory,
    document: &Element,
    target: &Target,
) -> Result<(Packages, bool), Fault> {
    let user = match target {
        Target::User { user, .. } => directory.user(user),
        Target::Group { .. } | Target::Provider(_) | Target::System => None,
    };
    let named = |element: &Element| {
        let name = element.text();
        let unknown = || Fault::EventPackage(name.chars().take(80).collect());
        Package::named(name).ok_or_else(unknown)
    };
    if let Some(event) = document.child("event") {
        let package = named(event)?;
        if let (Some(user), Some(service)) = (user, package.service()) {
            services::assigned(user, service)?;
        }
        return Ok((Packages::of(package), false));
    }
    let list = document.child("eventPackageList");
    let events: Vec<&Element> = list
        .map(|list| list.children_named("event").collect())
        .unwrap_or_default();
    if events.is_empty() || events.len() > LIST {
        return Err(Fault::Parameter("event"));
    }
    let mut packages = Packages::default();
    for event in events {
        let package = named(event)?;
        // The lab has no virtual users.
        if user.is_some() && package.is_of_virtual_users() {
            return Err(Fault::EventPackage(package.name().to_owned()));
        }
        packages = packages.and(package);
    }
    Ok((packages, true))
}

/// `subscription` and what is below it.
pub(super) fn answer(request: &EventRequest<'_>, rest: &[&str]) -> Outcome {
    match rest {
        [] => {
            only(request.ask, GET)?;
            Ok(Answer::document(list(request)))
        }
        [_] => match only(request.ask, GET_PUT_DELETE)? {
            Verb::Get => {
                let view = view(request)?;
                Ok(Answer::document(render::subscription(&view)))
            }
            Verb::Delete => delete(request),
            Verb::Post | Verb::Put => prolong(request),
        },
        _ => Err(Fault::UnknownResource),
    }
}

pub(super) fn delete(request: &EventRequest<'_>) -> Outcome {
    request.carry_out(EventAsk::Unsubscribe {
        subscription: request.subscription()?,
        any: request.by_administrator,
    })?;
    Ok(Answer::done())
}

/// The subscription in the path, when the caller may see it.
pub(super) fn view(request: &EventRequest<'_>) -> Result<SubscriptionView, Fault> {
    let id = request.subscription()?;
    let events = &request.lab.events;
    let view = events.read(|events, now| events.subscription(id, now));
    view.filter(|view| request.by_administrator || view.owner == request.owner)
        .ok_or(Fault::NotAllowed)
}

fn prolong(request: &EventRequest<'_>) -> Outcome {
    let document = request.ask.document("Subscription")?;
    let (id, expires) = (request.subscription()?, read::expires(&document)?);
    let (lab, any) = (request.lab, request.by_administrator);
    let reply = lab.calls.read(|calls| {
        let directory = || lab.store.read();
        lab.events
            .prolong(calls, &directory, &request.owner, (id, expires, any))
    });
    subscribed(reply.map_err(|refusal| request.fault(refusal))?)
}

/// The caller's subscriptions, or for the administrator all, that fit the query.
fn list(request: &EventRequest<'_>) -> Element {
    let events = &request.lab.events;
    let all = events.read(|events, now| events.all_subscriptions(now));
    let own = |view: &&SubscriptionView| request.by_administrator || view.owner == request.owner;
    let wanted = all.iter().filter(own).filter(|view| fits(request, view));
    render::subscriptions(wanted)
}

fn fits(request: &EventRequest<'_>, view: &SubscriptionView) -> bool {
    let target = render::TargetText::of(&view.target);
    let is = |name: &str, held: Option<&str>| {
        let wanted = request.ask.query.first(name);
        wanted.is_none_or(|wanted| held.is_some_and(|held| held.eq_ignore_ascii_case(wanted)))
    };
    // Lists of packages are not found by a package (specification 4.2.4.6).
    let package = view.packages.first().filter(|_| !view.list);
    is("subscriberId", Some(view.owner.id()))
        && is("targetId", target.id)
        && is("event", package.map(|package| package.name()))
        && is("extAppId", view.application.as_deref())
        && is("targetGrpParentId", target.parent)
        && is("targetEntityType", Some(target.kind))
        && is("targetSubId", target.sub)
}
