//! Login tokens for the Xsi contexts, and the revocation of long-lived tokens.

use crate::domain::xsi::codec::Element;
use crate::lab::broadworks::BroadWorks;
use crate::lab::broadworks::directory::User;
use crate::lab::broadworks::ocip::document::Answer;
use crate::lab::broadworks::ocip::refusal::Refusal;
use crate::lab::broadworks::ocip::requests::optional;
use crate::platform::clock;

/// `ExternalAuthenticationCreateLoginTokenRequest`: the token goes with `BroadWorksSSO`.
pub(super) fn create(lab: &BroadWorks, user: &User) -> Result<Answer, Refusal> {
    let token = lab.tokens.issue(&user.id, clock::mono())?;
    let body = vec![Element::leaf("loginToken", token)];
    Ok(Answer::data(
        "ExternalAuthenticationCreateLoginTokenResponse",
        body,
    ))
}

/// `LongLivedTokenRevokeRequest`: of one user or, without `userId`, of the system.
pub(super) fn revoke(lab: &BroadWorks, body: &Element) -> Result<Answer, Refusal> {
    let user = optional(body, "userId");
    if user.is_none() && body.child("userId").is_some() {
        // An empty id must not revoke everybody's tokens.
        return Err(Refusal::missing("userId"));
    }
    if lab.revoke_tokens(user)? {
        Ok(Answer::done())
    } else {
        Err(Refusal::UserNotFound(user.unwrap_or_default().to_owned()))
    }
}
