//! Meters that cannot do what they say, and names of meters that are none.

use ahash::AHashSet;
use dataplane::qos::meter::DEEPEST;

use super::Checks;
use crate::config::meter::{MeterAction, Police};
use crate::config::qos::full_frame;
use crate::config::types::Interface;
use crate::config::units::Size;
use crate::config::walk::help_names;

impl Checks<'_> {
    /// `whole` says that no meter of the file was left out in reading.
    pub(super) fn meters(&self, whole: bool) {
        let names = || self.config.meters.iter().map(|m| m.name.as_str());
        self.unique("meter", names(), &super::first(names()), 65_536);
        for (i, meter) in self.config.meters.iter().enumerate() {
            self.meter("meter", i, "", &meter.police);
        }
        for (i, interface) in self.config.interfaces.iter().enumerate() {
            for (class, police) in &interface.police {
                let key = format!("police.{}.", class.0);
                self.meter("interface", i, &key, police);
                match police {
                    Police::Shared { meter } => self.shared(i, interface, &key, meter, whole),
                    own => own.bursts().for_each(|(name, size)| {
                        self.passes(i, interface, &format!("{key}{name}"), size, &size.to_string());
                    }),
                }
            }
        }
    }

    /// Meters that no interface names.
    pub(super) fn unused_meters(&self) {
        let police = self.config.interfaces.iter().flat_map(|interface| interface.police.values());
        let shared = police.filter_map(|police| match police {
            Police::Shared { meter } => Some(meter.as_str()),
            _ => None,
        });
        let named: AHashSet<&str> = shared.collect();
        for (i, meter) in self.config.meters.iter().enumerate() {
            if !named.contains(meter.name.as_str()) {
                let message = format!("no interface names the meter \"{}\"", meter.name);
                let help = format!(
                    "write police.CLASS = {{ meter = \"{}\" }} in an interface, or take it out",
                    meter.name
                );
                self.fault("meter", i, "name", message, help);
            }
        }
    }

    /// What holds whoever asks it.
    fn meter(&self, list: &str, i: usize, key: &str, police: &Police) {
        for (name, size) in police.bursts().filter(|(_, size)| size.0 > DEEPEST) {
            let (message, most) = (format!("{size} are more than a bucket holds"), Size(DEEPEST));
            self.fault(list, i, &format!("{key}{name}"), message, format!("at most {most} are possible"));
        }
        let Police::Meter(meter) = police else { return };
        if let Some(pir) = meter.pir.filter(|pir| *pir < meter.cir) {
            let message = format!("a peak rate of {pir} is less than the committed rate of {}", meter.cir);
            self.fault(list, i, &format!("{key}pir"), message, "write at least cir (RFC 2698 section 2)");
        }
        for (better, worse, this, next) in
            [(meter.green, meter.yellow, "green", "yellow"), (meter.yellow, meter.red, "yellow", "red")]
        {
            if better == MeterAction::Drop && worse != MeterAction::Drop {
                let message = format!("{this} frames are dropped, and {next} ones, which are worse, are not");
                self.fault(
                    list,
                    i,
                    &format!("{key}{this}"),
                    message,
                    format!("drop {next} ones too, or neither"),
                );
            }
        }
    }

    fn shared(&self, i: usize, interface: &Interface, key: &str, name: &str, whole: bool) {
        let (key, meters) = (format!("{key}meter"), &self.config.meters);
        match meters.iter().find(|m| m.name == name) {
            Some(meter) => meter.police.bursts().for_each(|(burst, size)| {
                self.passes(i, interface, &key, size, &format!("the {burst} of {name}, {size},"));
            }),
            None if whole => {
                let known = meters.iter().map(|m| m.name.as_str());
                self.fault(
                    "interface",
                    i,
                    &key,
                    format!("there is no meter \"{name}\""),
                    help_names("meter", name, known),
                );
            }
            None => {}
        }
    }

    /// Notes a burst that is less than one frame (RFC 2697 section 2).
    fn passes(&self, i: usize, interface: &Interface, key: &str, size: Size, what: &str) {
        let least = full_frame(interface.longest());
        if size.0 < least {
            let message = format!("{what} never lets a full frame of {least} B pass");
            self.fault("interface", i, key, message, format!("write {least} B or more, or lower the mtu"));
        }
    }
}
