//! Rules of one route or one label by itself: the same for what the file says and for
//! what is given at run time.

use std::fmt;

use crate::config::label::StaticLabel;
use crate::config::route::{Hop, Route, Via};

/// A key that breaks a rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Broken {
    /// The key, from the route or label.
    pub(crate) key: String,
    /// What is wrong.
    pub(crate) message: String,
    /// How to mend it.
    pub(crate) help: String,
}

impl Broken {
    fn new(key: impl Into<String>, message: impl Into<String>, help: impl Into<String>) -> Self {
        Self { key: key.into(), message: message.into(), help: help.into() }
    }
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {} ({})", self.key, self.message, self.help)
    }
}

/// The key of the next hop at `n`.
pub(super) fn via_key(vias: &[Via], n: usize) -> String {
    if vias.len() == 1 { "via".to_owned() } else { format!("via[{n}]") }
}

/// The key of the labels that are put on for the next hop at `n`.
pub(super) fn push_key(vias: &[Via], n: usize) -> String {
    let own = vias.get(n).is_some_and(|via| via.push.is_some());
    if own { format!("{}.push", via_key(vias, n)) } else { "push".into() }
}

/// Keys that say nothing of a route like this one.
pub(crate) fn of_route(route: &Route) -> Vec<Broken> {
    let discards = route.discard.is_some();
    let pushes = !route.push.is_empty() || route.via.iter().any(|via| via.push.is_some());
    let settings = [
        ("interface", route.interface.is_some(), true),
        ("via-vrf", route.via_vrf.is_some(), true),
        ("push", !route.push.is_empty(), true),
        ("entropy", route.entropy, pushes),
        ("ttl", route.ttl.is_some(), pushes),
        ("diffserv", route.diffserv.is_some(), pushes),
    ];
    let broken = |(key, said, on_labels)| match (said, discards, on_labels) {
        (true, true, _) => {
            Some(Broken::new(key, format!("a route that discards has no \"{key}\""), "leave it out"))
        }
        (true, false, false) => {
            Some(Broken::new(key, "no labels are put on", "give \"push\", or leave it out"))
        }
        _ => None,
    };
    let swaps = route.via.iter().position(|via| via.swap.is_some()).map(|n| {
        let key = format!("{}.swap", via_key(&route.via, n));
        Broken::new(key, "a route takes no label off", "\"push\" puts one on")
    });
    settings.into_iter().filter_map(broken).chain(swaps).collect()
}

/// What is wrong with the labels of the next hop at `n` of a route.
pub(crate) fn of_hop(route: &Route, n: usize, hop: &Hop<'_>) -> Option<Broken> {
    null_of_the_family(route, n, hop).or_else(|| unlabelled_elsewhere(route, n, hop))
}

/// An explicit null at the bottom says what is below it (RFC 3032 section 2.1).
fn null_of_the_family(route: &Route, n: usize, hop: &Hop<'_>) -> Option<Broken> {
    let (right, wrong) = if route.prefix.addr().is_ipv4() { (0, 2) } else { (2, 0) };
    let message = || format!("{wrong} is the explicit null of the other family than {}", route.prefix);
    let broken = || Broken::new(push_key(&route.via, n), message(), format!("write {right}"));
    (hop.push.last() == Some(&wrong)).then(broken)
}

/// Packets of one Vrf cross another below a label that tells them apart (RFC 4364 section 5);
/// implicit nulls put on none.
fn unlabelled_elsewhere(route: &Route, n: usize, hop: &Hop<'_>) -> Option<Broken> {
    let written = route.via.get(n).and_then(|via| via.push.as_deref()).unwrap_or(&route.push);
    if written.is_empty() || !hop.push.is_empty() || hop.vrf == route.vrf {
        return None;
    }
    let message = format!(
        "implicit null puts no label on, and packets of vrf \"{}\" would go unlabelled into vrf \"{}\"",
        route.vrf, hop.vrf
    );
    let help = format!("push the label of the VPN too, or leave \"push\" out to stay in \"{}\"", route.vrf);
    Some(Broken::new(push_key(&route.via, n), message, help))
}

/// One of swap, pop and vrf, and next hops where there must be some.
pub(crate) fn of_action(label: &StaticLabel) -> Vec<Broken> {
    let swaps = label.swap.is_some() || label.swaps_each();
    let said = [("swap", swaps), ("pop", label.pop), ("vrf", label.vrf.is_some())];
    let said: Vec<&str> = said.into_iter().filter(|(_, is)| *is).map(|(key, _)| key).collect();
    let mut broken = match said.as_slice() {
        [] => vec![Broken::new(
            "label",
            format!("nothing becomes of the label {}", label.label),
            "give one of swap = LABEL, pop = true and vrf = \"NAME\"",
        )],
        [_] => Vec::new(),
        [first, second, ..] => vec![Broken::new(
            *second,
            format!("a label has \"{first}\" or \"{second}\", not both"),
            "give one of \"swap\", \"pop\" and \"vrf\"",
        )],
    };
    if label.swap.is_some() && label.via.is_empty() {
        broken.push(Broken::new("swap", "a label that is swapped needs a next hop", "give \"via\""));
    }
    let bare = label.via.iter().position(|via| via.swap.or(label.swap).is_none());
    if let Some(n) = bare.filter(|_| label.swaps_each()) {
        let help = "give it \"swap\", or the label one for all that have none";
        broken.push(Broken::new(via_key(&label.via, n), "no label is swapped in for this next hop", help));
    }
    if label.vrf.is_some() && !label.via.is_empty() {
        let help = "leave \"via\" out, or give pop = true in place of \"vrf\"";
        broken.push(Broken::new("via", "what is looked up in a vrf goes where its routes say", help));
    }
    broken
}

/// Keys that say nothing of a label like this one.
pub(crate) fn of_label(label: &StaticLabel) -> Vec<Broken> {
    let pushes = !label.push.is_empty() || label.via.iter().any(|via| via.push.is_some());
    let (swapped, nowhere) = (label.swap.is_some() || label.swaps_each(), label.via.is_empty());
    let settings = [
        ("push", pushes && !swapped, "only what is swapped is pushed on", "\"push\" goes with \"swap\""),
        ("interface", label.interface.is_some() && nowhere, NO_HOP, "give \"via\""),
        ("via-vrf", label.via_vrf.is_some() && nowhere, NO_HOP, "give \"via\""),
        ("ttl", label.ttl.is_some() && swapped, SWAPPED, "\"ttl\" goes with \"pop\" and \"vrf\""),
        (
            "diffserv",
            label.diffserv.is_some() && swapped,
            SWAPPED,
            "\"diffserv\" goes with \"pop\" and \"vrf\"",
        ),
    ];
    let broken = |(key, misplaced, message, help): (&str, bool, &str, &str)| {
        misplaced.then(|| Broken::new(key, message, help))
    };
    settings.into_iter().filter_map(broken).collect()
}

const NO_HOP: &str = "there is no next hop";
const SWAPPED: &str = "a swap hands TTL and traffic class on as they are";
