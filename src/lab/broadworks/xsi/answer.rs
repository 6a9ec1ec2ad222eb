//! What a resource answers, before it becomes bytes.

use bytes::Bytes;
use http::HeaderMap;
use http::HeaderName;
use http::HeaderValue;
use http::Method;
use http::Response;
use http::StatusCode;
use http::header;
use http_body_util::Either;
use http_body_util::Full;

use crate::domain::xsi::codec::Document;
use crate::domain::xsi::codec::Element;
use crate::domain::xsi::codec::Encoding;
use crate::domain::xsi::codec::write_json;
use crate::domain::xsi::codec::write_xml;
use crate::lab::broadworks::events::stream::ChannelBody;
use crate::lab::broadworks::xsi::fault::Fault;

/// Bytes on the wire: all at once, or the documents of a channel.
pub(super) type Wire = Response<Either<Full<Bytes>, ChannelBody>>;

/// A status with or without a document.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) document: Option<Document>,
    pub(super) location: Option<String>,
    pub(super) content_location: Option<String>,
    /// The media type of the XML form.
    pub(super) media: &'static str,
    /// Documents that follow as they come, in place of one.
    pub(super) stream: Option<ChannelBody>,
}

impl Answer {
    /// 200 with a document.
    pub(super) fn document(root: Element) -> Self {
        Self {
            document: Some(Document::new(root)),
            ..Self::done()
        }
    }

    /// 200 without a body, the answer of a PUT or DELETE (XSI clients take no 204).
    pub(super) const fn done() -> Self {
        Self {
            status: StatusCode::OK,
            document: None,
            location: None,
            content_location: None,
            media: "application/xml",
            stream: None,
        }
    }

    /// 200 with the documents of a channel.
    pub(super) const fn stream(body: ChannelBody) -> Self {
        Self {
            status: StatusCode::OK,
            document: None,
            location: None,
            content_location: None,
            media: "text/xml",
            stream: Some(body),
        }
    }

    /// 302 to another place.
    pub(super) fn elsewhere(place: String) -> Self {
        Self {
            status: StatusCode::FOUND,
            location: Some(place),
            ..Self::done()
        }
    }

    /// 201 without a body.
    pub(super) fn created() -> Self {
        Self {
            status: StatusCode::CREATED,
            ..Self::done()
        }
    }
}

/// How the client wants its answer.
#[derive(Debug, Clone, Copy)]
pub(super) struct Form {
    pub(super) json: bool,
    /// The charset of XML: ISO-8859-1 for profile, services and directories, UTF-8 for the rest
    /// (specification 3.3.4).
    pub(super) charset: Encoding,
}

/// An answer as a response.
pub(super) fn write(answer: Answer, form: Form) -> Wire {
    let mut response = match (answer.stream, &answer.document) {
        (Some(stream), _) => begin(stream),
        (None, Some(document)) => body(document, form, answer.media),
        (None, None) => empty(),
    };
    *response.status_mut() = answer.status;
    for (name, place) in [
        (header::LOCATION, answer.location),
        (header::CONTENT_LOCATION, answer.content_location),
    ] {
        if let Some(Ok(place)) = place.map(HeaderValue::try_from) {
            response.headers_mut().insert(name, place);
        }
    }
    response
}

/// A response without a body.
pub(super) fn empty() -> Wire {
    Response::new(Either::Left(Full::default()))
}

/// The head of a channel's answer (field page 1.3, from a captured one).
fn begin(stream: ChannelBody) -> Wire {
    let tracking = HeaderValue::try_from(format!("NA_{}", stream.channel()));
    let mut response = Response::new(Either::Right(stream));
    let headers = response.headers_mut();
    if let Ok(tracking) = tracking {
        headers.insert("trackingid", tracking);
    }
    for (name, value) in [
        (header::X_FRAME_OPTIONS, "SAMEORIGIN"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::X_XSS_PROTECTION, "1; mode=block"),
        (header::EXPIRES, "Thu, 01 Jan 1970 00:00:00 GMT"),
        (header::CONTENT_TYPE, "text/xml;charset=UTF-8"),
        // Seen, and without a meaning for a stream that lives.
        (header::CONNECTION, "keep-alive"),
        (header::SERVER, "HTTP Server"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    headers.insert("keep-alive", HeaderValue::from_static("timeout=4"));
    response
}

/// A refusal as a response.
pub(super) fn refuse(fault: &Fault, form: Form, challenge: bool) -> Wire {
    let status = fault.status();
    let mut response = if matches!(fault, Fault::Unauthenticated) {
        // Seen without a body, and a browser's pop-up needs none.
        empty()
    } else {
        let charset = if fault.is_from_core() {
            form.charset
        } else {
            Encoding::Utf8
        };
        body(
            &fault.document(),
            Form { charset, ..form },
            "application/xml",
        )
    };
    *response.status_mut() = status;
    let headers = response.headers_mut();
    if matches!(fault, Fault::Unauthenticated) && challenge {
        headers.insert(
            header::WWW_AUTHENTICATE,
            HeaderValue::from_static(r#"Basic realm="BroadWorks Xsi""#),
        );
    }
    if let Fault::MethodNotAllowed(allowed) = fault {
        let names: Vec<&str> = allowed.iter().map(Method::as_str).collect();
        if let Ok(names) = HeaderValue::try_from(names.join(", ")) {
            headers.insert(header::ALLOW, names);
        }
    }
    response
}

fn body(document: &Document, form: Form, media: &'static str) -> Wire {
    let (bytes, content_type) = if form.json {
        (
            write_json(document),
            "application/json;charset=UTF-8".to_owned(),
        )
    } else {
        let label = form.charset.label();
        // libxsi takes everything behind `charset=` as its name: last, and without quotes.
        (
            write_xml(document, form.charset),
            format!("{media};charset={label}"),
        )
    };
    let mut response = Response::new(Either::Left(Full::new(Bytes::from(bytes))));
    if let Ok(content_type) = HeaderValue::try_from(content_type) {
        response
            .headers_mut()
            .insert(header::CONTENT_TYPE, content_type);
    }
    response
}

/// The headers of every answer (field page 1.6, from a captured one).
pub(super) fn add_platform_headers(headers: &mut HeaderMap) {
    const ALL: [(HeaderName, &str); 8] = [
        (header::CACHE_CONTROL, "no-cache, no-store"),
        (header::CONTENT_LANGUAGE, "en-US"),
        (header::EXPIRES, "Thu, 01 Jan 1970 00:00:00 GMT"),
        (header::PRAGMA, "no-cache"),
        (
            header::STRICT_TRANSPORT_SECURITY,
            "max-age=16070400; includeSubDomains",
        ),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::X_FRAME_OPTIONS, "SAMEORIGIN"),
        (header::X_XSS_PROTECTION, "1; mode=block"),
    ];
    for (name, value) in ALL {
        headers.insert(name, HeaderValue::from_static(value));
    }
    headers.insert("keep-alive", HeaderValue::from_static("timeout=4"));
}
