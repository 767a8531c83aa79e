//! What a request finds at this router: the algorithm of RFC 8029 section 4.4.
//!
//! Stack depths count from the bottom, which is 1. At an egress a FEC whose check
//! has no objection leaves the code "egress" as it is.

use super::Request;
use super::downstream::ways;
use super::fec::Egress;
use crate::id::{NhlfeId, VrfId};
use crate::table::{Nhlfe, Pop, Snapshot};
use crate::wire::lsp_ping::{Contents, Fec, Link, Mapping, ReturnCode, flag};
use crate::wire::mpls::{LabelStackEntry, label};

/// What a reply says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Answer {
    pub(super) code: ReturnCode,
    pub(super) subcode: u8,
    pub(super) mappings: Vec<Mapping>,
    /// Whether it says where the request arrived.
    pub(super) arrival: bool,
}

impl Answer {
    pub(super) fn of(code: ReturnCode, depth: usize) -> Self {
        let subcode = if code.has_depth() { depth.min(255) as u8 } else { 0 };
        Self { code, subcode, ..Self::default() }
    }
}

/// What is done with a label.
enum Operation {
    /// So many entries are taken off; what is below belongs to the Vrf, if there is one.
    Pop(usize, Option<VrfId>),
    /// It goes on by this entry.
    Switch(NhlfeId),
    /// Nothing.
    Unknown,
}

/// A request being checked.
pub(super) struct Check<'a> {
    request: &'a Request<'a>,
    contents: &'a Contents,
    snapshot: &'a Snapshot,
    /// Outermost first.
    stack: Vec<LabelStackEntry>,
}

impl<'a> Check<'a> {
    pub(super) fn new(request: &'a Request<'a>, contents: &'a Contents, snapshot: &'a Snapshot) -> Self {
        Self { request, contents, snapshot, stack: request.stack.entries().collect() }
    }

    /// Steps 3 and 4: label by label, until one is switched on or none is left.
    pub(super) fn run(&self) -> Answer {
        let (mut depth, mut labelled) = (self.stack.len(), None);
        while let Some(label) = self.label(depth) {
            match self.operation(label, depth) {
                Operation::Pop(entries, vrf) if entries <= depth => {
                    labelled = vrf;
                    depth -= entries;
                }
                Operation::Switch(id) => return self.switched(id, depth),
                _ => return Answer::of(ReturnCode::NO_ENTRY, depth),
            }
        }
        self.egress(labelled)
    }

    /// The label at a depth.
    fn label(&self, depth: usize) -> Option<u32> {
        let at = self.stack.len().checked_sub(depth)?;
        self.stack.get(at).map(LabelStackEntry::label)
    }

    fn operation(&self, label: u32, depth: usize) -> Operation {
        match label {
            label::IPV4_EXPLICIT_NULL | label::IPV6_EXPLICIT_NULL | label::ROUTER_ALERT => {
                return Operation::Pop(1, None);
            }
            label::ENTROPY_INDICATOR => return Operation::Pop(2, None),
            _ => {}
        }
        let id = self.snapshot.ilm.get(label);
        match self.snapshot.nhlfe(id) {
            Some(Nhlfe::PopLookup(pop)) if depth > 1 && pop.bottom => Operation::Unknown,
            Some(Nhlfe::PopLookup(pop)) => Operation::Pop(1, Some(pop.vrf).filter(|_| depth == 1)),
            Some(Nhlfe::Pop(Pop { egress: Some(vrf), .. })) => match depth {
                1 => Operation::Pop(1, Some(*vrf)),
                _ => Operation::Unknown,
            },
            Some(Nhlfe::Local) => Operation::Pop(1, None),
            Some(Nhlfe::Blackhole | Nhlfe::Unreachable | Nhlfe::Prohibited) | None => Operation::Unknown,
            Some(_) => Operation::Switch(id),
        }
    }

