//! Whether a user still has the service, said by the Application Server and by nobody else.

use crate::domain::ocip::OcipFailure;
use crate::domain::ocir::INTEGRATED_IMP;
use crate::domain::ocir::profile;
use crate::domain::provisioning::ids::BwUserId;
use crate::domain::provisioning::ids::ClusterName;
use crate::domain::provisioning::profile::Profile;
use crate::outbound::broadworks::ocip::CurrentOcip;
use crate::outbound::broadworks::ocip::Ocip;

/// Asks about one user at a time; clones share the connection.
#[derive(Clone)]
pub struct Asker {
    ocip: CurrentOcip,
}

/// What is so of a user.
pub(super) enum Found {
    /// There is no such user, or it has no active service: its id, the primary one if known.
    Absent(BwUserId),
    /// It has the service.
    Present {
        profile: Box<Profile>,
        service_provider: String,
        group: String,
    },
}

impl Asker {
    pub(super) const fn new(ocip: CurrentOcip) -> Self {
        Self { ocip }
    }

    /// Whether there is an Application Server to ask about users of that cluster.
    #[must_use]
    pub fn knows(&self, cluster: &ClusterName) -> bool {
        self.ocip.of(cluster).is_some()
    }

    /// Whether the user is gone, or its service is. Whatever is not plainly said is no answer.
    ///
    /// # Errors
    /// [`OcipFailure`]; also when a reload took the Application Server away.
    pub async fn is_gone(
        &self,
        cluster: &ClusterName,
        user: &BwUserId,
    ) -> Result<bool, OcipFailure> {
        let Some(ocip) = self.ocip.of(cluster) else {
            return Err(no_answer("the cluster has no Application Server to ask"));
        };
        Ok(match found(&ocip, user).await? {
            Found::Absent(_) => true,
            Found::Present { .. } => false,
        })
    }
}

/// "Check assignment" of the field guide: user, service, activity.
pub(super) async fn found(ocip: &Ocip, user: &BwUserId) -> Result<Found, OcipFailure> {
    can_be_asked(user)?;
    let details = match ocip.user(user.as_str()).await {
        Err(OcipFailure::UnknownUser) => return Ok(Found::Absent(user.clone())),
        details => details?,
    };
    let profile = profile(user, &details)
        .map_err(|_| no_answer("the user has an id that is none, or no service provider"))?;
    can_be_asked(&profile.user)?;
    let id = profile.user.as_str();
    let assigned = match ocip.has_service(id, INTEGRATED_IMP).await {
        Err(OcipFailure::UnknownUser) => false,
        assigned => assigned?,
    };
    // By its primary id, under which it is known.
    if !assigned || !ocip.integrated_imp(id).await?.is_active {
        return Ok(Found::Absent(profile.user));
    }
    Ok(Found::Present {
        profile: Box::new(profile),
        service_provider: details.service_provider_id,
        group: details.group_id,
    })
}

/// Whether the same question may have an answer later.
#[must_use]
pub const fn passes(failure: &OcipFailure) -> bool {
    match failure {
        OcipFailure::RateLimited { .. } | OcipFailure::Timeout | OcipFailure::Unreachable(_) => {
            true
        }
        OcipFailure::BadAnswer(_)
        | OcipFailure::BadCredentials
        | OcipFailure::Locked
        | OcipFailure::Refused { .. }
        | OcipFailure::UnknownUser => false,
    }
}

/// An id that the interface cannot write would be answered as one that nobody has.
fn can_be_asked(user: &BwUserId) -> Result<(), OcipFailure> {
    let odd = |c: char| u32::from(c) > 0xff || c.is_control();
    if user.as_str().chars().any(odd) {
        Err(no_answer("the user's id cannot be sent to BroadWorks"))
    } else {
        Ok(())
    }
}

fn no_answer(why: &str) -> OcipFailure {
    OcipFailure::Refused {
        code: None,
        summary: why.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_that_cannot_be_sent_is_not_taken_for_somebody_who_is_gone() {
        let user = |id: &str| BwUserId::parse(id).unwrap();
        assert!(can_be_asked(&user("no\u{eb}l@x")).is_ok());
        let odd = can_be_asked(&user("\u{142}ukasz@x"));
        assert!(matches!(odd, Err(OcipFailure::Refused { .. })), "{odd:?}");
    }
}
