//! From request to response: preflight, credentials, body, dispatch, headers.

use std::sync::Arc;

use http::HeaderMap;
use http::HeaderValue;
use http::Method;
use http::Request;
use http::StatusCode;
use http::header;
use http_body_util::Either;
use hyper::body::Incoming;
use tracing::warn;

use crate::domain::xsi::codec::Encoding;
use crate::lab::broadworks::BroadWorks;
use crate::lab::broadworks::password::random;
use crate::lab::broadworks::xsi::answer;
use crate::lab::broadworks::xsi::answer::Answer;
use crate::lab::broadworks::xsi::answer::Form;
use crate::lab::broadworks::xsi::answer::Wire;
use crate::lab::broadworks::xsi::ask;
use crate::lab::broadworks::xsi::ask::Ask;
use crate::lab::broadworks::xsi::ask::Context;
use crate::lab::broadworks::xsi::connection;
use crate::lab::broadworks::xsi::credentials;
use crate::lab::broadworks::xsi::credentials::Caller;
use crate::lab::broadworks::xsi::credentials::Check;
use crate::lab::broadworks::xsi::credentials::Credentials;
use crate::lab::broadworks::xsi::fault::Fault;
use crate::lab::broadworks::xsi::route;
use crate::lab::broadworks::xsp::Xsp;
use crate::platform::tasks::Tasks;

/// Answers one request.
pub(super) async fn answer(
    (lab, xsp): (Arc<BroadWorks>, Xsp),
    request: Request<Incoming>,
    tasks: &Tasks,
) -> Wire {
    let (head, body) = request.into_parts();
    let mut response = if head.method == Method::OPTIONS {
        preflight()
    } else {
        match Ask::parse(&head) {
            Some(ask) => {
                let form = Form {
                    json: ask.json,
                    charset: charset(&ask),
                };
                let context = ask.context;
                match carry_out((lab, xsp), ask, &head.headers, body, tasks).await {
                    Ok((answer, entered)) => {
                        let mut response = answer::write(answer, form);
                        if entered {
                            start_session(response.headers_mut(), &head.headers, context);
                        }
                        response
                    }
                    Err(fault) => {
                        if let Fault::Unavailable(error) = &fault {
                            warn!(%error, "The lab could not carry out a request.");
                        }
                        answer::refuse(&fault, form, wants_challenge(&head.headers))
                    }
                }
            }
            None => {
                let form = Form {
                    json: false,
                    charset: Encoding::Utf8,
                };
                answer::refuse(&Fault::UnknownResource, form, false)
            }
        }
    };
    if matches!(response.body(), Either::Left(_)) {
        answer::add_platform_headers(response.headers_mut());
    }
    allow_origin(response.headers_mut(), &head.headers);
    response
}

/// The answer, and whether the caller proved who they are.
async fn carry_out(
    (lab, xsp): (Arc<BroadWorks>, Xsp),
    ask: Ask,
    headers: &HeaderMap,
    body: Incoming,
    tasks: &Tasks,
) -> Result<(Answer, bool), Fault> {
    if let Some(answer) = route::without_credentials(&lab, &ask) {
        return answer.map(|answer| (answer, false));
    }
    let caller = authenticate(&lab, headers, tasks).await?;
    let cap = match ask.context {
        Context::Actions => ask::BODY,
        Context::Events => ask::EVENTS_BODY,
    };
    let ask = ask.with_body(connection::read(body, cap).await?);
    let reading = matches!(ask.method, Method::GET | Method::HEAD);
    if reading {
        return route::answer((&lab, xsp), &ask, &caller).map(|answer| (answer, true));
    }
    // A change waits for the disk.
    let changed = tasks
        .blocking(move || route::answer((&lab, xsp), &ask, &caller))
        .await;
    changed
        .unwrap_or(Err(Fault::Internal))
        .map(|answer| (answer, true))
}

async fn authenticate(
    lab: &Arc<BroadWorks>,
    headers: &HeaderMap,
    tasks: &Tasks,
) -> Result<Caller, Fault> {
    let caller = match credentials::check(lab, Credentials::parse(headers)) {
        Check::Known(caller) => caller,
        Check::Costly {
            caller,
            hash,
            password,
        } => {
            let _turn = lab.hashing.acquire().await.map_err(|_| Fault::Internal)?;
            let lab = Arc::clone(lab);
            let good = tasks
                .blocking(move || lab.passwords.verify(&hash, &password))
                .await;
            good.filter(|good| *good).map(|_| caller)
        }
    };
    caller.ok_or(Fault::Unauthenticated)
}

/// Profile, service and directory documents come in the charset of the user's locale, everything
/// else in UTF-8 (specification 3.3.4).
fn charset(ask: &Ask) -> Encoding {
    let family = ask.path.get(2).map(|part| part.to_lowercase());
    match (ask.context, family.as_deref(), ask.path.first()) {
        (Context::Actions, Some("profile" | "services" | "directories"), _) => Encoding::Latin1,
        (Context::Actions, None, Some(first)) if first.eq_ignore_ascii_case("versions") => {
            Encoding::Latin1
        }
        (Context::Actions | Context::Events, _, _) => Encoding::Utf8,
    }
}

/// Web clients ask for a 401 without a challenge, so that the browser shows no pop-up.
fn wants_challenge(headers: &HeaderMap) -> bool {
    headers
        .get("x-broadworks-no-authchallenge")
        .is_none_or(|value| !value.as_bytes().eq_ignore_ascii_case(b"true"))
}

/// A session cookie for whoever brings none. It only spares an XSP work; credentials are needed
/// on every request all the same, so the lab remembers nothing.
fn start_session(headers: &mut HeaderMap, asked: &HeaderMap, context: Context) {
    let has_one = asked.get_all(header::COOKIE).iter().any(|cookie| {
        cookie
            .to_str()
            .is_ok_and(|cookie| cookie.contains("JSESSIONID="))
    });
    let Ok(id) = random::<16>() else {
        return;
    };
    if !has_one {
        let id: String = id.iter().map(|byte| format!("{byte:02X}")).collect();
        let path = context.prefix();
        let cookie = format!("JSESSIONID={id}; Path={path}; Secure; HttpOnly");
        if let Ok(cookie) = HeaderValue::try_from(cookie) {
            headers.insert(header::SET_COOKIE, cookie);
        }
    }
}

fn preflight() -> Wire {
    let mut response = answer::empty();
    *response.status_mut() = StatusCode::OK;
    let headers = response.headers_mut();
    headers.insert(
        header::ACCESS_CONTROL_ALLOW_METHODS,
        HeaderValue::from_static("GET, PUT, POST, DELETE, OPTIONS"),
    );
    headers.insert(
        header::ACCESS_CONTROL_ALLOW_HEADERS,
        HeaderValue::from_static(
            "authorization, content-type, x-broadworks-no-authchallenge, \
             x-broadworks-protocol-version",
        ),
    );
    response
}

fn allow_origin(headers: &mut HeaderMap, asked: &HeaderMap) {
    if let Some(origin) = asked.get(header::ORIGIN) {
        headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
        headers.insert(
            header::ACCESS_CONTROL_ALLOW_CREDENTIALS,
            HeaderValue::from_static("true"),
        );
        headers.insert(
            header::ACCESS_CONTROL_EXPOSE_HEADERS,
            HeaderValue::from_static("Location, Content-Location"),
        );
        headers.insert(header::VARY, HeaderValue::from_static("Origin"));
    }
}
