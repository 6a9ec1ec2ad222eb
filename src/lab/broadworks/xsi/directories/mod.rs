//! `directories`: people, phone lists, call logs (specification 3.5.7).

mod logs;
mod page;
mod people;
mod phones;
pub(super) mod search;

use crate::lab::broadworks::xsi::fault::Fault;
use crate::lab::broadworks::xsi::route::Outcome;
use crate::lab::broadworks::xsi::route::UserAsk;

pub(super) fn answer(ask: &UserAsk<'_>, tail: &[&str]) -> Outcome {
    match tail {
        ["enterprise"] => people::enterprise(ask),
        ["group"] => people::group(ask),
        ["enterprisecommon"] => phones::enterprise_common(ask),
        ["groupcommon"] => phones::group_common(ask),
        ["personal"] => phones::personal(ask),
        ["personal", _] => phones::remove_personal(ask),
        ["calllogs", rest @ ..] => logs::basic(ask, rest),
        ["enhancedcalllogs", rest @ ..] => logs::enhanced(ask, rest),
        _ => Err(Fault::UnknownResource),
    }
}
