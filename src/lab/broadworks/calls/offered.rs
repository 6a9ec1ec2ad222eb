//! What a call is before the services of the called user have said what becomes of it: told as an
//! arrival, and shown in no list of calls.

use crate::domain::machine::Now;
use crate::lab::broadworks::calls::command::Action;
use crate::lab::broadworks::calls::command::Arrival;
use crate::lab::broadworks::calls::dialling::Target;
use crate::lab::broadworks::calls::half::Leg;
use crate::lab::broadworks::calls::half::Owner;
use crate::lab::broadworks::calls::leg::LegId;
use crate::lab::broadworks::calls::leg::LegView;
use crate::lab::broadworks::calls::leg::Reason;
use crate::lab::broadworks::calls::leg::Redirect;
use crate::lab::broadworks::calls::leg::ReleasedBy;
use crate::lab::broadworks::calls::leg::State;
use crate::lab::broadworks::calls::machine::Calls;
use crate::lab::broadworks::calls::machine::milliseconds;
use crate::lab::broadworks::calls::party::Party;
use crate::lab::broadworks::calls::services::Decision;
use crate::lab::broadworks::directory::User;

impl Calls {
    /// The leg with which the user's phone will ring if it comes to that, and its id.
    pub(super) fn offered(&mut self, from: LegId, user: &User, now: Now) -> (LegId, Leg) {
        let id = self.called(from, user, now);
        // Until it rings it is no call of the user.
        let leg = self.legs.remove(&id);
        let leg = leg.unwrap_or_else(|| unreachable!("it was made a line above"));
        let view = self.view(id, &leg);
        self.arrived(user, Arrival::Offered, view);
        (id, leg)
    }

    /// Tells of an offered leg that does not ring; one that does is given back.
    pub(super) fn answered_for(
        &mut self,
        id: LegId,
        leg: Leg,
        user: &User,
        decision: &Decision,
        now: Now,
    ) -> Option<(LegId, Leg)> {
        let mut view = self.view(id, &leg);
        let time = milliseconds(now).max(leg.times.start);
        let mut redirect = |address: String, reason: Reason| {
            view.redirect = Some(Redirect {
                address,
                reason,
                time,
            });
            view.state = State::Detached;
            view.times.detached = Some(time);
        };
        let arrival = match decision {
            Decision::Forward { to, reason } => {
                let address = if to.contains(':') {
                    to.clone()
                } else {
                    format!("tel:{to}")
                };
                redirect(address, *reason);
                Arrival::Redirected
            }
            Decision::Reject(cause) => {
                view.cause = Some(*cause);
                view.released_by = Some(ReleasedBy::Local);
                view.times.release = Some(time);
                Arrival::Refused
            }
            Decision::Ring(_) => return Some((id, leg)),
            Decision::VoiceMail(reason) => {
                redirect(format!("sip:{}", user.id), *reason);
                Arrival::Redirected
            }
        };
        self.arrived(user, arrival, view);
        None
    }

    fn arrived(&mut self, user: &User, arrival: Arrival, mut view: LegView) {
        view.can_answer = false;
        self.push(Action::Arrival {
            user: user.id.clone(),
            arrival,
            leg: Box::new(view),
        });
    }

    /// Shows a leg that is about to dial whom it will reach, as far as that is known.
    pub(super) fn show_target(&mut self, id: LegId, target: &Target) {
        match target {
            Target::Outside(number) => self.show(id, &Owner::Outside(Party::outside(number))),
            Target::User(user) => self.show(id, &Owner::User(user.clone())),
        }
    }
}
