//! The command line's end of the control socket: HTTP with JSON bodies over a
//! Unix socket.

use std::path::{Path, PathBuf};
use std::time::Duration;

use http_body_util::{BodyExt, Full};
use hyper::body::Bytes;
use hyper::{Method, Request, StatusCode};
use hyper_util::rt::TokioIo;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::net::UnixStream;

use crate::api::types::Refusal;

/// Where the router process listens when nothing else is said.
pub const DEFAULT_SOCKET: &str = "/run/viaduct/control.sock";

/// Longest wait for one answer: a million routes take seconds, not minutes.
const TIMEOUT: Duration = Duration::from_secs(120);

/// Why a request has no answer.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// Nothing listens.
    #[error(
        "no router listens on {path} ({source}); start one with `viaduct daemon --config FILE`, or name its socket with --socket"
    )]
    Connect {
        /// The socket.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The connection broke.
    #[error("the router ended the connection: {0}")]
    Transport(String),
    /// The router did not answer in so long.
    #[error("the router did not answer within {} s", .0.as_secs())]
    TimedOut(Duration),
    /// The router said no.
    #[error("{}", .0.message)]
    Refused(Refusal),
    /// The answer is not what this version understands.
    #[error("the router's answer is not understood ({0}); are router and command of one version?")]
    NotUnderstood(String),
}

/// A router process, by its socket. One connection a request.
#[derive(Clone, Debug)]
pub struct Client {
    socket: PathBuf,
}

impl Client {
    /// The router that listens on `socket`.
    pub fn new(socket: impl AsRef<Path>) -> Self {
        Self { socket: socket.as_ref().to_owned() }
    }

    /// Asks for `path`.
    ///
    /// # Errors
    /// [`ClientError`]
    pub async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, ClientError> {
        self.request(Method::GET, path, Bytes::new()).await
    }

    /// Sends `body` to `path`.
    ///
    /// # Errors
    /// [`ClientError`]
    pub async fn post<T: DeserializeOwned>(
        &self,
        path: &str,
        body: &impl Serialize,
    ) -> Result<T, ClientError> {
        let body = serde_json::to_vec(body).map_err(|e| ClientError::NotUnderstood(e.to_string()))?;
        self.request(Method::POST, path, body.into()).await
    }

    async fn request<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        body: Bytes,
    ) -> Result<T, ClientError> {
        let answer = tokio::time::timeout(TIMEOUT, self.exchange(method, path, body)).await;
        let (status, body) = answer.map_err(|_| ClientError::TimedOut(TIMEOUT))??;
        let unknown = |e: serde_json::Error| ClientError::NotUnderstood(e.to_string());
        if status.is_success() {
            return serde_json::from_slice(&body).map_err(unknown);
        }
        Err(serde_json::from_slice(&body).map_or_else(
            |_| ClientError::NotUnderstood(format!("{status}: {}", String::from_utf8_lossy(&body))),
            ClientError::Refused,
        ))
    }

    async fn exchange(
        &self,
        method: Method,
        path: &str,
        body: Bytes,
    ) -> Result<(StatusCode, Bytes), ClientError> {
        let connect = |source| ClientError::Connect { path: self.socket.clone(), source };
        let stream = UnixStream::connect(&self.socket).await.map_err(connect)?;
        let transport = |e: hyper::Error| ClientError::Transport(e.to_string());
        let (mut sender, connection) =
            hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.map_err(transport)?;
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header("host", "viaduct")
            .header("content-type", "application/json")
            .body(Full::new(body))
            .map_err(|e| ClientError::Transport(e.to_string()))?;
        let work = async {
            let response = sender.send_request(request).await.map_err(transport)?;
            let status = response.status();
            let body = response.into_body().collect().await.map_err(transport)?.to_bytes();
            Ok((status, body))
        };
        tokio::pin!(work);
        // The connection does the reading and writing; the work is done before it ends.
        tokio::select! {
            done = &mut work => done,
            ended = connection => match ended {
                Ok(()) => work.await,
                Err(e) => Err(transport(e)),
            },
        }
    }
}
