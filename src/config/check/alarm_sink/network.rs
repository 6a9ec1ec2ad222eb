//! SNMP and syslog: what is said in clear is said so, what is secured is secured whole.

use crate::config::SnmpAuthentication;
use crate::config::SnmpForm;
use crate::config::SnmpPrivacy;
use crate::config::SnmpSecurity;
use crate::config::SnmpSink;
use crate::config::SnmpVersion;
use crate::config::SyslogFacility;
use crate::config::SyslogSink;
use crate::config::SyslogTransport;
use crate::config::UpstreamTls;
use crate::config::check::at::At;
use crate::config::check::certificate;
use crate::config::raw;
use crate::config::values;
use crate::config::values::Wrong;
use crate::config::values::wrong;

/// `snmptrap` of the IANA registry.
const TRAP_PORT: u16 = 162;

/// Receivers of one sink; more are for sinks of their own, which have their own outbox.
const TARGETS: usize = 16;

/// The arc of examples (RFC 5612): nobody's, so anybody may use it as well.
const DOCUMENTATION: [u32; 7] = [1, 3, 6, 1, 4, 1, 32_473];

/// Below it hangs XSPD-MIB unless an operator has an arc of their own.
const OID_BASE: [u32; 8] = [1, 3, 6, 1, 4, 1, 32_473, 1];

/// Longest base; RFC 2578 allows 128 arcs, ours need five.
const OID_ARCS: usize = 64;

const OID_FORM: &str =
    "an object identifier of your own below 1.3.6.1.4.1, such as \"1.3.6.1.4.1.99999.7\"";

pub(super) fn snmp(at: &At<'_>, raw: &raw::SnmpSink) -> Option<SnmpSink> {
    let form = "at least one receiver such as \"nms.example.net\"";
    let target = |text: &str| values::host_port(text, Some(TRAP_PORT));
    let targets = at.some("targets", raw.targets.as_deref(), form, target);
    if targets.len() > TARGETS {
        at.key("targets").refuse(
            format!("{} receivers", targets.len()),
            format!("at most {TARGETS}, and further sinks for more"),
        );
    }
    let security = match raw.version.unwrap_or(SnmpVersion::V2c) {
        SnmpVersion::V2c => community(at, raw),
        SnmpVersion::V3 => user(at, raw),
    };
    let source = raw.source_address.as_deref();
    let source = at.text("source-address", source, |text| {
        let address = text.trim_matches(['[', ']']).parse();
        address.map_err(|_| Wrong {
            what: "not an address".to_owned(),
            expected: "an IP address of this machine".to_owned(),
        })
    });
    let oid_base = at.text("oid-base", raw.oid_base.as_deref(), oid);
    let oid_base = oid_base.unwrap_or_else(|| OID_BASE.to_vec());
    if oid_base.starts_with(&DOCUMENTATION) {
        at.key("oid-base").warn(
            "is in the arc of examples (RFC 5612), which is nobody's",
            "an enterprise number of your own (IANA gives them for nothing), the same in XSPD-MIB.txt; \
             until then any receiver that loads another example MIB may mix them up",
        );
    }
    Some(SnmpSink {
        targets,
        form: raw.form.unwrap_or(SnmpForm::Trap),
        security: security?,
        source,
        oid_base,
    })
}

fn community(at: &At<'_>, raw: &raw::SnmpSink) -> Option<SnmpSecurity> {
    let foreign = [
        ("user", raw.user.is_some()),
        ("authentication", raw.authentication.is_some()),
        ("auth-password", raw.auth_password.is_some()),
        ("privacy", raw.privacy.is_some()),
        ("privacy-password", raw.privacy_password.is_some()),
    ];
    for (key, _) in foreign.iter().filter(|(_, written)| *written) {
        at.key(key)
            .refuse("belongs to SNMP version 3", "`version = \"v3\"`");
    }
    at.needed_secret("community", raw.community.as_ref())
        .map(SnmpSecurity::Community)
}

