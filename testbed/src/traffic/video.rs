//! One direction of a video session.
//!
//! 25 frames a second at a mean rate; every 50th frame is whole (four times a
//! difference frame's size), frame sizes vary by ±20 %, and a frame's packets
//! leave 1 ms apart as a pacing sender's do.

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use super::{Emission, Flow, IP_UDP, RTP_HEADER, Way};
use dataplane::class::TrafficClass;

/// Half a video session: endless.
#[derive(Debug)]
pub struct Video {
    flow: Flow,
    rng: StdRng,
    /// Mean bytes of a difference frame, headers counted.
    difference: f64,
    frame: u64,
    start: u64,
    /// Packets of the current frame already given, and its bytes still to go.
    packet: u64,
    left: u32,
}

impl Video {
    /// Frames a second.
    pub const FRAMES: u64 = 25;
    /// Bytes of a full packet from the IP header on.
    pub const FULL: u16 = 1240;
    const WHOLE_EVERY: u64 = 50;
    const WHOLE_SIZE: f64 = 4.0;
    const PACE: u64 = 1_000_000;

    /// Session `number`, one way, at `rate` bit/s from the IP header on, its
    /// first frame at `start` nanoseconds.
    pub fn new(number: u16, way: Way, rate: u64, start: u64, seed: u64) -> Self {
        let mean = rate as f64 / 8.0 / Self::FRAMES as f64;
        let every = Self::WHOLE_EVERY as f64;
        let mut video = Self {
            flow: Flow { class: TrafficClass::Video, number, way },
            rng: StdRng::seed_from_u64(seed),
            difference: mean * every / (every - 1.0 + Self::WHOLE_SIZE),
            frame: 0,
            start,
            packet: 0,
            left: 0,
        };
        video.left = video.size();
        video
    }

    /// Bytes of the current frame.
    fn size(&mut self) -> u32 {
        let whole = self.frame.is_multiple_of(Self::WHOLE_EVERY);
        let mean = self.difference * if whole { Self::WHOLE_SIZE } else { 1.0 };
        (mean * self.rng.random_range(0.8..1.2)) as u32
    }
}

impl Iterator for Video {
    type Item = Emission;

    fn next(&mut self) -> Option<Emission> {
        if self.left == 0 {
            self.frame += 1;
            self.packet = 0;
            self.left = self.size();
        }
        let least = u32::from(IP_UDP) + RTP_HEADER as u32 + 64;
        let length = self.left.clamp(least, u32::from(Self::FULL));
        let at = self.start + self.frame * (1_000_000_000 / Self::FRAMES) + self.packet * Self::PACE;
        self.left = self.left.saturating_sub(length);
        self.packet += 1;
        Some(Emission { at, flow: self.flow, length: length as u16, asks: 0 })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]
        #[test]
        fn video_keeps_its_rate_and_its_order(rate in 500_000u64..2_000_000, seed in any::<u64>()) {
            let packets: Vec<_> =
                Video::new(0, Way::Down, rate, 0, seed).take_while(|e| e.at < 20_000_000_000).collect();
            let bits: u64 = packets.iter().map(|e| u64::from(e.length) * 8).sum();
            let measured = bits as f64 / 20.0;
            prop_assert!((measured / rate as f64 - 1.0).abs() < 0.05, "{measured} for {rate}");
            prop_assert!(packets.is_sorted_by_key(|e| e.at));
            prop_assert!(packets.iter().all(|e| e.length <= Video::FULL));
        }
    }
}
