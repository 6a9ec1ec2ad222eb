//! The classes of the relay of Xsi-Events: streams and what is known of them outlive a reload.

use crate::config::Events;
use crate::config::change::At;
use crate::config::change::ChangeClass;
use crate::config::change::classes::compare;

pub(super) fn events(at: &mut At<'_>, old: &Events, new: &Events) {
    compare!(at, Events, old, new;
        Live channels "channels",
        Live channels_per_user "channels-per-user",
        Live channels_per_application "channels-per-application",
        Live channel_opens_per_minute "channel-opens-per-minute",
        Live heartbeat_interval "heartbeat-interval",
        Live heartbeat_echo_timeout "heartbeat-echo-timeout",
        Live idle_timeout "idle-timeout",
        Live write_timeout "write-timeout",
        Live document_bytes "document-bytes",
        Live remembered_events "remembered-events",
        Live remember_events "remember-events",
        Live remember_channels "remember-channels",
        Live redirects "redirects",
        Live cuts_per_second "cuts-per-second",
        Live peers "peers",
        Live peer_timeout "peer-timeout",
        Live farm_identities "farm-identities",
    );
}
