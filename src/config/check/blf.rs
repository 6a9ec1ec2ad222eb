//! Busy lamps: the account must be there where it is used, and numbers that depend on each other
//! must agree.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::config::Blf;
use crate::config::BlfAccount;
use crate::config::BlfApi;
use crate::config::BlfChannel;
use crate::config::BlfDirectory;
use crate::config::BlfDoubt;
use crate::config::BlfLimits;
use crate::config::BlfListSource;
use crate::config::BlfMode;
use crate::config::BlfNotification;
use crate::config::BlfPackage;
use crate::config::BlfScope;
use crate::config::BlfServiceProvider;
use crate::config::BlfWebhook;
use crate::config::Pool;
use crate::config::check::at::At;
use crate::config::check::auth::is_loopback;
use crate::config::check::rules;
use crate::config::raw;
use crate::config::raw::Raw;
use crate::config::secret::SECRET_FORM;
use crate::config::values;
use crate::config::values::Wrong;
use crate::config::values::wrong;

/// Longest user id (OCI-P schema, `UserId`).
const USER_ID: usize = 161;

/// Longest channel set id and application id (XSI schema).
const XSI_ID: usize = 256;

/// The application id by which our subscriptions are known.
const APPLICATION: &str = "xspd-blf";

const URL_FORM: &str = "`https://host/path`, or `http://` to loopback";

/// Busy lamps; `None` when no line is tracked.
pub(super) fn blf(root: &At<'_>, raw: &Raw, pools: &BTreeMap<String, Pool>) -> Option<Blf> {
    let written = raw.blf.as_ref()?;
    if !written.enabled.unwrap_or(true) {
        return None;
    }
    let at = root.key("blf");
    let mode = written.mode.unwrap_or(BlfMode::Active);
    let list_source = written.list_source.unwrap_or(BlfListSource::XsiActions);
    if list_source == BlfListSource::Ocip && raw.application_server.is_none() {
        at.key("list-source").refuse_value(
            "\"ocip\"",
            Wrong {
                what: "there is no Application Server to ask".to_owned(),
                expected: "`[application-server]`, or \"xsi-actions\"".to_owned(),
            },
        );
    }
    let limits = limits(&at.key("limits"), written.limits.as_ref());
    let rate = written.subscriptions_per_second;
    let application = written.application_id.as_deref();
    let refresh = written.list_refresh.as_ref();
    Some(Blf {
        mode,
        pool: pool(&at, written.pool.as_deref(), pools),
        account: account(&at, written, mode),
        watchers: at.list("watchers", written.watchers.as_deref(), user_id),
        directories: directories(&at, written.directory.as_deref()),
        list_source,
        list_refresh: at.duration("list-refresh", refresh, &rules::BLF_LIST_REFRESH),
        packages: packages(&at, written.packages.as_deref()),
        subscriptions_per_second: at.count("subscriptions-per-second", rate, &rules::BLF_RATE),
        application_id: at
            .text("application-id", application, xsi_id)
            .unwrap_or_else(|| APPLICATION.to_owned()),
        service_provider: service_provider(
            &at.key("service-provider"),
            written.service_provider.as_ref(),
        ),
        channel: channel(&at.key("channel"), written.channel.as_ref()),
        doubt: doubt(&at.key("doubt"), written.doubt.as_ref()),
        notification: notification(&at.key("notification"), written.notification.as_ref()),
        limits,
        api: api(&at.key("api"), written.api.as_ref()),
        webhook: webhook(&at.key("webhook"), written.webhook.as_ref()),
    })
}

/// The only pool needs no name.
fn pool(at: &At<'_>, written: Option<&str>, pools: &BTreeMap<String, Pool>) -> String {
    let names = || pools.keys().cloned().collect::<Vec<_>>().join(", ");
    match written {
        Some(name) if pools.contains_key(name) => name.to_owned(),
        Some(name) => {
            let fault = Wrong {
                what: "no pool has this name".to_owned(),
                expected: format!("one of: {}", names()),
            };
            at.key("pool").refuse_value(format!("{name:?}"), fault);
            String::new()
        }
        None => match pools.keys().next() {
            Some(only) if pools.len() == 1 => only.clone(),
            Some(_) | None => {
                at.key("pool")
                    .refuse("missing", format!("one of: {}", names()));
                String::new()
            }
        },
    }
}

