//! How long the transfer took, and how long it had to.
//!
//! The ideal time is that of the transfer's bytes, headers counted, at what the
//! other traffic's actual bytes left of the link while the transfer ran. Bytes
//! are counted as the link's shaper counts them.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::traffic::Counts;

/// A transfer's figures.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Transfer {
    /// Bytes of the study itself.
    pub bytes: u64,
    /// From the connection's first packet to the last byte received.
    pub seconds: f64,
    /// What the link could have done it in.
    pub ideal_seconds: f64,
}

impl Transfer {
    /// How many times its ideal time it took; 1 is perfect. A short transfer can be
    /// a little below it, by what the shaper had saved up as its burst.
    pub fn ratio(&self) -> f64 {
        if self.ideal_seconds > 0.0 { self.seconds / self.ideal_seconds } else { 0.0 }
    }
}

/// How bytes fill the link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Accounting {
    /// Bit/s of the shaped link.
    pub rate: u64,
    /// Bytes the shaper counts for a packet beyond those from its IP header on:
    /// 18 is Ethernet with FCS.
    pub per_packet: i64,
    /// Payload bytes of a full TCP segment.
    pub segment: u64,
    /// Bytes of a segment's IP and TCP headers.
    pub headers: u64,
}

impl Accounting {
    /// The part of the link's bits that a transfer of full segments has for its payload.
    pub fn payload_part(&self) -> f64 {
        let frame = (self.segment + self.headers).saturating_add_signed(self.per_packet);
        self.segment as f64 / frame.max(1) as f64
    }

    /// The transfer of `bytes` that took `took`, while `other` of the other
    /// traffic went the same way over the same link.
    pub fn transfer(&self, bytes: u64, took: Duration, other: Counts) -> Transfer {
        let segments = bytes.div_ceil(self.segment.max(1));
        let own = Counts { packets: segments, bytes: bytes + segments * self.headers };
        let seconds = took.as_secs_f64();
        let taken = other.with_overhead(self.per_packet) as f64 * 8.0 / seconds.max(1e-9);
        let left = (self.rate as f64 - taken).max(1.0);
        let ideal_seconds = own.with_overhead(self.per_packet) as f64 * 8.0 / left;
        Transfer { bytes, seconds, ideal_seconds }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINK: Accounting = Accounting { rate: 10_000_000, per_packet: 18, segment: 1460, headers: 40 };

    #[test]
    fn the_acceptance_table_s_ideal_at_ten_megabits() {
        // 100 MB beside 30 calls, Ethernet with FCS, preamble and gap, timestamps:
        // 1538 bytes carry 1448, and the calls take 30 × 95.2 kbit/s.
        let link = Accounting { per_packet: 38, segment: 1448, headers: 52, ..LINK };
        let seconds = 118.9;
        let voice = Counts { packets: 30 * 5945, bytes: 30 * 5945 * 200 };
        let transfer = link.transfer(100_000_000, Duration::from_secs_f64(seconds), voice);
        assert!((transfer.ideal_seconds - seconds).abs() < 0.2, "{transfer:?}");
    }

    #[test]
    fn an_idle_link_is_all_the_transfer_s() {
        let transfer = LINK.transfer(1_460_000, Duration::from_secs(2), Counts::default());
        assert_eq!(transfer.ideal_seconds, 1_000.0 * 1518.0 * 8.0 / 1e7);
        assert!((transfer.ratio() - 2.0 / 1.2144).abs() < 1e-9);
    }
}
