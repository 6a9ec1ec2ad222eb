//! Answers to our requests: channels, subscriptions, calls, monitored lists, refusals.

use crate::domain::events::document::DocumentError;
use crate::domain::events::document::call::Call;
use crate::domain::events::document::call::HookStatus;
use crate::domain::events::document::fields::Fields;
use crate::domain::events::ids::CallId;
use crate::domain::events::ids::ChannelId;
use crate::domain::events::ids::SubscriptionId;
use crate::domain::events::ids::UserId;
use crate::domain::xsi::codec::Document as Tree;
use crate::domain::xsi::codec::Encoding;
use crate::domain::xsi::codec::XSI;
use crate::domain::xsi::codec::parse_json;
use crate::domain::xsi::codec::parse_xml;

/// A channel, as answered, or as listed in its set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChannelEntry {
    /// Its id.
    pub id: ChannelId,
    /// The set that it belongs to.
    pub set: Option<Box<str>>,
    /// Seconds of life granted; always this counts, not what was asked.
    pub expires: Option<u32>,
}

/// A subscription, as answered or listed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SubscriptionEntry {
    /// Its id.
    pub id: SubscriptionId,
    /// Seconds of life left.
    pub expires: Option<u32>,
    /// Whom it is about.
    pub target: Option<UserId>,
    /// The event package, or all of them.
    pub packages: Vec<Box<str>>,
    /// Where its events go.
    pub set: Option<Box<str>>,
    /// Its application.
    pub application: Option<Box<str>>,
}

/// A refusal in the Xsi form.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ErrorInfo {
    /// Text for people, in English where there is one.
    pub summary: Option<Box<str>>,
    /// The number.
    pub code: Option<u32>,
}

/// `services/BusyLampField` of a watcher.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct BusyLampField {
    /// SIP address of the list, without `sip:`.
    pub list_uri: Option<Box<str>>,
    /// Whom he watches, in the order of the keys.
    pub monitored: Vec<MonitoredUser>,
}

/// A user on a monitored list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MonitoredUser {
    /// Who.
    pub user: UserId,
    /// First and last name, as far as told.
    pub name: Option<Box<str>>,
    /// Number.
    pub number: Option<Box<str>>,
    /// Extension.
    pub extension: Option<Box<str>>,
}

impl ChannelEntry {
    /// Answer to a channel update.
    ///
    /// # Errors
    /// It is another document, or none.
    pub fn parse(bytes: &[u8], cap: usize) -> Result<Self, DocumentError> {
        Self::read(expect(&xml(bytes, cap)?, "Channel")?)
    }

    /// Answer to `channelset/{id}`.
    ///
    /// # Errors
    /// It is another document, or none.
    pub fn parse_set(bytes: &[u8], cap: usize) -> Result<Vec<Self>, DocumentError> {
        let document = xml(bytes, cap)?;
        let set = expect(&document, "ChannelSet")?;
        set.all("channel").map(Self::read).collect()
    }

    pub(super) fn read(fields: Fields<'_>) -> Result<Self, DocumentError> {
        Ok(Self {
            id: ChannelId::new(fields.text("channelId").ok_or(DocumentError::Id)?),
            set: fields.owned("channelSetId"),
            expires: fields.number("expires"),
        })
    }
}

impl SubscriptionEntry {
    /// Answer to a request for one subscription.
    ///
    /// # Errors
    /// It is another document, or none.
    pub fn parse(bytes: &[u8], cap: usize) -> Result<Self, DocumentError> {
        Self::read(expect(&xml(bytes, cap)?, "Subscription")?)
    }

    /// Answer to `subscription?…`.
    ///
    /// # Errors
    /// It is another document, or none.
    pub fn parse_list(bytes: &[u8], cap: usize) -> Result<Vec<Self>, DocumentError> {
        let document = xml(bytes, cap)?;
        let list = expect(&document, "SubscriptionList")?;
        list.all("subscription").map(Self::read).collect()
    }

    fn read(fields: Fields<'_>) -> Result<Self, DocumentError> {
        let id = fields.text("subscriptionId").ok_or(DocumentError::Id)?;
        let list = fields
            .all("eventPackageList")
            .flat_map(|list| list.all("event").collect::<Vec<_>>());
        Ok(Self {
            id: SubscriptionId::new(id),
            expires: fields.number("expires"),
            target: fields.text("targetId").map(UserId::new),
            packages: fields
                .all("event")
                .chain(list)
                .map(|event| Box::from(event.0.text().trim()))
                .collect(),
            set: fields.owned("channelSetId"),
            application: fields.owned("applicationId"),
        })
    }
}

