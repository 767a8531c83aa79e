//! Random stacks through random tables, against a slow and obvious router that edits a
//! list of entries by the words of RFC 3031, 3032, 3270, 3443, 4182 and 6790.

use proptest::prelude::*;

use super::*;
use crate::class::{ClassMap, Colour, TcMap, TrafficClass};
use crate::id::VrfId;
use crate::table::{Pop, Push, Swap};
use crate::wire::ipv4::Ipv4Header;

/// What a label leads to.
#[derive(Clone, Debug)]
enum Does {
    Swap(u32),
    SwapPush(u32, Vec<u32>, TunnelModel),
    Pop(TunnelModel, bool),
    Lookup(TunnelModel, bool),
    Blackhole,
}

/// The labels 16, 17, … of a router, and what it pushes on IP.
#[derive(Clone, Debug)]
struct Tables {
    labels: Vec<Does>,
    ip: Option<(Vec<u32>, TunnelModel, Vec<u32>, TunnelModel)>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
struct Lse {
    label: u32,
    tc: u8,
    bottom: bool,
    ttl: u8,
}

impl Lse {
    fn bytes(self) -> [u8; 4] {
        let Self { label, tc, bottom, ttl } = self;
        (label << 12 | u32::from(tc) << 9 | u32::from(bottom) << 8 | u32::from(ttl)).to_be_bytes()
    }
}

/// A packet as the oracle has it in hand.
struct Packet {
    stack: Vec<Lse>,
    below: Vec<u8>,
    class: TrafficClass,
}

#[derive(Debug, PartialEq)]
enum Outcome {
    Sent(Vec<u8>, TrafficClass),
    Ends(Verdict),
    /// Below is something that starts like IP and is none.
    BadIp,
}

fn ends(reason: DropReason) -> Outcome {
    Outcome::Ends(dropped(reason))
}

const EXPIRED: Outcome = Outcome::Ends(Verdict::Punt(PuntReason::TtlExpired));

impl Packet {
    fn read(bytes: &[u8]) -> Self {
        let mut stack = Vec::new();
        let mut rest = bytes;
        while let [a, b, c, ttl, more @ ..] = rest {
            let word = u32::from_be_bytes([*a, *b, *c, *ttl]);
            rest = more;
            let bottom = word & 0x100 != 0;
            stack.push(Lse { label: word >> 12, tc: (word >> 9 & 7) as u8, bottom, ttl: *ttl });
            if bottom {
                break;
            }
        }
        let class = stack.first().map_or(TrafficClass::Standard, |top| TcMap::default().get(top.tc).0);
        Self { stack, below: rest.to_vec(), class }
    }

    /// Takes the top off and hands TTL and mark on; `false` when the stack has no bottom.
    fn pop(&mut self, model: TunnelModel, egress: bool) -> bool {
        let top = self.stack.remove(0);
        if top.bottom {
            self.hand_to_ip(top, model, egress);
            return true;
        }
        let Some(next) = self.stack.first_mut() else { return false };
        if model.ttl == TtlModel::Uniform {
            next.ttl = next.ttl.min(top.ttl);
        }
        match model.diffserv {
            DiffServModel::Uniform => next.tc = top.tc,
            DiffServModel::ShortPipe if egress => self.class = TcMap::default().get(next.tc).0,
            _ => {}
        }
        true
    }

    fn hand_to_ip(&mut self, top: Lse, model: TunnelModel, egress: bool) {
        let Some((ttl, dscp)) = self.ip() else { return };
        if model.ttl == TtlModel::Uniform {
            self.set_ip(ttl.min(top.ttl), dscp);
        }
        let (ttl, _) = self.ip().unwrap();
        let (own, label) = (ClassMap::default().get(dscp).0, TcMap::default().get(top.tc).0);
        match model.diffserv {
            DiffServModel::ShortPipe if egress => self.class = own,
            DiffServModel::Uniform if own.tc() != label.tc() => self.set_ip(ttl, label.dscp(Colour::Green)),
            DiffServModel::Uniform if own.tc() == self.class.tc() => self.class = own,
            _ => {}
        }
    }