fn account(at: &At<'_>, raw: &raw::Blf, mode: BlfMode) -> Option<BlfAccount> {
    let at = at.key("account");
    let Some(raw) = &raw.account else {
        match mode {
            BlfMode::Active | BlfMode::Both => at.refuse(
                "missing: lines are subscribed to with an account of our own",
                "`[blf.account]`, or `mode = \"passive\"`",
            ),
            BlfMode::Passive => {}
        }
        let source = raw.list_source.unwrap_or(BlfListSource::XsiActions);
        let lists = raw.watchers.as_ref().is_some_and(|all| !all.is_empty());
        let directories = raw.directory.as_ref().is_some_and(|all| !all.is_empty());
        if mode == BlfMode::Passive && (directories || lists && source == BlfListSource::XsiActions)
        {
            at.refuse(
                "missing: lists and directories are read with an account of our own",
                "`[blf.account]`, or no `watchers` and no `[[blf.directory]]`",
            );
        }
        return None;
    };
    if raw.password.is_none() {
        at.key("password").refuse("missing", SECRET_FORM);
    }
    let password = at.secret("password", raw.password.as_ref());
    let expected = "the id of an administrator over all watchers and lines";
    let user_id = at.required("user-id", raw.user_id.as_deref(), expected, account_id);
    Some(BlfAccount {
        user_id: user_id?,
        password: password?,
    })
}

fn directories(at: &At<'_>, raw: Option<&[raw::BlfDirectory]>) -> Vec<BlfDirectory> {
    let mut proven: Vec<BlfDirectory> = Vec::new();
    for (index, raw) in raw.unwrap_or_default().iter().enumerate() {
        let at = at.key("directory").element(&format!("[{index}]"));
        let expected = "a user who sees the directory";
        let user = at.required("user-id", raw.user_id.as_deref(), expected, user_id);
        let Some(user_id) = user else { continue };
        let directory = BlfDirectory {
            user_id,
            scope: raw.scope.unwrap_or(BlfScope::Group),
        };
        if proven.contains(&directory) {
            at.refuse("written twice", "each once");
        }
        proven.push(directory);
    }
    proven
}

fn packages(at: &At<'_>, raw: Option<&[BlfPackage]>) -> Vec<BlfPackage> {
    let Some(raw) = raw else {
        // One package alone: of lists of packages BroadWorks keeps one per account and line, so
        // two nodes would end each other's (Xsi specification, 4.2.4.6).
        return vec![BlfPackage::StandardCall];
    };
    let calls = raw.iter().filter(|package| package.is_call()).count();
    if calls != 1 {
        at.key("packages").refuse(
            format!("{calls} call packages"),
            "exactly one of \"standard-call\", which shows held calls, and \"basic-call\"",
        );
    }
    let mut packages = raw.to_vec();
    packages.sort_unstable();
    packages.dedup();
    packages
}

fn service_provider(at: &At<'_>, raw: Option<&raw::BlfServiceProvider>) -> BlfServiceProvider {
    let above = raw.and_then(|r| r.above);
    let ids = raw.and_then(|r| r.ids.as_deref());
    BlfServiceProvider {
        above: at.count("above", above, &rules::BLF_USER_LEVEL),
        ids: at.list("ids", ids, user_id),
    }
}

fn channel(at: &At<'_>, raw: Option<&raw::BlfChannel>) -> BlfChannel {
    let of = |f: fn(&raw::BlfChannel) -> Option<&raw::DurationText>| raw.and_then(f);
    let set_id = raw.and_then(|r| r.set_id.as_deref());
    let timeout = of(|r| r.event_timeout.as_ref());
    let channel = BlfChannel {
        set_id: at.text("set-id", set_id, xsi_id),
        heartbeat: at.duration(
            "heartbeat",
            of(|r| r.heartbeat.as_ref()),
            &rules::BLF_HEARTBEAT,
        ),
        event_timeout: at.duration("event-timeout", timeout, &rules::BLF_EVENT_TIMEOUT),
        expires: at.duration("expires", of(|r| r.expires.as_ref()), &rules::BLF_EXPIRES),
        timeout: at.duration("timeout", of(|r| r.timeout.as_ref()), &rules::BLF_TIMEOUT),
    };
    let half = channel.event_timeout / 2;
    if channel.heartbeat > half {
        let text = values::duration_text(channel.heartbeat);
        let fault = Wrong {
            what: "one late heartbeat would cost the channel".to_owned(),
            expected: format!(
                "at most half of `event-timeout`, {}",
                values::duration_text(Duration::from_secs(half.as_secs()))
            ),
        };
        at.key("heartbeat").refuse_value(format!("{text:?}"), fault);
    }
    channel
}

fn doubt(at: &At<'_>, raw: Option<&raw::BlfDoubt>) -> BlfDoubt {
    let call = raw.and_then(|r| r.call.as_ref());
    let ringing = raw.and_then(|r| r.ringing.as_ref());
    BlfDoubt {
        call: at.duration("call", call, &rules::BLF_CALL),
        ringing: at.duration("ringing", ringing, &rules::BLF_RINGING),
    }
}

fn notification(at: &At<'_>, raw: Option<&raw::BlfNotification>) -> BlfNotification {
    let delay = raw.and_then(|r| r.delay.as_ref());
    BlfNotification {
        delay: at.duration("delay", delay, &rules::BLF_DELAY),
        display_caller: raw.and_then(|r| r.display_caller).unwrap_or(true),
    }
}

