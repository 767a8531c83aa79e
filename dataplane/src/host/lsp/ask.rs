//! Requests of the router's own, and what comes of them (RFC 8029 sections 4.3 and 4.6).

use std::collections::VecDeque;
use std::net::{IpAddr, Ipv4Addr};

use super::downstream::{Downstream, ways};
use super::ntp;
use super::types::{LspOutcome, LspReply, LspRequest, LspTarget, NextHop, NotSent, Sent};
use crate::class::ClassMap;
use crate::host::address::is_link_local;
use crate::host::check::{Checked, PASSED};
use crate::host::emit::Header;
use crate::host::local::Datagram;
use crate::host::{Action, Host, Turn};
use crate::id::VrfId;
use crate::packet::{DropReason, Frame};
use crate::table::{Interface, Snapshot};
use crate::time::Time;
use crate::wire::l4::{UdpHeader, protocol};
use crate::wire::lsp_ping::{
    Contents, EchoHeader, Fec, Link, Mapping, PORT, ReturnCode, Signalling, VERSION, kind, reply_mode,
};

/// Requests without a reply that are remembered; the oldest makes room.
const OUTSTANDING: usize = 1024;
/// TTL of the datagram itself: it goes no farther than its labels take it.
const TTL: u8 = 1;

/// A request that has no reply yet.
#[derive(Clone, Debug)]
struct Asked {
    handle: u32,
    sequence: u32,
    /// The Vrf that the reply comes by.
    vrf: VrfId,
    at: Time,
    sent: Sent,
}

/// Requests without a reply, oldest first.
#[derive(Debug, Default)]
pub(in crate::host) struct Asks {
    asked: VecDeque<Asked>,
}

impl Asks {
    fn add(&mut self, asked: Asked) {
        if self.asked.len() >= OUTSTANDING {
            self.asked.pop_front();
        }
        self.asked.push_back(asked);
    }

    /// Takes out the request that an echo message in `upper`, which starts with its
    /// UDP header, belongs to; gives what follows the echo header too.
    fn take<'a>(&mut self, vrf: VrfId, upper: &'a [u8]) -> Option<(Asked, EchoHeader, &'a [u8])> {
        let (udp, rest) = UdpHeader::parse(upper).ok()?;
        let rest = rest.get(..usize::from(udp.length.get()).checked_sub(UdpHeader::LEN)?)?;
        let (echo, body) = EchoHeader::parse(rest).ok()?;
        let is_it = |a: &Asked| {
            (a.vrf, a.handle, a.sequence, ntp(a.at))
                == (vrf, echo.handle.get(), echo.sequence.get(), echo.sent.get())
        };
        let at = self.asked.iter().position(is_it)?;
        Some((self.asked.remove(at)?, *echo, body))
    }
}

/// A request that can be sent: by which way, for which FEC.
struct Plan<'a> {
    way: Downstream<'a>,
    fec: Fec,
    /// Whether the innermost label is a VPN's.
    vpn: bool,
}

impl<'a> Plan<'a> {
    fn of(request: &LspRequest, snapshot: &'a Snapshot) -> Result<Self, NotSent> {
        let plan = match request.target {
            LspTarget::Prefix { vrf, net, rd } => Self::to_prefix(vrf, net, rd, snapshot),
            LspTarget::Labels { labels, via, interface, vrf } => {
                let out = match interface {
                    Some(id) => snapshot.interface(id).filter(|i| i.vrf == vrf),
                    None => on_link(vrf, via, snapshot),
                };
                let labels: Vec<u32> = labels.iter().collect();
                let fec = Fec::Nil(labels.last().copied().unwrap_or_default());
                out.map(|out| Self { way: Downstream { out, neighbour: via, labels }, fec, vpn: false })
            }
        };
        let plan = plan.ok_or(NotSent::NoRoute)?;
        match plan.way.out {
            _ if plan.way.stack().is_empty() => Err(NotSent::NoLabels),
            out if !out.mpls || !out.enabled => Err(NotSent::NoMpls),
            _ => Ok(plan),
        }
    }

    /// The way that the route to a prefix takes; of several, the first.
    fn to_prefix(vrf: VrfId, net: ipnet::IpNet, rd: [u8; 8], snapshot: &'a Snapshot) -> Option<Self> {
        let table = snapshot.vrf(vrf)?;
        let (net, id): (ipnet::IpNet, _) = match net.network() {
            IpAddr::V4(address) => table.fib4.longest_match(address).map(|(net, id)| (net.into(), id))?,
            IpAddr::V6(address) => table.fib6.longest_match(address).map(|(net, id)| (net.into(), id))?,
        };
        let way = ways(id, Vec::new(), snapshot).into_iter().next()?;
        let vpn = way.out.vrf != vrf;
        let fec = if vpn { Fec::Vpn(rd, net) } else { Fec::Prefix(Signalling::Generic, net) };
        Some(Self { way, fec, vpn })
    }

