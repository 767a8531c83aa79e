//! Meters of what comes in: each interface's own, and those that several workers ask.

use std::sync::Arc;

use ahash::AHashMap;
use dataplane::class::{CLASSES, TrafficClass};
use dataplane::qos::{Ingress, MeterSpec, SharedMeter};

use crate::config::{Class, Config, Interface, Police};

/// What a shared meter is known by.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Key {
    /// A `[[meter]]`.
    Named(String),
    /// A class of an interface whose frames several workers receive.
    Of(String, TrafficClass),
}

/// The shared meters there are. One whose specification is unchanged stays the very same, so
/// that workers see no change; a changed one keeps the tokens that fit.
#[derive(Clone, Debug, Default)]
pub(super) struct Meters {
    before: AHashMap<Key, Arc<SharedMeter>>,
    now: AHashMap<Key, Arc<SharedMeter>>,
    /// What is asked of each `[[meter]]`.
    wanted: AHashMap<String, MeterSpec>,
    /// Ports that several workers may receive from.
    several: AHashMap<String, bool>,
}

impl Meters {
    /// Begins a configuration; what it does not ask for is forgotten with the next one.
    pub(super) fn begin(&mut self, config: &Config) {
        self.before = std::mem::take(&mut self.now);
        let spec = |m: &crate::config::SharedMeter| Some((m.name.clone(), m.police.spec()?));
        self.wanted = config.meters.iter().filter_map(spec).collect();
        self.several = config.ports.iter().map(|p| (p.name.clone(), p.queues > 1)).collect();
    }

    /// What meters the classes of an interface.
    pub(super) fn of(&mut self, interface: &Interface) -> [Option<Ingress>; CLASSES] {
        TrafficClass::ALL.map(|class| self.class(interface, class, interface.police.get(&Class(class))?))
    }

    fn class(&mut self, interface: &Interface, class: TrafficClass, police: &Police) -> Option<Ingress> {
        if let Police::Shared { meter } = police {
            let spec = *self.wanted.get(meter)?;
            return Some(Ingress::Shared(self.shared(Key::Named(meter.clone()), spec)));
        }
        let spec = police.spec()?;
        Some(match self.several.get(&interface.port) {
            Some(true) => Ingress::Shared(self.shared(Key::Of(interface.name.clone(), class), spec)),
            _ => Ingress::Own(spec),
        })
    }

    fn shared(&mut self, key: Key, spec: MeterSpec) -> Arc<SharedMeter> {
        let before = self.before.remove(&key);
        let make = || match before {
            Some(meter) if *meter.spec() == spec => meter,
            Some(meter) => Arc::new(meter.retuned(spec)),
            None => Arc::new(SharedMeter::new(spec)),
        };
        self.now.entry(key).or_insert_with(make).clone()
    }
}
