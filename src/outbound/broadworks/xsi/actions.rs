//! Xsi-Actions: lists, snapshots, pick-up, and what the requirement check asks.

use bytes::Bytes;
use http::Method;

use crate::outbound::broadworks::xsi::XsiClient;
use crate::outbound::broadworks::xsi::XsiFailure;
use crate::outbound::broadworks::xsi::call::To;
use crate::outbound::broadworks::xsi::target::ACTIONS;
use crate::outbound::broadworks::xsi::target::query_value;
use crate::outbound::broadworks::xsi::target::segment;

impl XsiClient {
    /// The busy lamp field of a user: whom it watches.
    ///
    /// # Errors
    /// [`XsiFailure`].
    pub async fn busy_lamp_field(&self, user: &str) -> Result<Bytes, XsiFailure> {
        self.get(user, "/services/BusyLampField").await
    }

    /// The calls of a user, by id only.
    ///
    /// # Errors
    /// [`XsiFailure`].
    pub async fn calls(&self, user: &str) -> Result<Bytes, XsiFailure> {
        self.get(user, "/calls").await
    }

    /// One call of a user.
    ///
    /// # Errors
    /// [`XsiFailure`]; 404 when it is over.
    pub async fn call(&self, user: &str, call: &str) -> Result<Bytes, XsiFailure> {
        let call = segment(call)?;
        self.get(user, &format!("/calls/{call}")).await
    }

    /// Whether the phone of a user is off hook.
    ///
    /// # Errors
    /// [`XsiFailure`].
    pub async fn hook_status(&self, user: &str) -> Result<Bytes, XsiFailure> {
        self.get(user, "/calls/HookStatus").await
    }

    /// The profile of a user.
    ///
    /// # Errors
    /// [`XsiFailure`].
    pub async fn profile(&self, user: &str) -> Result<Bytes, XsiFailure> {
        self.get(user, "/profile").await
    }

    /// The services of a user.
    ///
    /// # Errors
    /// [`XsiFailure`].
    pub async fn services(&self, user: &str) -> Result<Bytes, XsiFailure> {
        self.get(user, "/services").await
    }

    /// Picks up the call that rings at `address` (an extension or a number) for a user. Never
    /// repeated: it moves a call.
    ///
    /// # Errors
    /// [`XsiFailure`].
    pub async fn directed_call_pickup(
        &self,
        user: &str,
        address: &str,
    ) -> Result<Bytes, XsiFailure> {
        let address = query_value(address);
        let user = segment(user)?;
        let path = format!("{ACTIONS}/user/{user}/calls/DirectedCallPickup?address={address}");
        self.ask(To::Any, Method::POST, &path, Bytes::new()).await
    }

    async fn get(&self, user: &str, below: &str) -> Result<Bytes, XsiFailure> {
        let path = format!("{ACTIONS}/user/{}{below}", segment(user)?);
        self.ask(To::Any, Method::GET, &path, Bytes::new()).await
    }
}
