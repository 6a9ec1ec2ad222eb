//! How many channels are open: in all, for each user and for each application.

use std::collections::HashMap;

/// The most of each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Most {
    /// In all.
    pub all: usize,
    /// For one user.
    pub user: usize,
    /// For one application id.
    pub application: usize,
}

/// Which limit is reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Full {
    /// That of all.
    All,
    /// The application's.
    Application,
    /// The user's.
    User,
}

/// Whose a channel is; hashes, 0 for an application that is not named.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Owner {
    /// The user.
    pub user: u64,
    /// The application.
    pub application: u64,
}

/// The count. It knows only who has a channel open, so its size follows that of `all`.
#[derive(Debug, Default)]
pub struct Crowd {
    all: usize,
    users: HashMap<u64, usize>,
    applications: HashMap<u64, usize>,
}

impl Crowd {
    /// Counts a channel in.
    ///
    /// # Errors
    /// The limit that it would pass.
    pub fn enter(&mut self, owner: Owner, most: &Most) -> Result<(), Full> {
        let held = |counts: &HashMap<u64, usize>, key| counts.get(&key).copied().unwrap_or(0);
        if self.all >= most.all {
            return Err(Full::All);
        }
        if held(&self.users, owner.user) >= most.user {
            return Err(Full::User);
        }
        if owner.application != 0 {
            if held(&self.applications, owner.application) >= most.application {
                return Err(Full::Application);
            }
            *self.applications.entry(owner.application).or_insert(0) += 1;
        }
        *self.users.entry(owner.user).or_insert(0) += 1;
        self.all += 1;
        Ok(())
    }

    /// Counts a channel out that was counted in.
    pub fn leave(&mut self, owner: Owner) {
        self.all = self.all.saturating_sub(1);
        less(&mut self.users, owner.user);
        less(&mut self.applications, owner.application);
    }
}

fn less(counts: &mut HashMap<u64, usize>, key: u64) {
    if let Some(count) = counts.get_mut(&key) {
        *count = count.saturating_sub(1);
        if *count == 0 {
            counts.remove(&key);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_limit_holds_by_itself_and_places_come_back() {
        let most = Most {
            all: 3,
            user: 2,
            application: 2,
        };
        let owner = |user, application| Owner { user, application };
        let mut crowd = Crowd::default();
        assert_eq!(crowd.enter(owner(1, 9), &most), Ok(()));
        assert_eq!(crowd.enter(owner(1, 0), &most), Ok(()));
        assert_eq!(crowd.enter(owner(1, 0), &most), Err(Full::User));
        assert_eq!(crowd.enter(owner(2, 9), &most), Ok(()));
        assert_eq!(crowd.enter(owner(3, 0), &most), Err(Full::All));
        crowd.leave(owner(1, 0));
        assert_eq!(crowd.enter(owner(3, 9), &most), Err(Full::Application));
        assert_eq!(crowd.enter(owner(3, 8), &most), Ok(()));
        for owner in [owner(1, 9), owner(2, 9), owner(3, 8)] {
            crowd.leave(owner);
        }
        assert_eq!(crowd.all, 0);
        assert!(crowd.users.is_empty() && crowd.applications.is_empty());
    }
}
