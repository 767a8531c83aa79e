//! Ports' settings, and what interfaces say of their port, VLAN and Vrf.

use ahash::AHashMap;

use super::Checks;
use crate::config::rule::Trust;
use crate::config::types::{Interface, Port, Vlan};
use crate::config::walk::help_names;
use crate::config::words::{Attach, Copy, PortKind, TpidWord};

/// A port and the tags that frames have on it.
type Tags<'a> = (&'a str, Vlan, TpidWord);

impl Checks<'_> {
    pub(super) fn port_settings(&self) {
        let mut devices = AHashMap::new();
        for (i, port) in self.config.ports.iter().enumerate() {
            self.port_kind(i, port);
            let Some(device) = port.device() else { continue };
            if device.len() > 15 || device.contains('/') {
                let help =
                    "the kernel's names have at most 15 characters and no \"/\"; give the device's own name";
                self.fault("port", i, "device", format!("\"{device}\" is no name of a network device"), help);
            }
            if let Some(other) = devices.insert(device, &port.name) {
                let message = format!("the device \"{device}\" is taken by the port \"{other}\"");
                self.fault(
                    "port",
                    i,
                    "device",
                    message,
                    "one port per device; use VLANs for several interfaces on one",
                );
            }
        }
    }

    fn port_kind(&self, i: usize, port: &Port) {
        let (xdp, pcap) = (port.kind == PortKind::AfXdp, port.kind == PortKind::Pcap);
        let settings = [
            ("device", port.device.is_some() && port.device().is_none(), "af-xdp, af-packet and tap"),
            ("attach", port.attach != Attach::Auto && !xdp, "af-xdp"),
            ("copy", port.copy != Copy::Auto && !xdp, "af-xdp"),
            ("ring", port.ring != 2_048 && !xdp, "af-xdp"),
            ("read", port.read.is_some() && !pcap, "pcap"),
            ("write", port.write.is_some() && !pcap, "pcap"),
            ("paced", port.paced && !pcap, "pcap"),
        ];
        for (key, misplaced, kinds) in settings {
            if misplaced {
                let message = format!("a port of kind \"{}\" has no \"{key}\"", port.kind);
                self.fault("port", i, key, message, format!("\"{key}\" is for {kinds}"));
            }
        }
        if !port.ring.is_power_of_two() {
            let message = format!("{} is no power of two", port.ring);
            self.fault("port", i, "ring", message, format!("{} is the next", port.ring.next_power_of_two()));
        }
        if port.kind == PortKind::Pcap && port.read.is_none() && port.write.is_none() {
            let help = "give \"read\", \"write\" or both, each the path of a file";
            self.fault("port", i, "kind", "a pcap port without a file".into(), help);
        }
        if port.queues > 1 && matches!(port.kind, PortKind::Pcap | PortKind::Loopback) {
            let message = format!("a port of kind \"{}\" has one queue", port.kind);
            self.fault("port", i, "queues", message, "leave \"queues\" out");
        }
        self.trees(i, port);
    }

    /// Each tree needs a queue to send by, and a worker that schedules it.
    fn trees(&self, i: usize, port: &Port) {
        let (trees, workers) = (port.trees, self.config.router.workers);
        if trees < 2 {
            return;
        }
        if matches!(port.kind, PortKind::Pcap | PortKind::Loopback) {
            let message = format!("a port of kind \"{}\" has one queue, and so one tree", port.kind);
            self.fault("port", i, "trees", message, "leave \"trees\" out");
        } else if trees > port.queues {
            let message =
                format!("{trees} trees cannot send by {}: each needs its own", many(port.queues, "queue"));
            let help =
                format!("let \"queues\" be {trees}, as far as the device has them, or \"trees\" fewer");
            self.fault("port", i, "trees", message, help);
        }
        if trees > workers {
            let message = format!("{trees} trees need a worker each, and there {}", are(workers));
            let help = format!("let router.workers be {trees}, or \"trees\" be {workers}");
            self.fault("port", i, "trees", message, help);
        }
    }

    pub(super) fn interface_references(&self, whole: bool) {
        let mut tags = AHashMap::new();
        for (i, interface) in self.config.interfaces.iter().enumerate() {
            if !self.ports.contains_key(interface.port.as_str()) {
                let known = self.config.ports.iter().map(|p| p.name.as_str());
                let message = format!("there is no port \"{}\"", interface.port);
                self.fault("interface", i, "port", message, help_names("port", &interface.port, known));
            }
            if !self.is_vrf(&interface.vrf) {
                self.missing_vrf("interface", i, "vrf", &interface.vrf);
            }
            self.marks(i, interface);
            // Ids that could not be read look like none.
            if whole || interface.vlan != Vlan::Untagged {
                self.tags(i, interface, &mut tags);
            }
        }
    }

    /// Maps that nothing is looked up in, or that nothing carries.
    fn marks(&self, i: usize, interface: &Interface) {
        if interface.trust == Trust::Nothing && !interface.dscp.is_empty() {
            let message = "marks are not trusted, so no entry can match".into();
            self.fault("interface", i, "dscp", message, "leave \"dscp\" out, or say trust = true");
        }
        if interface.trust != Trust::Pcp && !interface.pcp.is_empty() {
            let message = "priorities are not looked at, so no entry can match".into();
            self.fault("interface", i, "pcp", message, "leave \"pcp\" out, or say trust = \"pcp\"");
        }
        if interface.vlan == Vlan::Untagged && !interface.pcp_out.is_empty() {
            let message = "frames leave without a tag, so there is no priority to write".into();
            self.fault("interface", i, "pcp-out", message, "leave \"pcp-out\" out, or give \"vlan\"");
        }
    }

    fn tags<'a>(&self, i: usize, interface: &'a Interface, taken: &mut AHashMap<Tags<'a>, &'a str>) {
        let untagged = interface.vlan == Vlan::Untagged;
        if untagged && interface.tpid != TpidWord::Dot1q {
            let help = "leave \"tpid\" out, or give \"vlan\"";
            self.fault("interface", i, "tpid", "frames without a tag have no TPID".into(), help);
        }
        // Without a tag there is no TPID to tell apart by.
        let tpid = if untagged { TpidWord::Dot1q } else { interface.tpid };
        if let Some(other) = taken.insert((&interface.port, interface.vlan, tpid), &interface.name) {
            let message =
                format!("the interface \"{other}\" has the same tags on port \"{}\"", interface.port);
            let help = "each interface of a port needs its own VLAN ids or TPID; one may be untagged";
            self.fault("interface", i, "vlan", message, help);
        }
    }
}

fn many(n: u16, of: &str) -> String {
    if n == 1 { format!("one {of}") } else { format!("{n} {of}s") }
}

fn are(workers: u16) -> String {
    if workers == 1 { "is one".into() } else { format!("are {workers}") }
}
