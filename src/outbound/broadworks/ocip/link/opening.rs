//! New connections: which address, and what their failures mean.

use crate::domain::ocip::OcipFailure;
use crate::domain::ocip::Unreachable;
use crate::domain::ocip::breaker::Admission;
use crate::domain::ocip::refusal::Meaning;
use crate::domain::ocip::refusal::Refusal;
use crate::outbound::broadworks::ocip::link::Link;
use crate::outbound::broadworks::ocip::link::Probe;
use crate::outbound::broadworks::ocip::link::hold;
use crate::outbound::broadworks::ocip::session::OpenError;
use crate::outbound::broadworks::ocip::session::Session;
use crate::platform::clock;

impl Link {
    /// As one request would: opens, and gives the connection to whoever comes next. Whether it
    /// did.
    pub(in crate::outbound::broadworks::ocip) async fn probe(&self) -> bool {
        let admission = hold(&self.breaker).admit(clock::mono());
        let _probe = match admission {
            Admission::Pass => None,
            Admission::Probe => Some(Probe(self)),
            Admission::Wait(_) => return false,
        };
        match self.open_or_fail().await {
            Ok(session) => {
                self.reached();
                self.rest(session);
                true
            }
            Err(_told) => false,
        }
    }

    /// A new connection for a request; a failure is told to the breaker.
    pub(super) async fn open_or_fail(&self) -> Result<Session, OcipFailure> {
        self.open().await.map_err(|error| match error {
            OpenError::Broken(broken) => self.failed(broken),
            OpenError::Connect(_) | OpenError::Random | OpenError::Unsendable(_) => {
                self.unreached();
                OcipFailure::Unreachable(Unreachable::Connect)
            }
            OpenError::Refused(_) => {
                self.login_refused();
                OcipFailure::Unreachable(Unreachable::Login)
            }
            OpenError::Withheld => OcipFailure::Unreachable(Unreachable::Login),
        })
    }

    /// Tries the addresses in order, those that failed of late last.
    async fn open(&self) -> Result<Session, OpenError> {
        let mut last = OpenError::Random;
        for address in self.order() {
            match self.open_at(address).await {
                Ok(session) => return Ok(session),
                // The account is the same everywhere: a second attempt helps to lock it.
                Err(OpenError::Refused(refusal)) if is_about_the_account(&refusal) => {
                    return Err(OpenError::Refused(refusal));
                }
                Err(OpenError::Withheld) => return Err(OpenError::Withheld),
                Err(error) => last = error,
            }
        }
        Err(last)
    }

    /// One address.
    pub(in crate::outbound::broadworks::ocip) async fn open_at(
        &self,
        address: usize,
    ) -> Result<Session, OpenError> {
        if !hold(&self.breaker).may_log_in(clock::mono()) {
            return Err(OpenError::Withheld);
        }
        let name = self.settings.addresses.get(address);
        let name = name.map_or("", |address| address.name.as_str());
        let outcome = Session::open(&self.settings, address).await;
        let until = match &outcome {
            Ok((_, told)) => {
                self.metrics.logged_in(name, told.request, &told.login_type);
                None
            }
            Err(error) => {
                match error {
                    OpenError::Refused(refusal) => {
                        self.metrics.login_refused(name, refusal);
                        if is_about_the_account(refusal) {
                            self.login_refused();
                        }
                    }
                    OpenError::Broken(_)
                    | OpenError::Connect(_)
                    | OpenError::Random
                    | OpenError::Unsendable(_)
                    | OpenError::Withheld => self.metrics.connect_failed(name, error),
                }
                Some(clock::mono() + self.settings.rhythm.avoided)
            }
        };
        if let Some(held) = hold(&self.avoided).get_mut(address) {
            *held = until;
        }
        outcome.map(|(session, _)| session)
    }

    fn login_refused(&self) {
        let change = hold(&self.breaker).login_refused(clock::mono());
        self.tell(change);
    }

    fn order(&self) -> Vec<usize> {
        let mut order: Vec<_> = (0..self.settings.addresses.len()).collect();
        // Stable: the preference decides among equals.
        order.sort_by_key(|address| self.is_avoided(*address));
        order
    }

    pub(in crate::outbound::broadworks::ocip) fn is_avoided(&self, address: usize) -> bool {
        let until = hold(&self.avoided).get(address).copied().flatten();
        until.is_some_and(|until| until > clock::mono())
    }
}

fn is_about_the_account(refusal: &Refusal) -> bool {
    match refusal.meaning() {
        Meaning::BadCredentials
        | Meaning::Locked
        | Meaning::Unauthorized
        | Meaning::UnknownUser => true,
        Meaning::NotLoggedIn | Meaning::NotSupported | Meaning::Other => false,
    }
}
