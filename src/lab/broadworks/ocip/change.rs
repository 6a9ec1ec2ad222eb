//! Carries out what changes something. A change of a user's messaging happens only when the
//! messaging server agrees.

use std::sync::Arc;

use crate::domain::xsi::codec::Element;
use crate::lab::broadworks::BroadWorks;
use crate::lab::broadworks::directory::Directory;
use crate::lab::broadworks::imp;
use crate::lab::broadworks::imp::Failure;
use crate::lab::broadworks::ocip::document::Answer;
use crate::lab::broadworks::ocip::refusal::Refusal;
use crate::lab::broadworks::ocip::requests;
use crate::lab::broadworks::ocip::requests::Act;
use crate::lab::broadworks::ocip::requests::Change;
use crate::lab::broadworks::ocip::requests::Kind;
use crate::platform::tasks::Tasks;

/// Carries out a request that changes something. The caller's right to it is proven.
pub(super) async fn carry_out(
    lab: &Arc<BroadWorks>,
    tasks: &Tasks,
    act: Act,
    body: &Element,
) -> Result<Answer, Refusal> {
    let user = body.child_text("userId").unwrap_or_default();
    // Nobody else changes the user while the messaging server thinks about it.
    let _turn = lab.imp.turn(user).await;
    let directory = lab.store.read();
    match requests::change(&directory, act, body) {
        None => {}
        Some(change) => tell(lab, &directory, &change?).await?,
    }
    let (lab, body) = (Arc::clone(lab), body.clone());
    let change = tasks.blocking(move || commit(&lab, act, &body));
    change.await.unwrap_or(Err(Refusal::Internal))
}

async fn tell(lab: &BroadWorks, directory: &Directory, change: &Change) -> Result<(), Refusal> {
    for (server, order) in imp::orders(directory, &change.before, change.after.as_ref()) {
        let propagate = directory.provisioning.propagate_errors;
        let told = lab.imp.tell(&server, &order).await;
        told.map_err(|failure| match failure {
            Failure::Refused(text) => Refusal::Messaging(propagate.then_some(text)),
            Failure::Unreachable(text) => Refusal::MessagingUnreachable(propagate.then_some(text)),
        })?;
    }
    Ok(())
}

/// Blocks on the disk.
fn commit(lab: &BroadWorks, act: Act, body: &Element) -> Result<Answer, Refusal> {
    let changed = lab.store.update(|directory| {
        let Some(change) = requests::change(directory, act, body) else {
            return Ok(false);
        };
        let Change { before, after } = change?;
        let key = before.id.to_lowercase();
        directory.users.remove(&key);
        match after {
            Some(after) => {
                directory.users.insert(after.id.to_lowercase(), after);
            }
            None => {
                directory.provisioning.user_token_revocations.remove(&key);
            }
        }
        Ok::<_, Refusal>(true)
    })?;
    if changed {
        Ok(Answer::done())
    } else {
        requests::answer(lab, act, body)
    }
}

impl BroadWorks {
    /// Has the users of a service provider, or with `None` of the system, provisioned at a
    /// messaging server, as an administrator does over OCI-P. Blocks on the disk.
    ///
    /// # Errors
    /// The summary of the refusal.
    pub fn use_messaging(
        &self,
        service_provider: Option<&str>,
        url: &str,
        account: &str,
        password: &str,
    ) -> Result<(), String> {
        let server = server(url, account, password);
        let (name, body) = match service_provider {
            Some(id) => (
                "ServiceProviderIntegratedIMPModifyRequest",
                Element::new("command")
                    .with_leaf("serviceProviderId", id)
                    .with_leaf("useSystemMessagingServer", "false")
                    .with_all(server),
            ),
            None => (
                "SystemBroadCloudModifyRequest",
                Element::new("command")
                    .with_all(server)
                    .with_leaf("enableSynchronization", "true"),
            ),
        };
        self.as_administrator(name, &body)
    }

    /// The same for the users of a reseller's service providers and enterprises. Blocks on the
    /// disk.
    ///
    /// # Errors
    /// The summary of the refusal.
    pub fn use_reseller_messaging(
        &self,
        reseller: &str,
        url: &str,
        account: &str,
        password: &str,
    ) -> Result<(), String> {
        let body = Element::new("command")
            .with_leaf("resellerId", reseller)
            .with_leaf("useSystemMessagingServer", "false")
            .with_all(server(url, account, password));
        self.as_administrator("ResellerIntegratedIMPModifyRequest", &body)
    }

    fn as_administrator(&self, name: &str, body: &Element) -> Result<(), String> {
        let act = Kind::parse(name).map(Kind::act);
        let act = act.ok_or_else(|| "no such request".to_owned())?;
        commit(self, act, body).map_err(|refusal| refusal.summary())?;
        let by = self.store.read().administrator.id.clone();
        self.ocir.report(&by, name, body);
        Ok(())
    }

    /// Gives a user Integrated IM&P or takes it away, as an administrator does over OCI-P; with
    /// the Application Server's own words when it refuses.
    ///
    /// # Errors
    /// The summary of the refusal, as `[Error 18215] …`.
    pub async fn assign_imp(
        self: &Arc<Self>,
        user: &str,
        assigned: bool,
        tasks: &Tasks,
    ) -> Result<(), String> {
        let name = if assigned {
            "UserServiceAssignListRequest"
        } else {
            "UserServiceUnassignListRequest"
        };
        let body = Element::new("command")
            .with_leaf("userId", user)
            .with_leaf("serviceName", "Integrated IMP");
        self.administer(name, &body, tasks).await
    }

    /// Carries out a request of OCI-P that changes something, as an administrator.
    ///
    /// # Errors
    /// The summary of the refusal, as `[Error 18215] …`.
    pub async fn administer(
        self: &Arc<Self>,
        name: &str,
        body: &Element,
        tasks: &Tasks,
    ) -> Result<(), String> {
        let kind = Kind::parse(name).ok_or_else(|| format!("no such request: {name}"))?;
        kind.check(body).map_err(|refusal| refusal.summary())?;
        let outcome = carry_out(self, tasks, kind.act(), body).await;
        outcome.map_err(|refusal| refusal.summary())?;
        let by = self.store.read().administrator.id.clone();
        self.ocir.report(&by, name, body);
        Ok(())
    }
}

fn server(url: &str, account: &str, password: &str) -> [Element; 3] {
    let server = [
        ("provisioningUrl", url),
        ("provisioningUserId", account),
        ("provisioningPassword", password),
    ];
    server.map(|(name, text)| Element::leaf(name, text))
}
