//! Mean opinion score by the E-model (ITU-T G.107), default values for all but
//! delay and loss.
//!
//! ```text
//! R   = 93.2 − Id − Ie,eff
//! Id  = 0.024 d + 0.11 (d − 177.3) H(d − 177.3)          d in ms, mouth to ear
//! Ie,eff = Ie + (95 − Ie) · P / (P / BurstR + Bpl)       P in per cent
//! MOS = 1 + 0.035 R + 7·10⁻⁶ R (R − 60)(100 − R)         0 < R < 100
//! ```

use std::time::Duration;

/// How a codec bears loss (ITU-T G.113 appendix I).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Codec {
    /// Equipment impairment without loss, Ie.
    pub impairment: f64,
    /// Robustness to loss, Bpl.
    pub robustness: f64,
    /// Speech a packet waits to be filled with.
    pub packetisation: Duration,
}

/// G.711 with packet loss concealment.
pub const G711: Codec = Codec { impairment: 0.0, robustness: 25.1, packetisation: Duration::from_millis(20) };
/// G.729A with voice activity detection.
pub const G729A: Codec =
    Codec { impairment: 11.0, robustness: 19.0, packetisation: Duration::from_millis(20) };

/// Transmission rating R, for a mouth-to-ear delay and the part (0 to 1) of
/// packets lost at random (BurstR 1).
pub fn rating(codec: Codec, delay: Duration, loss: f64) -> f64 {
    let d = delay.as_secs_f64() * 1e3;
    let delayed = 0.024 * d + 0.11 * (d - 177.3).max(0.0);
    let p = 100.0 * loss.clamp(0.0, 1.0);
    let equipment = codec.impairment + (95.0 - codec.impairment) * p / (p + codec.robustness);
    93.2 - delayed - equipment
}

/// Mean opinion score of a rating, 1 to 4.5.
pub fn mos(rating: f64) -> f64 {
    match rating {
        r if r <= 0.0 => 1.0,
        r if r >= 100.0 => 4.5,
        // The polynomial dips below 1 for ratings under 6.5.
        r => (1.0 + 0.035 * r + 7e-6 * r * (r - 60.0) * (100.0 - r)).max(1.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn published_check_values() {
        let ms150 = Duration::from_millis(150);
        for (codec, loss, r, score) in
            [(G711, 0.0, 89.6, 4.33), (G711, 0.01, 86.0, 4.23), (G729A, 0.01, 74.4, 3.80)]
        {
            let found = rating(codec, ms150, loss);
            assert!((found - r).abs() < 0.05, "R {found}, wanted {r}");
            assert!((mos(found) - score).abs() < 0.005, "MOS {}, wanted {score}", mos(found));
        }
    }

    proptest! {
        #[test]
        fn more_delay_or_loss_is_never_better(d in 0u64..2_000, more in 0u64..500, p in 0.0..1.0f64, q in 0.0..1.0f64) {
            let score = |d, p| mos(rating(G711, Duration::from_millis(d), p));
            prop_assert!(score(d + more, p) <= score(d, p));
            prop_assert!(score(d, p.max(q)) <= score(d, p.min(q)));
            prop_assert!((1.0..=4.5).contains(&score(d, p)));
        }
    }
}
