//! The next page of a list: `Link: <…>; rel="next"` (RFC 8288, before it RFC 5988).

use http::HeaderMap;
use http::header::LINK;

use crate::outbound::web::WebUrl;

/// Where a list goes on. The URL is used as Webex gave it, but only towards Webex itself: the
/// access token goes with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cursor(pub(super) WebUrl);

/// Why a link is not followed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum LinkFault {
    /// It leads away from Webex.
    #[error("the link to the next page leads to {0}, which is not the configured base-url")]
    Foreign(String),
    /// It is no URL.
    #[error("the link to the next page cannot be read")]
    Unreadable,
}

/// The link to the next page, if there is one.
pub(super) fn next(headers: &HeaderMap, base: &WebUrl) -> Result<Option<Cursor>, LinkFault> {
    let mut values = headers.get_all(LINK).iter();
    let found = values.find_map(|value| target(value.to_str().ok()?));
    let Some(target) = found else {
        return Ok(None);
    };
    let url = match target.starts_with('/') {
        true => format!("{}{target}", base.origin()),
        false => target.to_owned(),
    };
    let url = WebUrl::parse_or_loopback(&url).map_err(|_| LinkFault::Unreadable)?;
    if url.is_same_origin(base) {
        Ok(Some(Cursor(url)))
    } else {
        Err(LinkFault::Foreign(url.host().to_owned()))
    }
}

/// The target of the link with the relation `next`.
fn target(value: &str) -> Option<&str> {
    let mut rest = value;
    loop {
        let (_, after) = rest.split_once('<')?;
        let (target, after) = after.split_once('>')?;
        // Parameters go on to the comma before the next link.
        let end = after.find(",").map_or(after.len(), |comma| {
            after.get(comma..).map_or(after.len(), |tail| {
                tail.find('<').map_or(after.len(), |_| comma)
            })
        });
        let parameters = after.get(..end).unwrap_or_default();
        if parameters.split(';').any(is_next) {
            return Some(target);
        }
        rest = after.get(end..)?;
    }
}

fn is_next(parameter: &str) -> bool {
    let Some((name, value)) = parameter.split_once('=') else {
        return false;
    };
    let mut relations = value.trim().trim_matches('"').split_ascii_whitespace();
    name.trim().eq_ignore_ascii_case("rel")
        && relations.any(|relation| relation.eq_ignore_ascii_case("next"))
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;
    use proptest::prelude::*;

    use super::*;

    fn follow(values: &[&str]) -> Result<Option<String>, LinkFault> {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(LINK, HeaderValue::from_str(value).unwrap());
        }
        let base = WebUrl::parse("https://webexapis.com/v1").unwrap();
        let cursor = next(&headers, &base)?;
        Ok(cursor.map(|cursor| cursor.0.to_string()))
    }

    #[test]
    fn the_next_page_is_the_one_called_next() {
        let page = "https://webexapis.com/v1/people?cursor=a,b";
        for values in [
            &[r#"<https://webexapis.com/v1/people?cursor=a,b>; rel="next""#][..],
            &[r#"<https://webexapis.com/v1/people?cursor=a,b>;rel=next"#],
            &[r#"</v1/people?cursor=a,b>; title="x"; REL="last next""#],
            &[
                r#"<https://webexapis.com/v1/people>; rel="prev", <https://webexapis.com/v1/people?cursor=a,b>; rel="next""#,
            ],
            &[
                r#"<https://x.example/>; rel="prev""#,
                r#"<https://webexapis.com/v1/people?cursor=a,b>; rel="next""#,
            ],
        ] {
            assert_eq!(follow(values).unwrap().as_deref(), Some(page), "{values:?}");
        }
        for values in [&[][..], &[r#"<https://a/>; rel="prev""#], &["nothing"]] {
            assert_eq!(follow(values), Ok(None), "{values:?}");
        }
    }

    #[test]
    fn a_token_does_not_follow_a_link_elsewhere() {
        for target in [
            "https://evil.example/v1/people",
            "https://webexapis.com.evil.example/v1",
            "https://webexapis.com:8443/v1",
            "//evil.example/v1",
        ] {
            let followed = follow(&[&format!("<{target}>; rel=\"next\"")]);
            assert!(
                followed.is_err()
                    || followed
                        .unwrap()
                        .is_some_and(|url| url.starts_with("https://webexapis.com//")),
                "{target}"
            );
        }
        let clear = follow(&["<http://webexapis.com/v1>; rel=\"next\""]);
        assert_eq!(clear, Err(LinkFault::Unreadable));
    }

    proptest! {
        #[test]
        fn foreign_links_never_panic(value in "[ -~]{0,80}") {
            drop(follow(&[&value]));
        }
    }
}
