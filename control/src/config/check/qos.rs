//! Shapers, queues and egress policers that cannot do what they say.

use ahash::AHashMap;
use dataplane::class::TrafficClass;
use dataplane::qos::TreeLimits;

use super::Checks;
use crate::capacity::room::enough_buffers;
use crate::config::qos::{ClassSettings, PolicerChoice, Qos, full_frame};
use crate::config::types::Interface;
use crate::config::units::{Rate, Size};
use crate::config::values::Class;
use crate::config::words::{Aqm, Discipline};

/// Frames of its own that an interface ought to have: as many full ones as its eight queues hold at least.
const FEW: u64 = 64;

impl Checks<'_> {
    pub(super) fn queues(&self) {
        for (i, interface) in self.config.interfaces.iter().enumerate() {
            let Some(qos) = &interface.qos else { continue };
            self.line(i, interface, qos);
            for (class, settings) in &qos.classes {
                self.class(i, interface, qos, *class, settings);
            }
            let policed = self.priorities(i, qos);
            self.guarantees(i, qos, policed);
        }
        self.guaranteed_by_port();
    }

    /// Warns of settings of classes that wait in one queue with all others.
    pub(super) fn unheeded(&self) {
        for (i, interface) in self.config.interfaces.iter().enumerate() {
            let Some(qos) = interface.qos.as_ref().filter(|qos| qos.discipline == Discipline::Fifo) else {
                continue;
            };
            let limits = |class: &Class, settings: &ClassSettings| {
                let ClassSettings { limit, .. } = settings;
                class.0 == TrafficClass::Standard
                    && *settings == ClassSettings { limit: *limit, ..Default::default() }
            };
            let unheeded = qos.classes.iter().filter(|(class, settings)| !limits(class, settings));
            let names: Vec<&str> = unheeded.map(|(class, _)| class.0.name()).collect();
            if !names.is_empty() {
                let message = format!(
                    "all classes wait in one queue, bounded by the limit of standard: what else is said of {} is not heeded",
                    names.join(", ")
                );
                self.fault("interface", i, "qos.discipline", message, "write \"classes\", or leave that out");
            }
        }
    }

    /// Warns of ports whose interfaces have room for few frames each when all of them are full.
    pub(super) fn few_buffers(&self) {
        let router = &self.config.router;
        let trees = self.config.ports.iter().map(|port| usize::from(port.trees)).sum();
        let mut on_port: AHashMap<&str, (u64, bool)> = AHashMap::new();
        for interface in &self.config.interfaces {
            let (sites, shaped) = on_port.entry(&interface.port).or_default();
            *sites += 1;
            *shaped |= interface.qos.as_ref().is_some_and(|qos| qos.rate.is_some());
        }
        for port in &self.config.ports {
            let (sites, shaped) = on_port.get(port.name.as_str()).copied().unwrap_or_default();
            // Of a port with several trees each has its part of them.
            let each = sites.div_ceil(port.trees.max(1).into());
            let own = |buffers: u64| {
                TreeLimits::sharing(usize::try_from(buffers).unwrap_or(usize::MAX), trees).own(each)
            };
            let there = own(router.buffers.into());
            if !shaped || each < 2 || there >= FEW {
                continue;
            }
            let message = format!(
                "when all its queues are full, each of {each} interfaces of port \"{}\" has room for {there} frames of \
                 router.buffers ({}): what is beyond is dropped",
                port.name, router.buffers
            );
            let help = match enough_buffers(|buffers| own(buffers) >= FEW) {
                Some(buffers) => format!("let router.buffers be {buffers}, for {FEW} each"),
                None => "share the interfaces out among more routers".into(),
            };
            self.note("router.buffers", message, help);
        }
    }

    /// What classes are guaranteed must fit beside priority into what the interface is, and that into its rate.
    fn guarantees(&self, i: usize, qos: &Qos, policed: u64) {
        let fault = |key: &str, message, help| self.fault("interface", i, key, message, help);
        match (qos.guaranteed, qos.rate) {
            (Some(sure), None) => {
                let message = format!("{sure} is guaranteed, but the interface has no rate");
                fault("qos.guaranteed", message, "write rate, what it may have at most: the port's, or less");
            }
            (Some(sure), Some(rate)) if sure > rate => {
                let message = format!("{sure} is guaranteed, more than the {rate} it is shaped to");
                fault("qos.guaranteed", message, "guarantee at most the rate");
            }
            _ => {}
        }
        let sum = qos.classes.values().filter_map(|c| c.guaranteed).map(|r| r.0).fold(0, u64::saturating_add);
        match qos.guaranteed.or(qos.rate) {
            _ if sum == 0 => {}
            None => {
                fault(
                    "qos",
                    "classes are guaranteed a rate, but the interface has none".into(),
                    "write rate",
                );
            }
            Some(own) if sum.saturating_add(policed) > own.0 => {
                let (sum, policed) = (Rate(sum), Rate(policed));
                let message = format!(
                    "classes are guaranteed {sum} and priority classes are policed to {policed}, more than the {own}"
                );
                fault(
                    "qos.guaranteed",
                    message,
                    "guarantee less, police priority to less, or give the interface more",
                );
            }
            Some(_) => {}
        }
    }

    /// What the interfaces of a port are guaranteed must fit into its rate.
    fn guaranteed_by_port(&self) {
        for port in &self.config.ports {
            let Some(line) = port.rate else { continue };
            let on_port = self.config.interfaces.iter().enumerate().filter(|(_, i)| i.port == port.name);
            let sure = |i: &Interface| i.qos.as_ref().and_then(|qos| qos.guaranteed).map_or(0, |rate| rate.0);
            let mut sum = 0u64;
            for (i, interface) in on_port {
                let before = sum;
                sum = sum.saturating_add(sure(interface));
                if sum > line.0 && before <= line.0 {
                    let message = format!(
                        "up to this interface, {} are guaranteed on port \"{}\", which has {line}",
                        Rate(sum),
                        port.name
                    );
                    self.fault(
                        "interface",
                        i,
                        "qos.guaranteed",
                        message,
                        "guarantee less, to this or the others",
                    );
                }
            }
        }
    }

    fn burst(&self, i: usize, key: &str, burst: Size, mtu: u16) {
        let least = full_frame(mtu);
        if burst.0 < least {
            let message = format!("{burst} never lets a full frame of {least} B pass");
            self.fault("interface", i, key, message, format!("write {least} B or more, or lower the mtu"));
        }
    }

    fn line(&self, i: usize, interface: &Interface, qos: &Qos) {
        let line = self.ports.get(interface.port.as_str()).and_then(|p| self.config.ports.get(*p)?.rate);
        if let (Some(rate), Some(line)) = (qos.rate, line)
            && rate > line
        {
            let message = format!("{rate} is more than the {line} of port \"{}\"", interface.port);
            self.fault("interface", i, "qos.rate", message, "shape to at most the line's rate");
        }
        let least = full_frame(interface.longest());
        if let Some(limit) = qos.limit.filter(|limit| limit.0 - limit.0 / 8 < least) {
            let message = format!(
                "{limit}, of which an eighth is for control and what goes first, hold no full frame of {least} B"
            );
            let help = format!("write {} B or more, or lower the mtu", (least * 8).div_ceil(7));
            self.fault("interface", i, "qos.limit", message, help);
        }
    }

    fn class(&self, i: usize, interface: &Interface, qos: &Qos, class: Class, settings: &ClassSettings) {
        let least = full_frame(interface.longest());
        let name = class.0.name();
        if let Some(size) = settings.limit.size.filter(|s| s.0 < least) {
            let message = format!("{size} hold no full frame of {least} B");
            self.fault(
                "interface",
                i,
                &format!("qos.{name}.limit"),
                message,
                format!("write {least} B or more, or lower the mtu"),
            );
        }
        if class.0 == TrafficClass::Control && settings.weight == Some(0) && settings.priority != Some(true) {
            let message = "control never only gets what the others leave, so that routing lives".into();
            let help = "write 1 or more, or leave it out (5)";
            self.fault("interface", i, "qos.control.weight", message, help);
        }
        self.rates(i, class, qos, settings);
        self.aqm(i, name, class, settings);
        let PolicerChoice::Policer(policer) = settings.policer else { return };
        self.burst(i, &format!("qos.{name}.policer.burst"), policer.burst, interface.longest());
        if let Some(rate) = qos.rate.filter(|rate| policer.rate > *rate) {
            let message =
                format!("{name} is policed to {}, more than the {rate} of the interface", policer.rate);
            let help = "police it to a part of the rate; a third is usual for voice";
            self.fault("interface", i, &format!("qos.{name}.policer.rate"), message, help);
        }
    }

    /// A class's rates against each other and its interface's.
    fn rates(&self, i: usize, class: Class, qos: &Qos, settings: &ClassSettings) {
        let name = class.0.name();
        let fault = |key: &str, message: String, help: &str| {
            self.fault("interface", i, &format!("qos.{name}.{key}"), message, help);
        };
        if let (Some(own), Some(rate)) = (settings.rate, qos.rate)
            && own > rate
        {
            let message = format!("{name} is shaped to {own}, more than the {rate} of the interface");
            fault("rate", message, "write the interface's rate or less, or leave it out");
        }
        let Some(sure) = settings.guaranteed else { return };
        if settings.priority.unwrap_or(class.0 == TrafficClass::Voice) {
            let message = format!("{name} goes before all others, so that nothing is to be guaranteed");
            fault("guaranteed", message, "leave it out; the policer says what it may have");
        }
        if let Some(own) = settings.rate.filter(|own| sure > *own) {
            let message = format!("{name} is guaranteed {sure}, more than the {own} it is shaped to");
            fault("guaranteed", message, "guarantee at most its rate");
        }
    }

    /// What is said of a drop policy must be that policy's, and possible.
    fn aqm(&self, i: usize, name: &str, class: Class, settings: &ClassSettings) {
        let bulk = matches!(class.0, TrafficClass::Imaging | TrafficClass::Standard);
        let aqm = settings.aqm.unwrap_or(if bulk { Aqm::Codel } else { Aqm::Tail });
        let colours =
            [("green", settings.wred.green), ("yellow", settings.wred.yellow), ("red", settings.wred.red)];
        let fault = |key: &str, message: String, help: &str| {
            self.fault("interface", i, &format!("qos.{name}.{key}"), message, help);
        };
        for (colour, curve) in colours {
            let Some(curve) = curve else { continue };
            if curve.from >= curve.to {
                let message = format!("the curve begins at {} and ends at {}", curve.from, curve.to);
                fault(&format!("wred.{colour}"), message, "write a \"to\" above \"from\"");
            } else if aqm != Aqm::Wred {
                let message = format!("{name} drops by {aqm}, which has no curves");
                fault(&format!("wred.{colour}"), message, "write aqm = \"wred\", or leave the curve out");
            }
        }
        for (key, said) in [("target", settings.target), ("interval", settings.interval)] {
            if said.is_some() && aqm != Aqm::Codel {
                let message = format!("{name} drops by {aqm}, which has no {key}");
                fault(key, message, "write aqm = \"codel\", or leave it out");
            }
        }
        if settings.ecn && aqm == Aqm::Tail {
            let message = format!("{name} drops by {aqm}, which marks nothing");
            fault("ecn", message, "write aqm = \"codel\" or \"wred\", or leave it out");
        }
    }

    /// Priority classes together must leave something of the rate, or nothing else ever passes.
    /// Gives what they are policed to together, bit/s.
    fn priorities(&self, i: usize, qos: &Qos) -> u64 {
        let Some(rate) = qos.rate else { return 0 };
        let policed = TrafficClass::ALL.iter().filter_map(|class| {
            let settings = qos.classes.get(&Class(*class));
            let priority = settings.and_then(|s| s.priority).unwrap_or(*class == TrafficClass::Voice);
            match settings.map(|s| s.policer).unwrap_or_default() {
                PolicerChoice::Policer(p) if p.rate <= rate => Some(p.rate.0),
                PolicerChoice::Default => Some(rate.0 / 3),
                _ => None,
            }
            .filter(|_| priority)
        });
        let sum = policed.fold(0u64, u64::saturating_add);
        if sum > rate.0 {
            let message =
                format!("priority classes are policed to {} together, more than the {rate}", Rate(sum));
            self.fault(
                "interface",
                i,
                "qos.rate",
                message,
                "lower their policers, or give fewer classes priority",
            );
        }
        sum
    }
}