    /// What the request says of where it arrives.
    fn mapping(&self, next: &NextHop, tc: u8, v4: bool) -> Option<Mapping> {
        match next {
            NextHop::Unasked => None,
            NextHop::Own => Some(self.way.mapping(tc, true)),
            NextHop::Any => {
                let (mtu, code) = (self.way.out.mpls_mtu, ReturnCode::NONE);
                let link = Link::any(v4);
                Some(Mapping { mtu, wants_arrival: true, link, code, subcode: 0, labels: Vec::new() })
            }
            NextHop::Said(said) => {
                Some(Mapping { wants_arrival: true, code: ReturnCode::NONE, subcode: 0, ..said.clone() })
            }
        }
    }

    fn sent(&self) -> Sent {
        Sent { interface: self.way.out.id, neighbour: self.way.neighbour, labels: self.way.stack() }
    }
}

/// The interface of a Vrf on whose subnet a neighbour is.
fn on_link(vrf: VrfId, via: IpAddr, snapshot: &Snapshot) -> Option<&Interface> {
    let mut members = snapshot.interfaces.iter().map(|(_, i)| &**i).filter(|i| i.vrf == vrf);
    members.find(|i| !is_link_local(via) && i.connected(via).is_some())
}

impl Host {
    /// Sends one MPLS echo request. What becomes of it is told by [`Action::LspPong`];
    /// without a reply, nothing is.
    pub fn lsp_ping(&mut self, request: &LspRequest, now: Time, snapshot: &Snapshot, out: &mut Vec<Action>) {
        self.now = now;
        let turn = &mut Turn { now, snapshot, out };
        let plan = Plan::of(request, snapshot);
        if let Err(why) = plan.and_then(|plan| self.send_lsp_request(request, &plan, turn)) {
            let LspRequest { handle, sequence, .. } = *request;
            let (rtt, outcome) = (std::time::Duration::ZERO, LspOutcome::NotSent(why));
            let reply = LspReply { handle, sequence, sent: None, rtt, outcome };
            turn.out.push(Action::LspPong(Box::new(reply)));
        }
    }

    fn send_lsp_request(
        &mut self,
        request: &LspRequest,
        plan: &Plan<'_>,
        turn: &mut Turn<'_>,
    ) -> Result<(), NotSent> {
        let out = plan.way.out;
        let source = self.lsp_source(request, plan, turn.snapshot).ok_or(NotSent::NoSource)?;
        let (class, _) = ClassMap::default().get(request.dscp);
        let tc = request.tc.unwrap_or_else(|| out.tc_map.tc(class));
        let frame = self.lsp_request(request, plan, (source, tc), turn.now);
        let mut frame = frame.ok_or(NotSent::NoBuffer)?;
        let labels = plan.way.stack();
        let last = labels.len() - 1;
        let ttl = |at: usize| if plan.vpn && at == last && at > 0 { 1 } else { request.ttl.max(1) };
        let entries = labels.iter().enumerate().map(|(at, label)| (*label, tc, ttl(at)));
        let fits = self.push_stack(&mut frame, entries).is_some();
        if !fits || frame.len() > usize::from(out.mpls_mtu) {
            self.recycle(frame);
            return Err(if fits { NotSent::TooLong } else { NotSent::NoBuffer });
        }
        let LspRequest { handle, sequence, .. } = *request;
        self.asks.add(Asked { handle, sequence, vrf: out.vrf, at: turn.now, sent: plan.sent() });
        self.towards(frame, out, plan.way.neighbour, turn);
        Ok(())
    }

    /// The address to ask from: of IPv4 where there is one, unless the prefix under
    /// test is an IPv6 one of that same world. One that stands for the router, with no
    /// subnet, is what others have a route to, who may have none to the links between.
    fn lsp_source(&self, request: &LspRequest, plan: &Plan<'_>, snapshot: &Snapshot) -> Option<IpAddr> {
        let out = plan.way.out;
        if let Some(source) = request.source {
            let mut members = snapshot.interfaces.iter().filter(|(_, i)| i.vrf == out.vrf);
            return members.any(|(_, i)| i.owns(source)).then_some(source);
        }
        let v6 = matches!(plan.fec, Fec::Prefix(_, net) if net.addr().is_ipv6());
        let whole = |v6: bool| {
            let mut members =
                snapshot.interfaces.iter().map(|(_, i)| i).filter(|i| i.vrf == out.vrf && i.enabled);
            members.find_map(|i| {
                self.usable(i, target(!v6)).find(|net| net.prefix_len() == net.max_prefix_len())
            })
        };
        if let Some(net) = whole(v6).or_else(|| whole(!v6)) {
            return Some(net.addr());
        }
        let near = |v6: bool| match plan.way.neighbour {
            neighbour if neighbour.is_ipv6() == v6 && !is_link_local(neighbour) => neighbour,
            _ => target(!v6),
        };
        self.source(out, near(v6), snapshot).or_else(|| self.source(out, near(!v6), snapshot))
    }

