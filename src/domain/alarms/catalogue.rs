//! What a NOC has to know of each alarm before it happens: how bad it is by itself, of which part
//! it is, what to do, when it is over, and how it is believed.

use crate::domain::alarms::impact::Impact;
use crate::domain::alarms::impact::Urgency;
use crate::domain::alarms::name::AlarmName;
use crate::domain::alarms::severity::Severity;

/// When what a watcher says is believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hold {
    /// At first sight: it is an event, or its watcher has waited already.
    Once,
    /// After some equal looks, or when nobody has said otherwise for a while: its watcher speaks
    /// when something changes.
    Stands,
}

/// What is known of an alarm beforehand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entry {
    /// Which.
    pub name: AlarmName,
    /// How bad it is where its watcher does not know better.
    pub severity: Severity,
    /// The part of xspd or of the neighbourhood that it is about.
    pub component: &'static str,
    /// How much of the environment is affected.
    pub impact: Impact,
    /// How pressing; `None`: as its severity says.
    pub urgency: Option<Urgency>,
    /// When it is believed.
    pub hold: Hold,
    /// What to do.
    pub action: &'static str,
    /// When it is over.
    pub clears: &'static str,
}

/// The step of an alarm about nodes that differ that is about files in one place.
pub const FILES: &str = "files";

impl Entry {
    /// What to do at a step of it; nearly all steps want the same.
    #[must_use]
    pub fn action_at(&self, step: &str) -> &'static str {
        if self.name == AlarmName::CertificateNodesDiffer && step == FILES {
            "Of the files that the text names, renew the one that is in use where it lies, and remove \
             what is not; a pattern in `[[certificate]]` can leave archives out."
        } else {
            self.action
        }
    }
}

