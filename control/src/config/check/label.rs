//! Static labels, label ranges, and what is pushed.

use ahash::AHashMap;

use super::Checks;
use super::hop::{Hops, Own};
use super::rules;
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
                self.broken("label", i, rules::of_action(label));
            }
            self.label_settings(i, label);
            let hops = Hops { list: "label", i, whole, own, vias: &label.via };
            for (n, hop) in self.hops(&hops, label.hops()) {
                let swapped = hop.swap.or(label.swap).is_some_and(|swap| swap != IMPLICIT_NULL);
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

    fn label_settings(&self, i: usize, label: &StaticLabel) {
        for (key, name) in [("vrf", &label.vrf), ("via-vrf", &label.via_vrf)] {
            if let Some(name) = name.as_deref().filter(|name| !self.is_vrf(name)) {
                self.missing_vrf("label", i, key, name);
            }
        }
        self.broken("label", i, rules::of_label(label));
    }

    /// Labels that no interface lets in are of no use.
    fn accepted_somewhere(&self, whole: bool) {
        if whole && !self.config.static_labels.is_empty() && !self.config.interfaces.iter().any(|i| i.mpls) {
            let message = "no interface accepts labelled frames".into();
            self.fault("label", 0, "label", message, "say mpls = true of the interfaces they come in by");
        }
    }
}
