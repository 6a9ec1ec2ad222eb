//! Documents of the event interface, and what a line makes of the events among them.
#![no_main]

use libfuzzer_sys::fuzz_target;

use xspd::domain::events::document::BusyLampField;
use xspd::domain::events::document::ChannelEntry;
use xspd::domain::events::document::Document;
use xspd::domain::events::document::ErrorInfo;
use xspd::domain::events::document::SubscriptionEntry;
use xspd::domain::events::document::answers;

/// Real documents are smaller.
const CAP: usize = 64 * 1024;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(Document::Event(event)) = Document::parse(bytes, CAP) {
        assert!(!event.id.as_str().is_empty(), "an event without id");
        let _name = event.data.name();
        let _about = event.about();
        let _odd = event.data.odd_states();
    }
    let _channel = ChannelEntry::parse(bytes, CAP);
    let _set = ChannelEntry::parse_set(bytes, CAP);
    let _subscription = SubscriptionEntry::parse(bytes, CAP);
    let _list = SubscriptionEntry::parse_list(bytes, CAP);
    let _error = ErrorInfo::parse(bytes, CAP);
    let _field = BusyLampField::parse(bytes, CAP);
    let _calls = answers::parse_calls(bytes, CAP);
    let _call = answers::parse_call(bytes, CAP);
    let _hook = answers::parse_hook(bytes, CAP);
});
