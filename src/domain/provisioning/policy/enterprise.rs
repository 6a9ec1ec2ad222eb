//! How the name of a customer is made.

use std::fmt::Write as _;

use crate::domain::provisioning::ids::NotAName;
use crate::domain::provisioning::ids::SpEnterpriseId;
use crate::domain::provisioning::profile::Profile;

/// How the name of a customer is made of a user's service provider and group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EnterpriseForm {
    parts: Vec<Part>,
    /// Upper and lower case.
    pub case: Case,
    /// What makes joined names unmistakable.
    pub escape: Escape,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Group,
    ServiceProvider,
    Text(String),
}

/// Upper and lower case of customers' names.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Case {
    /// As BroadWorks writes it.
    #[default]
    Keep,
    /// Lower.
    Lower,
}

/// What is done to `+` and `%` in the ids that a name is made of.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Escape {
    /// Nothing.
    #[default]
    None,
    /// They are written as `%2B` and `%25`, so that `a+b` and `c` differ from `a` and `b+c`.
    Percent,
}

/// A form of customers' names that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadForm {
    /// A brace without its partner.
    #[error("a brace has no partner")]
    Brace,
    /// It names no part of a user.
    #[error("it holds neither {{sp}} nor {{group}}, so that all users would be one customer")]
    Constant,
    /// A word in braces that stands for nothing.
    #[error("{{{0}}} stands for nothing; {{sp}} and {{group}} do")]
    Unknown(String),
}

/// Why a user has no customer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NoEnterprise {
    /// The form wants a group, and the user has none.
    #[error("the user has no group")]
    NoGroup,
    /// What came out is no name.
    #[error(transparent)]
    NotAName(#[from] NotAName),
}

impl Default for EnterpriseForm {
    /// `{sp}+{group}`: the form of service provider mode.
    fn default() -> Self {
        Self {
            parts: vec![
                Part::ServiceProvider,
                Part::Text("+".to_owned()),
                Part::Group,
            ],
            case: Case::default(),
            escape: Escape::default(),
        }
    }
}

impl EnterpriseForm {
    /// From text such as `Reseller1+{sp}`: `{sp}` and `{group}` are replaced, the rest stays.
    ///
    /// # Errors
    /// It cannot be read, or would give all users one name.
    pub fn parse(text: &str, case: Case, escape: Escape) -> Result<Self, BadForm> {
        let mut parts = Vec::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once('{') {
            let (word, after) = after.split_once('}').ok_or(BadForm::Brace)?;
            if before.contains('}') {
                return Err(BadForm::Brace);
            }
            if !before.is_empty() {
                parts.push(Part::Text(before.to_owned()));
            }
            parts.push(match word {
                "group" => Part::Group,
                "sp" => Part::ServiceProvider,
                other => return Err(BadForm::Unknown(other.to_owned())),
            });
            rest = after;
        }
        if rest.contains('}') {
            return Err(BadForm::Brace);
        }
        if !rest.is_empty() {
            parts.push(Part::Text(rest.to_owned()));
        }
        if parts.iter().all(|part| matches!(part, Part::Text(_))) {
            return Err(BadForm::Constant);
        }
        Ok(Self {
            parts,
            case,
            escape,
        })
    }

    /// Whether users of different groups are of different customers.
    #[must_use]
    pub fn names_the_group(&self) -> bool {
        self.parts.iter().any(|part| matches!(part, Part::Group))
    }

    /// Whether users of different service providers are of different customers.
    #[must_use]
    pub fn names_the_service_provider(&self) -> bool {
        let mut parts = self.parts.iter();
        parts.any(|part| matches!(part, Part::ServiceProvider))
    }

    /// The customer of a user.
    ///
    /// # Errors
    /// The user has no group where one is wanted, or the name would be too long.
    pub fn of(&self, profile: &Profile) -> Result<SpEnterpriseId, NoEnterprise> {
        let mut name = String::new();
        for part in &self.parts {
            match part {
                Part::Group => {
                    let group = profile.group.as_ref().ok_or(NoEnterprise::NoGroup)?;
                    self.write(&mut name, group.as_str());
                }
                Part::ServiceProvider => self.write(&mut name, profile.sp.as_str()),
                Part::Text(text) => name.push_str(text),
            }
        }
        let name = match self.case {
            Case::Keep => name,
            Case::Lower => name.to_lowercase(),
        };
        Ok(SpEnterpriseId::parse(&name)?)
    }

    fn write(&self, name: &mut String, id: &str) {
        match self.escape {
            Escape::None => name.push_str(id),
            Escape::Percent => {
                for letter in id.chars() {
                    if matches!(letter, '+' | '%') {
                        // Writing to a string cannot fail.
                        write!(name, "%{:02X}", u32::from(letter)).ok();
                    } else {
                        name.push(letter);
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_tells_what_parts_customers() {
        for (text, group, sp) in [
            ("{sp}+{group}", true, true),
            ("{sp}", false, true),
            ("R1+{group}", true, false),
        ] {
            let form = EnterpriseForm::parse(text, Case::Keep, Escape::None).unwrap();
            let told = (form.names_the_group(), form.names_the_service_provider());
            assert_eq!(told, (group, sp), "{text}");
        }
    }
}
