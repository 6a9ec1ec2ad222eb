//! What tests and operators of the lab do to it without a connection.

use std::net::SocketAddr;
use std::time::Duration;
use std::time::SystemTime;

use crate::lab::broadworks::BroadWorks;
use crate::lab::broadworks::LabError;
use crate::lab::broadworks::SeedAdministrator;
use crate::lab::broadworks::directory::Directory;
use crate::lab::broadworks::ocip::OcipFaults;
use crate::lab::broadworks::seed;
use crate::platform::clock;

impl BroadWorks {
    /// The administrator for programs that provision; logs in over OCI-P only.
    #[must_use]
    pub fn provisioning_administrator(&self) -> SeedAdministrator {
        SeedAdministrator {
            id: seed::PROVISIONING_ID.to_owned(),
            password: seed::PROVISIONING_PASSWORD.to_owned(),
        }
    }

    /// The misbehaviour of the OCI-P interface.
    #[must_use]
    pub const fn ocip_faults(&self) -> &OcipFaults {
        &self.ocip.faults
    }

    /// Locks a user for a time, as too many bad passwords do. Whether there is such a user.
    pub fn lock_user(&self, id: &str, time: Duration) -> bool {
        let directory = self.store.read();
        let user = directory.user(id);
        if let Some(user) = user {
            self.ocip.lockouts.lock(&user.id, time, clock::mono());
        }
        user.is_some()
    }

    /// Ends a lock and forgets bad passwords. Whether there is such a user.
    pub fn unlock_user(&self, id: &str) -> bool {
        let directory = self.store.read();
        let user = directory.user(id);
        if let Some(user) = user {
            self.ocip.lockouts.forget(&user.id);
        }
        user.is_some()
    }

    /// Deletes a user. Whether there was one. Blocks on the disk.
    ///
    /// # Errors
    /// The state file cannot be written.
    pub fn delete_user(&self, id: &str) -> Result<bool, LabError> {
        self.store.update(|directory| {
            let key = directory.user(id).map(|user| user.id.to_lowercase());
            Ok(key.is_some_and(|key| {
                directory.provisioning.user_token_revocations.remove(&key);
                directory.users.remove(&key).is_some()
            }))
        })
    }

    /// Revokes the long-lived tokens of a user, or of all, as of now. Whether there is such a user.
    /// Blocks on the disk.
    ///
    /// # Errors
    /// The state file cannot be written.
    pub fn revoke_tokens(&self, user: Option<&str>) -> Result<bool, LabError> {
        let now = milliseconds(clock::wall());
        self.store.update(|directory| {
            let Some(id) = user else {
                directory.provisioning.token_revocation = Some(now);
                return Ok(true);
            };
            let key = directory.user(id).map(|user| user.id.to_lowercase());
            let known = key.is_some();
            if let Some(key) = key {
                directory
                    .provisioning
                    .user_token_revocations
                    .insert(key, now);
            }
            Ok(known)
        })
    }
}

/// Since 1970.
pub(super) fn milliseconds(time: SystemTime) -> i64 {
    let since = time.duration_since(SystemTime::UNIX_EPOCH);
    since.map_or(0, |since| {
        i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
    })
}

/// When the tokens of a user were revoked: the later of the system's and the user's time. For an
/// id that is no user's, the system's.
pub(super) fn token_revocation(directory: &Directory, id: &str) -> Option<i64> {
    let held = &directory.provisioning;
    let own = held.user_token_revocations.get(&id.to_lowercase()).copied();
    held.token_revocation.max(own)
}

/// Whether a password may come over this connection as it is: TLS, or not leaving the machine.
pub(super) fn may_see_passwords(encrypted: bool, peer: SocketAddr) -> bool {
    encrypted || peer.ip().to_canonical().is_loopback()
}
