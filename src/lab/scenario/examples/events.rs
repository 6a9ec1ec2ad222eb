//! An event channel: opened in the background, subscribed, seen, acknowledged, closed.

use super::ACTIONS;
use super::Caller;
use super::Description;
use super::Example;
use super::calls::colleagues;
use super::line::Line;
use super::line::variable;
use super::line::word;
use super::path;
use crate::lab::scenario::description::BROADWORKS_LAB;
use crate::lab::scenario::description::XSI;

const EVENTS: &str = "/com.broadsoft.xsi-events/v2.0";

/// The file in the state directory with the documents of the channel.
const FILE: &str = "channel.xml";

/// Long enough for a person; an Application Server waits seconds.
const TIMES: &str = r#"{"event-timeout-ms":3600000,"notification-timeout-ms":3600000}"#;

/// What one user does, through the daemon.
pub(super) fn events(lab: &Description, user: &Caller<'_>) -> Vec<Example> {
    dialogue(lab, user).unwrap_or_default()
}

fn dialogue(lab: &Description, user: &Caller<'_>) -> Option<Vec<Example>> {
    let base = lab.endpoints.get(XSI)?;
    let control = lab.endpoints.get(BROADWORKS_LAB)?;
    let called = colleagues(lab, user).next()?.extension.as_ref()?;
    let file = lab.config.with_file_name(FILE).display().to_string();
    let curl = |line: Line| {
        line.option("--cacert", &path(&lab.ca))
            .option("--user", &user.credentials)
    };
    let xml = |line: Line, method: &str| {
        curl(line)
            .option("--request", method)
            .option("--header", XML)
    };
    let url = |rest: &str| format!("{base}{EVENTS}/{rest}");
    let own = |rest: &str| format!("{base}{ACTIONS}/{}/{rest}", user.user_id);
    let place = curl(Line::body())
        .option("--request", "POST")
        .end(&own(&format!("calls/New?address={called}")));
    let mut all = begin(lab, user, control)?;
    all.extend([
        Example {
            title: format!("{} subscribes to the own calls", user.user_id),
            command: xml(Line::curl(), "POST")
                .option("--data", SUBSCRIPTION)
                .end(&url(&format!("user/{}", user.user_id))),
            expect: "200 and a Subscription document; its first event tells how things stand",
        },
        Example {
            title: format!("{} places a call", user.user_id),
            command: variable("CALL", &place, "<callId>", '<'),
            expect: "the id of the call: echo $CALL",
        },
        Example {
            title: "The newest event".to_owned(),
            command: variable(
                "EVENT",
                &wait_for("CallOriginatedEvent", &file),
                "<xsi:eventID>",
                '<',
            ),
            expect: "its id: echo $EVENT",
        },
        Example {
            title: "All events so far, by their types".to_owned(),
            command: format!("grep -o 'xsi:[A-Za-z]*Event\"' {}", word(&file)),
            expect: "lines with CallSubscriptionEvent and CallOriginatedEvent among them",
        },
    ]);
    all.extend(end(lab, user, control)?);
    Some(all)
}

/// Up to the heartbeats.
fn begin(lab: &Description, user: &Caller<'_>, control: &str) -> Option<Vec<Example>> {
    let base = lab.endpoints.get(XSI)?;
    let file = lab.config.with_file_name(FILE).display().to_string();
    let curl = |line: Line| {
        line.option("--cacert", &path(&lab.ca))
            .option("--user", &user.credentials)
    };
    let stream = curl(Line::body())
        .option("--no-buffer --max-time", "3600")
        .option("--header", XML)
        .option("--data", CHANNEL)
        .option("--output", &file)
        .end(&format!("{base}/com.broadsoft.async{EVENTS}/channel"));
    let beat = curl(Line::body())
        .option("--fail --request", "PUT")
        .option("--output", "/dev/null")
        .end_filled(&format!("{base}{EVENTS}/channel/$CHANNEL/heartbeat"));
    Some(vec![
        Example {
            title: "The lab waits longer for acknowledgements than a BroadWorks, because you type \
                    them"
                .to_owned(),
            command: Line::curl()
                .option("--request", "PUT")
                .option("--data", TIMES)
                .end(&format!("{control}/lab/times")),
            expect: "200 and all times of the event service",
        },
        Example {
            title: format!("{} opens an event channel", user.user_id),
            command: format!("rm -f {}; {stream} &", word(&file)),
            expect: "a job of the shell; what the channel carries goes into that file",
        },
        Example {
            title: "The channel".to_owned(),
            command: variable(
                "CHANNEL",
                &wait_for("<channelId>", &file),
                "<channelId>",
                '<',
            ),
            expect: "its id: echo $CHANNEL",
        },
        Example {
            title: "Heartbeats".to_owned(),
            command: format!("while {beat}; do sleep 15; done &"),
            expect: "another job; each heartbeat is echoed in the file",
        },
    ])
}

/// From the acknowledgement on.
fn end(lab: &Description, user: &Caller<'_>, control: &str) -> Option<Vec<Example>> {
    let base = lab.endpoints.get(XSI)?;
    let curl = |line: Line| {
        line.option("--cacert", &path(&lab.ca))
            .option("--user", &user.credentials)
    };
    let url = |rest: &str| format!("{base}{EVENTS}/{rest}");
    let own = |rest: &str| format!("{base}{ACTIONS}/{}/{rest}", user.user_id);
    Some(vec![
        Example {
            title: "The event is acknowledged".to_owned(),
            command: curl(Line::curl())
                .option("--request", "POST")
                .option("--header", XML)
                .filled("--data", ACKNOWLEDGED)
                .end(&url("channel/eventresponse")),
            expect: "200",
        },
        Example {
            title: format!("{} hangs up", user.user_id),
            command: curl(Line::curl())
                .option("--request", "DELETE")
                .end_filled(&own("calls/$CALL")),
            expect: "200, and another event",
        },
        Example {
            title: "The channel is closed, and both jobs end".to_owned(),
            command: curl(Line::curl())
                .option("--request", "DELETE")
                .end_filled(&url("channel/$CHANNEL")),
            expect: "200; the last document is a ChannelTerminatedEvent",
        },
        Example {
            title: "The lab waits no longer than before".to_owned(),
            command: Line::curl()
                .option("--request", "DELETE")
                .end(&format!("{control}/lab/times")),
            expect: "200",
        },
    ])
}

/// Prints the line of a file that has a text, as soon as there is one; gives up after ten seconds.
fn wait_for(text: &str, file: &str) -> String {
    format!(
        "for n in 1 2 3 4 5 6 7 8 9 10; do grep -s {} {} && break; sleep 1; done",
        word(text),
        word(file)
    )
}

const XML: &str = "Content-Type: application/xml; charset=UTF-8";

const CHANNEL: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\
    <Channel xmlns=\"http://schema.broadsoft.com/xsi\"><channelSetId>try</channelSetId>\
    <priority>1</priority><weight>50</weight><expires>3600</expires></Channel>";

const SUBSCRIPTION: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\
    <Subscription xmlns=\"http://schema.broadsoft.com/xsi\"><event>Standard Call</event>\
    <expires>3600</expires><channelSetId>try</channelSetId>\
    <applicationId>try</applicationId></Subscription>";

const ACKNOWLEDGED: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\
    <EventResponse xmlns=\"http://schema.broadsoft.com/xsi\"><eventID>$EVENT</eventID>\
    <statusCode>200</statusCode><reason>OK</reason></EventResponse>";
