//! The payload by which a receiver knows what it got and how old it is.
//!
//! Behind the UDP header:
//!
//! ```text
//!  [RTP header, 12 bytes: calls and video (RFC 3550 section 5.1)]
//!  magic "VDP1" | class | way | number:16 | sequence:32 | asks:32 | sent:64   big-endian
//!  filler to the packet's length
//! ```

use super::{Flow, Way};
use dataplane::class::TrafficClass;

/// Bytes of an RTP header without contributing sources.
pub const RTP_HEADER: usize = 12;
/// The UDP port probes are sent to: RTP's (RFC 3551 section 8).
pub const PORT: u16 = 5004;

const MAGIC: [u8; 4] = *b"VDP1";
const PROBE: usize = 24;
/// Payload type PCMA (RFC 3551 table 4), and the first dynamic one for video.
const PAYLOAD_PCMA: u8 = 8;
const PAYLOAD_VIDEO: u8 = 96;

/// What a packet says of itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Probe {
    /// Its flow.
    pub flow: Flow,
    /// Counts the flow's packets from 0.
    pub sequence: u32,
    /// Bytes of the response it asks for; 0 asks for none.
    pub asks: u32,
    /// When it was sent, nanoseconds on the clock both ends share.
    pub sent: u64,
}

/// A buffer that a probe does not fit into.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a payload of {0} bytes is too short for a probe")]
pub struct TooShort(pub usize);

impl Probe {
    /// Whether the flow's packets carry an RTP header.
    fn has_rtp(class: TrafficClass) -> bool {
        matches!(class, TrafficClass::Voice | TrafficClass::Video)
    }

    /// Writes the probe at the front of a UDP payload; the rest of it stays.
    pub fn emit(&self, payload: &mut [u8]) -> Result<(), TooShort> {
        let short = TooShort(payload.len());
        let mut body = &mut *payload;
        if Self::has_rtp(self.flow.class) {
            let (header, rest) = body.split_at_mut_checked(RTP_HEADER).ok_or(short)?;
            header.copy_from_slice(&self.rtp());
            body = rest;
        }
        let fields = body.get_mut(..PROBE).ok_or(short)?;
        fields[..4].copy_from_slice(&MAGIC);
        fields[4] = self.flow.class as u8;
        fields[5] = u8::from(self.flow.way == Way::Down);
        fields[6..8].copy_from_slice(&self.flow.number.to_be_bytes());
        fields[8..12].copy_from_slice(&self.sequence.to_be_bytes());
        fields[12..16].copy_from_slice(&self.asks.to_be_bytes());
        fields[16..24].copy_from_slice(&self.sent.to_be_bytes());
        Ok(())
    }

    /// The RTP header of this packet: 8 kHz clock and 160 samples a packet for
    /// calls, 90 kHz for video.
    fn rtp(&self) -> [u8; RTP_HEADER] {
        let voice = self.flow.class == TrafficClass::Voice;
        let timestamp = match voice {
            true => self.sequence.wrapping_mul(160),
            false => (self.sent / 100_000).wrapping_mul(9) as u32,
        };
        let source = u32::from(self.flow.number) << 1 | u32::from(self.flow.way == Way::Down);
        let mut header = [0; RTP_HEADER];
        header[0] = 2 << 6;
        header[1] = if voice { PAYLOAD_PCMA } else { PAYLOAD_VIDEO };
        header[2..4].copy_from_slice(&(self.sequence as u16).to_be_bytes());
        header[4..8].copy_from_slice(&timestamp.to_be_bytes());
        header[8..12].copy_from_slice(&source.to_be_bytes());
        header
    }

    /// Reads the probe of a UDP payload; `None` when it carries none.
    pub fn parse(payload: &[u8]) -> Option<Self> {
        let rtp = payload.first()? >> 6 == 2;
        let fields = payload.get(if rtp { RTP_HEADER } else { 0 }..)?.get(..PROBE)?;
        let word = |at: usize| fields[at..at + 4].iter().fold(0, |w, b| w << 8 | u32::from(*b));
        if fields[..4] != MAGIC {
            return None;
        }
        let class = *TrafficClass::ALL.get(usize::from(fields[4]))?;
        let way = if fields[5] == 0 { Way::Up } else { Way::Down };
        let number = u16::from_be_bytes([fields[6], fields[7]]);
        let sent = u64::from(word(16)) << 32 | u64::from(word(20));
        Some(Self { flow: Flow { class, number, way }, sequence: word(8), asks: word(12), sent })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_probe_reads_back(class in 0usize..8, number: u16, down: bool, sequence: u32, asks: u32, sent: u64) {
            let way = if down { Way::Down } else { Way::Up };
            let flow = Flow { class: TrafficClass::ALL[class], number, way };
            let probe = Probe { flow, sequence, asks, sent };
            let mut payload = [0xd5; 172];
            probe.emit(&mut payload).unwrap();
            prop_assert_eq!(Probe::parse(&payload), Some(probe));
            prop_assert_eq!(payload[40], 0xd5);
        }

        #[test]
        fn any_bytes_are_read_without_harm(bytes in proptest::collection::vec(any::<u8>(), 0..64)) {
            let _ = Probe::parse(&bytes);
        }
    }

    #[test]
    fn a_call_looks_like_rtp() {
        let flow = Flow { class: TrafficClass::Voice, number: 4, way: Way::Down };
        let mut payload = [0; 172];
        Probe { flow, sequence: 65_537, asks: 0, sent: 0 }.emit(&mut payload).unwrap();
        //  V=2  PCMA  sequence  timestamp          SSRC
        let header = [0x80, 0x08, 0, 1, 0, 0xa0, 0, 0xa0, 0, 0, 0, 9];
        assert_eq!(payload[..12], header);
        assert_eq!(Probe { flow, sequence: 0, asks: 0, sent: 0 }.emit(&mut [0; 35]), Err(TooShort(35)));
    }
}
