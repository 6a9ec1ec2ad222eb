//! JSON documents out of notices.

use std::sync::Arc;

use bytes::Bytes;
use serde_json::Value;

use crate::workers::blf_tracker::Notice;
use crate::workers::blf_tracker::Shown;

pub(super) fn knows_list(snapshot: &Notice) -> bool {
    let document: Result<Value, _> = serde_json::from_slice(&snapshot.json);
    document.is_ok_and(|document| document.get("list-known") == Some(&Value::Bool(true)))
}

/// `{"last-event-id": …, "events": […]}`; the events are spliced in as they were rendered.
pub(super) fn document(last: u64, notices: &[Arc<Notice>], shown: Shown) -> Bytes {
    let mut text = format!("{{\"last-event-id\":{last},\"events\":[").into_bytes();
    for (place, notice) in notices.iter().enumerate() {
        if place > 0 {
            text.push(b',');
        }
        let head = format!(
            "{{\"id\":{},\"event\":\"{}\",\"data\":",
            notice.id,
            notice.kind.as_str()
        );
        text.extend_from_slice(head.as_bytes());
        text.extend_from_slice(&notice.json(shown));
        text.push(b'}');
    }
    text.extend_from_slice(b"]}");
    text.into()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::workers::blf_tracker::NoticeKind;

    #[test]
    fn a_long_poll_is_one_json_document() {
        let state = br#"{"kind":"state","user":"a","full":"held","webex-compatible":"on-a-call","calls":[]}"#;
        let notices = [
            Arc::new(Notice::new(7, NoticeKind::State, state)),
            Arc::new(Notice::new(9, NoticeKind::Withdraw, b"{\"offer\":1}")),
        ];
        let read =
            |shown| -> Value { serde_json::from_slice(&document(9, &notices, shown)).unwrap() };
        let both = read(Shown::Both);
        assert_eq!(both["last-event-id"], 9);
        assert_eq!(both["events"][0]["id"], 7);
        assert_eq!(both["events"][0]["event"], "state");
        assert_eq!(both["events"][0]["data"]["full"], "held");
        assert_eq!(both["events"][1]["data"]["offer"], 1);
        let webex = read(Shown::WebexCompatible);
        let line = &webex["events"][0]["data"];
        assert_eq!(line["webex-compatible"], "on-a-call");
        assert!(line.get("full").is_none() && line.get("calls").is_none());
        let full = read(Shown::Full);
        assert!(full["events"][0]["data"].get("webex-compatible").is_none());
        let empty: Value = serde_json::from_slice(&document(3, &[], Shown::Both)).unwrap();
        assert_eq!(empty, json!({"last-event-id": 3, "events": []}));
    }

    #[test]
    fn an_event_is_one_piece_of_text_with_its_json_on_one_line() {
        let notice = Notice::new(
            5,
            NoticeKind::Snapshot,
            br#"{"list-known":true,"lines":[{"full":"idle"}]}"#,
        );
        let sse = notice.sse(Shown::Both);
        let expected = "id: 5\nevent: snapshot\ndata: {\"list-known\":true,\"lines\":[{\"full\":\"idle\"}]}\n\n";
        assert_eq!(sse, expected);
        assert!(knows_list(&notice));
        let again = notice.sse(Shown::WebexCompatible);
        assert!(again.starts_with(b"id: 5\nevent: snapshot\ndata: "));
        assert!(!again.windows(4).any(|part| part == b"idle"));
        assert_eq!(
            again.as_ptr(),
            notice.sse(Shown::WebexCompatible).as_ptr(),
            "made once"
        );
    }
}
