//! The classes of busy lamps. What makes the identity of our channels and subscriptions at the
//! Application Server needs a restart: it would leave the old ones behind.

use crate::config::Blf;
use crate::config::BlfAccount;
use crate::config::BlfApi;
use crate::config::BlfChannel;
use crate::config::BlfDoubt;
use crate::config::BlfLimits;
use crate::config::BlfNotification;
use crate::config::BlfServiceProvider;
use crate::config::BlfWebhook;
use crate::config::change::At;
use crate::config::change::ChangeClass;
use crate::config::change::classes::compare;

/// A section that comes or goes is one change, called by the key that says so.
pub(super) fn blf(at: &mut At<'_>, old: &Option<Blf>, new: &Option<Blf>) {
    let (Some(old), Some(new)) = (old, new) else {
        let (was, is) = (old.is_some(), new.is_some());
        at.compare("enabled", &was, &is, ChangeClass::Restart);
        return;
    };
    compare!(at, Blf, old, new;
        Restart mode "mode",
        Restart pool "pool",
        Live watchers "watchers",
        Live directories "directory",
        Restart list_source "list-source",
        Live list_refresh "list-refresh",
        Restart packages "packages",
        Restart subscriptions_per_second "subscriptions-per-second",
        Restart application_id "application-id";
        account "account" blf_account,
        service_provider "service-provider" provider,
        channel "channel" own_channel,
        doubt "doubt" doubts,
        notification "notification" defaults,
        limits "limits" bounds,
        api "api" answers,
        webhook "webhook" receiver,
    );
}

/// Another password of the same account is used at once; another account owns nothing of what
/// there is.
fn blf_account(at: &mut At<'_>, old: &Option<BlfAccount>, new: &Option<BlfAccount>) {
    let (Some(old), Some(new)) = (old, new) else {
        let (was, is) = (old.is_some(), new.is_some());
        at.compare("user-id", &was, &is, ChangeClass::Restart);
        return;
    };
    compare!(at, BlfAccount, old, new; Restart user_id "user-id", Live password "password");
}

fn provider(at: &mut At<'_>, old: &BlfServiceProvider, new: &BlfServiceProvider) {
    compare!(at, BlfServiceProvider, old, new; Restart above "above", Restart ids "ids");
}

fn own_channel(at: &mut At<'_>, old: &BlfChannel, new: &BlfChannel) {
    compare!(at, BlfChannel, old, new;
        Restart set_id "set-id",
        Restart heartbeat "heartbeat",
        Restart event_timeout "event-timeout",
        Restart expires "expires",
        Live timeout "timeout",
    );
}

fn doubts(at: &mut At<'_>, old: &BlfDoubt, new: &BlfDoubt) {
    compare!(at, BlfDoubt, old, new; Restart call "call", Restart ringing "ringing");
}

fn defaults(at: &mut At<'_>, old: &BlfNotification, new: &BlfNotification) {
    compare!(at, BlfNotification, old, new;
        Live delay "delay",
        Live display_caller "display-caller",
    );
}

fn bounds(at: &mut At<'_>, old: &BlfLimits, new: &BlfLimits) {
    compare!(at, BlfLimits, old, new;
        Restart watchers "watchers",
        Restart lines "lines",
        Restart lines_per_watcher "lines-per-watcher",
        Live queue "queue",
    );
}

fn answers(at: &mut At<'_>, old: &BlfApi, new: &BlfApi) {
    compare!(at, BlfApi, old, new;
        Live operator_token "operator-token",
        Restart streams "streams",
        Restart streams_per_watcher "streams-per-watcher",
        Live streams_per_address "streams-per-address",
        Live keep_alive "keep-alive",
        Live re_check "re-check",
        Live write_stall "write-stall",
    );
}

fn receiver(at: &mut At<'_>, old: &Option<BlfWebhook>, new: &Option<BlfWebhook>) {
    let (Some(old), Some(new)) = (old, new) else {
        at.compare("url", &old.is_some(), &new.is_some(), ChangeClass::Live);
        return;
    };
    compare!(at, BlfWebhook, old, new;
        Live url "url",
        Live secret "secret",
        Live ca "ca",
        Live timeout "timeout",
        Live retries "retries",
    );
}