impl ErrorInfo {
    /// The body of a refusal; platform errors may be anything, so what is no `ErrorInfo` is `None`.
    #[must_use]
    pub fn parse(bytes: &[u8], cap: usize) -> Option<Self> {
        let document = any(bytes, cap).ok()?;
        let root = expect(&document, "ErrorInfo").ok()?;
        Some(Self::read(root))
    }

    pub(super) fn read(fields: Fields<'_>) -> Self {
        let english = fields.owned("summaryEnglish");
        Self {
            summary: english.or_else(|| fields.owned("summary")),
            code: fields.number("errorCode"),
        }
    }
}

impl BusyLampField {
    /// `services/BusyLampField`, or `…/MonitoredUserList`, as XML or JSON, in any case.
    ///
    /// # Errors
    /// It is another document, or none.
    pub fn parse(bytes: &[u8], cap: usize) -> Result<Self, DocumentError> {
        let document = any(bytes, cap)?;
        let root = Fields(document.root());
        let is = |name: &str| root.name().eq_ignore_ascii_case(name);
        let users = |list: Fields<'_>| {
            list.all("userDetails")
                .map(MonitoredUser::read)
                .collect::<Result<Vec<_>, _>>()
        };
        if !in_xsi(&document) {
            Err(DocumentError::Kind)
        } else if is("BusyLampField") {
            let list = root.child("monitoredUserList");
            Ok(Self {
                list_uri: root.owned("listURI"),
                monitored: list.map(users).transpose()?.unwrap_or_default(),
            })
        } else if is("monitoredUserList") {
            Ok(Self {
                list_uri: None,
                monitored: users(root)?,
            })
        } else {
            Err(DocumentError::Kind)
        }
    }
}

impl MonitoredUser {
    fn read(fields: Fields<'_>) -> Result<Self, DocumentError> {
        let user = fields.text("userId").ok_or(DocumentError::Id)?;
        let names: Vec<_> = ["firstName", "lastName"]
            .into_iter()
            .filter_map(|name| fields.text(name))
            .collect();
        Ok(Self {
            user: UserId::new(user),
            name: (!names.is_empty()).then(|| Box::from(names.join(" "))),
            number: fields.owned("number"),
            extension: fields.owned("extension"),
        })
    }
}

/// `user/{id}/calls`: names of the calls only.
///
/// # Errors
/// It is another document, or none.
pub fn parse_calls(bytes: &[u8], cap: usize) -> Result<Vec<CallId>, DocumentError> {
    let document = any(bytes, cap)?;
    expect(&document, "Calls")?
        .all("call")
        .map(|call| {
            call.text("callId")
                .map(CallId::new)
                .ok_or(DocumentError::Call)
        })
        .collect()
}

/// `user/{id}/calls/{callId}`.
///
/// # Errors
/// It is another document, or none.
pub fn parse_call(bytes: &[u8], cap: usize) -> Result<Call, DocumentError> {
    Call::read(expect(&any(bytes, cap)?, "Call")?)
}

/// `user/{id}/calls/HookStatus`.
///
/// # Errors
/// It is another document, or none.
pub fn parse_hook(bytes: &[u8], cap: usize) -> Result<HookStatus, DocumentError> {
    let document = any(bytes, cap)?;
    let word = expect(&document, "HookStatus")?.text("hookStatus");
    word.and_then(HookStatus::parse).ok_or(DocumentError::Kind)
}

fn xml(bytes: &[u8], cap: usize) -> Result<Tree, DocumentError> {
    Ok(parse_xml(bytes, cap, None)?)
}

/// XML or JSON, by its first character.
fn any(bytes: &[u8], cap: usize) -> Result<Tree, DocumentError> {
    let json = bytes.trim_ascii_start().first() == Some(&b'{');
    if json {
        return Ok(parse_json(bytes, cap)?);
    }
    // Answers of Xsi-Actions name ISO-8859-1 in their declaration (Xsi-Actions field page, 1.3).
    let charset: Option<Encoding> = None;
    Ok(parse_xml(bytes, cap, charset)?)
}

fn in_xsi(document: &Tree) -> bool {
    document.root().namespace().is_none_or(|space| space == XSI)
}

fn expect<'a>(document: &'a Tree, name: &str) -> Result<Fields<'a>, DocumentError> {
    if in_xsi(document) && document.root().local() == name {
        Ok(Fields(document.root()))
    } else {
        Err(DocumentError::Kind)
    }
}
