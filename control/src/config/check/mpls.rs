//! What interfaces say of labelled frames, and of the link they are on.

use ahash::AHashMap;

use dataplane::class::TrafficClass;

use super::Checks;
use crate::config::rule::Trust;
use crate::config::types::Interface;

impl Checks<'_> {
    pub(super) fn mpls_settings(&self) {
        let mut links: AHashMap<&str, &str> = AHashMap::new();
        for (i, interface) in self.config.interfaces.iter().enumerate() {
            self.mpls(i, interface);
            let Some(link) = &interface.link else { continue };
            if let Some(other) = links.insert(link, &interface.name) {
                let message = format!("the interface \"{other}\" is on the link \"{link}\" too");
                let help = "a link has one end on each of two routers; give each link its own name";
                self.fault("interface", i, "link", message, help);
            }
        }
    }

    /// Values of labels that say congestion: each one meaning.
    fn congestion(&self, i: usize, interface: &Interface) {
        let map = interface.tc_map();
        let fault = |message: String, help: &str| self.fault("interface", i, "tc-ce", message, help);
        if interface.ecn_domain && interface.tc_ce.is_empty() {
            fault("\"ecn-domain\" goes with it".into(), "say which values labels have, or leave both out");
        }
        for (n, (class, tc)) in interface.tc_ce.iter().enumerate() {
            let before = || interface.tc_ce.iter().take(n);
            if let Some((other, _)) = before().find(|(_, value)| *value == tc) {
                fault(format!("{tc} is that of {} too", other.0), "give each class a value of its own");
            }
            if let Some((other, _)) = before().find(|(other, _)| map.tc(other.0) == map.tc(class.0)) {
                let message =
                    format!("labels of {} and of {} are alike without congestion", other.0, class.0);
                fault(message, "name one of them, or give them values of their own in \"tc-out\"");
            }
            if interface.tc.contains_key(tc) {
                fault(format!("{tc} has another meaning in \"tc\""), "leave it out there");
            }
            let plain = interface.tc_ce.keys().map(|class| class.0).chain(TrafficClass::ALL);
            if let Some(other) = plain.into_iter().find(|other| map.tc(*other) == *tc) {
                let help = "take a value that no class has, or give that class another in \"tc-out\"";
                fault(format!("{tc} says {other} without congestion (\"tc-out\")"), help);
            }
        }
    }

    fn mpls(&self, i: usize, interface: &Interface) {
        self.congestion(i, interface);
        let said = [
            ("mpls-mtu", interface.mpls_mtu != interface.mtu),
            ("tc", !interface.tc.is_empty()),
            ("tc-out", !interface.tc_out.is_empty()),
            ("remark-tc", interface.remark_tc),
            ("tc-ce", !interface.tc_ce.is_empty()),
        ];
        for (key, _) in said.into_iter().filter(|(_, said)| *said && !interface.mpls) {
            let message = "labelled frames neither come in nor leave".into();
            self.fault("interface", i, key, message, "say mpls = true, or leave it out");
        }
        if interface.mpls && interface.trust == Trust::Nothing && !interface.tc.is_empty() {
            let message = "marks are not trusted, so no entry can match".into();
            self.fault("interface", i, "tc", message, "leave \"tc\" out, or say trust = true");
        }
    }
}
