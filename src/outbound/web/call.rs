//! One request and its answer on a fresh connection.

use std::convert::Infallible;

use bytes::Bytes;
use http::HeaderValue;
use http::Request;
use http::Uri;
use http::header::CONNECTION;
use http::header::HOST;
use http::header::USER_AGENT;
use http_body_util::Full;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::io::AsyncRead;
use tokio::io::AsyncWrite;

use crate::outbound::ReadError;
use crate::outbound::read_capped;
use crate::outbound::web::WebAnswer;
use crate::outbound::web::WebRequest;
use crate::outbound::web::failure::WebFailure;

/// Bytes of an answer's head, and read ahead of its body.
pub(super) const HEAD_BYTES: usize = 64 * 1024;

pub(super) async fn exchange<S>(stream: S, request: WebRequest<'_>) -> Result<WebAnswer, WebFailure>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let answer_bytes = request.answer_bytes;
    let mut request = written(&request)?;
    let headers = request.headers_mut();
    headers.insert(CONNECTION, HeaderValue::from_static("close"));
    let (mut sender, link) = http1::Builder::new()
        .max_header_size(HEAD_BYTES)
        .max_buf_size(HEAD_BYTES)
        .handshake(TokioIo::new(stream))
        .await
        .map_err(|error| WebFailure::Broken(Box::new(error)))?;
    let answer = async move {
        let answer = sender
            .send_request(request)
            .await
            .map_err(|error| WebFailure::Broken(Box::new(error)))?;
        let (head, body) = answer.into_parts();
        let body = read_capped(body, answer_bytes)
            .await
            .map_err(|error| match error {
                ReadError::TooLarge(cap) => WebFailure::TooLarge(cap),
                ReadError::Broken(source) => WebFailure::Broken(source),
            })?;
        Ok(WebAnswer {
            status: head.status,
            body,
        })
    };
    // The link may end before the answer is read from it; what ended it shows in the answer.
    let link = async move {
        drop(link.await);
        std::future::pending::<Infallible>().await
    };
    tokio::select! {
        biased;
        answer = answer => answer,
        never = link => match never {},
    }
}

/// A request as it goes out.
pub(super) fn written(request: &WebRequest<'_>) -> Result<Request<Full<Bytes>>, WebFailure> {
    let mut written = Request::new(Full::new(request.body.clone()));
    *written.method_mut() = request.method.clone();
    *written.uri_mut() = Uri::from(request.url.target().clone());
    *written.headers_mut() = request.headers.clone();
    let headers = written.headers_mut();
    let host = HeaderValue::try_from(request.url.authority())
        .map_err(|error| WebFailure::Broken(Box::new(error)))?;
    headers.insert(HOST, host);
    let agent = concat!("xspd/", env!("CARGO_PKG_VERSION"));
    headers.insert(USER_AGENT, HeaderValue::from_static(agent));
    Ok(written)
}