fn user(at: &At<'_>, raw: &raw::SnmpSink) -> Option<SnmpSecurity> {
    if raw.community.is_some() {
        at.key("community").refuse(
            "belongs to SNMP version 2c",
            "`version = \"v2c\"`, or no community",
        );
    }
    let form = "the user's name at the receiver";
    let name = at.required("user", raw.user.as_deref(), form, |text| {
        // RFC 3414, usmUserName.
        match text.len() {
            1..=32 if text.bytes().all(|byte| byte.is_ascii_graphic()) => Ok(text.to_owned()),
            _ => wrong("not a user's name", "1 to 32 characters without spaces"),
        }
    });
    let auth = at.needed_secret("auth-password", raw.auth_password.as_ref());
    let privacy = at.needed_secret("privacy-password", raw.privacy_password.as_ref());
    Some(SnmpSecurity::User {
        name: name?,
        authentication: raw.authentication.unwrap_or(SnmpAuthentication::Sha256),
        auth_password: auth?,
        privacy: raw.privacy.unwrap_or(SnmpPrivacy::Aes128),
        privacy_password: privacy?,
    })
}

fn oid(text: &str) -> Result<Vec<u32>, Wrong> {
    let arcs: Result<Vec<u32>, _> = text
        .trim_start_matches('.')
        .split('.')
        .map(|arc| match arc.bytes().all(|byte| byte.is_ascii_digit()) {
            true => arc.parse::<u32>().map_err(drop),
            false => Err(()),
        })
        .collect();
    match arcs {
        Ok(arcs)
            if arcs.len() > DOCUMENTATION.len() - 1
                && arcs.len() <= OID_ARCS
                && arcs.starts_with(&[1, 3, 6, 1, 4, 1]) =>
        {
            Ok(arcs)
        }
        Ok(_) | Err(()) => wrong("not an arc of an enterprise", OID_FORM),
    }
}

pub(super) fn syslog(at: &At<'_>, raw: &raw::SyslogSink) -> Option<SyslogSink> {
    let transport = raw.transport.unwrap_or(SyslogTransport::Tls);
    // RFC 5425, 6587 and 5426.
    let port = match transport {
        SyslogTransport::Tcp => 601,
        SyslogTransport::Tls => 6514,
        SyslogTransport::Udp => 514,
    };
    let form = "a host such as \"syslog.example.net\"";
    let server = at.required("server", raw.server.as_deref(), form, |text| {
        values::host_port(text, Some(port))
    });
    let host = server.as_ref().map(|(host, _)| host);
    let tls = match transport {
        SyslogTransport::Tls => Some(tls(at, raw, host)?),
        SyslogTransport::Tcp | SyslogTransport::Udp => {
            in_clear(at, raw);
            None
        }
    };
    let (host, port) = server?;
    Some(SyslogSink {
        host,
        port,
        transport,
        tls,
        facility: raw.facility.unwrap_or(SyslogFacility::Local0),
    })
}

fn tls(at: &At<'_>, raw: &raw::SyslogSink, host: Option<&String>) -> Option<UpstreamTls> {
    if raw.ca.is_none() {
        at.key("ca").refuse(
            "missing, so the certificate of the receiver could not be verified",
            "a PEM file with its CA certificates, or `transport = \"tcp\"` or \"udp\" where syslog \
             is in clear",
        );
    }
    let name = raw.server_name.as_deref();
    let name = at.text("server-name", name, values::host_or_address);
    let own = raw.client_certificate.as_ref();
    let own = own.and_then(|files| certificate(&at.key("client-certificate"), files));
    Some(UpstreamTls {
        ca: Some(at.text("ca", raw.ca.as_deref(), values::path)?),
        pins: Vec::new(),
        client_certificate: own,
        server_name: name.or_else(|| host.cloned())?,
    })
}

fn in_clear(at: &At<'_>, raw: &raw::SyslogSink) {
    let written = [
        ("ca", raw.ca.is_some()),
        ("server-name", raw.server_name.is_some()),
        ("client-certificate", raw.client_certificate.is_some()),
    ];
    for (key, _) in written.iter().filter(|(_, written)| *written) {
        at.key(key)
            .refuse("has no effect without TLS", "`transport = \"tls\"`");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_base_is_an_arc_of_an_enterprise() {
        assert_eq!(oid("1.3.6.1.4.1.9.7"), Ok(vec![1, 3, 6, 1, 4, 1, 9, 7]));
        assert_eq!(oid(".1.3.6.1.4.1.9"), Ok(vec![1, 3, 6, 1, 4, 1, 9]));
        for text in [
            "",
            "1.3.6.1.4.1",
            "1.3.6.1.4.1.",
            "1.3.6.1.2.1.1",
            "1.3.6.1.4.1.-1",
            "1.3.6.1.4.1.4294967296",
            "iso.3",
        ] {
            assert!(oid(text).is_err(), "{text}");
        }
    }
}
