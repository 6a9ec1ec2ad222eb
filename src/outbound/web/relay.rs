//! A request that is passed on as it is: bytes and end-to-end headers untouched, to a host that the
//! configuration names and no other.

use std::convert::Infallible;

use bytes::Bytes;
use http::HeaderMap;
use http::HeaderValue;
use http::Method;
use http::Request;
use http::Response;
use http::Uri;
use http::header;
use http_body_util::Full;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::io::AsyncRead;
use tokio::io::AsyncWrite;
use tokio::time::timeout;

use crate::domain::edge::headers::end_to_end;
use crate::outbound::ReadError;
use crate::outbound::read_capped;
use crate::outbound::web::WebClient;
use crate::outbound::web::failure::WebFailure;
use crate::outbound::web::tunnel;
use crate::outbound::web::url::WebUrl;

/// Bytes of an answer's head, and read ahead of its body.
const HEAD_BYTES: usize = 64 * 1024;

/// What is passed on.
#[derive(Debug)]
pub struct Passed {
    /// Its method.
    pub method: Method,
    /// Its headers; those for one hop are left out, `Host` is that of the URL.
    pub headers: HeaderMap,
    /// Its body.
    pub body: Bytes,
}

impl WebClient {
    /// Passes a request on and reads the answer whole. No redirect is followed.
    ///
    /// # Errors
    /// There is no answer, or its body is larger than `answer_bytes`.
    pub async fn pass_on(
        &self,
        url: &WebUrl,
        passed: Passed,
        answer_bytes: usize,
    ) -> Result<Response<Bytes>, WebFailure> {
        let limits = self.limits;
        let exchange = async {
            if url.is_plain() {
                let stream = tunnel::plain(url, limits.connect).await?;
                return exchange(stream, url, passed, answer_bytes).await;
            }
            let proxy = self.proxies.toward(url);
            let stream = tunnel::open(url, proxy, &self.tls, limits.connect).await?;
            exchange(stream, url, passed, answer_bytes).await
        };
        timeout(limits.total, exchange)
            .await
            .unwrap_or(Err(WebFailure::Timeout(limits.total)))
    }
}

async fn exchange<S>(
    stream: S,
    url: &WebUrl,
    passed: Passed,
    answer_bytes: usize,
) -> Result<Response<Bytes>, WebFailure>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let request = written(url, passed)?;
    let broken = |error: hyper::Error| WebFailure::Broken(Box::new(error));
    let (mut sender, link) = http1::Builder::new()
        .max_header_size(HEAD_BYTES)
        .max_buf_size(HEAD_BYTES)
        .handshake(TokioIo::new(stream))
        .await
        .map_err(broken)?;
    let answer = async move {
        let answer = sender.send_request(request).await.map_err(broken)?;
        let (head, body) = answer.into_parts();
        let body = read_capped(body, answer_bytes)
            .await
            .map_err(|error| match error {
                ReadError::TooLarge(cap) => WebFailure::TooLarge(cap),
                ReadError::Broken(source) => WebFailure::Broken(source),
            })?;
        let mut response = Response::new(body);
        *response.status_mut() = head.status;
        *response.headers_mut() = end_to_end(&head.headers);
        Ok(response)
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

fn written(url: &WebUrl, passed: Passed) -> Result<Request<Full<Bytes>>, WebFailure> {
    let Passed {
        method,
        headers,
        body,
    } = passed;
    // hyper frames a body of known size by its length; an empty one only where one is usual.
    let mut written = Request::new(Full::new(body));
    *written.method_mut() = method;
    *written.uri_mut() = Uri::from(url.target().clone());
    *written.headers_mut() = end_to_end(&headers);
    let host = HeaderValue::try_from(url.authority())
        .map_err(|error| WebFailure::Broken(Box::new(error)))?;
    let headers = written.headers_mut();
    headers.insert(header::HOST, host);
    headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
    Ok(written)
}