/// What is known of an alarm.
#[must_use]
#[expect(
    clippy::too_many_lines,
    reason = "it is a table, and each name has its row"
)]
pub const fn entry(name: AlarmName) -> Entry {
    use AlarmName as A;
    use Hold::Once;
    use Hold::Stands;
    use Impact::Individualised;
    use Impact::Large;
    use Impact::Localised;
    use Impact::Widespread;
    use Severity::Critical;
    use Severity::High;
    use Severity::Informational;
    use Severity::Low;
    use Severity::Medium;
    let (severity, component, impact, urgency, hold, action, clears) = match name {
        A::CertificateExpiring => (
            Medium,
            "certificates",
            Widespread,
            None,
            Stands,
            "`xspd certs show OBJECT` tells what and when, `xspd certs plan` the window. Order: `xspd \
             certs csr --for OBJECT`; then `xspd certs import FILE --for OBJECT`, `xspd certs \
             activate OBJECT`.",
            "a newer certificate is served",
        ),
        A::CertificateExpired => (
            Critical,
            "certificates",
            Widespread,
            None,
            Stands,
            "Install a valid certificate now: `xspd certs import FILE --for OBJECT`, then `xspd certs \
             activate OBJECT`; `xspd certs rollback OBJECT` if the one before it is still valid.",
            "a valid certificate is served",
        ),
        A::CertificateNotYetValid => (
            High,
            "certificates",
            Widespread,
            None,
            Stands,
            "Compare the clock of this host (`timedatectl`) with the certificate's first day; go \
             back to the certificate before it: `xspd certs rollback OBJECT`.",
            "its first day has come, or another certificate is served",
        ),
        A::CertificateRenewalFailed => (
            Medium,
            "certificates",
            Widespread,
            None,
            Stands,
            "Read the reason in the text and the log. Of an automatic renewal: mend it (port 80, DNS, \
             account, rate limit) and try at once, `xspd certs renew OBJECT`. Of an activation that \
             was put off: `xspd certs activate OBJECT`.",
            "a renewal or an activation succeeds",
        ),
        A::CertificateNotDeployed => (
            Medium,
            "certificates",
            Large,
            None,
            Stands,
            "The file holds another certificate than is served: `systemctl reload xspd`, read the \
             log for the reason of a refusal; on other servers load the file there.",
            "file and served certificate agree",
        ),
        A::CertificateChainInvalid => (
            High,
            "certificates",
            Widespread,
            None,
            Stands,
            "`xspd certs show OBJECT` tells which certificate of the chain is missing or out of \
             order; get the issuer's intermediate, and import the whole chain again: `xspd certs \
             import FILE --for OBJECT`.",
            "the chain verifies",
        ),
        A::CertificateUnsuitable => (
            Medium,
            "certificates",
            Large,
            None,
            Stands,
            "The text says what does not fit (key, names, purpose, strength, issuer); order a \
             certificate that does: `xspd certs csr --for OBJECT`.",
            "a fitting certificate is served",
        ),
        A::CertificateEkuChanged => (
            Medium,
            "certificates",
            Large,
            None,
            Stands,
            "The new certificate lacks a purpose that the old one had. If it is also used as a \
             client, make one of its own: `xspd certs issue-bridge-client --ca DIR --common-name NAME \
             --out DIR`.",
            "a certificate with the purpose is served, or the role no longer needs it",
        ),
        A::CertificateRevoked => (
            Critical,
            "certificates",
            Widespread,
            None,
            Stands,
            "Find out why from the issuer, then replace key and certificate: `xspd certs csr --for \
             OBJECT` makes a new key; then import and activate what the CA delivers.",
            "another certificate is served",
        ),
        A::CertificateSourceLost => (
            Medium,
            "certificates",
            Localised,
            None,
            Stands,
            "A watched file or endpoint can no longer be read: look at path, permissions and reach; \
             if it is gone for good, take it out of the configuration.",
            "it can be read again, or is no longer configured",
        ),
        A::CertificateNodesDiffer => (
            Medium,
            "certificates",
            Localised,
            None,
            Stands,
            "One node serves another certificate than the others: install the same there and reload \
             it.",
            "all nodes serve the same",
        ),
        A::CrlStale => (
            Medium,
            "certificates",
            Localised,
            None,
            Stands,
            "The revocation list was not renewed by its issuer or not fetched here: get the current \
             one and put it in its place.",
            "a current list is read",
        ),
        A::TrustAnchorExpiring => (
            Medium,
            "trust",
            Widespread,
            None,
            Stands,
            "Download the new Webex chain from Partner Hub and install it beside the old one: `xspd \
             trust import FILE --into DIR`.",
            "the anchor is removed; with a successor beside it, it is informational",
        ),
        A::TrustAnchorExpired => (
            High,
            "trust",
            Widespread,
            None,
            Stands,
            "Webex is refused as soon as it uses this anchor's chain alone: install the current \
             chain (`xspd trust import FILE --into DIR`) and remove the old file.",
            "the anchor is removed or replaced",
        ),
        A::WebexTrustChainNewVersion => (
            Informational,
            "trust",
            Widespread,
            Some(Urgency::Low),
            Once,
            "Compare it with `xspd trust diff OLD NEW`; both chains are trusted. Keep the old one until it \
             is reported unused.",
            "the old generation is removed",
        ),
        A::TrustGenerationUnused => (
            Informational,
            "trust",
            Widespread,
            Some(Urgency::Low),
            Stands,
            "Remove the old chain's file from the trust directory; `xspd trust show DIR` tells when it \
             was last used.",
            "it is removed, or used again",
        ),
        A::InternalCaRenewalFailed => (
            Medium,
            "certificates",
            Large,
            None,
            Once,
            "The certificate that the bridge shows to the XSPs stays as it is until it \
             ends. Read the reason in the text; mend it (key of the CA, disk, \
             an XSP that does not trust the CA) and try at once: `xspd certs renew \
             OBJECT`.",
            "a renewal succeeds",
        ),
        A::InternalCaRotationDue => (
            Medium,
            "certificates",
            Large,
            None,
            Stands,
            "Make the next CA, `xspd certs rotate-internal-ca prepare`, and install both \
             anchors on every XSP as it says; then `xspd certs rotate-internal-ca \
             activate`, which tries it at each XSP first.",
            "a CA that lasts longer is in use",
        ),
        A::InternalCaGenerationUnused => (
            Informational,
            "certificates",
            Large,
            None,
            Stands,
            "Remove the old CA: `xspd certs rotate-internal-ca retire`, and its anchor \
             from the trusts of every XSP.",
            "it is removed, or used again",
        ),
        A::KeyAging => (
            Low,
            "keys",
            Large,
            None,
            Stands,
            "Make a new key and let both be valid for a while: `xspd keys rotate`.",
            "a younger key is in use",
        ),
        A::OauthTokenExpiring => (
            Medium,
            "webex",
            Large,
            None,
            Stands,
            "Webex forgets a refresh token that is not used for its lifetime. See the log for why it \
             is not renewed; if it lapses, authorise the integration anew and put the new token in \
             its file.",
            "the token is renewed",
        ),
        A::ServiceTokenFailing => (
            High,
            "auth",
            Widespread,
            None,
            Stands,
            "Users cannot sign in once the present token ends. Read the reason in the log; look at \
             the credentials of [auth-service.cisco] and at the way to Webex (`curl -v \
             https://idbroker.webex.com`).",
            "a service token is got",
        ),
        A::MtlsClientRejected => (
            High,
            "edge",
            Widespread,
            None,
            Stands,
            "Webex is refused at the handshake; the text has the reason. Mostly the Webex chain is \
             missing: `xspd trust show DIR`, `xspd trust import FILE --into DIR`.",
            "for ten minutes hardly any is refused any more",
        ),
        A::CtiSessionsMissing => (
            High,
            "cti",
            Widespread,
            None,
            Once,
            "Call control in the Webex app does not work. See `xspd cti sessions` and the log for \
             refused handshakes; check firewall and DNS of the CTI name from outside.",
            "a CTI session of Webex is open",
        ),
        A::XspUnreachable => (
            High,
            "broadworks",
            Large,
            None,
            Stands,
            "Ask the XSP itself: `curl -vk https://XSP/` from this host; on it `bwcli`, `showrun`, \
             `healthmon`. The text has the failure of the last check.",
            "the XSP answers its checks",
        ),
        A::AsUnreachable => (
            High,
            "broadworks",
            Large,
            None,
            Stands,
            "Look at the way to the Application Server (address, port 2208 or 2209, OCI-P access \
             list, account) and at the server: `healthmon`, `bwcli`.",
            "the Application Server answers",
        ),
        A::WebexApiUnreachable => (
            High,
            "webex",
            Large,
            None,
            Stands,
            "Look at https://status.webex.com, at proxy and DNS, and whether the token is renewed; \
             work waits and goes on by itself.",
            "the Webex APIs answer",
        ),
        A::EventChannelLost => (
            Medium,
            "events",
            Localised,
            None,
            Stands,
            "Busy lamps of the service provider are not current. It is opened again by itself; if it \
             stays, look at its account and at the XSP: `xspd blf check USER`.",
            "the channel is open",
        ),
        A::BlfSubscriptionLost => (
            Low,
            "events",
            Individualised,
            None,
            Stands,
            "Busy lamps are not current for some lines. `xspd blf check USER` tells what BroadWorks \
             lacks; it is subscribed again by itself.",
            "the subscriptions are there",
        ),
        A::ProvisioningFailed => (
            Medium,
            "provisioning",
            Individualised,
            Some(Urgency::Medium),
            Stands,
            "`xspd provision attention` lists the reasons and what to do; afterwards `xspd provision \
             retry USER`.",
            "nobody waits for a person any more",
        ),
        A::ProvisioningBacklog => (
            Medium,
            "provisioning",
            Localised,
            Some(Urgency::Low),
            Stands,
            "`xspd provision list` shows what waits; look for limits (429) of Webex in the metrics, \
             and for a partner account without a token.",
            "the queue is short again",
        ),
        A::ProvisioningStuck => (
            Medium,
            "provisioning",
            Individualised,
            Some(Urgency::Medium),
            Stands,
            "`xspd provision list --state stalled` names them, `xspd provision show USER` tells \
             what is waited for; open a case with the tracking ids of `xspd provision report USER`.",
            "nobody waits for too long any more",
        ),
        A::AdapterCallsUnmapped => (
            Medium,
            "provisioning",
            Localised,
            None,
            Stands,
            "`xspd provision captures` lists the calls, `xspd provision mapping test --capture ID` \
             shows how the rules see one. Add a rule to the mapping of the template, then `systemctl \
             reload xspd`.",
            "the mapping was changed by a reload, or none came for a day",
        ),
        A::SpoolFilling => (
            High,
            "store",
            Large,
            None,
            Once,
            "Free space under the state directory (`df`, `du`); nothing new can be kept until then.",
            "there is room, and what waited is written",
        ),
        A::ClockSkew => (
            Medium,
            "node",
            Large,
            None,
            Once,
            "Look at `timedatectl` and `chronyc tracking`; start the time service and step the \
             clock. Tokens and certificates are judged by it.",
            "the clock is kept and right",
        ),
        A::ConfigReloadFailed => (
            Medium,
            "config",
            Localised,
            Some(Urgency::Medium),
            Once,
            "The old configuration is in force. `xspd check-config FILE` lists every problem; mend them \
             and `systemctl reload xspd`.",
            "a reload succeeds",
        ),
        A::AlarmSinkFailing => (
            Medium,
            "alarms",
            Large,
            Some(Urgency::Medium),
            Once,
            "Notices wait and are not lost. Try it: `xspd alarms test SINK`; look at address, \
             credentials and certificate of the sink.",
            "the sink takes notices",
        ),
        A::AlarmsDiscarded => (
            High,
            "alarms",
            Large,
            Some(Urgency::Medium),
            Once,
            "More alarms or notices came than are kept: deal with the cause of the flood, see `xspd \
             alarms list`; mend a failing sink.",
            "nothing was discarded for an hour",
        ),
    };
    Entry {
        name,
        severity,
        component,
        impact,
        urgency,
        hold,
        action,
        clears,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_alarm_says_what_to_do_and_when_it_is_over() {
        for name in AlarmName::ALL {
            let entry = entry(*name);
            assert_eq!(entry.name, *name);
            assert!(entry.action.ends_with('.'), "{name}");
            assert!(
                entry.action.len() <= 255,
                "{name}: longer than a trap's text"
            );
            let of_files = entry.action_at(FILES);
            assert!(of_files.ends_with('.') && of_files.len() <= 255);
            let is_own = *name == AlarmName::CertificateNodesDiffer;
            assert_eq!(of_files != entry.action, is_own);
            assert_eq!(entry.action_at(""), entry.action);
            assert!(!entry.clears.is_empty() && !entry.clears.ends_with('.'));
        }
    }
}
