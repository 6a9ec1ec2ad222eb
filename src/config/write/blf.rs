//! Busy lamps, as written.

use crate::config;
use crate::config::raw;
use crate::config::raw::SecretText;
use crate::config::write::number;
use crate::config::write::time;

pub(super) fn blf(blf: &config::Blf) -> raw::Blf {
    let config::Blf {
        mode,
        pool,
        account: asking,
        watchers,
        directories,
        list_source,
        list_refresh,
        packages,
        subscriptions_per_second,
        application_id,
        service_provider,
        channel: own,
        doubt,
        notification,
        limits: bounds,
        api: answers,
        webhook: receiver,
    } = blf;
    let config::BlfServiceProvider { above, ids } = service_provider;
    let config::BlfDoubt { call, ringing } = doubt;
    let config::BlfNotification {
        delay,
        display_caller,
    } = notification;
    raw::Blf {
        enabled: Some(true),
        mode: Some(*mode),
        pool: Some(pool.clone()),
        account: asking.as_ref().map(account),
        watchers: Some(watchers.clone()),
        directory: Some(directories.iter().map(directory).collect()),
        list_source: Some(*list_source),
        list_refresh: time(*list_refresh),
        packages: Some(packages.clone()),
        subscriptions_per_second: number(*subscriptions_per_second),
        application_id: Some(application_id.clone()),
        service_provider: Some(raw::BlfServiceProvider {
            above: number(*above),
            ids: Some(ids.clone()),
        }),
        channel: Some(channel(own)),
        doubt: Some(raw::BlfDoubt {
            call: time(*call),
            ringing: time(*ringing),
        }),
        notification: Some(raw::BlfNotification {
            delay: time(*delay),
            display_caller: Some(*display_caller),
        }),
        limits: Some(limits(bounds)),
        api: Some(api(answers)),
        webhook: receiver.as_ref().map(webhook),
    }
}

fn account(account: &config::BlfAccount) -> raw::BlfAccount {
    let config::BlfAccount { user_id, password } = account;
    raw::BlfAccount {
        user_id: Some(user_id.clone()),
        password: Some(SecretText(password.to_string())),
    }
}

fn directory(directory: &config::BlfDirectory) -> raw::BlfDirectory {
    let config::BlfDirectory { user_id, scope } = directory;
    raw::BlfDirectory {
        user_id: Some(user_id.clone()),
        scope: Some(*scope),
    }
}

fn channel(channel: &config::BlfChannel) -> raw::BlfChannel {
    let config::BlfChannel {
        set_id,
        heartbeat,
        event_timeout,
        expires,
        timeout,
    } = channel;
    raw::BlfChannel {
        set_id: set_id.clone(),
        heartbeat: time(*heartbeat),
        event_timeout: time(*event_timeout),
        expires: time(*expires),
        timeout: time(*timeout),
    }
}

fn limits(limits: &config::BlfLimits) -> raw::BlfLimits {
    let config::BlfLimits {
        watchers,
        lines,
        lines_per_watcher,
        queue,
    } = limits;
    raw::BlfLimits {
        watchers: number(*watchers),
        lines: number(*lines),
        lines_per_watcher: number(*lines_per_watcher),
        queue: number(*queue),
    }
}

fn api(api: &config::BlfApi) -> raw::BlfApi {
    let config::BlfApi {
        operator_token,
        streams,
        streams_per_watcher,
        streams_per_address,
        keep_alive,
        re_check,
        write_stall,
    } = api;
    raw::BlfApi {
        operator_token: operator_token
            .as_ref()
            .map(|secret| SecretText(secret.to_string())),
        streams: number(*streams),
        streams_per_watcher: number(*streams_per_watcher),
        streams_per_address: number(*streams_per_address),
        keep_alive: time(*keep_alive),
        re_check: time(*re_check),
        write_stall: time(*write_stall),
    }
}

fn webhook(webhook: &config::BlfWebhook) -> raw::BlfWebhook {
    let config::BlfWebhook {
        url,
        secret,
        ca,
        timeout,
        retries,
    } = webhook;
    raw::BlfWebhook {
        url: Some(url.clone()),
        secret: Some(SecretText(secret.to_string())),
        ca: ca.as_ref().map(|path| path.display().to_string()),
        timeout: time(*timeout),
        retries: number(*retries),
    }
}
