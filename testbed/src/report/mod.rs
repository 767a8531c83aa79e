//! What the demonstration measured, and what that means for a caller.
//!
//! [`emodel`] turns delay and loss into a mean opinion score; [`Outcome`] is one
//! phase's figures, [`DemoReport`] the two phases beside each other.

pub mod emodel;
mod outcome;
mod transfer;

pub use outcome::{ClassOutcome, Measured, Outcome};
pub use transfer::{Accounting, Transfer};

use std::time::Duration;

use dataplane::class::TrafficClass;
use serde::{Deserialize, Serialize};

/// On what the demonstration ran.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// Network namespaces, real interfaces, the kernel's own TCP, the real clock.
    Namespaces,
    /// In-process ports and virtual time.
    Virtual,
}

/// Both phases of the demonstration.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DemoReport {
    /// On what it ran.
    pub mode: Mode,
    /// A queue for each class.
    pub with_qos: Outcome,
    /// One queue, first in first out.
    pub without_qos: Outcome,
}

impl DemoReport {
    /// One sentence: what QoS did to the calls and to the transfer.
    pub fn conclusion(&self) -> String {
        let (with, without) = (&self.with_qos, &self.without_qos);
        let voice = TrafficClass::Voice;
        let (on, off) = (with.class(voice), without.class(voice));
        format!(
            "With QoS the calls {} (MOS {:.2}, 99 % of packets within {}) while the transfer took {:.2} × its ideal time; \
             in one common queue {} (MOS {:.2}, 99 % within {}).",
            lost(on),
            on.mos.unwrap_or(1.0),
            milliseconds(on.p99_us),
            with.transfer.ratio(),
            match off.lost {
                0 => "no packet was lost either, and calls suffered from delay".into(),
                _ => format!("they {}", lost(off)),
            },
            off.mos.unwrap_or(1.0),
            milliseconds(off.p99_us),
        )
    }
}

fn lost(class: &ClassOutcome) -> String {
    match class.lost {
        0 => "lost nothing".into(),
        n => format!("lost {n} of {} packets ({:.2} %)", class.sent, 100.0 * n as f64 / class.sent as f64),
    }
}

fn milliseconds(us: f64) -> String {
    format!("{:.1} ms", Duration::from_secs_f64(us.max(0.0) / 1e6).as_secs_f64() * 1e3)
}