    /// The datagram of a request.
    fn lsp_request(
        &mut self,
        request: &LspRequest,
        plan: &Plan<'_>,
        (source, tc): (IpAddr, u8),
        now: Time,
    ) -> Option<Frame> {
        let v4 = source.is_ipv4();
        let (destination, dscp) = (target(v4), request.dscp & 63);
        let header =
            Header { source, destination, protocol: protocol::UDP, ttl: TTL, dscp, dont_fragment: true };
        let echo = EchoHeader {
            version: VERSION.into(),
            flags: 0.into(),
            kind: kind::REQUEST,
            reply_mode: if request.alert { reply_mode::ALERT } else { reply_mode::UDP },
            code: ReturnCode::NONE,
            subcode: 0,
            handle: request.handle.into(),
            sequence: request.sequence.into(),
            sent: ntp(now).into(),
            received: 0.into(),
        };
        let mappings = plan.mapping(&request.next, tc, v4).into_iter().collect();
        let mut contents = Contents { fecs: vec![plan.fec], mappings, ..Contents::default() };
        contents.pad = pad(&contents, v4, request.size);
        self.echo_packet(plan.way.out.vrf, &header, PORT, true, &(echo, contents))
    }

    /// A UDP datagram to [`PORT`] of the router: `None` where it is no reply to a request.
    pub(in crate::host) fn hear_lsp_reply(
        &mut self,
        frame: &Frame,
        datagram: &Datagram<'_>,
        turn: &mut Turn<'_>,
    ) -> Option<Checked> {
        let (udp, rest) = UdpHeader::parse(datagram.upper).ok()?;
        let (echo, _) = EchoHeader::parse(rest).ok()?;
        if udp.ports.destination.get() != PORT || echo.kind != kind::REPLY {
            return None;
        }
        let taken = self.asks.take(frame.meta().vrf, datagram.upper);
        let Some((asked, echo, body)) = taken else { return Some(Checked::Break(DropReason::LocalUnknown)) };
        let Ok(contents) = Contents::read(body) else {
            return Some(Checked::Break(DropReason::LocalMalformed));
        };
        let (from, code, subcode) = (datagram.source, echo.code, echo.subcode);
        lsp_pong(asked, LspOutcome::Answer { from, code, subcode, contents }, turn);
        Some(PASSED)
    }

    /// A request of the router's own that went nowhere.
    pub(in crate::host) fn lsp_failed(&mut self, datagram: &Datagram<'_>, vrf: VrfId, turn: &mut Turn<'_>) {
        let udp = datagram.protocol == protocol::UDP;
        if let Some((asked, ..)) = self.asks.take(vrf, datagram.upper).filter(|_| udp) {
            lsp_pong(asked, LspOutcome::NotSent(NotSent::NoNeighbour), turn);
        }
    }
}

fn lsp_pong(asked: Asked, outcome: LspOutcome, turn: &mut Turn<'_>) {
    let rtt = turn.now - asked.at;
    let Asked { handle, sequence, sent, .. } = asked;
    let reply = LspReply { handle, sequence, sent: Some(sent), rtt, outcome };
    turn.out.push(Action::LspPong(Box::new(reply)));
}

/// Where requests are sent to (RFC 8029 section 2.1).
fn target(v4: bool) -> IpAddr {
    let target = Ipv4Addr::LOCALHOST;
    if v4 { target.into() } else { target.to_ipv6_mapped().into() }
}

/// Padding that makes a datagram with `contents` `size` bytes long.
fn pad(contents: &Contents, v4: bool, size: u16) -> Option<Vec<u8>> {
    let mut written = Vec::new();
    contents.write(&mut written);
    // IP header with router alert, UDP header, echo header, and the header of the pad.
    let headers = if v4 { 24 } else { 48 } + UdpHeader::LEN + EchoHeader::LEN + 4;
    let length = usize::from(size & !3).checked_sub(headers + written.len()).filter(|length| *length > 0)?;
    let mut pad = vec![0; length];
    pad[0] = Contents::DROP_PAD;
    Some(pad)
}
