//! Clinical transactions: a record is asked for, a screenful comes back.
//!
//! Requests arrive as a Poisson process, 2 KB each in two packets; responses are
//! lognormal around 40 KB. A response leaves as a TCP sender's would: ten packets
//! at once (RFC 6928), the rest paced.

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use rand_distr::{Exp1, StandardNormal};

use super::{Emission, Flow, Way};
use dataplane::class::TrafficClass;

/// The requests of a site: endless.
#[derive(Debug)]
pub struct Transactions {
    flow: Flow,
    rng: StdRng,
    /// Mean time between requests, nanoseconds.
    mean_gap: f64,
    at: u64,
    /// The second packet of a request, waiting.
    second: Option<Emission>,
}

/// Spread of the response's logarithm.
const RESPONSE_SIGMA: f64 = 0.5;
/// Largest response, bytes.
const RESPONSE_MAX: f64 = 160_000.0;

impl Transactions {
    /// Bytes of a request's two packets, from the IP header on: 2 KB in all.
    pub const REQUEST: [u16; 2] = [1448, 600];

    /// Transactions at `rate` a second, asked `way`, the first after `start`.
    pub fn new(number: u16, way: Way, rate: f64, start: u64, seed: u64) -> Self {
        Self {
            flow: Flow { class: TrafficClass::Clinical, number, way },
            rng: StdRng::seed_from_u64(seed),
            mean_gap: 1e9 / rate.max(1e-6),
            at: start,
            second: None,
        }
    }

    /// Bytes of the next response.
    fn response(&mut self) -> u32 {
        let normal: f64 = self.rng.sample(StandardNormal);
        // The mean of a lognormal lies sigma²/2 above its median, in the logarithm.
        let log = Response::MEAN.ln() - RESPONSE_SIGMA * RESPONSE_SIGMA / 2.0 + RESPONSE_SIGMA * normal;
        log.exp().clamp(1_000.0, RESPONSE_MAX) as u32
    }
}

impl Iterator for Transactions {
    type Item = Emission;

    fn next(&mut self) -> Option<Emission> {
        if let Some(second) = self.second.take() {
            return Some(second);
        }
        let gap: f64 = self.rng.sample(Exp1);
        self.at += (gap * self.mean_gap) as u64;
        let asks = self.response();
        let [first, last] = Self::REQUEST;
        let packet = |length, asks| Emission { at: self.at, flow: self.flow, length, asks };
        self.second = Some(packet(last, asks));
        Some(packet(first, 0))
    }
}

/// One response on its way.
#[derive(Clone, Debug)]
pub struct Response {
    flow: Flow,
    start: u64,
    packet: u64,
    left: u32,
}

impl Response {
    /// Mean bytes of a response, from the IP header on.
    pub const MEAN: f64 = 40_000.0;
    /// Bytes of a full packet from the IP header on.
    pub const FULL: u16 = 1448;
    const AT_ONCE: u64 = 10;
    const PACE: u64 = 2_000_000;

    /// The answer of `bytes` to a request of `flow`, begun at `start`.
    pub fn new(request: Flow, bytes: u32, start: u64) -> Self {
        Self { flow: Flow { way: request.way.back(), ..request }, start, packet: 0, left: bytes }
    }
}

impl Iterator for Response {
    type Item = Emission;

    fn next(&mut self) -> Option<Emission> {
        if self.left == 0 {
            return None;
        }
        let length = self.left.clamp(128, u32::from(Self::FULL));
        let paced = (self.packet + 1).saturating_sub(Self::AT_ONCE);
        self.left = self.left.saturating_sub(length);
        self.packet += 1;
        let at = self.start + paced * Self::PACE;
        Some(Emission { at, flow: self.flow, length: length as u16, asks: 0 })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(16))]
        #[test]
        fn requests_and_responses_have_their_means(seed in any::<u64>()) {
            let asked: Vec<_> =
                Transactions::new(0, Way::Up, 4.0, 0, seed).take_while(|e| e.at < 1_000_000_000_000).collect();
            let responses: Vec<_> = asked.iter().filter(|e| e.asks > 0).collect();
            let rate = responses.len() as f64 / 1000.0;
            let mean = responses.iter().map(|e| f64::from(e.asks)).sum::<f64>() / responses.len() as f64;
            prop_assert!((rate - 4.0).abs() < 0.4, "{rate} a second");
            prop_assert!((mean - Response::MEAN).abs() < 2_000.0, "{mean} bytes");
            prop_assert!(asked.len() - 2 * responses.len() <= 1);
        }

        #[test]
        fn a_response_is_all_its_bytes(bytes in 1_000u32..200_000) {
            let request = Flow { class: TrafficClass::Clinical, number: 0, way: Way::Up };
            let packets: Vec<_> = Response::new(request, bytes, 5).collect();
            let sum: u32 = packets.iter().map(|e| u32::from(e.length)).sum();
            prop_assert!((bytes..bytes + 128).contains(&sum));
            prop_assert!(packets.iter().all(|e| e.flow.way == Way::Down));
            prop_assert_eq!(packets.iter().filter(|e| e.at == 5).count(), packets.len().min(10));
        }
    }
}
