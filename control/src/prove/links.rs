//! Which interfaces are at two ends of one line.
//!
//! Interfaces that name the same link are joined. Others are joined when a next hop
//! of one is the address of the other, in the same subnet, and of no third: two
//! that could be meant are an error, which naming the link mends.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::net::IpAddr;

use ahash::{AHashMap, AHashSet};
use dataplane::table::Nhlfe;
use ipnet::IpNet;

use super::network::{Place, Router};

/// Why the lines of a network are not known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LinkError {
    /// Two routers have this name.
    SameName(String),
    /// The next hop of an interface is an address of several.
    Ambiguous {
        /// Router and interface.
        from: (String, String),
        /// Its next hop.
        next_hop: IpAddr,
        /// Router and interface of each that has the address.
        candidates: Vec<(String, String)>,
    },
}

impl fmt::Display for LinkError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::SameName(name) => write!(f, "two routers are called \"{name}\""),
            Self::Ambiguous { from: (router, interface), next_hop, candidates } => {
                let name = |(router, interface): &(String, String)| format!("{router} {interface}");
                let names: Vec<_> = candidates.iter().map(name).collect();
                write!(
                    f,
                    "the next hop {next_hop} of {router} {interface} is an address of {}: \
                     give both ends of each line the same link = \"NAME\"",
                    names.join(" and of ")
                )
            }
        }
    }
}

/// Sets of interfaces that are joined.
pub(super) fn segments(routers: &[Router]) -> Result<Vec<Vec<Place>>, Vec<LinkError>> {
    let mut names = BTreeSet::new();
    let twice = routers.iter().filter(|r| !names.insert(&r.name));
    let mut errors: Vec<_> = twice.map(|r| LinkError::SameName(r.name.clone())).collect();
    let mut segments: Vec<Vec<Place>> = named(routers).into_values().filter(|ends| ends.len() > 1).collect();
    let mut inferred = Joins::default();
    for guess in guesses(routers) {
        match guess {
            Ok((a, b)) => inferred.join(a, b),
            Err(error) => errors.push(error),
        }
    }
    segments.extend(inferred.sets());
    if errors.is_empty() { Ok(segments) } else { Err(errors) }
}

/// Link → interfaces that name it.
fn named(routers: &[Router]) -> BTreeMap<&str, Vec<Place>> {
    let mut ends: BTreeMap<&str, Vec<Place>> = BTreeMap::new();
    for (router, of) in routers.iter().enumerate() {
        for (_, interface) in of.snapshot.interfaces.iter() {
            if let Some(link) = of.links.get(&*interface.name) {
                ends.entry(link).or_default().push(Place { router, interface: interface.id });
            }
        }
    }
    ends
}

/// Address and subnet → interfaces without a link that have it.
fn owners(routers: &[Router]) -> AHashMap<IpNet, Vec<Place>> {
    let mut owners: AHashMap<IpNet, Vec<Place>> = AHashMap::new();
    for (router, of) in routers.iter().enumerate() {
        for (_, interface) in of.snapshot.interfaces.iter() {
            if of.links.contains_key(&*interface.name) {
                continue;
            }
            for address in interface.addresses.iter() {
                owners.entry(address.net).or_default().push(Place { router, interface: interface.id });
            }
        }
    }
    owners
}

/// Each pair that next hops say is joined.
fn guesses(routers: &[Router]) -> Vec<Result<(Place, Place), LinkError>> {
    let owners = owners(routers);
    let mut guesses = Vec::new();
    for (router, of) in routers.iter().enumerate() {
        for (place, next_hop) in next_hops(router, of) {
            let Some(interface) = of.snapshot.interface(place.interface) else { continue };
            let Some(subnet) =
                interface.connected(next_hop).filter(|_| !of.links.contains_key(&*interface.name))
            else {
                continue;
            };
            let Ok(end) = IpNet::new(next_hop, subnet.net.prefix_len()) else { continue };
            let others = owners.get(&end).into_iter().flatten().filter(|end| end.router != router);
            match others.collect::<Vec<_>>()[..] {
                [] => {}
                [one] => guesses.push(Ok((place, *one))),
                ref several => guesses.push(Err(ambiguous(routers, place, next_hop, several))),
            }
        }
    }
    guesses
}

fn ambiguous(routers: &[Router], from: Place, next_hop: IpAddr, several: &[&Place]) -> LinkError {
    let name = |place: &Place| {
        let of = &routers[place.router];
        let interface = of.snapshot.interface(place.interface).map_or("", |i| &i.name);
        (of.name.clone(), interface.to_string())
    };
    LinkError::Ambiguous {
        from: name(&from),
        next_hop,
        candidates: several.iter().map(|place| name(place)).collect(),
    }
}

/// Interfaces and the next hops that forwarding uses on them.
fn next_hops(router: usize, of: &Router) -> BTreeSet<(Place, IpAddr)> {
    let used: AHashSet<_> = of
        .snapshot
        .nhlfes
        .iter()
        .filter_map(|(_, nhlfe)| match nhlfe {
            Nhlfe::Forward(adjacency) => Some(*adjacency),
            _ => None,
        })
        .collect();
    let adjacencies = used.into_iter().filter_map(|id| of.snapshot.adjacency(id));
    adjacencies.map(|a| (Place { router, interface: a.interface }, a.neighbour)).collect()
}

/// Sets that grow together.
#[derive(Default)]
struct Joins(Vec<BTreeSet<Place>>);

impl Joins {
    fn join(&mut self, a: Place, b: Place) {
        let (touched, mut rest): (Vec<_>, Vec<_>) =
            self.0.drain(..).partition(|set| set.contains(&a) || set.contains(&b));
        let mut all: BTreeSet<Place> = touched.into_iter().flatten().collect();
        all.extend([a, b]);
        rest.push(all);
        self.0 = rest;
    }

    fn sets(self) -> impl Iterator<Item = Vec<Place>> {
        self.0.into_iter().map(|set| set.into_iter().collect())
    }
}