    /// TTL and DSCP of the sound IP packet below.
    fn ip(&self) -> Option<(u8, u8)> {
        match self.below.first()? >> 4 {
            4 => Ipv4Header::check(&self.below).ok().map(|h| (h.ttl, h.dscp())),
            6 if self.below.len() == 66 && self.below[4..7] == [0, 26, 17] => {
                Some((self.below[7], (self.below[0] << 4 | self.below[1] >> 4) >> 2))
            }
            _ => None,
        }
    }

    fn set_ip(&mut self, ttl: u8, dscp: u8) {
        let b = &mut self.below;
        if b[0] >> 4 == 4 {
            b[8] = ttl;
            b[1] = dscp << 2 | b[1] & 3;
            Ipv4Header::fill_checksum(b).unwrap();
        } else {
            b[7] = ttl;
            b[0] = 0x60 | dscp >> 2;
            b[1] = dscp << 6 | b[1] & 0x3f;
        }
    }

    fn push(&mut self, labels: &[u32], model: TunnelModel) {
        let (ttl, tc, over_ip, over_pipe) = match self.stack.first() {
            Some(top) => (top.ttl, top.tc, false, false),
            None => (self.ip().unwrap().0, self.class.tc(), true, false),
        };
        let ttl = if model.ttl == TtlModel::Pipe || over_pipe { 255 } else { ttl };
        for (i, label) in labels.iter().rev().enumerate() {
            self.stack.insert(0, Lse { label: *label, tc, bottom: over_ip && i == 0, ttl });
        }
    }

    fn send(&self) -> Outcome {
        let kind = match (self.stack.is_empty(), self.below.first().map(|b| b >> 4)) {
            (false, _) => ether_type::MPLS,
            (true, Some(4)) => ether_type::IPV4,
            (true, _) => ether_type::IPV6,
        };
        let stack: Vec<u8> = self.stack.iter().flat_map(|e| e.bytes()).collect();
        Outcome::Sent(out(kind, &[&stack, &self.below]), self.class)
    }

    /// The packet leaves the tunnels it is in: one hop less, unless the next router sees to it.
    fn leave(&mut self, tables: &Tables, keep: bool, fib: bool) -> Outcome {
        if self.stack.is_empty() {
            let Some(family) = self.below.first().map(|b| b >> 4).filter(|v| matches!(v, 4 | 6)) else {
                return ends(DropReason::MplsPayload);
            };
            let Some((ttl, dscp)) = self.ip() else { return Outcome::BadIp };
            if ttl <= u8::from(!keep) {
                return EXPIRED;
            }
            self.set_ip(ttl - u8::from(!keep), dscp);
            if let Some((inner, inner_model, outer, outer_model)) =
                tables.ip.as_ref().filter(|_| fib && family == 4)
            {
                self.push(inner, *inner_model);
                self.push(outer, *outer_model);
            }
        } else {
            if self.stack[0].ttl <= u8::from(!keep) {
                return EXPIRED;
            }
            self.stack[0].ttl -= u8::from(!keep);
        }
        self.send()
    }

