//! What the route tests share: words for forwarding, and the obvious reading of
//! a set of routes to hold it against.

#![allow(dead_code, clippy::unwrap_used)]

pub(crate) mod labels;

use std::collections::BTreeMap;
use std::net::IpAddr;

use control::commit::{RouteSpec, RouteVia};
use control::config::{Config, Discard, parse};
use control::{PortFacts, RouteChange, State};
use dataplane::id::NhlfeId;
use dataplane::table::{Nhlfe, Snapshot};
use ipnet::IpNet;

pub(crate) fn state_with(text: &str) -> (State, Snapshot) {
    let (mut state, mut snapshot) = (State::new(), Snapshot::default());
    state.apply(parse(text, "t").unwrap(), &PortFacts::default(), &mut snapshot).unwrap();
    (state, snapshot)
}

/// A route by `hops`; without any, a blackhole.
pub(crate) fn add(prefix: &str, hops: &[&str], distance: Option<u8>) -> RouteChange {
    let via = |h: &&str| RouteVia::from(h.parse::<IpAddr>().unwrap());
    RouteChange::Add(RouteSpec {
        prefix: prefix.parse().unwrap(),
        via: hops.iter().map(via).collect(),
        discard: hops.is_empty().then_some(Discard::Blackhole),
        distance,
        ..RouteSpec::default()
    })
}

/// A route by `hops` in a Vrf.
pub(crate) fn add_in(vrf: &str, prefix: &str, hops: &[&str]) -> RouteChange {
    let RouteChange::Add(spec) = add(prefix, hops, None) else { unreachable!() };
    RouteChange::Add(RouteSpec { vrf: Some(vrf.into()), ..spec })
}

pub(crate) fn remove(prefix: &str) -> RouteChange {
    RouteChange::Remove { vrf: None, prefix: prefix.parse().unwrap() }
}

/// Every IPv4 prefix of a Vrf and what it leads to, in words.
pub(crate) fn describe(snapshot: &Snapshot, vrf: &str) -> BTreeMap<String, String> {
    let vrf = snapshot.vrf_named(vrf).unwrap();
    vrf.fib4.iter().map(|(p, id)| (p.to_string(), words(snapshot, snapshot.nhlfe(id).unwrap()))).collect()
}

fn words(snapshot: &Snapshot, nhlfe: &Nhlfe) -> String {
    match nhlfe {
        Nhlfe::Forward(id) => {
            let to = snapshot.adjacency(*id).unwrap();
            format!("{} on {}", to.neighbour, snapshot.interface(to.interface).unwrap().name)
        }
        Nhlfe::Glean(id) => format!("on {}", snapshot.interface(*id).unwrap().name),
        Nhlfe::Ecmp(group) => {
            let mut all: Vec<_> =
                group.members().iter().map(|m| words(snapshot, snapshot.nhlfe(*m).unwrap())).collect();
            all.sort();
            all.join(", ")
        }
        Nhlfe::Local => "local".into(),
        other => format!("{other:?}").to_lowercase(),
    }
}

/// Where an entry leads, in words: every label that goes on or off on the way.
pub(crate) fn way(snapshot: &Snapshot, id: NhlfeId) -> String {
    match snapshot.nhlfe(id) {
        None => "nowhere".into(),
        Some(Nhlfe::Forward(a)) => {
            let to = snapshot.adjacency(*a).unwrap();
            format!("{} on {}", to.neighbour, snapshot.interface(to.interface).unwrap().name)
        }
        Some(Nhlfe::Glean(i)) => format!("on {}", snapshot.interface(*i).unwrap().name),
        Some(Nhlfe::Push(p)) => {
            let labels: Vec<_> = p.labels.iter().map(|l| l.to_string()).collect();
            format!("push {} {}", labels.join(","), way(snapshot, p.next))
        }
        Some(Nhlfe::Swap(s)) => format!("swap {} {}", s.label, way(snapshot, s.next)),
        Some(Nhlfe::Pop(p)) => {
            let vrf = p.egress.map(|vrf| format!(" egress {}", snapshot.vrf(vrf).unwrap().name));
            format!("pop{} {}", vrf.unwrap_or_default(), way(snapshot, p.next))
        }
        Some(Nhlfe::PopLookup(p)) => {
            format!("lookup {}{}", snapshot.vrf(p.vrf).unwrap().name, if p.bottom { "" } else { " or below" })
        }
        Some(Nhlfe::Ecmp(group)) => {
            let mut all: Vec<_> = group.members().iter().map(|m| way(snapshot, *m)).collect();
            all.sort();
            format!("[{}]", all.join("; "))
        }
        Some(other) => format!("{other:?}").to_lowercase(),
    }
}

/// What a route asks for, as the oracle sees it.
#[derive(Clone, Debug, PartialEq)]
enum Ask {
    On(String),
    Local,
    Discard(String),
    Via(Vec<IpAddr>),
}

#[derive(Clone, Debug)]
struct Line {
    prefix: IpNet,
    distance: u8,
    source: u8,
    ask: Ask,
}

