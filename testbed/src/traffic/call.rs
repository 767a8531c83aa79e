//! One direction of a telephone call by G.711.
//!
//! 20 ms of speech a packet (RFC 3551 section 4.5.14): 160 bytes of samples
//! behind RTP, UDP and IP headers, 200 bytes at IP, 50 packets a second, without
//! silence suppression.

use super::{Emission, Flow, IP_UDP, RTP_HEADER};
use dataplane::class::TrafficClass;

use super::Way;

/// Half a call: an endless, even sequence of packets.
#[derive(Clone, Debug)]
pub struct Call {
    flow: Flow,
    next: u64,
}

impl Call {
    /// Time between packets, nanoseconds.
    pub const INTERVAL: u64 = 20_000_000;
    /// Bytes of a packet from the IP header on.
    pub const LENGTH: u16 = IP_UDP + RTP_HEADER as u16 + 160;

    /// Call `number`, one way, whose first packet goes at `start` nanoseconds.
    pub fn new(number: u16, way: Way, start: u64) -> Self {
        Self { flow: Flow { class: TrafficClass::Voice, number, way }, next: start }
    }
}

impl Iterator for Call {
    type Item = Emission;

    fn next(&mut self) -> Option<Emission> {
        let at = self.next;
        self.next += Self::INTERVAL;
        Some(Emission { at, flow: self.flow, length: Self::LENGTH, asks: 0 })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_is_fifty_packets_of_two_hundred_bytes_a_second() {
        let second: Vec<_> = Call::new(3, Way::Up, 7_000_000).take_while(|e| e.at < 1_007_000_000).collect();
        assert_eq!(second.len(), 50);
        assert!(second.iter().all(|e| e.length == 200));
        // 218 bytes with Ethernet header and FCS: the planning figure 87.2 kbit/s.
        assert_eq!(50 * (u32::from(Call::LENGTH) + 18) * 8, 87_200);
    }
}
