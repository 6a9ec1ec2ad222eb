//! The documents of a stream, as XSPs write them: one line each, nothing between them.
//!
//! Ids carry the channel's number, so that neither side needs a table to know whose they are.

use std::time::Duration;
use std::time::UNIX_EPOCH;

use xspd::platform::clock;

use crate::Failure;

/// Bytes of an event: those of a call event of a real XSP.
pub(super) const EVENT_BYTES: usize = 700;

/// The echo of a heartbeat, byte for byte.
pub(super) const ECHO: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\
     <ChannelHeartBeat xmlns=\"http://schema.broadsoft.com/xsi\"/>";

/// What ends an event, and nothing else on the stream.
pub(super) const EVENT_END: &[u8] = b"</xsi:Event>";

/// What only an echo holds.
pub(super) const ECHO_NAME: &[u8] = b"<ChannelHeartBeat ";

const EVENT_ID: &[u8] = b"<xsi:eventID>";
const STAMP: &[u8] = b"callhalf-";
const SET: &[u8] = b"<channelSetId>load-";

/// Digits of a number in hexadecimal at the head of each id.
const NUMBER_DIGITS: usize = 8;
/// An id is a UUID.
const ID: usize = 36;

/// What a client sends to open a channel.
pub(super) fn channel_request(number: u32) -> String {
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\
         <Channel xmlns=\"http://schema.broadsoft.com/xsi\">\
         <channelSetId>load-{number:08x}</channelSetId><priority>1</priority><weight>50</weight>\
         <expires>7200</expires></Channel>"
    )
}

/// The number in a request for a channel.
pub(super) fn number_in_request(body: &[u8]) -> Option<u32> {
    number(after(body, SET)?)
}

/// The first document of a stream; it has the one line feed of a real one.
pub(super) fn channel_answer(number: u32) -> String {
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
         <Channel xmlns=\"http://schema.broadsoft.com/xsi\"><channelId>{}</channelId>\
         <expires>86400</expires></Channel>",
        channel_id(number)
    )
}

pub(super) fn channel_id(number: u32) -> String {
    format!("{number:08x}-b707-4827-aacd-487fb5cb8427")
}

/// A new call at a monitored line. Its call id is the time of writing.
pub(super) fn event(number: u32, sequence: u64) -> String {
    let head = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?><xsi:Event \
         xmlns:xsi=\"http://schema.broadsoft.com/xsi\" \
         xmlns:xsi1=\"http://www.w3.org/2001/XMLSchema-instance\" \
         xsi1:type=\"xsi:SubscriptionEvent\">\
         <xsi:eventID>{number:08x}-5e53-4143-8d1c-{sequence:012x}</xsi:eventID>\
         <xsi:sequenceNumber>{sequence}</xsi:sequenceNumber>\
         <xsi:channelId>{channel}</xsi:channelId><xsi:targetId>",
        channel = channel_id(number),
    );
    let tail = format!(
        "</xsi:targetId><xsi:eventData xsi1:type=\"xsi:CallReceivedEvent\"><xsi:call>\
         <xsi:callId>callhalf-{stamp:019}:0</xsi:callId><xsi:state>Alerting</xsi:state>\
         <xsi:remoteParty><xsi:address>tel:1012</xsi:address><xsi:callType>Group</xsi:callType>\
         </xsi:remoteParty><xsi:startTime>1456327904666</xsi:startTime></xsi:call>\
         </xsi:eventData></xsi:Event>",
        stamp = since_epoch().as_nanos(),
    );
    // The line's name fills up what is missing.
    let room = EVENT_BYTES.saturating_sub(head.len() + tail.len());
    format!("{head}{:x<room$}{tail}", "")
}

/// An acknowledgement, byte for byte.
pub(super) fn acknowledgement(event: &str) -> String {
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\
         <EventResponse xmlns=\"http://schema.broadsoft.com/xsi\"><eventID>{event}</eventID>\
         <statusCode>200</statusCode><reason>OK</reason></EventResponse>"
    )
}

/// The channel's number in an acknowledgement.
pub(super) fn number_in_acknowledgement(body: &[u8]) -> Option<u32> {
    number(after(body, b"<eventID>")?)
}

/// Reads the number at the head of an id.
pub(super) fn number(id: &[u8]) -> Option<u32> {
    let digits = std::str::from_utf8(id.get(..NUMBER_DIGITS)?).ok()?;
    u32::from_str_radix(digits, 16).ok()
}

/// Id and age of an event.
pub(super) fn read_event(document: &[u8]) -> Result<(String, Duration), Failure> {
    let id = after(document, EVENT_ID).and_then(|rest| rest.get(..ID));
    let stamp = after(document, STAMP).and_then(|rest| rest.split(|byte| *byte == b':').next());
    let (id, stamp) = id.zip(stamp).ok_or("an event came changed")?;
    let written = Duration::from_nanos(std::str::from_utf8(stamp)?.parse()?);
    let age = since_epoch().saturating_sub(written);
    Ok((std::str::from_utf8(id)?.to_owned(), age))
}

fn after<'a>(text: &'a [u8], mark: &[u8]) -> Option<&'a [u8]> {
    text.get(memchr::memmem::find(text, mark)? + mark.len()..)
}

/// The one clock that the processes of a machine share.
fn since_epoch() -> Duration {
    clock::wall().duration_since(UNIX_EPOCH).unwrap_or_default()
}
