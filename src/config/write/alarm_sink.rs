//! Sinks of alarms, as written.

use crate::config;
use crate::config::AlarmWay;
use crate::config::SnmpSecurity;
use crate::config::SnmpVersion;
use crate::config::WebexProxy;
use crate::config::WebexSpeaker;
use crate::config::check::is_loopback;
use crate::config::raw;
use crate::config::raw::SecretText;
use crate::config::secret::SecretRef;
use crate::config::write::auth::bracketed;
use crate::config::write::certificate;
use crate::config::write::time;
use crate::domain::alarms::Appetite;
use crate::domain::alarms::QuietHours;

pub(super) fn alarm_sink(sink: &config::AlarmSink) -> raw::AlarmSink {
    let config::AlarmSink {
        name,
        appetite: Appetite { level, quiet },
        timeout,
        way,
    } = sink;
    let written = raw::AlarmSink {
        name: Some(name.clone()),
        kind: Some(way.kind()),
        level: Some(level.word().to_owned()),
        timeout: time(*timeout),
        ..raw::AlarmSink::default()
    };
    let written = match quiet {
        None => written,
        Some(QuietHours {
            from,
            until,
            zone,
            level,
        }) => raw::AlarmSink {
            quiet_hours: Some(format!("{}-{}", of_day(*from), of_day(*until))),
            quiet_zone: Some(zone.clone()),
            quiet_level: Some(level.word().to_owned()),
            ..written
        },
    };
    with_way(written, way)
}

fn of_day(minute: u16) -> String {
    format!("{:02}:{:02}", minute / 60, minute % 60)
}

fn with_way(mut written: raw::AlarmSink, way: &AlarmWay) -> raw::AlarmSink {
    match way {
        AlarmWay::Alertmanager(sink) => written.alertmanager = Some(alertmanager(sink)),
        AlarmWay::Email(sink) => written.email = Some(email(sink)),
        AlarmWay::Journal => {}
        AlarmWay::PagerDuty(sink) => written.pagerduty = Some(pagerduty(sink)),
        AlarmWay::Snmp(sink) => written.snmp = Some(snmp(sink)),
        AlarmWay::Syslog(sink) => written.syslog = Some(syslog(sink)),
        AlarmWay::Webex(sink) => written.webex = Some(webex(sink)),
        AlarmWay::Webhook(sink) => written.webhook = Some(webhook(sink)),
    }
    written
}

/// `proxy`, `proxy-credentials` and `ca`.
type Web = (Option<String>, Option<SecretText>, Option<String>);

fn web(web: &config::SinkWeb) -> Web {
    let config::SinkWeb { proxy, ca } = web;
    let (proxy, credentials) = match proxy {
        WebexProxy::Environment => (None, None),
        WebexProxy::None => (Some("none".to_owned()), None),
        WebexProxy::Through { url, credentials } => (Some(url.clone()), credentials.as_ref()),
    };
    let ca = ca.as_ref().map(|path| path.display().to_string());
    (proxy, credentials.map(secret), ca)
}

fn secret(secret: &SecretRef) -> SecretText {
    SecretText(secret.to_string())
}

fn account(account: Option<&(String, SecretRef)>) -> (Option<String>, Option<SecretText>) {
    match account {
        None => (None, None),
        Some((name, password)) => (Some(name.clone()), Some(secret(password))),
    }
}

fn alertmanager(sink: &config::AlertmanagerSink) -> raw::AlertmanagerSink {
    let config::AlertmanagerSink {
        urls,
        generator_url,
        burns_for,
        account: basic,
        web: way,
    } = sink;
    let (proxy, proxy_credentials, ca) = web(way);
    let (username, password) = account(basic.as_ref());
    raw::AlertmanagerSink {
        urls: Some(urls.clone()),
        allow_plaintext: Some(urls.iter().any(|url| url.starts_with("http://"))),
        generator_url: generator_url.clone(),
        burns_for: time(*burns_for),
        username,
        password,
        proxy,
        proxy_credentials,
        ca,
    }
}

