//! Traffic models: what a surgery and a hospital say to one another.
//!
//! Pure: a model is asked for its next packet and says when, how long and of
//! which flow; nothing here sends. [`Schedule`] merges the models of one site in
//! time order, [`Probe`] is the payload by which a receiver knows what it got,
//! and [`Meter`] is what the receiver makes of it. The namespaces send them by
//! real sockets, the virtual network as hand-made frames.

mod call;
mod clinical;
mod meter;
mod playout;
mod probe;
mod schedule;
mod video;

pub use call::Call;
pub use clinical::{Response, Transactions};
pub use meter::{Counts, Meter, Percentiles, Stream};
pub use playout::Playout;
pub use probe::{PORT, Probe, RTP_HEADER, TooShort};
pub use schedule::{Emission, Mix, Schedule, Send};
pub use video::Video;

use dataplane::class::TrafficClass;

/// Which way a packet goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Way {
    /// From the surgery to the hospital.
    Up,
    /// From the hospital to the surgery.
    Down,
}

impl Way {
    /// The other way.
    pub const fn back(self) -> Self {
        match self {
            Self::Up => Self::Down,
            Self::Down => Self::Up,
        }
    }
}

/// One one-way sequence of packets: half a call, half a video session, the
/// requests or the responses of a site.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Flow {
    /// The class its DSCP asks for.
    pub class: TrafficClass,
    /// Which call or session of its class.
    pub number: u16,
    /// Which way.
    pub way: Way,
}

/// Bytes of an IPv4 header without options and a UDP header.
pub const IP_UDP: u16 = 28;

/// The DSCP (0 to 63) that asks for a class, the first of the default map.
pub const fn dscp(class: TrafficClass) -> u8 {
    match class {
        TrafficClass::Control => 48,
        TrafficClass::Voice => 46,
        TrafficClass::Video => 34,
        TrafficClass::National => 26,
        TrafficClass::Clinical => 18,
        TrafficClass::Imaging => 10,
        TrafficClass::Standard => 0,
        TrafficClass::Scavenger => 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use dataplane::class::ClassMap;

    #[test]
    fn each_mark_asks_for_its_class() {
        let map = ClassMap::default();
        for class in TrafficClass::ALL {
            assert_eq!(map.get(dscp(class)).0, class);
        }
    }
}