/// A list of routes, read from end to end for every question.
pub(crate) struct Oracle {
    config: Config,
    runtime: BTreeMap<IpNet, Line>,
}

impl Oracle {
    pub(crate) fn new(text: &str) -> Self {
        Self { config: parse(text, "t").unwrap(), runtime: BTreeMap::new() }
    }

    pub(crate) fn configure(&mut self, text: &str) {
        self.config = parse(text, "t").unwrap();
    }

    pub(crate) fn change(&mut self, change: &RouteChange) {
        match change {
            RouteChange::Remove { prefix, .. } => drop(self.runtime.remove(prefix)),
            RouteChange::Add(r) => {
                let hops = r.via.iter().map(|v| v.address).collect();
                let ask = r.discard.map_or(Ask::Via(hops), |d| Ask::Discard(d.to_string()));
                let line = Line { prefix: r.prefix, distance: r.distance.unwrap_or(5), source: 3, ask };
                self.runtime.insert(r.prefix, line);
            }
        }
    }

    fn lines(&self) -> Vec<Line> {
        let mut lines: Vec<Line> = self.runtime.values().cloned().collect();
        for interface in self.config.interfaces.iter().filter(|i| i.enabled) {
            for net in &interface.addresses {
                let line = |prefix: IpNet, source, ask| Line { prefix, distance: 0, source, ask };
                lines.push(line(net.trunc(), 1, Ask::On(interface.name.clone())));
                lines.push(line(net.addr().into(), 0, Ask::Local));
                lines.push(line(net.broadcast().into(), 0, Ask::Local));
            }
        }
        for route in &self.config.routes {
            let ask = route.discard.map_or(Ask::Via(route.hops().map(|hop| hop.address).collect()), |d| {
                Ask::Discard(d.to_string())
            });
            lines.push(Line { prefix: route.prefix, distance: route.distance, source: 2, ask });
        }
        lines.retain(|l| l.distance != 255);
        lines.sort_by_key(|l| (l.distance, l.source));
        lines
    }

    /// Every prefix and what it leads to, in the words of [`describe`].
    pub(crate) fn fib(&self) -> BTreeMap<String, String> {
        let lines = self.lines();
        let mut fib = BTreeMap::new();
        for line in &lines {
            if fib.contains_key(&line.prefix.to_string()) {
                continue;
            }
            let words = match (&line.ask, leads(&lines, &line.ask, &[])) {
                (Ask::On(interface), _) => Some(format!("on {interface}")),
                (_, Ok(End::Local)) => Some("local".into()),
                (_, Ok(End::Discard(word))) => Some(word),
                (_, Ok(End::To(mut hops))) => {
                    hops.sort();
                    Some(hops.join(", "))
                }
                _ => None,
            };
            fib.extend(words.map(|w| (line.prefix.to_string(), w)));
        }
        fib
    }
}

enum End {
    Local,
    On(String),
    Discard(String),
    To(Vec<String>),
}

/// Why a way ends without an end; `true`: it turns back on itself.
type Lost = bool;

fn leads(lines: &[Line], ask: &Ask, behind: &[&Ask]) -> Result<End, Lost> {
    let hops = match ask {
        Ask::Local => return Ok(End::Local),
        Ask::On(interface) => return Ok(End::On(interface.clone())),
        Ask::Discard(word) => return Ok(End::Discard(word.clone())),
        Ask::Via(hops) => hops,
    };
    let behind: Vec<&Ask> = behind.iter().copied().chain([ask]).collect();
    let (mut to, mut other) = (Vec::new(), None);
    let mut first = None;
    for hop in hops {
        match leads_hop(lines, *hop, &behind) {
            Ok(End::To(found)) => found.into_iter().for_each(|f| {
                if !to.contains(&f) {
                    to.push(f);
                }
            }),
            Ok(end) => drop(other.get_or_insert(end)),
            Err(lost) => drop(first.get_or_insert(lost)),
        }
    }
    match (to.is_empty(), other) {
        (false, _) => Ok(End::To(to)),
        (true, Some(end)) => Ok(end),
        (true, None) => Err(first.unwrap_or(false)),
    }
}

fn leads_hop(lines: &[Line], hop: IpAddr, behind: &[&Ask]) -> Result<End, Lost> {
    // Longest prefixes first; `lines` has the preferred ones first already.
    for len in (1..=32u8).rev() {
        for line in lines.iter().filter(|l| l.prefix.prefix_len() == len && l.prefix.contains(&hop)) {
            if behind.contains(&&line.ask) {
                if len == 32 {
                    continue;
                }
                return Err(true);
            }
            match leads(lines, &line.ask, behind) {
                Ok(End::On(interface)) => return Ok(End::To(vec![format!("{hop} on {interface}")])),
                Ok(End::Local) => continue,
                Ok(end) => return Ok(end),
                Err(true) => return Err(true),
                Err(false) => continue,
            }
        }
    }
    Err(false)
}