    fn route(mut self, tables: &Tables) -> Outcome {
        let none = TunnelModel::default();
        for _ in 0..16 {
            let Some(top) = self.stack.first().copied() else { return ends(DropReason::MplsMalformed) };
            let family = |packet: &Self| packet.below.first().map(|b| b >> 4);
            match top.label {
                1 if !top.bottom => return Outcome::Ends(punted(PuntReason::LspPing)),
                1 => return ends(DropReason::MplsMalformed),
                3..=6 | 8..=15 => return ends(DropReason::MplsReserved),
                _ => {}
            }
            let does = tables.labels.get(top.label.wrapping_sub(16) as usize);
            match (top.label, does) {
                (0 | 2 | 7, _) if top.ttl == 0 => return EXPIRED,
                (0 | 2, _) => {
                    if !self.pop(none, true) {
                        return ends(DropReason::MplsMalformed);
                    }
                    let wanted = if top.label == 0 { 4 } else { 6 };
                    if top.bottom {
                        return match family(&self) {
                            Some(v) if v == wanted => self.leave(tables, false, true),
                            _ => ends(DropReason::MplsPayload),
                        };
                    }
                }
                (7, _) => {
                    let Some(entropy) = self.stack.get(1).copied().filter(|_| !top.bottom) else {
                        return ends(DropReason::MplsMalformed);
                    };
                    // The indicator stands for both: TTL and mark are its own.
                    self.stack.remove(0);
                    self.stack[0] = Lse { bottom: entropy.bottom, ..top };
                    if !self.pop(none, true) {
                        return ends(DropReason::MplsMalformed);
                    }
                    if entropy.bottom {
                        return self.leave(tables, false, true);
                    }
                }
                (_, None) => return ends(DropReason::MplsNoLabel),
                (_, Some(Does::Blackhole)) => return ends(DropReason::Blackhole),
                (_, Some(Does::Swap(label))) => {
                    self.stack[0].label = *label;
                    return self.leave(tables, false, false);
                }
                (_, Some(Does::SwapPush(label, labels, model))) => {
                    if top.ttl <= 1 {
                        return EXPIRED;
                    }
                    (self.stack[0].label, self.stack[0].ttl) = (*label, top.ttl - 1);
                    self.push(labels, *model);
                    return self.send();
                }
                (_, Some(Does::Pop(model, egress))) => {
                    if top.ttl <= u8::from(!egress) {
                        return EXPIRED;
                    }
                    let top = match *egress {
                        true => match self.without_entropy() {
                            Ok(top) => top,
                            Err(reason) => return ends(reason),
                        },
                        false => top,
                    };
                    let own = self.stack.get(1).map(|below| below.ttl).or_else(|| Some(self.ip()?.0));
                    if !self.pop(*model, *egress) {
                        return ends(DropReason::MplsMalformed);
                    }
                    // A lesser TTL of the contents is left as it is.
                    let lesser = own.is_some_and(|own| own < top.ttl);
                    let keep = !egress && (model.ttl == TtlModel::Pipe || lesser);
                    assert!(top.bottom || !egress);
                    return self.leave(tables, keep, false);
                }
                (_, Some(Does::Lookup(model, bottom))) => {
                    if top.ttl == 0 {
                        return EXPIRED;
                    }
                    let top = match *bottom {
                        true => match self.without_entropy() {
                            Ok(top) => top,
                            Err(reason) => return ends(reason),
                        },
                        false => top,
                    };
                    if !self.pop(*model, true) {
                        return ends(DropReason::MplsMalformed);
                    }
                    if top.bottom {
                        return self.leave(tables, false, true);
                    }
                }
            }
        }
        ends(DropReason::LookupLoop)
    }

