//! The control socket: HTTP with JSON bodies over a Unix socket.
//!
//! Reading is for the socket's owner, root and the group that may open it;
//! changing is for root and the user the router runs as. Who asks is what the
//! kernel says (SO_PEERCRED), not what the request says.

mod handlers;
pub mod lsp;
pub mod qos;
mod serve;
pub mod types;

pub use serve::{ServeError, Socket};
