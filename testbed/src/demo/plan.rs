//! How long each part takes, and how large a study fits into it.

use std::net::Ipv4Addr;

use ipnet::Ipv4Net;

use super::DemoError;
use crate::report::Accounting;
use crate::traffic::Mix;

/// Shortest demonstration, seconds.
pub const LEAST_SECONDS: u64 = 10;
/// Longest demonstration, seconds.
pub const MOST_SECONDS: u64 = 3_600;

/// Rate of both interfaces of the router, bit/s.
pub(super) const LINK: u64 = 10_000_000;
/// Bytes that the shaper counts for a packet beside those from its IP header on:
/// Ethernet header, FCS, preamble and gap.
pub(super) const PER_PACKET: i64 = 38;
/// Traffic without the study at the start of a phase, nanoseconds.
pub(super) const BEFORE: u64 = 1_000_000_000;
/// Time for the last packets to arrive in, nanoseconds.
pub(super) const DRAIN: u64 = 500_000_000;
/// Part of the time for a study that an ideal transfer would take; the rest is
/// for a link where it does not go ideally.
const IDEAL_PART: f64 = 0.7;

/// Addresses of the two hosts.
pub(super) const SURGERY: Ipv4Addr = Ipv4Addr::new(10, 1, 0, 2);
/// The hospital's.
pub(super) const HOSPITAL: Ipv4Addr = Ipv4Addr::new(10, 2, 0, 2);

/// A host's subnet, with its own address.
pub(super) fn subnet(own: Ipv4Addr) -> Ipv4Net {
    Ipv4Net::new_assert(own, 24)
}

/// The router's address there.
pub(super) fn gateway(own: Ipv4Addr) -> Ipv4Addr {
    let [a, b, c, _] = own.octets();
    Ipv4Addr::new(a, b, c, 1)
}

/// One phase of the demonstration.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Plan {
    /// What the sites say to one another.
    pub mix: Mix,
    /// Bytes of the study.
    pub study: u64,
    /// How long the phase may take, nanoseconds.
    pub phase: u64,
    /// Seeds every random choice.
    pub seed: u64,
}

impl Plan {
    /// When the study has to be there, nanoseconds after the phase began.
    pub(super) fn limit(&self) -> u64 {
        self.phase - DRAIN
    }

    /// Two phases in `seconds`, of which `setup` go to building and clearing up.
    ///
    /// # Errors
    /// [`DemoError::Seconds`]
    pub fn new(seconds: u64, setup: u64, seed: u64) -> Result<Self, DemoError> {
        if !(LEAST_SECONDS..=MOST_SECONDS).contains(&seconds) {
            return Err(DemoError::Seconds(seconds));
        }
        let mix = Mix::default();
        let phase = (seconds - setup) * 1_000_000_000 / 2;
        let transfer = phase.saturating_sub(BEFORE + DRAIN) as f64 / 1e9 * IDEAL_PART;
        let left = LINK as f64 - mix.rate_down(PER_PACKET);
        let part = accounting(40).payload_part();
        Ok(Self { mix, study: (left * part * transfer / 8.0) as u64, phase, seed })
    }
}

/// How bytes fill the link, for TCP with so many bytes of headers.
pub(super) fn accounting(headers: u64) -> Accounting {
    Accounting { rate: LINK, per_packet: PER_PACKET, segment: 1500 - headers, headers }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_study_fits_into_its_phase() {
        let plan = Plan::new(30, 4, 1).unwrap();
        assert_eq!(plan.phase, 13_000_000_000);
        // About 5.6 Mbit/s are left, 95 % of it payload, for 8 s.
        assert!((5_000_000..5_700_000).contains(&plan.study), "{plan:?}");
        assert!(matches!(Plan::new(5, 0, 1), Err(DemoError::Seconds(5))));
    }
}
