//! Random tiny networks: routers in a ring, with entries, routes and labels that lead
//! anywhere.

use proptest::prelude::*;

use super::*;

/// Routers in a ring, each with two Vrfs beside "default"; addresses are 10.0.0.0/24.
pub(super) const ROUTERS: u8 = 3;
/// What an entry does; numbers are entries, taken modulo how many there are.
#[derive(Clone, Debug)]
pub(super) enum Entry {
    Edge,
    Left,
    Right,
    /// To an address on the line to the right that no router has.
    Stranger,
    Local,
    Discard,
    Push(Vec<u32>, usize),
    Swap(u32, usize),
    Pop(usize, bool),
    Lookup(u8, bool),
    Ecmp(usize, usize),
}

type Route = (u8, u8, u8, usize);
pub(super) type Table = (Vec<Entry>, Vec<Route>, Vec<(u32, usize)>);

fn entry() -> impl Strategy<Value = Entry> {
    let label = || prop_oneof![16u32..20, Just(0)];
    prop_oneof![
        2 => Just(Entry::Edge), 3 => Just(Entry::Left), 3 => Just(Entry::Right),
        1 => Just(Entry::Stranger), 1 => Just(Entry::Local), 1 => Just(Entry::Discard),
        3 => (prop::collection::vec(label(), 1..3), any::<usize>()).prop_map(|(l, n)| Entry::Push(l, n)),
        2 => (label(), any::<usize>()).prop_map(|(l, n)| Entry::Swap(l, n)),
        2 => (any::<usize>(), any::<bool>()).prop_map(|(n, e)| Entry::Pop(n, e)),
        3 => (0u8..3, any::<bool>()).prop_map(|(v, b)| Entry::Lookup(v, b)),
        1 => (any::<usize>(), any::<usize>()).prop_map(|(a, b)| Entry::Ecmp(a, b)),
    ]
}

pub(super) fn tables() -> impl Strategy<Value = Vec<Table>> {
    let routes = prop::collection::vec((0u8..3, any::<u8>(), 0u8..=8, any::<usize>()), 1..8);
    let labels = prop::collection::vec((16u32..20, any::<usize>()), 0..5);
    prop::collection::vec((prop::collection::vec(entry(), 3..9), routes, labels), usize::from(ROUTERS))
}

/// Router `n`: interface 0 to the left, 1 to the right, 2 to 4 the edges of its Vrfs.
pub(super) fn router(n: u8, (entries, routes, labels): &Table) -> Router {
    let mut maker = Maker::new(&format!("r{n}"));
    maker.vrf("a");
    maker.vrf("b");
    let (left, right) = ((n + ROUTERS - 1) % ROUTERS, n);
    for (name, link) in [("left", left), ("right", right)] {
        let id = maker.interface(name, VrfId(0), &[], true);
        maker.has(id, if name == "left" { "192.0.2.3/24" } else { "192.0.2.2/24" });
        maker.link(name, &format!("link{link}"));
    }
    for vrf in 0..3 {
        maker.interface(&format!("edge{vrf}"), VrfId(vrf), &[], false);
    }
    // A route or label leads to any entry; an entry to one before it, so that chains end.
    let at = |n: &usize| NhlfeId((n % entries.len()) as u32);
    for (i, entry) in entries.iter().enumerate() {
        let before = |n: &usize| NhlfeId(n.checked_rem(i).unwrap_or(0) as u32);
        let id = match entry {
            _ if i == 0 => maker.to(IfIndex(1), "192.0.2.3"),
            Entry::Edge => maker.to(IfIndex(2 + i as u32 % 3), "192.0.2.1"),
            Entry::Left => maker.to(IfIndex(0), "192.0.2.2"),
            Entry::Right => maker.to(IfIndex(1), "192.0.2.3"),
            Entry::Stranger => maker.to(IfIndex(1), "192.0.2.9"),
            Entry::Local => maker.entry(Nhlfe::Local),
            Entry::Discard => maker.entry(Nhlfe::Blackhole),
            Entry::Push(labels, next) => maker.push(labels, before(next)),
            Entry::Swap(label, next) => maker.swap(*label, before(next)),
            Entry::Pop(next, egress) => maker.pop(before(next), *egress),
            Entry::Lookup(vrf, bottom) => maker.lookup(VrfId((*vrf).into()), *bottom),
            Entry::Ecmp(a, b) => maker.ecmp(&[before(a), before(b)]),
        };
        assert_eq!(id.index(), i);
    }
    for (vrf, bits, length, to) in routes {
        let prefix = ipnet::Ipv4Net::new([10, 0, 0, *bits].into(), 24 + length).unwrap().trunc();
        maker.route(VrfId((*vrf).into()), &prefix.to_string(), at(to));
    }
    labels.iter().for_each(|(label, to)| maker.label(*label, at(to)));
    maker.done()
}
