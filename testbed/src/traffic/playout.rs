//! When a telephone plays a packet, and which packets come too late for that.
//!
//! A de-jitter buffer of fixed depth that follows the path: at the start of each
//! second of speech (50 packets) the playout point is set [`Playout::DEPTH`]
//! above the fastest packet of the second before. A packet that arrives after
//! its playout point is as good as lost (ITU-T G.107 counts it so).

/// The buffer of one listener.
#[derive(Clone, Debug, Default)]
pub struct Playout {
    /// Delay from sending to playing now, nanoseconds; 0 before the first packet.
    point: u64,
    spurt: u32,
    fastest: Option<u64>,
    played: u64,
    late: u64,
    point_sum: u64,
}

impl Playout {
    /// How much later than the fastest packet one may come: 60 ms, in nanoseconds.
    pub const DEPTH: u64 = 60_000_000;
    /// Packets between settings of the playout point.
    pub const SPURT: u32 = 50;

    /// Takes packet `sequence` that took `transit` nanoseconds; whether it was in time.
    pub fn take(&mut self, sequence: u32, transit: u64) -> bool {
        let spurt = sequence / Self::SPURT;
        if self.point == 0 || spurt > self.spurt {
            self.point = self.fastest.take().unwrap_or(transit) + Self::DEPTH;
            self.spurt = spurt;
        }
        self.fastest = Some(self.fastest.map_or(transit, |f| f.min(transit)));
        let in_time = transit <= self.point;
        self.late += u64::from(!in_time);
        self.played += u64::from(in_time);
        self.point_sum += self.point;
        in_time
    }

    /// Packets that came too late.
    pub fn late(&self) -> u64 {
        self.late
    }

    /// Mean delay from sending to playing, nanoseconds; 0 without packets.
    pub fn delay(&self) -> u64 {
        self.point_sum.checked_div(self.played + self.late).unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: u64 = 1_000_000;

    #[test]
    fn an_even_path_plays_everything_at_depth() {
        let mut playout = Playout::default();
        assert!((0..500).all(|n| playout.take(n, 3 * MS)));
        assert_eq!((playout.late(), playout.delay()), (0, 63 * MS));
    }

    #[test]
    fn a_step_of_delay_costs_the_rest_of_its_second_only() {
        let mut playout = Playout::default();
        let in_time = (0..300).filter(|n| playout.take(*n, if *n < 120 { 3 * MS } else { 103 * MS })).count();
        // Packets 120 to 149 are late, and the next second too: its point was set by packets 100 to 119.
        assert_eq!((in_time, playout.late()), (220, 80));
    }
}
