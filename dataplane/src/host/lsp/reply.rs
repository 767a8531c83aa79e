//! The reply to a request (RFC 8029 section 4.5), and the packets that echo
//! messages travel in.

use std::net::IpAddr;

use super::verify::{Answer, Check};
use super::{Request, ntp};
use crate::host::emit::Header;
use crate::host::{Host, Turn};
use crate::id::VrfId;
use crate::packet::Frame;
use crate::wire::WireError;
use crate::wire::ipv4::Ipv4Header;
use crate::wire::ipv6::Ipv6Header;
use crate::wire::l4::{UdpHeader, protocol};
use crate::wire::lsp_ping::{
    Arrival, Contents, EchoHeader, Fault, Link, PORT, ReturnCode, VERSION, kind, reply_mode,
};

/// TTL of a reply.
const TTL: u8 = 255;
/// Router alert of IPv4, value 0 (RFC 2113), and hop-by-hop options with that of IPv6,
/// value 69, MPLS OAM (RFC 7506).
const ALERT_V4: [u8; 4] = [0x94, 4, 0, 0];
const ALERT_V6: [u8; 8] = [protocol::UDP, 0, 5, 2, 0, 69, 1, 0];

impl Host {
    /// Answers what was read of a request.
    pub(super) fn reply_to_lsp(
        &mut self,
        request: &Request<'_>,
        contents: Result<Contents, Fault>,
        turn: &mut Turn<'_>,
    ) {
        let mut reply = Contents::default();
        let answer = match contents {
            Err(Fault::Malformed) => Answer::of(ReturnCode::MALFORMED, 0),
            Err(Fault::NotUnderstood(errored)) => {
                reply.errored = errored;
                Answer::of(ReturnCode::NOT_UNDERSTOOD, 0)
            }
            Ok(contents) => {
                let answer = Check::new(request, &contents, turn.snapshot).run();
                reply.reply_tos = contents.reply_tos;
                reply.pad = contents.pad.filter(|pad| pad.first() == Some(&Contents::COPY_PAD));
                answer
            }
        };
        // The octet is for the header, not for the message.
        let dscp = reply.reply_tos.take().map_or(request.datagram.dscp, |tos| tos >> 2);
        reply.mappings.clone_from(&answer.mappings);
        reply.arrival = answer.arrival.then(|| self.arrival(request, turn)).flatten();
        let header = EchoHeader {
            version: VERSION.into(),
            flags: 0.into(),
            kind: kind::REPLY,
            code: answer.code,
            subcode: answer.subcode,
            received: ntp(turn.now).into(),
            ..request.header
        };
        self.send_lsp_reply(request, (header, reply), dscp, turn);
    }

    fn send_lsp_reply(
        &mut self,
        request: &Request<'_>,
        message: (EchoHeader, Contents),
        dscp: u8,
        turn: &mut Turn<'_>,
    ) {
        let destination = request.datagram.source;
        let Some(source) = self.source(request.arrival, destination, turn.snapshot) else { return };
        let alert = request.header.reply_mode == reply_mode::ALERT;
        let header =
            Header { source, destination, protocol: protocol::UDP, ttl: TTL, dscp, dont_fragment: false };
        let vrf = request.arrival.vrf;
        let Some(reply) = self.echo_packet(vrf, &header, request.port, alert, &message) else { return };
        self.counters.lsp_replies += 1;
        self.send(reply, destination, request.arrival.id, turn);
    }

    /// The interface a request came in by, and its labels.
    fn arrival(&self, request: &Request<'_>, turn: &Turn<'_>) -> Option<Arrival> {
        let own = self.source(request.arrival, request.datagram.source, turn.snapshot)?;
        let link = match request.arrival.owns(own) {
            true => Link::Numbered(own, own),
            false => Link::Unnumbered(own, request.arrival.id.0),
        };
        Some(Arrival { link, stack: request.stack.entries().collect() })
    }

    /// An echo message to UDP port `port` in a datagram, with router alert or not.
    pub(super) fn echo_packet(
        &mut self,
        vrf: VrfId,
        header: &Header,
        port: u16,
        alert: bool,
        (echo, contents): &(EchoHeader, Contents),
    ) -> Option<Frame> {
        let mut payload = vec![0; EchoHeader::LEN];
        echo.emit(&mut payload).ok()?;
        contents.write(&mut payload);
        self.ident = self.ident.wrapping_add(1);
        let bytes = udp_datagram(header, self.ident, port, alert, &payload).ok()?;
        self.own_datagram(vrf, header, &bytes)
    }
}

/// A UDP datagram from [`PORT`] to `port`.
fn udp_datagram(
    header: &Header,
    ident: u16,
    port: u16,
    alert: bool,
    payload: &[u8],
) -> Result<Vec<u8>, WireError> {
    let length = u16::try_from(payload.len()).map_err(|_| WireError::Length)?;
    let mut udp = vec![0; UdpHeader::LEN];
    UdpHeader::new(PORT, port, length).emit(&mut udp)?;
    udp.extend(payload);
    UdpHeader::fill_checksum(&mut udp, header.source, header.destination)?;
    let mut bytes = ip_header(header, ident, alert, udp.len() as u16)?;
    bytes.extend(udp);
    Ok(bytes)
}

/// An IP header, options or extension header included, before `length` bytes of UDP.
fn ip_header(header: &Header, ident: u16, alert: bool, length: u16) -> Result<Vec<u8>, WireError> {
    let mut bytes = Vec::new();
    match (header.source, header.destination) {
        (IpAddr::V4(source), IpAddr::V4(destination)) => {
            let options: &[u8] = if alert { &ALERT_V4 } else { &[] };
            let mut fixed =
                Ipv4Header::new(source, destination, protocol::UDP, length + options.len() as u16);
            fixed.version_ihl += options.len() as u8 / 4;
            (fixed.traffic_class, fixed.ttl, fixed.identification) =
                (header.dscp << 2, header.ttl, ident.into());
            fixed.fragment = if header.dont_fragment { Ipv4Header::DONT_FRAGMENT } else { 0 }.into();
            bytes.resize(Ipv4Header::LEN, 0);
            fixed.emit(&mut bytes)?;
            bytes.extend(options);
            Ipv4Header::fill_checksum(&mut bytes)?;
        }
        (IpAddr::V6(source), IpAddr::V6(destination)) => {
            let (next, options): (u8, &[u8]) = if alert { (0, &ALERT_V6) } else { (protocol::UDP, &[]) };
            let mut fixed = Ipv6Header::new(source, destination, next, length + options.len() as u16);
            fixed.hop_limit = header.ttl;
            bytes.resize(Ipv6Header::LEN, 0);
            fixed.with_dscp(header.dscp).emit(&mut bytes)?;
            bytes.extend(options);
        }
        _ => return Err(WireError::Malformed),
    }
    Ok(bytes)
}
