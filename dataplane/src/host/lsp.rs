//! LSP ping (RFC 8029): answering the echo requests of others, and asking.
//!
//! A request reaches the slow path with its label's TTL run out, under a router
//! alert label, or with all labels taken off, its destination in 127/8. Labels
//! here are configured, so no protocol says which FEC is whose: a FEC is this
//! router's when its tables deliver the prefix here or send it on unlabelled, and a
//! route distinguisher, which only configuration knows, is taken for that of the
//! Vrf that the label leads to.

mod ask;
mod downstream;
mod fec;
mod reply;
mod types;
mod verify;

use super::address::is_unicast;
use super::check::{Checked, PASSED, require};
use super::local::{Datagram, is_sound_udp};
use super::stack::Stack;
use super::{Host, Turn};
use crate::packet::{DropReason, Flags, Frame, Layer3, PuntReason, Verdict};
use crate::table::Interface;
use crate::time::Time;
use crate::wire::l4::{UdpHeader, protocol};
use crate::wire::lsp_ping::{Contents, EchoHeader, Fault, PORT, VERSION, flag, is_target, kind, reply_mode};
pub(super) use ask::Asks;
pub use types::{LspOutcome, LspReply, LspRequest, LspTarget, NextHop, NotSent, Sent};

/// A request as it arrived.
#[derive(Clone, Copy, Debug)]
struct Request<'a> {
    arrival: &'a Interface,
    /// The labels it came under.
    stack: Stack<'a>,
    datagram: Datagram<'a>,
    /// UDP source port.
    port: u16,
    header: EchoHeader,
    /// What follows the header.
    body: &'a [u8],
}

/// An MPLS echo request to the loopback range in UDP, and its payload.
fn request<'a>(frame: &'a Frame) -> Option<(Stack<'a>, Datagram<'a>)> {
    let (stack, below) = Stack::of(frame)?;
    let (datagram, flags) = Datagram::inside(below)?;
    let (udp, _) = UdpHeader::parse(datagram.upper).ok()?;
    let whole = !flags.has(Flags::FIRST_FRAGMENT) && !flags.has(Flags::LATER_FRAGMENT);
    let is_request = datagram.protocol == protocol::UDP
        && udp.ports.destination.get() == PORT
        && is_target(datagram.destination);
    (whole && is_request).then_some((stack, datagram))
}

/// Whether a request under these labels wants an answer of this router (RFC 8029 sections 3 and 3.4).
fn wants_answer(stack: Stack<'_>, header: &EchoHeader) -> bool {
    let expired = stack.entries().next().is_none_or(|top| top.ttl() <= 1);
    let only_expired = header.flags.get() & flag::RESPOND_IF_EXPIRED != 0;
    header.reply_mode != reply_mode::NONE && (expired || !only_expired)
}

/// The same of a packet; one that is no sound request is asked about where it is checked.
fn is_asked(stack: Stack<'_>, datagram: &Datagram<'_>) -> bool {
    let header = UdpHeader::parse(datagram.upper).and_then(|(_, rest)| EchoHeader::parse(rest));
    header.map_or(true, |(header, _)| wants_answer(stack, header))
}

/// `nanos` in NTP format: seconds and fractions of them, 32 bits each.
fn ntp(time: Time) -> u64 {
    let (seconds, rest) = (time.nanos() / 1_000_000_000, time.nanos() % 1_000_000_000);
    (seconds << 32) | ((rest << 32) / 1_000_000_000)
}

impl Host {
    /// A punted frame that may be an MPLS echo request; `None` where it is none, or one
    /// that router alert shows and that another is to answer.
    pub(super) fn hear_lsp_request(&mut self, frame: &Frame, turn: &mut Turn<'_>) -> Option<Checked> {
        let meta = frame.meta();
        let expired = meta.verdict == Verdict::Punt(PuntReason::TtlExpired);
        let unlabelled = meta.layer3 != Layer3::Mpls && meta.popped == 0;
        if meta.flags.has(Flags::ORIGINATED) || (expired && unlabelled) {
            return None;
        }
        let (stack, datagram) = request(frame)?;
        let alerted = meta.layer3 == Layer3::Mpls && !expired;
        if alerted && !is_asked(stack, &datagram) {
            return None;
        }
        Some(self.hear_echo_packet(frame, stack, datagram, turn))
    }

    fn hear_echo_packet(
        &mut self,
        frame: &Frame,
        stack: Stack<'_>,
        datagram: Datagram<'_>,
        turn: &mut Turn<'_>,
    ) -> Checked {
        require(is_sound_udp(&datagram), DropReason::LocalMalformed)?;
        let Some(arrival) = turn.snapshot.interface(frame.meta().in_interface).filter(|i| i.mpls) else {
            return Checked::Break(DropReason::MplsDisabled);
        };
        // The length field was checked with the checksum.
        let length = u16::from_be_bytes([datagram.upper[4], datagram.upper[5]]);
        let upper = datagram.upper.get(..usize::from(length)).unwrap_or_default();
        let parts = UdpHeader::parse(upper).and_then(|(udp, rest)| Ok((udp, EchoHeader::parse(rest)?)));
        let Ok((udp, (header, body))) = parts else { return Checked::Break(DropReason::LocalMalformed) };
        let port = udp.ports.source.get();
        require(header.kind == kind::REQUEST && is_unicast(datagram.source), DropReason::LocalUnknown)?;
        let request = Request { arrival, stack, datagram, port, header: *header, body };
        self.answer_lsp_request(&request, turn)
    }

    /// RFC 8029 section 4.4, and the reply of section 4.5.
    fn answer_lsp_request(&mut self, request: &Request<'_>, turn: &mut Turn<'_>) -> Checked {
        match request.header.reply_mode {
            _ if !wants_answer(request.stack, &request.header) => return PASSED,
            reply_mode::UDP | reply_mode::ALERT => {}
            _ => return Checked::Break(DropReason::LocalUnknown),
        }
        if !self.lsp_echoes.take(turn.now, turn.snapshot.limits.echo_replies_per_second) {
            self.counters.echo_replies_limited += 1;
            return PASSED;
        }
        let contents = match Contents::read(request.body) {
            _ if request.header.version.get() != VERSION => Err(Fault::Malformed),
            // A request has FECs, and at most one mapping.
            Ok(contents) if contents.fecs.is_empty() || contents.mappings.len() > 1 => Err(Fault::Malformed),
            read => read,
        };
        self.reply_to_lsp(request, contents, turn);
        PASSED
    }
}
