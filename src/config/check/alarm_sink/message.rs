//! Mail and Webex.

use crate::config::EmailSink;
use crate::config::MailSecurity;
use crate::config::WebexSink;
use crate::config::WebexSpeaker;
use crate::config::check::alarm_sink::account;
use crate::config::check::alarm_sink::web;
use crate::config::check::at::At;
use crate::config::check::is_loopback;
use crate::config::check::webex::base_url;
use crate::config::check::webex::id;
use crate::config::raw;
use crate::config::values;
use crate::config::values::Wrong;
use crate::config::values::wrong;

/// Recipients of one mail; more are for a mailing list.
const RECIPIENTS: usize = 32;

const MAILBOX_FORM: &str = "an address such as \"noc@example.net\"";

pub(super) fn email(at: &At<'_>, raw: &raw::EmailSink) -> Option<EmailSink> {
    let security = raw.security.unwrap_or(MailSecurity::StartTls);
    // RFC 6409, RFC 8314 and RFC 5321.
    let port = match security {
        MailSecurity::Plain => 25,
        MailSecurity::StartTls => 587,
        MailSecurity::Tls => 465,
    };
    let form = "a host such as \"mail.example.net\"";
    let server = at.required("server", raw.server.as_deref(), form, |text| {
        values::host_port(text, Some(port))
    });
    let ca = at.text("ca", raw.ca.as_deref(), values::path);
    let name = raw.server_name.as_deref();
    let server_name = at.text("server-name", name, values::host_or_address);
    in_clear(
        at,
        raw,
        security,
        server.as_ref().map(|(host, _)| host.as_str()),
    );
    let account = account(at, raw.username.as_ref(), raw.password.as_ref());
    let from = at.required("from", raw.from.as_deref(), MAILBOX_FORM, mailbox);
    let to = at.some("to", raw.to.as_deref(), MAILBOX_FORM, mailbox);
    if to.len() > RECIPIENTS {
        at.key("to").refuse(
            format!("{} recipients", to.len()),
            format!("at most {RECIPIENTS}; a mailing list takes more"),
        );
    }
    let (host, port) = server?;
    Some(EmailSink {
        host,
        port,
        security,
        ca,
        server_name,
        account,
        from: from?,
        to,
    })
}

fn in_clear(at: &At<'_>, raw: &raw::EmailSink, security: MailSecurity, host: Option<&str>) {
    if security != MailSecurity::Plain {
        return;
    }
    let written = [
        ("ca", raw.ca.is_some()),
        ("server-name", raw.server_name.is_some()),
    ];
    for (key, _) in written.iter().filter(|(_, written)| *written) {
        at.key(key).refuse(
            "has no effect without TLS",
            "`security = \"starttls\"` or \"tls\"",
        );
    }
    let Some(host) = host.filter(|host| !is_loopback(host)) else {
        return;
    };
    if raw.password.is_some() {
        at.key("password").refuse(
            format!("would go to {host} in clear"),
            "`security = \"starttls\"` or \"tls\"",
        );
    }
    if !raw.allow_plaintext.unwrap_or(false) {
        at.key("security").refuse_value(
            "\"plain\"",
            Wrong {
                what: format!("mails would go to {host} in clear"),
                expected: "\"starttls\" or \"tls\", or `allow-plaintext = true` on a network of \
                           your own"
                    .to_owned(),
            },
        );
    }
}

/// One address without a display name; what it may hold is judged again when a mail is made.
fn mailbox(text: &str) -> Result<String, Wrong> {
    let good = |c: char| !c.is_control() && !c.is_whitespace() && !"<>(),;:\\\"[]".contains(c);
    match text.rsplit_once('@') {
        Some((local, domain))
            if !local.is_empty()
                && text.len() <= 254
                && local.chars().all(good)
                && !local.contains('@')
                && values::host_name(domain).is_ok() =>
        {
            Ok(text.to_owned())
        }
        Some(_) | None => wrong("not an address of mail", MAILBOX_FORM),
    }
}

pub(super) fn webex(at: &At<'_>, raw: &raw::WebexSink) -> Option<WebexSink> {
    let webhook = at.secret("webhook", raw.webhook.as_ref());
    let token = at.secret("token", raw.token.as_ref());
    let room = at.text("room-id", raw.room_id.as_deref(), id);
    let base = base_url(at, raw.base_url.as_deref());
    let web = web::web(
        at,
        raw.proxy.as_deref(),
        raw.proxy_credentials.as_ref(),
        raw.ca.as_deref(),
    );
    if raw.webhook.is_some() {
        let foreign = [
            ("token", raw.token.is_some()),
            ("room-id", raw.room_id.is_some()),
            ("base-url", raw.base_url.is_some()),
        ];
        for (key, _) in foreign.iter().filter(|(_, written)| *written) {
            at.key(key).refuse(
                "belongs to a bot, and there is a `webhook`",
                "one of the two, or a sink for each",
            );
        }
        return Some(WebexSink {
            speaker: WebexSpeaker::Webhook(webhook?),
            web,
        });
    }
    if raw.token.is_none() {
        at.refuse(
            "names nobody who speaks",
            "`webhook` with the URL of an incoming webhook, or `token` and `room-id` of a bot",
        );
    } else if raw.room_id.is_none() {
        at.key("room-id")
            .refuse("missing", "the id of a space in which the bot is");
    }
    Some(WebexSink {
        speaker: WebexSpeaker::Bot {
            token: token?,
            room_id: room?,
            base_url: base.unwrap_or_else(|| super::super::webex::BASE_URL.to_owned()),
        },
        web,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_no_name_and_no_second_line() {
        assert!(mailbox("noc+xspd@example.net").is_ok());
        for text in [
            "",
            "noc",
            "@example.net",
            "noc@",
            "NOC <noc@example.net>",
            "a@b@example.net",
            "noc@example.net\nBcc: x@y",
            "noc@-x",
            "a b@example.net",
        ] {
            assert!(mailbox(text).is_err(), "{text:?}");
        }
    }
}
