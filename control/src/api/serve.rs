//! The listening socket, and who may use it.

use std::fs;
use std::io;
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use axum::extract::connect_info::Connected;
use axum::serve::IncomingStream;
use tokio::net::UnixListener;

use super::handlers;
use crate::engine::Engine;

/// Why the control socket cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// Another router listens there.
    #[error(
        "another router process listens on {0}; stop it, or give this one a socket of its own with --socket"
    )]
    InUse(PathBuf),
    /// The path is something else.
    #[error("{0} exists and is not a socket; remove it, or choose another path with --socket")]
    NotASocket(PathBuf),
    /// The system refuses.
    #[error("the control socket {path} cannot be made: {source}")]
    System {
        /// The path.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

/// Who is at the other end of a connection.
#[derive(Clone, Copy, Debug)]
pub(super) struct Peer {
    uid: Option<u32>,
}

impl Connected<IncomingStream<'_, UnixListener>> for Peer {
    fn connect_info(stream: IncomingStream<'_, UnixListener>) -> Self {
        Self { uid: stream.io().peer_cred().ok().map(|cred| cred.uid()) }
    }
}

impl Peer {
    /// Whether it may change things: root, or the user this process runs as.
    pub(super) fn may_change(&self, own: u32) -> bool {
        self.uid.is_some_and(|uid| uid == 0 || uid == own)
    }

    /// What to call it in a log.
    pub(super) fn name(&self) -> String {
        self.uid.map_or_else(|| "unknown user".into(), |uid| format!("user {uid}"))
    }
}

/// What every handler has.
#[derive(Clone, Debug)]
pub(super) struct Served {
    pub(super) engine: Arc<Engine>,
    /// The user this process runs as.
    pub(super) own: u32,
}

/// The listening socket; its file goes when this is dropped.
#[derive(Debug)]
pub struct Socket {
    listener: UnixListener,
    file: SocketFile,
}

#[derive(Debug)]
struct SocketFile {
    path: PathBuf,
    own: u32,
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.path);
    }
}

impl Socket {
    /// Listens on `path`; its folder is made, a socket that nobody listens on any more replaced.
    ///
    /// # Errors
    /// [`ServeError`]
    pub fn bind(path: &Path) -> Result<Self, ServeError> {
        let system = |source| ServeError::System { path: path.to_owned(), source };
        if let Some(folder) = path.parent().filter(|folder| !folder.exists()) {
            fs::create_dir_all(folder).map_err(system)?;
        }
        if let Ok(metadata) = fs::symlink_metadata(path) {
            if !metadata.file_type().is_socket() {
                return Err(ServeError::NotASocket(path.to_owned()));
            }
            if std::os::unix::net::UnixStream::connect(path).is_ok() {
                return Err(ServeError::InUse(path.to_owned()));
            }
            fs::remove_file(path).map_err(system)?;
        }
        let listener = UnixListener::bind(path).map_err(system)?;
        fs::set_permissions(path, fs::Permissions::from_mode(0o660)).map_err(system)?;
        let own = std::os::unix::fs::MetadataExt::uid(&fs::metadata(path).map_err(system)?);
        Ok(Self { listener, file: SocketFile { path: path.to_owned(), own } })
    }

    /// Answers requests until `stop` is done.
    ///
    /// # Errors
    /// The listener's.
    pub async fn serve(
        self,
        engine: Arc<Engine>,
        stop: impl Future<Output = ()> + Send + 'static,
    ) -> io::Result<()> {
        let served = Served { engine, own: self.file.own };
        let service = handlers::routes(served).into_make_service_with_connect_info::<Peer>();
        axum::serve(self.listener, service).with_graceful_shutdown(stop).await
    }
}
