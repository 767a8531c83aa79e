//! What a label comes to does not depend on what was asked before.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::random::{ROUTERS, router, tables};
use super::*;
use crate::prove::end::{Below, End, Onward};
use crate::prove::network::{Network, Place};
use crate::prove::tunnel::Tunnels;

/// What a label comes to, of tunnels that may have been asked for others.
fn below(tunnels: &mut Tunnels<'_>, (at, label): (Place, u32)) -> BTreeSet<Below> {
    tunnels.tunnel(at, label).iter().copied().collect()
}

/// Two routers joined by "core", and what each puts on to reach the other.
fn two(labels: impl Fn(&mut Maker, NhlfeId)) -> [Router; 2] {
    [(1, 2), (2, 1)].map(|(n, other)| {
        let mut maker = Maker::new(&format!("r{n}"));
        let core = maker.interface("core", VrfId(0), &[&format!("172.16.0.{n}/30")], true);
        maker.interface("edge", VrfId(0), &[&format!("10.{n}.0.1/24")], false);
        maker.link("core", "r1-r2");
        let far = maker.to(core, &format!("172.16.0.{other}"));
        labels(&mut maker, far);
        maker.done()
    })
}

/// The core interface of router `n`.
fn core(n: usize) -> Place {
    Place::new(n, IfIndex(0))
}

/// ```text
/// r1: 100 → swap 101, push 200 → r2      r2: 100 → swap 101, push 200 → r1
///     200 → swap 201, push 100 → r2          200 → swap 201, push 100 → r1
///     or 200 → pop, to the edge              or 200 → pop, to the edge
/// ```
#[test]
fn labels_pushed_through_each_other_come_to_the_same_in_any_order() {
    let routers = two(|maker, far| {
        let edge = maker.to(IfIndex(1), "10.1.0.9");
        for (label, inner, outer) in [(100, 101, 200), (200, 201, 100)] {
            let push = maker.push(&[outer], far);
            let swap = maker.swap(inner, push);
            let out = maker.pop(edge, false);
            let both = maker.ecmp(&[swap, out]);
            maker.label(label, if label == 200 { both } else { swap });
        }
    });
    let network = Network::new(&routers).unwrap();
    let asked = [(core(0), 100), (core(0), 200), (core(1), 100), (core(1), 200)];
    let fresh = asked.map(|label| below(&mut Tunnels::new(&network), label));
    for first in 0..asked.len() {
        let mut tunnels = Tunnels::new(&network);
        for n in (first..asked.len()).chain(0..first) {
            assert_eq!(below(&mut tunnels, asked[n]), fresh[n], "{:?} after {first}", asked[n]);
        }
    }
}

/// A label that is pushed over itself, or popped: what is below it goes on where the
/// inner one was popped.
///
/// ```text
/// r1: 100 → swap 102, push 100 → r2      r2: 100 → swap 102, push 100 → r1
///     or 100 → pop → r2
///     102 → pop, to the edge, or → r2        102 → pop, to the edge, or → r1
/// ```
#[test]
fn a_label_pushed_over_itself_comes_to_all_that_it_can() {
    let routers = two(|maker, far| {
        let edge = maker.to(IfIndex(1), "10.1.0.9");
        let push = maker.push(&[100], far);
        let swap = maker.swap(102, push);
        let pops = [far, edge].map(|next| maker.pop(next, false));
        let (again, below) = (maker.ecmp(&[swap, pops[0]]), maker.ecmp(&pops));
        maker.label(100, if maker.name == "r1" { again } else { swap });
        maker.label(102, below);
    });
    let network = Network::new(&routers).unwrap();
    let found = below(&mut Tunnels::new(&network), (core(0), 100));
    let out = |b: &Below| matches!(b, Below::Out { by, .. } if *by == Place::new(0, IfIndex(1)));
    assert!(found.iter().any(out), "{found:?}");
    assert!(found.contains(&Below::Arrived { at: core(1), refused: None }), "{found:?}");
    assert!(found.iter().any(|b| matches!(b, Below::End(End::Loop(_)))), "{found:?}");
}

/// The router looks at what is under router alert (label 1), then goes on by the label
/// beneath, which there must be.
#[test]
fn router_alert_goes_the_way_of_the_label_beneath() {
    let routers = two(|maker, far| {
        let (swap, edge) = (maker.swap(101, far), maker.to(IfIndex(1), "10.1.0.9"));
        let out = maker.pop(edge, false);
        maker.label(100, swap);
        maker.label(101, out);
    });
    let network = Network::new(&routers).unwrap();
    let mut tunnels = Tunnels::new(&network);
    for beneath in [&[100][..], &[101], &[77], &[3], &[7, 99, 100], &[100, 101]] {
        let without = tunnels.stack(core(0), beneath);
        assert!(!without.is_empty());
        for alerts in [&[1][..], &[1, 1]] {
            assert_eq!(
                tunnels.stack(core(0), &[alerts, beneath].concat()),
                without,
                "{alerts:?} {beneath:?}"
            );
        }
    }
    let end = |stack: &[u32]| {
        let belows = Tunnels::new(&network).stack(core(0), stack);
        Tunnels::new(&network).contents(&belows, false)
    };
    let edge = Place::new(1, IfIndex(1));
    assert_eq!(end(&[1, 100]), BTreeSet::from([Onward::End(End::Edge(edge))]));
    let malformed = End::Drop(0, dataplane::packet::DropReason::MplsMalformed);
    assert_eq!(end(&[1]), BTreeSet::from([Onward::End(malformed)]));
}

/// Labels pushed one through the other further than a stack of calls is deep.
#[test]
fn thousands_of_labels_within_labels_are_followed() {
    let routers = two(|maker, far| {
        for label in 16..6_000 {
            let push = maker.push(&[label + 1], far);
            let swap = maker.swap(label, push);
            maker.label(label, swap);
        }
    });
    let network = Network::new(&routers).unwrap();
    let found = below(&mut Tunnels::new(&network), (core(0), 16));
    let dropped =
        |b: &Below| matches!(b, Below::End(End::Drop(_, dataplane::packet::DropReason::MplsNoLabel)));
    assert!(found.len() == 1 && found.iter().all(dropped), "{found:?}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]
    #[test]
    fn what_was_asked_before_changes_nothing(
        tables in tables(),
        asked in prop::collection::vec((0..usize::from(ROUTERS), 0u32..2, 16u32..20), 1..12),
    ) {
        let routers: Vec<Router> = (0..ROUTERS).map(|n| router(n, &tables[usize::from(n)])).collect();
        let network = Network::new(&routers).unwrap();
        let mut shared = Tunnels::new(&network);
        for (router, interface, label) in asked {
            let label = (Place::new(router, IfIndex(interface)), label);
            prop_assert_eq!(below(&mut shared, label), below(&mut Tunnels::new(&network), label));
        }
    }
}
