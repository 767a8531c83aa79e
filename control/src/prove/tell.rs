//! Findings → report: names for numbers, and an example for each.

use std::collections::BTreeSet;

use ipnet::IpNet;

use super::address::Address;
use super::example::{example, place, site};
use super::intent::Rules;
use super::judge::{Findings, Ranges, Start};
use super::network::{Network, Node};
use super::report::{Leak, Loop, Missing, Report, Site, Unproved};
use super::run::Scope;
use super::wants::{Purpose, Want};

/// Findings of one kind that are worked out and listed; the others are counted.
const MOST: usize = 50;

/// Tells what was found.
pub(super) struct Teller<'a, 'n> {
    pub(super) network: &'n Network<'n>,
    pub(super) rules: &'a Rules<'a>,
    pub(super) scope: Scope,
}

impl Teller<'_, '_> {
    pub(super) fn tell<A: Address>(&self, findings: &Findings<A>, report: &mut Report) {
        self.leaks(findings, report);
        self.missing(findings, report);
        self.unproved(findings, report);
        self.loops(findings, report);
    }

    fn leaks<A: Address>(&self, findings: &Findings<A>, report: &mut Report) {
        for ((start, to), (rule, ranges)) in &findings.leaks {
            if report.leaks.len() >= MOST {
                report.more += 1;
                continue;
            }
            let example = example(self.network, start, ranges);
            report.leaks.push(Leak {
                from: self.start(start),
                to: site(self.network, *to),
                rule: rule.clone(),
                destinations: first(ranges),
                ranges: ranges.count,
                example,
            });
        }
    }

    fn missing<A: Address>(&self, findings: &Findings<A>, report: &mut Report) {
        for (lost, ranges) in &findings.missing {
            if report.missing.len() >= MOST {
                report.more += 1;
                continue;
            }
            report.missing.push(Missing {
                from: site(self.network, lost.from),
                to: site(self.network, lost.to),
                extranet: lost.extranet.clone(),
                destinations: first(ranges),
                ranges: ranges.count,
                example: example(self.network, &Start::Vrf(lost.from), ranges),
            });
        }
    }

    fn unproved<A: Address>(&self, findings: &Findings<A>, report: &mut Report) {
        for ((start, by), ranges) in &findings.unknown {
            let injected = matches!(start, Start::Labelled(..));
            let own = matches!(start, Start::Vrf(node) if self.rules.is_infrastructure(self.network, *node));
            let known = self.scope == Scope::Router || self.network.is_boundary(*by);
            let fault = injected || !(own || known);
            report.faults += usize::from(fault);
            if report.unproved.len() >= MOST {
                report.more += 1;
                continue;
            }
            let example = example(self.network, start, ranges);
            report.unproved.push(Unproved {
                from: self.start(start),
                by: place(self.network, *by),
                fault,
                example,
            });
        }
    }

    fn loops<A: Address>(&self, findings: &Findings<A>, report: &mut Report) {
        for ((start, _), ranges) in &findings.loops {
            if report.loops.len() >= MOST {
                report.more += 1;
                continue;
            }
            let example = example(self.network, start, ranges);
            report.loops.push(Loop { from: self.start(start), destinations: first(ranges), example });
        }
    }

    fn start(&self, start: &Start) -> Site {
        match start {
            Start::Vrf(node) => site(self.network, *node),
            Start::Labelled(at, _) => place(self.network, *at),
        }
    }
}

/// The prefixes of extranets that are at nobody's edge, each once.
pub(super) fn empty_extranets<A: Address>(
    network: &Network<'_>,
    from: Node,
    wants: &[Want<'_, A>],
    told: &mut BTreeSet<(String, String, IpNet)>,
) -> Vec<Missing> {
    let mut missing = Vec::new();
    for want in wants {
        let Purpose::Extranet(extranet) = &want.purpose else { continue };
        for prefix in &extranet.prefixes {
            let Some((first, last)) = A::range(*prefix) else { continue };
            let key = (extranet.from.clone(), extranet.to.clone(), *prefix);
            if want.within(first, last).next().is_some() || !told.insert(key) {
                continue;
            }
            missing.push(Missing {
                from: site(network, from),
                to: Site { router: "any router".into(), vrf: format!("of {}", extranet.to), interface: None },
                extranet: Some((extranet.from.clone(), extranet.to.clone())),
                destinations: prefix.to_string(),
                ranges: 1,
                example: None,
            });
        }
    }
    missing
}

/// The first range of a finding, as a prefix where it is one.
fn first<A: Address>(ranges: &Ranges<A>) -> String {
    let Some((first, last, _)) = ranges.some.first() else { return String::new() };
    let (from, to) = (first.ip(), last.ip());
    let most = if A::V6 { 128 } else { 32 };
    let fits =
        |length: &u8| IpNet::new(from, *length).is_ok_and(|net| A::range(net) == Some((*first, *last)));
    match (0..=most).find(fits) {
        Some(length) => format!("{from}/{length}"),
        None => format!("{from} to {to}"),
    }
}
