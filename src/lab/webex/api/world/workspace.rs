//! Workspaces, which are users of BroadWorks that no person owns.

use uuid::Uuid;

use crate::lab::webex::api::world::At;
use crate::lab::webex::api::world::Refusal;
use crate::lab::webex::api::world::World;
use crate::lab::webex::api::world::provision::TAKEN;

/// A workspace to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::lab::webex) struct NewWorkspace {
    pub(in crate::lab::webex) provisioning_id: String,
    pub(in crate::lab::webex) user: String,
    pub(in crate::lab::webex) enterprise: String,
    pub(in crate::lab::webex) display_name: String,
    pub(in crate::lab::webex) phone: Option<String>,
    pub(in crate::lab::webex) extension: Option<String>,
}

/// A workspace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::lab::webex) struct Workspace {
    pub(in crate::lab::webex) of: NewWorkspace,
    pub(in crate::lab::webex) created: At,
}

impl World {
    /// Makes a workspace of a customer that is there.
    pub(in crate::lab::webex) fn add_workspace(
        &mut self,
        of: NewWorkspace,
    ) -> Result<(Uuid, &Workspace), Refusal> {
        if self.template(&of.provisioning_id).is_none() {
            return Err(Refusal::absent("Provisioning ID"));
        }
        let enterprise = self.enterprises.get(&of.enterprise.to_lowercase());
        if enterprise.is_none_or(|held| held.organization().is_none()) {
            return Err(Refusal::absent("Enterprise"));
        }
        self.check_workspace_user(&of.user, None)?;
        let id = self.name();
        let created = self.now;
        let held = self.workspaces.entry(id);
        Ok((id, held.or_insert(Workspace { of, created })))
    }

    /// Changes a workspace; what is absent stays, an empty text takes away.
    pub(in crate::lab::webex) fn update_workspace(
        &mut self,
        id: Uuid,
        user: Option<String>,
        phone: Option<String>,
        extension: Option<String>,
    ) -> Result<&Workspace, Refusal> {
        if let Some(user) = &user {
            self.check_workspace_user(user, Some(id))?;
        }
        let held = self.workspaces.get_mut(&id);
        let held = held.ok_or_else(|| Refusal::absent("Workspace"))?;
        if let Some(user) = user {
            held.of.user = user;
        }
        for (own, change) in [
            (&mut held.of.phone, phone),
            (&mut held.of.extension, extension),
        ] {
            if let Some(text) = change {
                *own = Some(text).filter(|text| !text.is_empty());
            }
        }
        Ok(held)
    }

    /// Takes a workspace away.
    pub(in crate::lab::webex) fn remove_workspace(&mut self, id: Uuid) -> Result<(), Refusal> {
        let gone = self.workspaces.remove(&id);
        gone.map(drop).ok_or_else(|| Refusal::absent("Workspace"))
    }

    /// All of them.
    pub(in crate::lab::webex) fn workspaces(&self) -> impl Iterator<Item = (Uuid, &Workspace)> {
        self.workspaces.iter().map(|(id, held)| (*id, held))
    }

    fn check_workspace_user(&self, user: &str, but: Option<Uuid>) -> Result<(), Refusal> {
        let mut others = self.workspaces().filter(|(id, _)| Some(*id) != but);
        let taken = others.any(|(_, held)| held.of.user.eq_ignore_ascii_case(user));
        if taken || self.user_taken(user, None) {
            let text = "The BroadWorks UserID is already associated with an existing user";
            return Err(Refusal::conflict(Some(TAKEN), text));
        }
        Ok(())
    }
}