    /// Step 4 of a label that is switched on by `id`.
    fn switched(&self, id: NhlfeId, depth: usize) -> Answer {
        let mapping = self.contents.mappings.first();
        let mut answer = Answer::of(ReturnCode::SWITCHED, depth);
        answer.arrival = mapping.is_some_and(|m| m.wants_arrival);
        match mapping {
            Some(mapping) if mapping.link.is_unknown() => {
                answer = Answer { arrival: true, ..Answer::of(ReturnCode::UPSTREAM_UNKNOWN, depth) };
            }
            Some(mapping) if !self.arrived_as(mapping) => {
                return Answer { arrival: true, ..Answer::of(ReturnCode::MISMATCH, depth) };
            }
            _ => {}
        }
        let at = self.stack.len() - depth;
        let labels = self.stack.iter().skip(at).map(LabelStackEntry::label).collect();
        let ways = ways(id, labels, self.snapshot);
        if ways.is_empty() || ways.iter().any(|way| !way.out.mpls) {
            return Answer { arrival: answer.arrival, ..Answer::of(ReturnCode::NOT_FORWARDED, depth) };
        }
        if mapping.is_none() {
            return answer;
        }
        let tc = self.stack.get(at).map_or(0, LabelStackEntry::tc);
        answer.mappings = ways.iter().map(|way| way.mapping(tc, answer.arrival)).collect();
        if ways.len() > 1 {
            answer.mappings.iter_mut().for_each(|m| (m.code, m.subcode) = (answer.code, answer.subcode));
            return Answer { code: ReturnCode::SEE_MAPPING, subcode: 0, ..answer };
        }
        self.switched_fec(answer, depth)
    }

    /// The FEC of a label that is switched on. Configured labels are bound to no FEC
    /// here, so only one that says "no FEC" of another label is objected to.
    fn switched_fec(&self, answer: Answer, depth: usize) -> Answer {
        let validates = self.request.header.flags.get() & flag::VALIDATE_FEC != 0;
        let mapping = self.contents.mappings.first().filter(|m| validates && !m.link.is_any());
        let Some(mapping) = mapping else { return answer };
        // From the bottom: implicit nulls have a FEC and no label.
        let (mut at, mut left) = (0, depth);
        for label in mapping.labels.iter().rev() {
            if left == 0 {
                break;
            }
            at += 1;
            left -= usize::from(label.entry.label() != label::IMPLICIT_NULL);
        }
        match self.fec(at) {
            Some((Fec::Nil(nil), false)) if self.label(depth) != Some(*nil) => {
                Answer { arrival: answer.arrival, ..Answer::of(ReturnCode::OTHER_LABEL, at) }
            }
            _ => answer,
        }
    }

    /// The FEC at a depth, and whether it is the outermost.
    fn fec(&self, depth: usize) -> Option<(&Fec, bool)> {
        let at = self.contents.fecs.len().checked_sub(depth)?;
        self.contents.fecs.get(at).map(|fec| (fec, at == 0))
    }

    /// Steps 5 and 6: no label is left.
    fn egress(&self, labelled: Option<VrfId>) -> Answer {
        let mapping = self.contents.mappings.first();
        let wants = mapping.is_some_and(|m| m.wants_arrival);
        let checked = mapping.filter(|m| !m.link.is_unknown());
        if checked.is_some_and(|mapping| !self.arrived_as(mapping)) {
            return Answer { arrival: true, ..Answer::of(ReturnCode::MISMATCH, 1) };
        }
        let answer = Answer { arrival: wants, ..Answer::of(ReturnCode::EGRESS, 1) };
        // An outermost "no FEC" hides what is below (section 4.4.1).
        if matches!(self.contents.fecs.first(), Some(Fec::Nil(_))) {
            return answer;
        }
        let egress = Egress { snapshot: self.snapshot, arrival: self.request.arrival.vrf, labelled };
        for (i, fec) in self.contents.fecs.iter().rev().enumerate() {
            if let Some(code) = egress.objection(fec, self.label(i + 1), i == 0) {
                return Answer { arrival: wants, ..Answer::of(code, i + 1) };
            }
        }
        answer
    }

    /// Whether the request arrived at the interface and under the labels that
    /// `mapping` says; one for any router is not compared.
    fn arrived_as(&self, mapping: &Mapping) -> bool {
        if mapping.link.is_any() {
            return true;
        }
        let arrival = self.request.arrival;
        let here = match mapping.link {
            Link::Numbered(_, interface) => arrival.owns(interface),
            // The index is the upstream router's own.
            Link::Unnumbered(router, _) => {
                self.snapshot.interfaces.iter().any(|(_, i)| i.vrf == arrival.vrf && i.owns(router))
            }
        };
        let said = mapping.labels.iter().map(|l| l.entry.label()).filter(|l| *l != label::IMPLICIT_NULL);
        here && said.eq(self.stack.iter().map(LabelStackEntry::label))
    }
}
