//! Static labels, label ranges, and what is pushed.

use ahash::AHashMap;

use super::Checks;
use super::hop::{Hops, Own};
use crate::config::label::{IMPLICIT_NULL, StaticLabel};

impl Checks<'_> {
    pub(super) fn labels(&self, whole: bool, own: &Own) {
        let mut known = AHashMap::new();
        for (i, label) in self.config.static_labels.iter().enumerate() {
            if let Some(first) = known.insert(label.label, i) {
                known.insert(label.label, first);
                let message = format!("there is another label {}", label.label);
                self.fault("label", i, "label", message, "give each label one way");
            }
            self.outside_the_range(i, label);
            if whole {
                self.label_action(i, label);
            }
            self.label_settings(i, label);
            let hops = Hops { list: "label", i, whole, own, vias: &label.via };
            for (n, hop) in self.hops(&hops, label.hops()) {
                let swapped = label.swap.is_some_and(|swap| swap != IMPLICIT_NULL);
                self.hop(&hops, n, &hop, hop.address.into());
                self.speaks_mpls(&hops, n, &hop, swapped || !hop.push.is_empty());
            }
        }
        self.accepted_somewhere(whole);
    }

    fn outside_the_range(&self, i: usize, label: &StaticLabel) {
        let range = self.config.labels.dynamic;
        if range.contains(label.label) {
            let message = format!("{} is one of the labels that the router gives out itself", label.label);
            let help = format!("use one outside of {range}, or say another range in [labels]: dynamic = …");
            self.fault("label", i, "label", message, help);
        }
    }

    /// One of swap, pop and vrf, and next hops where there must be some.
    fn label_action(&self, i: usize, label: &StaticLabel) {
        let said = [("swap", label.swap.is_some()), ("pop", label.pop), ("vrf", label.vrf.is_some())];
        let said: Vec<&str> = said.into_iter().filter(|(_, is)| *is).map(|(key, _)| key).collect();
        match said.as_slice() {
            [] => {
                let message = format!("nothing becomes of the label {}", label.label);
                let help = "give one of swap = LABEL, pop = true and vrf = \"NAME\"";
                self.fault("label", i, "label", message, help);
            }
            [_] => {}
            [first, second, ..] => {
                let message = format!("a label has \"{first}\" or \"{second}\", not both");
                self.fault("label", i, second, message, "give one of \"swap\", \"pop\" and \"vrf\"");
            }
        }
        if label.swap.is_some() && label.via.is_empty() {
            let message = "a label that is swapped needs a next hop".into();
            self.fault("label", i, "swap", message, "give \"via\"");
        }
        if label.vrf.is_some() && !label.via.is_empty() {
            let message = "what is looked up in a vrf goes where its routes say".into();
            self.fault(
                "label",
                i,
                "via",
                message,
                "leave \"via\" out, or give pop = true in place of \"vrf\"",
            );
        }
    }

    fn label_settings(&self, i: usize, label: &StaticLabel) {
        for (key, name) in [("vrf", &label.vrf), ("via-vrf", &label.via_vrf)] {
            if let Some(name) = name.as_deref().filter(|name| !self.is_vrf(name)) {
                self.missing_vrf("label", i, key, name);
            }
        }
        let pushes = !label.push.is_empty() || label.via.iter().any(|via| via.push.is_some());
        let swapped = label.swap.is_some();
        let settings = [
            ("push", pushes && !swapped, "only what is swapped is pushed on", "\"push\" goes with \"swap\""),
            (
                "interface",
                label.interface.is_some() && label.via.is_empty(),
                "there is no next hop",
                "give \"via\"",
            ),
            (
                "via-vrf",
                label.via_vrf.is_some() && label.via.is_empty(),
                "there is no next hop",
                "give \"via\"",
            ),
            ("ttl", label.ttl.is_some() && swapped, SWAPPED, "\"ttl\" goes with \"pop\" and \"vrf\""),
            (
                "diffserv",
                label.diffserv.is_some() && swapped,
                SWAPPED,
                "\"diffserv\" goes with \"pop\" and \"vrf\"",
            ),
        ];
        for (key, misplaced, message, help) in settings {
            if misplaced {
                self.fault("label", i, key, message.into(), help);
            }
        }
    }

    /// Labels that no interface lets in are of no use.
    fn accepted_somewhere(&self, whole: bool) {
        if whole && !self.config.static_labels.is_empty() && !self.config.interfaces.iter().any(|i| i.mpls) {
            let message = "no interface accepts labelled frames".into();
            self.fault("label", 0, "label", message, "say mpls = true of the interfaces they come in by");
        }
    }
}

const SWAPPED: &str = "a swap hands TTL and traffic class on as they are";
