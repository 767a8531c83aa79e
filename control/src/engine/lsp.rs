//! `viaduct lsp`: MPLS echo requests from the router itself.

use std::time::Duration;

use dataplane::host::{LspOutcome, LspReply, LspRequest, LspTarget, NextHop};
use dataplane::id::VrfId;
use dataplane::table::{Labels, Snapshot};
use dataplane::wire::lsp_ping::{Contents, Link, MappedLabel, Mapping, ReturnCode};
use dataplane::wire::mpls::LabelStackEntry;

use super::{Engine, refuse};
use crate::api::lsp::{self, LspHop, LspLabel, LspNext, LspPing, LspPong, LspSent};
use crate::api::types::Refusal;
use crate::config::RouteDistinguisher;

/// Largest datagram.
const LARGEST: u16 = 9000;
/// What a mapping of a configured label says of its protocol.
const STATIC: u8 = 1;

impl Engine {
    /// `lsp ping` and `lsp trace`: sends one MPLS echo request and waits for what
    /// becomes of it. Blocks.
    ///
    /// # Errors
    /// A Vrf or interface that does not exist, or a value out of its range.
    pub fn lsp_ping(&self, ping: &LspPing) -> Result<LspPong, Refusal> {
        let snapshot = self.handle.snapshot();
        let vrf = snapshot.vrf_named(&ping.vrf).ok_or_else(|| super::ping::no_vrf(&ping.vrf, &snapshot))?.id;
        if ping.ttl == 0 || ping.dscp > 63 || ping.tc.is_some_and(|tc| tc > 7) || ping.size > LARGEST {
            return Err(refuse(format!(
                "lsp: ttl is 1 to 255, dscp 0 to 63, tc 0 to 7, size 0 to {LARGEST}"
            )));
        }
        let answers = self.handle.lsp_ping(LspRequest {
            target: self.lsp_target(ping, vrf, &snapshot)?,
            source: ping.source,
            ttl: ping.ttl,
            tc: ping.tc,
            dscp: ping.dscp,
            size: ping.size,
            alert: ping.alert,
            next: next(&ping.next),
            handle: ping.handle,
            sequence: ping.sequence,
        });
        let timeout = Duration::from_millis(ping.timeout_ms.clamp(1, 10_000));
        let silent = |_| LspPong { outcome: "timeout".into(), ..blank(ping.sequence) };
        Ok(answers.recv_timeout(timeout).map_or_else(silent, |reply| pong(reply, &snapshot)))
    }

    fn lsp_target(&self, ping: &LspPing, vrf: VrfId, snapshot: &Snapshot) -> Result<LspTarget, Refusal> {
        match &ping.target {
            lsp::LspTarget::Prefix(net) => {
                let own = || self.wanted().state.config().vrf(&ping.vrf).and_then(|v| v.rd);
                let told = ping.rd.as_deref().map(str::parse::<RouteDistinguisher>).transpose();
                let told = told.map_err(|e| refuse(format!("lsp: route distinguisher: {e}")))?;
                let rd = told.or_else(own).map_or([0; 8], |rd| rd.bytes());
                Ok(LspTarget::Prefix { vrf, net: *net, rd })
            }
            lsp::LspTarget::Labels { labels, via, interface } => {
                let usable = |label: &u32| *label != 3 && !(4..16).contains(label);
                let stack = Labels::new(labels).filter(|s| !s.is_empty() && labels.iter().all(usable));
                let allowed = "lsp: 1 to 8 labels, each 16 to 1048575, or 0, 1 or 2";
                let labels = stack.ok_or_else(|| refuse(allowed))?;
                let named = |name: &String| {
                    let known = snapshot.interface_named(name).map(|i| i.id);
                    known.ok_or_else(|| refuse(format!("there is no interface \"{name}\"")))
                };
                let interface = interface.as_ref().map(named).transpose()?;
                Ok(LspTarget::Labels { labels, via: *via, interface, vrf })
            }
        }
    }
}

fn next(next: &LspNext) -> NextHop {
    match next {
        LspNext::Unasked => NextHop::Unasked,
        LspNext::Own => NextHop::Own,
        LspNext::Any => NextHop::Any,
        LspNext::Said(hop) => NextHop::Said(mapping(hop)),
    }
}

fn mapping(hop: &LspHop) -> Mapping {
    let last = hop.labels.len().saturating_sub(1);
    let label = |(i, label): (usize, &u32)| MappedLabel {
        entry: LabelStackEntry::new(*label, 0, i == last, 0),
        protocol: STATIC,
    };
    Mapping {
        mtu: hop.mtu,
        wants_arrival: true,
        link: match hop.interface {
            Some(interface) => Link::Numbered(hop.router, interface),
            None => Link::Unnumbered(hop.router, 0),
        },
        code: ReturnCode::NONE,
        subcode: 0,
        labels: hop.labels.iter().enumerate().map(label).collect(),
    }
}

fn hop(mapping: &Mapping) -> LspHop {
    let interface = match mapping.link {
        Link::Numbered(_, interface) => Some(interface),
        Link::Unnumbered(..) => None,
    };
    let labels = mapping.labels.iter().map(|l| l.entry.label()).collect();
    LspHop { router: mapping.link.address(), interface, mtu: mapping.mtu, labels }
}

/// Nothing that became of a request.
fn blank(sequence: u32) -> LspPong {
    LspPong {
        outcome: String::new(),
        code: None,
        depth: None,
        from: None,
        sequence,
        rtt_ms: None,
        sent: None,
        arrived: None,
        next: Vec::new(),
    }
}

fn pong(reply: LspReply, snapshot: &Snapshot) -> LspPong {
    let name = |id| snapshot.interface(id).map(|i| i.name.to_string()).unwrap_or_default();
    let sent = reply.sent.map(|sent| LspSent {
        interface: name(sent.interface),
        neighbour: sent.neighbour,
        labels: sent.labels,
    });
    let pong = LspPong { sent, ..blank(reply.sequence) };
    match reply.outcome {
        LspOutcome::NotSent(why) => LspPong { outcome: format!("not sent: {}", why.words()), ..pong },
        LspOutcome::Answer { from, code, subcode, contents } => {
            let Contents { mappings, arrival, .. } = contents;
            let entry = |e: LabelStackEntry| LspLabel { label: e.label(), tc: e.tc(), ttl: e.ttl() };
            LspPong {
                outcome: code.words().into(),
                code: Some(code.0),
                depth: Some(subcode).filter(|depth| *depth > 0),
                from: Some(from),
                rtt_ms: Some(reply.rtt.as_secs_f64() * 1000.0),
                arrived: arrival.map(|a| a.stack.into_iter().map(entry).collect()),
                next: mappings.iter().map(hop).collect(),
                ..pong
            }
        }
    }
}
