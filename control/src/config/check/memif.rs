//! Ports of kind "memif": what they must say, may not say, and may not share.

use ahash::AHashMap;
use dataplane::packet::Arena;

use super::Checks;
use crate::config::memif::Memif;
use crate::config::types::Port;
use crate::config::words::{PortKind, Role};
use crate::engine;

/// Bytes of the longest path of a socket (unix(7)), less its end.
const LONGEST_PATH: usize = 107;
/// Bytes that descriptors can reach.
const REACH: u64 = 1 << 32;

impl Checks<'_> {
    pub(super) fn memif_ports(&self) {
        let (mut seats, mut sockets) = (AHashMap::new(), AHashMap::new());
        for (i, port) in self.config.ports.iter().enumerate() {
            if port.kind != PortKind::Memif {
                for key in port.memif.given() {
                    let message = format!("a port of kind \"{}\" has no \"{key}\"", port.kind);
                    self.fault("port", i, key, message, format!("\"{key}\" is for memif"));
                }
                continue;
            }
            self.memif_keys(i, port);
            let (Some(socket), Some(role)) = (&port.memif.socket, port.memif.role) else { continue };
            let id = port.memif.id.unwrap_or(0);
            if let Some(other) = seats.insert((socket, role, id), &port.name) {
                let message = format!("the port \"{other}\" is the {role} of interface {id} at that socket");
                self.fault("port", i, "id", message, "give each port of a socket its own \"id\"");
            }
            if role == Role::Server
                && *sockets.entry(socket).or_insert(port.memif.permissions) != port.memif.permissions
            {
                let message = "another port gives that socket other permissions".into();
                self.fault("port", i, "permissions", message, "say the same at each port of a socket");
            }
        }
    }

    fn memif_keys(&self, i: usize, port: &Port) {
        let memif = &port.memif;
        match &memif.socket {
            None => {
                let help =
                    "give \"socket\", the path of the control socket, such as \"/run/viaduct/memif.sock\"";
                self.fault("port", i, "kind", "a memif port without a socket".into(), help);
            }
            Some(path) if !path.starts_with('/') || path.len() > LONGEST_PATH || path.contains('\0') => {
                let message = "this is no path of a socket".into();
                let help = format!("write an absolute path of at most {LONGEST_PATH} bytes");
                self.fault("port", i, "socket", message, help);
            }
            Some(_) => {}
        }
        if memif.role.is_none() {
            let help = "say role = \"server\" where this router listens, \"client\" where the other end does";
            self.fault("port", i, "kind", "a memif port without a role".into(), help);
        }
        let theirs = [
            ("ring-size", memif.ring_size.is_some(), Role::Client),
            ("buffer-size", memif.buffer_size.is_some(), Role::Client),
            ("permissions", memif.permissions.is_some(), Role::Server),
        ];
        for (key, given, whose) in theirs {
            if given && memif.role.is_some_and(|role| role != whose) {
                let message = format!("\"{key}\" is the {whose}'s to say");
                self.fault("port", i, key, message, "leave it out here");
            }
        }
        if !memif.entries().is_power_of_two() {
            let message = format!("{} is no power of two", memif.entries());
            let help = format!("{} is the next", memif.entries().next_power_of_two());
            self.fault("port", i, "ring-size", message, help);
        }
        if memif.lends() {
            self.memif_lends(i, memif);
            return;
        }
        let bytes = 2 * u64::from(port.queues) * u64::from(memif.entries()) * (u64::from(memif.bytes()) + 32);
        if memif.role == Some(Role::Client) && bytes > REACH {
            let message = "rings and buffers would be more than 4 GiB".into();
            self.fault("port", i, "buffer-size", message, "take smaller buffers or rings, or fewer queues");
        }
    }

    /// What is said of a port that does without copies.
    fn memif_lends(&self, i: usize, memif: &Memif) {
        if memif.role == Some(Role::Server) {
            let message = "a server cannot do without copies: the client brings the memory".into();
            let help =
                "let this end be the client (role = \"client\") and the other one listen, or leave it out";
            self.fault("port", i, "zero-copy", message, help);
        }
        if memif.buffer_size.is_some() {
            let message = "without copies, frames stand in the router's own buffers".into();
            self.fault("port", i, "buffer-size", message, "leave \"buffer-size\" or \"zero-copy\" out");
        }
        let size = engine::size(self.config);
        let bytes = Arena::bytes_for(size.all_buffers(), size.buffer);
        if bytes > REACH {
            let message =
                format!("the buffers of all workers are {} MiB, and descriptors reach 4,096", bytes >> 20);
            let help = "take fewer \"buffers\" or \"workers\" in [router], or leave \"zero-copy\" out";
            self.fault("port", i, "zero-copy", message, help);
        }
    }

    /// What a port that does without copies trusts its peer with.
    pub(super) fn memif_trust(&self) {
        for (i, port) in self.config.ports.iter().enumerate().filter(|(_, port)| port.memif.lends()) {
            let socket = port.memif.socket.as_deref().unwrap_or_default();
            let message = format!("who listens at {socket} can read and change every packet in this router");
            let help = "of every Vrf, at any time; without \"zero-copy\" frames are copied";
            self.fault("port", i, "zero-copy", message, help);
        }
    }
}
