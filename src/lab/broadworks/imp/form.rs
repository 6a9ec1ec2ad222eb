//! One order as a request: method, path and body.

use http::Method;

use crate::lab::broadworks::directory::User;
use crate::lab::broadworks::imp::Charset;
use crate::lab::broadworks::imp::Form;
use crate::lab::broadworks::imp::Order;
use crate::lab::broadworks::imp::Removal;
use crate::lab::broadworks::imp::Settings;

/// The namespace of the product line's messaging interface.
const NAMESPACE: &str = "http://broadsoft.com/schemas/BroadCloudOSS";

/// A request without its connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Written {
    pub(super) method: Method,
    /// Behind the path of the provisioning URL.
    pub(super) suffix: String,
    pub(super) content_type: Option<&'static str>,
    pub(super) body: Vec<u8>,
}

/// Writes an order.
pub(super) fn write(order: &Order, settings: &Settings) -> Written {
    match order {
        Order::Present(user) => post(settings, &profile(user), true),
        Order::Absent(user) => match settings.removal {
            Removal::Flag => post(settings, &[("bwUserId", user)], false),
            Removal::Path => delete(format!("/userservice/subscriber/{}", escaped(user))),
            Removal::Query => delete(format!("?bwUserId={}", escaped(user))),
        },
    }
}

/// A call of the client for guests, which only the old service understands.
pub(super) fn guest(settings: &Settings) -> Written {
    let fields = [
        ("impFirstName", "Ann"),
        ("impLastName", "Guest"),
        ("impPassword", "1f0c"),
        ("impMucHash", "00"),
        ("impMucSeed", "01"),
    ];
    let root = "impGuestSubscriberProfile";
    Written {
        suffix: "/userservice/impguest".to_owned(),
        ..with_body(settings, &xml(settings, root, &fields, None))
    }
}

fn post(settings: &Settings, fields: &[(&str, &str)], active: bool) -> Written {
    let (root, suffix) = match settings.form {
        Form::BwaAdapter1 => ("subscriberProfile", ""),
        Form::Userservice => ("impSubscriberProfile", "/userservice/subscriber"),
    };
    Written {
        suffix: suffix.to_owned(),
        ..with_body(settings, &xml(settings, root, fields, Some(active)))
    }
}

const fn delete(suffix: String) -> Written {
    Written {
        method: Method::DELETE,
        suffix,
        content_type: None,
        body: Vec::new(),
    }
}

fn with_body(settings: &Settings, text: &str) -> Written {
    let (content_type, body) = match settings.charset {
        Charset::Latin1 => ("application/xml; charset=ISO-8859-1", latin1(text)),
        Charset::Utf8 => ("application/xml; charset=UTF-8", text.as_bytes().to_vec()),
    };
    Written {
        method: Method::POST,
        suffix: String::new(),
        content_type: Some(content_type),
        body,
    }
}

fn profile(user: &User) -> Vec<(&'static str, &str)> {
    let mut fields = vec![
        ("bwUserId", user.id.as_str()),
        ("serviceProvider", &user.service_provider),
        ("group", &user.group),
        ("firstName", &user.first_name),
        ("lastName", &user.last_name),
    ];
    let optional = [
        ("email", user.email.as_deref()),
        ("primaryPhoneNumber", user.number.as_deref()),
        ("mobilePhoneNumber", user.mobile.as_deref()),
        ("extension", user.extension.as_deref()),
        (
            "language",
            Some(user.language.as_deref().unwrap_or("English")),
        ),
        (
            "timeZone",
            Some(user.time_zone.as_deref().unwrap_or("America/New_York")),
        ),
        ("impId", user.imp_id.as_deref()),
    ];
    fields.extend(
        optional
            .into_iter()
            .filter_map(|(name, text)| Some((name, text?))),
    );
    if user.is_place {
        fields.push(("isPlace", "true"));
    }
    fields
}

fn xml(settings: &Settings, root: &str, fields: &[(&str, &str)], active: Option<bool>) -> String {
    let label = match settings.charset {
        Charset::Latin1 => "ISO-8859-1",
        Charset::Utf8 => "UTF-8",
    };
    let mut out = format!(
        "<?xml version=\"1.0\" encoding=\"{label}\"?>\n<b:{root} xmlns:b=\"{NAMESPACE}\" \
         xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\">"
    );
    for (name, text) in fields {
        out += &format!(
            "<b:{name}>{}</b:{name}>",
            characters(text, settings.charset)
        );
    }
    if let Some(active) = active {
        out += &format!("<b:services><b:service name=\"IMP\" active=\"{active}\"/></b:services>");
    }
    out + &format!("</b:{root}>")
}

fn characters(text: &str, charset: Charset) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            _ if charset == Charset::Latin1 && u32::from(c) > 0xff => {
                out.push_str(&format!("&#{};", u32::from(c)));
            }
            _ => out.push(c),
        }
    }
    out
}

fn latin1(text: &str) -> Vec<u8> {
    let bytes = text.chars().map(|c| u8::try_from(u32::from(c)));
    bytes.map(|byte| byte.unwrap_or(b'?')).collect()
}

/// Everything but letters and digits as `%xx`.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::xsi::codec::parse_xml;

    fn text(written: &Written) -> String {
        String::from_utf8_lossy(&written.body).into_owned()
    }

    #[test]
    fn a_removal_is_written_as_it_is_set() {
        let order = Order::Absent("noël+x@as/..?a".to_owned());
        let with = |removal| {
            let settings = Settings {
                removal,
                ..Settings::default()
            };
            write(&order, &settings)
        };
        let query = with(Removal::Query);
        assert_eq!(query.method, Method::DELETE);
        assert_eq!(query.suffix, "?bwUserId=no%C3%ABl%2Bx%40as%2F..%3Fa");
        let path = with(Removal::Path);
        assert_eq!(
            path.suffix,
            "/userservice/subscriber/no%C3%ABl%2Bx%40as%2F..%3Fa"
        );
        let flag = with(Removal::Flag);
        assert_eq!(flag.method, Method::POST);
        assert!(text(&flag).contains("<b:service name=\"IMP\" active=\"false\"/>"));
    }

    #[test]
    fn both_encodings_say_the_same_to_a_strict_reader() {
        for charset in [Charset::Latin1, Charset::Utf8] {
            let settings = Settings {
                charset,
                removal: Removal::Flag,
                form: Form::Userservice,
                ..Settings::default()
            };
            let order = Order::Absent("zoë€<&>".to_owned());
            let written = write(&order, &settings);
            let document = parse_xml(&written.body, 4096, None).unwrap();
            assert_eq!(document.root().local(), "impSubscriberProfile");
            assert_eq!(document.root().child_text("bwUserId"), Some("zoë€<&>"));
            assert_eq!(written.suffix, "/userservice/subscriber");
        }
    }
}
