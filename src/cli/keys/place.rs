//! Where the keys lie and how they are made: from the configuration, or from the command line.

use std::path::PathBuf;
use std::time::Duration;

use crate::cli::keys::failure::Failure;
use crate::config;
use crate::config::DEFAULT_PATH;
use crate::config::Environment;
use crate::config::NamedFiles;
use crate::config::SigningAlgorithm;
use crate::domain::auth::token::TokenRules;

/// How to find the key file.
#[derive(Debug, clap::Args)]
pub(super) struct Place {
    /// The configuration whose [auth-service.key-management] names the directory
    #[arg(long, value_name = "FILE", default_value = DEFAULT_PATH)]
    config: PathBuf,
    /// The directory itself, without a configuration
    #[arg(long, value_name = "DIR", conflicts_with = "config")]
    directory: Option<PathBuf>,
}

/// What the configuration says of keys.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Settings {
    pub(super) directory: PathBuf,
    /// Length of new keys.
    pub(super) bits: u32,
    /// What new keys sign with.
    pub(super) algorithm: SigningAlgorithm,
    /// How long tokens live.
    pub(super) token_life: Duration,
}

impl Settings {
    /// Without a configuration: its defaults, and the longest life that tokens can have.
    pub(super) fn of_directory(directory: PathBuf) -> Self {
        Self {
            directory,
            bits: 3072,
            algorithm: SigningAlgorithm::Rs256,
            token_life: TokenRules::MAX_LIFE,
        }
    }

    fn of_config(service: config::AuthService) -> Self {
        Self {
            directory: service.keys.directory,
            bits: service.keys.length,
            algorithm: service.tokens.algorithm,
            token_life: service.tokens.duration,
        }
    }
}

impl Place {
    /// Reads the configuration if it is needed.
    pub(super) fn settings(&self) -> Result<Settings, Failure> {
        if let Some(directory) = &self.directory {
            return Ok(Settings::of_directory(directory.clone()));
        }
        // The files that it names are left alone: certificates are another matter.
        let loaded = config::load_with(&self.config, &Environment::process(), NamedFiles::Skip)
            .map_err(Failure::Configuration)?;
        let service = loaded.config.auth_service;
        let service = service.ok_or_else(|| Failure::NotNative(self.config.clone()))?;
        Ok(Settings::of_config(service))
    }
}
