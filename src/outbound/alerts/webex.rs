//! A message in a Webex space: by an incoming webhook, or by a bot.

use bytes::Bytes;
use futures_util::future::BoxFuture;
use http::HeaderValue;
use serde_json::Value;
use serde_json::json;

use crate::config;
use crate::config::Environment;
use crate::config::WebexSpeaker;
use crate::config::secret::Secret;
use crate::domain::alarms::Notice;
use crate::outbound::alerts::Carrier;
use crate::outbound::alerts::SetupFault;
use crate::outbound::alerts::SinkError;
use crate::outbound::alerts::build::secret;
use crate::outbound::alerts::post::Poster;
use crate::outbound::alerts::post::authorized;
use crate::outbound::alerts::post::bearer;
use crate::outbound::alerts::text;
use crate::outbound::web::WebUrl;
use crate::platform::clock;

/// Longest message that Webex takes (developer.webex.com, "Create a Message").
const MESSAGE: usize = 7_439;

/// What is left out is said so.
const CUT: &str = "\n…";

pub(super) struct Webex {
    poster: Poster,
    url: WebUrl,
    bot: Option<Bot>,
}

struct Bot {
    token: HeaderValue,
    room: String,
}

impl Webex {
    pub(super) fn new(
        sink: &config::WebexSink,
        environment: &Environment,
        limit: std::time::Duration,
    ) -> Result<Self, SetupFault> {
        let poster = Poster::new(&sink.web, environment, limit)?;
        match &sink.speaker {
            WebexSpeaker::Webhook(url) => {
                let url = secret(url, environment)?;
                Ok(Self {
                    poster: poster.hiding(&last_segment(&url)),
                    url: secret_url(&url)?,
                    bot: None,
                })
            }
            WebexSpeaker::Bot {
                token,
                room_id,
                base_url,
            } => {
                let token = secret(token, environment)?;
                Ok(Self {
                    poster: poster.hiding(&token),
                    url: WebUrl::parse_or_loopback(base_url)?.below("/messages")?,
                    bot: Some(Bot {
                        token: bearer(&token)?,
                        room: room_id.clone(),
                    }),
                })
            }
        }
    }

    fn body(&self, notice: &Notice) -> Value {
        let markdown = markdown(notice);
        match &self.bot {
            None => json!({ "markdown": markdown }),
            Some(bot) => json!({ "roomId": bot.room, "markdown": markdown }),
        }
    }

    async fn post(&self, notice: &Notice) -> Result<(), SinkError> {
        let body = Bytes::from(self.body(notice).to_string());
        let headers = authorized(self.bot.as_ref().map(|bot| &bot.token));
        let now = clock::wall();
        self.poster.post(&self.url, headers, body, now).await
    }
}

impl Carrier for Webex {
    fn carry<'a>(&'a self, notice: &'a Notice) -> BoxFuture<'a, Result<(), SinkError>> {
        Box::pin(self.post(notice))
    }
}

/// The URL itself lets anybody speak, so what is wrong with it is told without it.
fn secret_url(url: &Secret) -> Result<WebUrl, SetupFault> {
    let text = std::str::from_utf8(url.expose()).map_err(|_| SetupFault::Header)?;
    Ok(WebUrl::parse_or_loopback(text)?)
}

/// The part of a webhook's URL that is the secret.
fn last_segment(url: &Secret) -> Secret {
    let last = url.expose().rsplit(|byte| *byte == b'/').next();
    Secret::new(last.unwrap_or_default().to_vec())
}

fn markdown(notice: &Notice) -> String {
    let mut markdown = format!(
        "**{}**\n\n{}\n\n**What to do:** {}\n",
        escaped(&text::headline(notice)),
        escaped(&notice.text),
        escaped(&notice.action),
    );
    for (label, value) in text::facts(notice) {
        markdown.push_str(&format!("\n- {}: {}", escaped(&label), escaped(&value)));
    }
    if markdown.len() <= MESSAGE {
        return markdown;
    }
    let kept = text::cut(&markdown, MESSAGE - CUT.len());
    format!("{kept}{CUT}")
}

/// Text that is shown as it is: names in certificates are whatever somebody wrote, and a mention
/// (`<@all>`) would wake a whole space.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '&' => escaped.push_str("&amp;"),
            '\\' | '`' | '*' | '_' | '[' | ']' | '#' | '~' | '|' => {
                escaped.push('\\');
                escaped.push(c);
            }
            c if c.is_control() => escaped.push(' '),
            c => escaped.push(c),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::outbound::alerts::tests::notice;

    #[test]
    fn a_name_in_a_certificate_can_neither_mention_nor_format() {
        assert_eq!(escaped("<@all> *x*\n# y"), "&lt;@all&gt; \\*x\\* \\# y");
    }

    #[test]
    fn a_message_is_never_longer_than_webex_takes() {
        let mut notice = notice(1);
        notice.text = "é".repeat(9_000);
        let markdown = markdown(&notice);
        assert!(markdown.len() <= MESSAGE && markdown.len() > MESSAGE - 4);
        assert!(markdown.ends_with(CUT));
    }
}
