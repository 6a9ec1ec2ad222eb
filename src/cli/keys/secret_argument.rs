//! Where a secret lies, as an argument. What was written is not repeated when it is wrong: it may
//! be the secret itself.

use std::ffi::OsStr;

use clap::Arg;
use clap::Command;
use clap::builder::TypedValueParser;
use clap::error::ErrorKind;

use crate::config::secret::NotASecretRef;
use crate::config::secret::SECRET_FORM;
use crate::config::secret::SecretRef;

/// Reads `file:/path`, `env:NAME` or `cred:NAME`.
#[derive(Debug, Clone, Copy)]
pub(super) struct SecretArgument;

impl TypedValueParser for SecretArgument {
    type Value = SecretRef;

    fn parse_ref(
        &self,
        command: &Command,
        argument: Option<&Arg>,
        value: &OsStr,
    ) -> Result<SecretRef, clap::Error> {
        let parsed = value
            .to_str()
            .map_or(Err(NotASecretRef::Inline), str::parse);
        parsed.map_err(|fault| {
            let fault = match fault {
                NotASecretRef::Inline => {
                    "a secret is never written on the command line; move it to a file with mode 600"
                        .to_owned()
                }
                NotASecretRef::CredentialName
                | NotASecretRef::EnvironmentName
                | NotASecretRef::RelativePath => fault.to_string(),
            };
            let argument = argument.map_or_else(String::new, |argument| format!("{argument}: "));
            let text = format!("{argument}{fault}; expected {SECRET_FORM}\n");
            clap::Error::raw(ErrorKind::ValueValidation, text).with_cmd(command)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_be_the_secret_itself_is_not_repeated() {
        let argument = Arg::new("passphrase")
            .long("passphrase")
            .value_parser(SecretArgument);
        for wrong in ["hunter2", "file:hunter2", "env:hunter2=", "cred:a/hunter2"] {
            let command = Command::new("xspd").arg(argument.clone());
            let refused = command.try_get_matches_from(["xspd", "--passphrase", wrong]);
            let text = refused.unwrap_err().to_string();
            assert!(text.contains("--passphrase"), "{text}");
            assert!(text.contains(SECRET_FORM), "{text}");
            assert!(!text.contains("hunter2"), "{text}");
        }
    }
}
