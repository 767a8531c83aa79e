//! What interfaces say of labelled frames, and of the link they are on.

use ahash::AHashMap;

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

    fn mpls(&self, i: usize, interface: &Interface) {
        let said = [
            ("mpls-mtu", interface.mpls_mtu != interface.mtu),
            ("tc", !interface.tc.is_empty()),
            ("tc-out", !interface.tc_out.is_empty()),
            ("remark-tc", interface.remark_tc),
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