fn email(sink: &config::EmailSink) -> raw::EmailSink {
    let config::EmailSink {
        host,
        port,
        security,
        ca,
        server_name,
        account: login,
        from,
        to,
    } = sink;
    let (username, password) = account(login.as_ref());
    let plain = *security == config::MailSecurity::Plain;
    raw::EmailSink {
        server: Some(format!("{}:{port}", bracketed(host))),
        security: Some(*security),
        allow_plaintext: Some(plain && !is_loopback(host)),
        ca: ca.as_ref().map(|path| path.display().to_string()),
        server_name: server_name.as_ref().map(|name| bracketed(name)),
        username,
        password,
        from: Some(from.clone()),
        to: Some(to.clone()),
    }
}

fn pagerduty(sink: &config::PagerDutySink) -> raw::PagerDutySink {
    let config::PagerDutySink {
        url,
        routing_key,
        web: way,
    } = sink;
    let (proxy, proxy_credentials, ca) = web(way);
    raw::PagerDutySink {
        url: Some(url.clone()),
        routing_key: Some(secret(routing_key)),
        proxy,
        proxy_credentials,
        ca,
    }
}

fn snmp(sink: &config::SnmpSink) -> raw::SnmpSink {
    let config::SnmpSink {
        targets,
        form,
        security,
        source,
        oid_base,
    } = sink;
    let targets = targets
        .iter()
        .map(|(host, port)| format!("{}:{port}", bracketed(host)));
    let arcs: Vec<_> = oid_base.iter().map(ToString::to_string).collect();
    let written = raw::SnmpSink {
        targets: Some(targets.collect()),
        form: Some(*form),
        source_address: source.map(|address| address.to_string()),
        oid_base: Some(arcs.join(".")),
        ..raw::SnmpSink::default()
    };
    match security {
        SnmpSecurity::Community(community) => raw::SnmpSink {
            version: Some(SnmpVersion::V2c),
            community: Some(secret(community)),
            ..written
        },
        SnmpSecurity::User {
            name,
            authentication,
            auth_password,
            privacy,
            privacy_password,
        } => raw::SnmpSink {
            version: Some(SnmpVersion::V3),
            user: Some(name.clone()),
            authentication: Some(*authentication),
            auth_password: Some(secret(auth_password)),
            privacy: Some(*privacy),
            privacy_password: Some(secret(privacy_password)),
            ..written
        },
    }
}

fn syslog(sink: &config::SyslogSink) -> raw::SyslogSink {
    let config::SyslogSink {
        host,
        port,
        transport,
        tls,
        facility,
    } = sink;
    let written = raw::SyslogSink {
        server: Some(format!("{}:{port}", bracketed(host))),
        transport: Some(*transport),
        facility: Some(*facility),
        ..raw::SyslogSink::default()
    };
    match tls {
        None => written,
        Some(config::UpstreamTls {
            ca,
            pins: _,
            server_name,
            client_certificate,
        }) => raw::SyslogSink {
            ca: ca.as_ref().map(|path| path.display().to_string()),
            server_name: Some(bracketed(server_name)),
            client_certificate: client_certificate.as_ref().map(certificate),
            ..written
        },
    }
}

fn webex(sink: &config::WebexSink) -> raw::WebexSink {
    let config::WebexSink { speaker, web: way } = sink;
    let (proxy, proxy_credentials, ca) = web(way);
    let written = raw::WebexSink {
        proxy,
        proxy_credentials,
        ca,
        ..raw::WebexSink::default()
    };
    match speaker {
        WebexSpeaker::Webhook(url) => raw::WebexSink {
            webhook: Some(secret(url)),
            ..written
        },
        WebexSpeaker::Bot {
            token,
            room_id,
            base_url,
        } => raw::WebexSink {
            token: Some(secret(token)),
            room_id: Some(room_id.clone()),
            base_url: Some(base_url.clone()),
            ..written
        },
    }
}

fn webhook(sink: &config::WebhookSink) -> raw::WebhookSink {
    let config::WebhookSink {
        url,
        secret: key,
        bearer,
        web: way,
    } = sink;
    let (proxy, proxy_credentials, ca) = web(way);
    raw::WebhookSink {
        url: Some(url.clone()),
        secret: Some(secret(key)),
        bearer: bearer.as_ref().map(secret),
        proxy,
        proxy_credentials,
        ca,
    }
}
