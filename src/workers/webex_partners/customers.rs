//! The calls of one partner about whole customers: directory sync, people, organisations.

use crate::domain::provisioning::customer::Organization;
use crate::domain::provisioning::customer::PeopleFilter;
use crate::domain::provisioning::customer::Person;
use crate::domain::provisioning::customer::UserSync;
use crate::domain::provisioning::ids::BwUserId;
use crate::domain::provisioning::ids::OrgId;
use crate::domain::provisioning::ids::PersonId;
use crate::domain::provisioning::ids::WebexEnterpriseId;
use crate::domain::provisioning::webex::CallFailure;
use crate::domain::provisioning::webex::DirectorySync;
use crate::outbound::webex::api::enterprises;
use crate::outbound::webex::api::organizations;
use crate::outbound::webex::api::people;
use crate::workers::webex_partners::partner::WebexPartner;

impl WebexPartner {
    /// How the directory sync of an enterprise stands.
    ///
    /// # Errors
    /// It could not be had.
    pub async fn directory_sync(
        &self,
        id: &WebexEnterpriseId,
    ) -> Result<DirectorySync, CallFailure> {
        let reply = self.exchange(&enterprises::directory_sync(id), None).await;
        enterprises::read_sync(&reply?)
    }

    /// Turns the directory sync of an enterprise on or off.
    ///
    /// # Errors
    /// It could not be done.
    pub async fn set_directory_sync(
        &self,
        id: &WebexEnterpriseId,
        on: bool,
    ) -> Result<DirectorySync, CallFailure> {
        let request = enterprises::set_directory_sync(id, on);
        enterprises::read_sync(&self.exchange(&request, None).await?)
    }

    /// Begins a directory sync of an enterprise.
    ///
    /// # Errors
    /// It could not be done.
    pub async fn sync_directory(
        &self,
        id: &WebexEnterpriseId,
    ) -> Result<DirectorySync, CallFailure> {
        let request = enterprises::trigger_directory_sync(id);
        enterprises::read_sync(&self.exchange(&request, None).await?)
    }

    /// Syncs one user of an enterprise's directory.
    ///
    /// # Errors
    /// It could not be done.
    pub async fn sync_user(
        &self,
        id: &WebexEnterpriseId,
        user: &BwUserId,
    ) -> Result<UserSync, CallFailure> {
        let request = enterprises::sync_user(id, user);
        enterprises::read_user(&self.exchange(&request, None).await?)
    }

    /// One person.
    ///
    /// # Errors
    /// It could not be had.
    pub async fn person(&self, id: &PersonId) -> Result<Person, CallFailure> {
        people::read_one(&self.exchange(&people::get(id), None).await?)
    }

    /// All people that match.
    ///
    /// # Errors
    /// A page of the list could not be had.
    pub async fn people(&self, filter: &PeopleFilter) -> Result<Vec<Person>, CallFailure> {
        self.whole(&people::list(filter), people::read_list).await
    }

    /// One organisation.
    ///
    /// # Errors
    /// It could not be had.
    pub async fn organization(&self, id: &OrgId) -> Result<Organization, CallFailure> {
        organizations::read_one(&self.exchange(&organizations::get(id), None).await?)
    }

    /// Deletes an organisation, for good.
    ///
    /// # Errors
    /// It could not be done.
    pub async fn delete_organization(&self, id: &OrgId) -> Result<(), CallFailure> {
        self.exchange(&organizations::delete(id), None)
            .await
            .map(drop)
    }
}
