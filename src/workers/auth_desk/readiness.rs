//! Whether the desk can work, for load balancers and people.

/// What is missing, in the words of `/readyz` and `ping`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Readiness {
    /// There is a key to sign with.
    pub keys: bool,
    /// The Application Server answers.
    pub application_server: bool,
    /// The identity provider answers; `None` where there is none.
    pub identity_provider: Option<bool>,
}

impl Readiness {
    /// Whether anything works at all. Without keys nothing does; without the Application Server
    /// tokens still hold for a while, so requests had better come here than nowhere.
    #[must_use]
    pub const fn is_ready(&self) -> bool {
        self.keys
    }

    /// One line for each thing that is missing.
    #[must_use]
    pub fn missing(&self) -> Vec<&'static str> {
        let lacks = [
            (
                self.keys,
                "authservice: there is no signing key on this node",
            ),
            (
                self.application_server,
                "authservice: the Application Server does not answer, or refuses our login: see the log",
            ),
            (
                self.identity_provider.unwrap_or(true),
                "authservice: the identity provider gives us no service token: see the log",
            ),
        ];
        lacks
            .into_iter()
            .filter_map(|(there, text)| (!there).then_some(text))
            .collect()
    }
}
