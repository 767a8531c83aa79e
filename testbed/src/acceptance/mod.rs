//! The acceptance table: one study by TCP and G.711 calls that all send at once, over
//! one link of the router, and what must come of both.
//!
//! | link | calls | study of 100 MB, ideal | required | voice queueing |
//! |---|---|---|---|---|
//! | 10 Mbit/s | 30 | 118.9 s | 105 % | 6.94 ms |
//! | 100 Mbit/s | 100 | 9.39 s | 105 % | 2.03 ms |
//! | 1 Gbit/s | 1000 | 0.94 s | 110 % | 1.92 ms |
//!
//! The figures follow from the link's: a full frame takes 1,538 bytes of an Ethernet
//! line (preamble, header, FCS and gap counted) and carries 1,448 of TCP with
//! timestamps (RFC 7323); a packet of a call takes 238, fifty times a second.

mod gaps;
mod kept;
mod namespaces;
mod virtual_time;

use std::net::Ipv4Addr;
use std::time::Duration;

use ipnet::Ipv4Net;

use crate::traffic::Mix;
pub use gaps::Gaps;
pub use kept::Kept;
pub use namespaces::{Driver, run_namespaces};
pub use virtual_time::run;

/// Bytes of the table's study.
pub const STUDY: u64 = 100_000_000;
/// Bytes of a line that a full frame takes: 1,500 at IP, 14 of header, 24 of preamble, FCS and gap.
const FULL_FRAME: u64 = 1_538;
/// Bytes of a study in a full frame: 20 of IP, 20 of TCP and 12 of timestamps are headers.
const SEGMENT: u64 = 1_448;
/// Bytes of a line that a packet of a call takes: 200 at IP, and 38.
const CALL_FRAME: u64 = 238;
/// Packets of a call each second, one way.
const CALL_PACKETS: u64 = 50;

/// The hosts' addresses, in subnets of their own.
pub(crate) const SURGERY: Ipv4Addr = Ipv4Addr::new(10, 1, 0, 2);
/// The hospital's.
pub(crate) const HOSPITAL: Ipv4Addr = Ipv4Addr::new(10, 2, 0, 2);

/// One row of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Row {
    /// The link's rate, Mbit/s.
    pub megabits: u64,
    /// Calls, each both ways.
    pub calls: u16,
    /// What the study may take, percent of its ideal time.
    pub percent: u64,
}

/// The table.
pub const ROWS: [Row; 3] = [
    Row { megabits: 10, calls: 30, percent: 105 },
    Row { megabits: 100, calls: 100, percent: 105 },
    Row { megabits: 1_000, calls: 1_000, percent: 110 },
];

impl Row {
    /// Bit/s of the link.
    pub const fn rate(&self) -> u64 {
        self.megabits * 1_000_000
    }

    /// Seconds that a study of `bytes` takes in what the calls leave, in full frames without a pause.
    pub fn ideal(&self, bytes: u64) -> f64 {
        let calls = u64::from(self.calls) * CALL_PACKETS * CALL_FRAME * 8;
        let bits = bytes as f64 * FULL_FRAME as f64 / SEGMENT as f64 * 8.0;
        bits / (self.rate() - calls) as f64
    }

    /// The longest that a call's packet queues, its own sending counted: one full frame
    /// has just begun, and every other call sends before it.
    pub fn bound(&self) -> Duration {
        let bits = (u64::from(self.calls) * CALL_FRAME + FULL_FRAME) * 8;
        Duration::from_nanos(bits * 1_000 / self.megabits)
    }

    /// What a full frame takes of the link.
    pub(crate) fn frame_time(&self) -> Duration {
        Duration::from_nanos(FULL_FRAME * 8 * 1_000 / self.megabits)
    }

    /// How long the study's segments may stand in their queue (RFC 8289 section 4.2): 5 ms, or what a full
    /// frame takes at what Imaging is sure of: a quarter of what the cap of voice, a third, leaves.
    pub fn target(&self) -> Duration {
        (self.frame_time() * 6).max(Duration::from_millis(5))
    }

    /// The calls, all at once.
    pub(crate) fn mix(&self) -> Mix {
        Mix { calls: self.calls, videos: 0, transactions: 0.0, together: true, ..Mix::default() }
    }

    /// The router's configuration, each port of this kind, with more lines for each interface's QoS; the calls
    /// and their bound are promised, so that a file that cannot keep them is refused.
    pub fn configuration(&self, kind: &str, more: &str) -> String {
        let (rate, calls) = (self.megabits, self.calls);
        let bound = self.bound().as_nanos().div_ceil(1_000);
        let mut text = "[router]\nname = \"acceptance\"\n".to_owned();
        for (name, own) in [("surgery", SURGERY), ("hospital", HOSPITAL)] {
            let gateway = gateway(own);
            text += &format!(
                "[[port]]\nname = \"{name}\"\nkind = \"{kind}\"\n\
                 [[interface]]\nname = \"{name}\"\naddresses = [\"{gateway}/24\"]\n\
                 [interface.qos]\nrate = \"{rate} Mbit/s\"\n{more}\n\
                 [[promise]]\ninterface = \"{name}\"\ncalls = {calls}\nbound = \"{bound} us\"\n"
            );
        }
        text
    }
}

/// A host's subnet, with its own address.
pub(crate) fn subnet(own: Ipv4Addr) -> Ipv4Net {
    Ipv4Net::new_assert(own, 24)
}

/// The router's address there.
pub(crate) fn gateway(own: Ipv4Addr) -> Ipv4Addr {
    let [a, b, c, _] = own.octets();
    Ipv4Addr::new(a, b, c, 1)
}
