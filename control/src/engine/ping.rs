//! `viaduct ping`: echo requests from the router itself.

use std::time::Duration;

use dataplane::host::{PingKind, PingReply, PingRequest};
use dataplane::table::Snapshot;

use super::{Engine, refuse};
use crate::api::types::{Ping, Pong, Refusal};

/// Most bytes of data in an echo request.
const LARGEST: u16 = 8900;

impl Engine {
    /// `ping`: sends one echo request and waits for what becomes of it. Blocks.
    ///
    /// # Errors
    /// A Vrf that does not exist, or a value out of its range.
    pub fn ping(&self, ping: &Ping) -> Result<Pong, Refusal> {
        let snapshot = self.handle.snapshot();
        let vrf = snapshot.vrf_named(&ping.vrf).ok_or_else(|| no_vrf(&ping.vrf, &snapshot))?.id;
        if ping.ttl == 0 || ping.dscp > 63 || ping.size > LARGEST {
            return Err(refuse(format!("ping: ttl is 1 to 255, dscp 0 to 63, size 0 to {LARGEST}")));
        }
        let answers = self.handle.ping(PingRequest {
            vrf,
            destination: ping.destination,
            source: ping.source,
            size: ping.size,
            ttl: ping.ttl,
            dscp: ping.dscp,
            dont_fragment: ping.dont_fragment,
            ident: ping.ident,
            sequence: ping.sequence,
        });
        let timeout = Duration::from_millis(ping.timeout_ms.clamp(1, 10_000));
        Ok(answers.recv_timeout(timeout).map_or_else(|_| timed_out(ping.sequence), pong))
    }
}

pub(super) fn no_vrf(name: &str, snapshot: &Snapshot) -> Refusal {
    let names: Vec<_> = snapshot.vrfs.iter().map(|(_, v)| v.name.to_string()).collect();
    refuse(format!("there is no vrf \"{name}\"; there are: {}", names.join(", ")))
}

fn timed_out(sequence: u16) -> Pong {
    Pong { outcome: "timeout".into(), from: None, sequence, size: None, ttl: None, rtt_ms: None }
}

fn pong(reply: PingReply) -> Pong {
    let (outcome, size) = match reply.kind {
        PingKind::Reply { size } => ("reply".into(), Some(size)),
        PingKind::Unreachable { code } => (format!("destination unreachable, code {code}"), None),
        PingKind::TooBig { mtu } => (format!("too long for the way, MTU {mtu}"), None),
        PingKind::TimeExceeded => ("TTL expired on the way".into(), None),
        PingKind::ParameterProblem => ("parameter problem".into(), None),
        PingKind::NotSent => ("not sent: no route, no source address or too long".into(), None),
    };
    Pong {
        outcome,
        from: Some(reply.from),
        sequence: reply.sequence,
        size,
        ttl: Some(reply.ttl),
        rtt_ms: Some(reply.rtt.as_secs_f64() * 1000.0),
    }
}