    /// The top where it must be the bottom, an entropy label below it gone.
    fn without_entropy(&mut self) -> Result<Lse, DropReason> {
        let top = self.stack[0];
        if top.bottom {
            return Ok(top);
        }
        let indicator = *self.stack.get(1).ok_or(DropReason::MplsMalformed)?;
        if indicator.label != 7 {
            return Err(DropReason::MplsNotBottom);
        }
        let entropy = *self.stack.get(2).filter(|_| !indicator.bottom).ok_or(DropReason::MplsMalformed)?;
        if !entropy.bottom {
            return Err(DropReason::MplsNotBottom);
        }
        self.stack = vec![Lse { bottom: true, ..top }];
        Ok(self.stack[0])
    }
}

/// The router that these tables are of.
fn build(tables: &Tables) -> Snapshot {
    let mut snapshot = label_router();
    let next = to_ge1(&mut snapshot);
    for (label, does) in (16..).zip(&tables.labels) {
        let nhlfe = match does {
            Does::Swap(label) => Nhlfe::Swap(Swap { label: *label, next }),
            Does::SwapPush(label, labels, model) => {
                let over = entry(&mut snapshot, push(labels, next, *model));
                Nhlfe::Swap(Swap { label: *label, next: over })
            }
            Does::Pop(model, egress) => {
                Nhlfe::Pop(Pop { next, model: *model, egress: egress.then_some(VrfId(0)) })
            }
            Does::Lookup(model, bottom) => {
                Nhlfe::PopLookup(PopLookup { vrf: VrfId(0), model: *model, bottom: *bottom })
            }
            Does::Blackhole => Nhlfe::Blackhole,
        };
        label_to(&mut snapshot, label, nhlfe);
    }
    if let Some((inner, inner_model, outer, outer_model)) = &tables.ip {
        let Nhlfe::Push(lsp) = push(outer, next, *outer_model) else { return snapshot };
        let lsp = entry(&mut snapshot, Nhlfe::Push(Push { ..lsp }));
        route(&mut snapshot, "198.51.100.0/24", push(inner, lsp, *inner_model));
    }
    snapshot
}

fn model() -> impl Strategy<Value = TunnelModel> {
    use DiffServModel::{Pipe, ShortPipe, Uniform};
    let ttl = prop_oneof![Just(TtlModel::Uniform), Just(TtlModel::Pipe)];
    (ttl, prop_oneof![Just(Uniform), Just(Pipe), Just(ShortPipe)])
        .prop_map(|(ttl, diffserv)| TunnelModel { ttl, diffserv })
}

fn tables() -> impl Strategy<Value = Tables> {
    let labels = || prop::collection::vec(16u32..1 << 20, 1..4);
    let does = prop_oneof![
        2 => (16u32..1 << 20).prop_map(Does::Swap),
        1 => (16u32..1 << 20, labels(), model()).prop_map(|(l, p, m)| Does::SwapPush(l, p, m)),
        3 => (model(), any::<bool>()).prop_map(|(m, e)| Does::Pop(m, e)),
        5 => (model(), prop::bool::weighted(0.4)).prop_map(|(m, b)| Does::Lookup(m, b)),
        1 => Just(Does::Blackhole),
    ];
    let ip = prop::option::of((labels(), model(), labels(), model()));
    (prop::collection::vec(does, 8), ip).prop_map(|(labels, ip)| Tables { labels, ip })
}

fn entries() -> impl Strategy<Value = Vec<u8>> {
    let label = prop_oneof![12 => 16u32..24, 2 => prop_oneof![Just(0u32), Just(2), Just(7)], 1 => 0u32..26];
    let ttl = prop_oneof![4 => 2u8.., 1 => 0u8..4];
    let stack = prop::collection::vec((label, 0u8..8, ttl), 1..6);
    (stack, prop::bool::weighted(0.95)).prop_map(|(entries, closed)| {
        let mut bytes = mpls(&entries);
        let last = bytes.len() - 2;
        bytes[last] = bytes[last] & 0xfe | u8::from(closed);
        bytes
    })
}

fn below() -> impl Strategy<Value = Vec<u8>> {
    let ttl = prop_oneof![3 => 2u8.., 1 => 0u8..4];
    let datagram = (any::<bool>(), ttl, any::<u8>()).prop_map(|(four, ttl, class)| match four {
        true => stack(&[
            &ipv4_with(V4, 17, 26, &[], |h| (h.ttl, h.traffic_class) = (ttl, class)),
            &udp(5004, 5006, 18),
        ]),
        false => {
            let mut below = ip6(ttl);
            (below[0], below[1]) = (0x60 | class >> 4, class << 4);
            below
        }
    });
    prop_oneof![6 => datagram, 1 => prop::collection::vec(any::<u8>(), 0..64)]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]
    #[test]
    fn labels_are_edited_by_the_words_of_the_rfcs(tables in tables(), labels in entries(), below in below()) {
        let received = [labels, below].concat();
        let frame = rewritten(&build(&tables), &stack(&[&eth(ether_type::MPLS), &received]));
        let expected = Packet::read(&received).route(&tables);
        let verdict = frame.meta().verdict;
        match (&expected, verdict) {
            (Outcome::BadIp, Verdict::Drop(reason)) => {
                let ip = reason.name().starts_with("ipv") || matches!(reason, DropReason::Multicast);
                prop_assert!(ip, "{reason}");
            }
            (_, Verdict::Forward) => {
                prop_assert_eq!(Outcome::Sent(frame.bytes().to_vec(), frame.meta().class), expected)
            },
            _ => prop_assert_eq!(Outcome::Ends(verdict), expected),
        }
    }
}