fn limits(at: &At<'_>, raw: Option<&raw::BlfLimits>) -> BlfLimits {
    let count = |key: &str, value: Option<i64>, bounds| {
        usize::try_from(at.count(key, value, bounds)).unwrap_or(usize::MAX)
    };
    let per_watcher = raw.and_then(|r| r.lines_per_watcher);
    BlfLimits {
        watchers: count(
            "watchers",
            raw.and_then(|r| r.watchers),
            &rules::BLF_WATCHERS,
        ),
        lines: count("lines", raw.and_then(|r| r.lines), &rules::BLF_LINES),
        lines_per_watcher: count(
            "lines-per-watcher",
            per_watcher,
            &rules::BLF_LINES_PER_WATCHER,
        ),
        queue: count("queue", raw.and_then(|r| r.queue), &rules::BLF_QUEUE),
    }
}

fn api(at: &At<'_>, raw: Option<&raw::BlfApi>) -> BlfApi {
    let silent = raw::BlfApi::default();
    let raw = raw.unwrap_or(&silent);
    let count = |key: &str, value: Option<i64>, bounds| {
        usize::try_from(at.count(key, value, bounds)).unwrap_or(usize::MAX)
    };
    BlfApi {
        operator_token: at.secret("operator-token", raw.operator_token.as_ref()),
        streams: count("streams", raw.streams, &rules::BLF_STREAMS),
        streams_per_watcher: count(
            "streams-per-watcher",
            raw.streams_per_watcher,
            &rules::BLF_STREAMS_PER_WATCHER,
        ),
        streams_per_address: count(
            "streams-per-address",
            raw.streams_per_address,
            &rules::BLF_STREAMS_PER_ADDRESS,
        ),
        keep_alive: at.duration(
            "keep-alive",
            raw.keep_alive.as_ref(),
            &rules::BLF_KEEP_ALIVE,
        ),
        re_check: at.duration("re-check", raw.re_check.as_ref(), &rules::BLF_RE_CHECK),
        write_stall: at.duration(
            "write-stall",
            raw.write_stall.as_ref(),
            &rules::BLF_WRITE_STALL,
        ),
    }
}

fn webhook(at: &At<'_>, raw: Option<&raw::BlfWebhook>) -> Option<BlfWebhook> {
    let raw = raw?;
    if raw.secret.is_none() {
        at.key("secret").refuse("missing", SECRET_FORM);
    }
    let url = at.required("url", raw.url.as_deref(), URL_FORM, webhook_url);
    let secret = at.secret("secret", raw.secret.as_ref());
    let timeout = raw.timeout.as_ref();
    Some(BlfWebhook {
        ca: at.text("ca", raw.ca.as_deref(), values::path),
        timeout: at.duration("timeout", timeout, &rules::BLF_WEBHOOK_TIMEOUT),
        retries: at.count("retries", raw.retries, &rules::BLF_WEBHOOK_RETRIES),
        url: url?,
        secret: secret?,
    })
}

/// Notifications tell who calls whom, so they must not be overheard.
fn webhook_url(text: &str) -> Result<String, Wrong> {
    let (scheme, rest) = text.split_once("://").unwrap_or_default();
    let authority = rest.split(['/', '?']).next().unwrap_or_default();
    let plain = text.bytes().all(|byte| byte.is_ascii_graphic()) && !text.contains('#');
    if authority.is_empty() || authority.contains('@') || !plain {
        return wrong("not a URL", URL_FORM);
    }
    let host = authority
        .rsplit_once(':')
        .map_or(authority, |(host, _)| host);
    match scheme {
        "https" => Ok(text.to_owned()),
        "http" if is_loopback(host.trim_matches(['[', ']'])) => Ok(text.to_owned()),
        "http" => wrong("who calls whom would go in clear", URL_FORM),
        _ => wrong("not a URL", URL_FORM),
    }
}

/// A user id as BroadWorks has it; it goes into a path.
fn user_id(text: &str) -> Result<String, Wrong> {
    let odd = |c: char| c.is_control() || c == '/' || c == '\\';
    if text.is_empty() || text.trim() != text || text.len() > USER_ID || text.chars().any(odd) {
        return wrong(
            "not an id of BroadWorks",
            format!("1 to {USER_ID} bytes without slashes, or spaces at the ends"),
        );
    }
    Ok(text.to_owned())
}

/// It goes before a colon.
fn account_id(text: &str) -> Result<String, Wrong> {
    if text.contains(':') {
        return wrong(
            "holds a colon, which Basic credentials cannot",
            "another account",
        );
    }
    user_id(text)
}

fn xsi_id(text: &str) -> Result<String, Wrong> {
    let good = |c: char| c.is_ascii_alphanumeric() || "-._~@:".contains(c);
    if text.is_empty() || text.len() > XSI_ID || !text.chars().all(good) {
        return wrong(
            "not an id",
            format!("1 to {XSI_ID} letters, digits and `-._~@:`"),
        );
    }
    Ok(text.to_owned())
}
