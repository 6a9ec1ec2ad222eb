//! The enterprise and the group directory (specification 3.5.7.7 and 3.5.7.10).

use crate::domain::xsi::codec::Element;
use crate::lab::broadworks::directory::User;
use crate::lab::broadworks::xsi::answer::Answer;
use crate::lab::broadworks::xsi::directories::page::Page;
use crate::lab::broadworks::xsi::directories::page::Sort;
use crate::lab::broadworks::xsi::directories::search;
use crate::lab::broadworks::xsi::people;
use crate::lab::broadworks::xsi::route::GET;
use crate::lab::broadworks::xsi::route::Outcome;
use crate::lab::broadworks::xsi::route::UserAsk;

pub(super) fn enterprise(ask: &UserAsk<'_>) -> Outcome {
    let users = ask.directory.colleagues(ask.user).collect();
    answer(ask, "Enterprise", "enterpriseDirectory", users)
}

pub(super) fn group(ask: &UserAsk<'_>) -> Outcome {
    let colleagues = ask.directory.colleagues(ask.user);
    let users = colleagues
        .filter(|user| user.group == ask.user.group)
        .collect();
    answer(ask, "Group", "groupDirectory", users)
}

fn answer(ask: &UserAsk<'_>, root: &str, list: &str, mut users: Vec<&User>) -> Outcome {
    ask.only(GET)?;
    let query = &ask.ask.query;
    let page = Page::parse(query)?;
    let sort = Sort::parse(query, &["lastName", "firstName", "department"])?;
    users.retain(|user| search::person(query, user));
    sort.apply(&mut users, |user, column| match column {
        "firstName" => (user.first_name.clone(), user.last_name.clone()),
        "department" => (
            user.department.clone().unwrap_or_default(),
            user.last_name.clone(),
        ),
        _ => (user.last_name.clone(), user.first_name.clone()),
    });
    let cut = page.cut(users);
    let entries = cut
        .records
        .iter()
        .map(|user| people::listed("directoryDetails", user));
    Ok(Answer::document(
        Element::xsi(root)
            .with_all(cut.counts())
            .with(Element::new(list).with_all(entries)),
    ))
}
