//! Policing, shaping, queueing and scheduling: state that belongs to one worker.
//!
//! ```text
//! police   → Policers: IfIndex × TrafficClass → Meter, or Share of a SharedMeter
//! enqueue  → Scheduler (one a Port, or several): policer, byte, time and tree limits;
//!            past it, where nothing is to be decided
//!            Port ── Interface ── TrafficClass ── Queue
//! tx       ← Scheduler: port rate, priority, rounds of interfaces, shares of classes
//! ```
//!
//! [`InterfaceQos`] says what is wanted and lives in a snapshot; tokens, queues
//! and turns live here and survive a new generation. What holds:
//!
//! - a shaped interface sends, in any window of length t, no more than
//!   rate·t + burst + two frames, the second one of priority, and no less while it has
//!   frames, if its tree is asked when [`Scheduler::next_event`] says (later by less than its burst);
//! - until a line of the same rate behind has sent it, a frame takes longer than if the tree were asked at every
//!   moment by two turns of the worker at the most: one in which it is not seen, or is behind what was
//!   not ([`Scheduler::begin_turn`]), and one in which it may leave and nobody asks;
//! - a frame that may leave never waits while the port is idle, and a priority
//!   frame waits for none but others of priority: for one that has begun, on the line;
//! - offered = sent + named drops + held, in packets and bytes, at every moment;
//! - the work for a frame does not grow with the number of interfaces.

mod ahead;
pub mod bucket;
mod burst;
mod care;
mod codel;
mod departed;
mod ecn;
mod fair;
mod flows;
mod fq;
mod held;
mod histogram;
mod length;
mod line;
mod memory;
pub mod meter;
pub mod meter_shared;
mod metering;
mod pace;
mod pass;
pub mod policer;
mod queue;
mod report;
mod ring;
mod run;
pub mod scheduler;
mod serve;
mod shaper;
pub mod shared_rate;
mod site;
mod spec;
mod stats;
mod sync;
#[cfg(test)]
mod tests;
mod together;
mod turn;
mod wait;
mod waits;
mod wheel;
mod wred;

pub use bucket::TokenBucket;
pub use codel::CodelSpec;
pub use departed::Departed;
pub use ecn::LabelMarks;
pub use histogram::Histogram;
pub use length::SHORTEST;
pub use meter::{Meter, MeterAction, MeterKind, MeterProfile, MeterSpec};
pub use meter_shared::{Share, SharedMeter};
pub use metering::Metering;
pub use policer::{Metered, Policers};
pub use report::{Look, SiteReport, TreeReport};
pub use scheduler::{LINE_OVERHEAD, PORT_BURST, Scheduler, TreeLimits, UNSEEN};
pub use shared_rate::{MOST_TREES, Place, SharedRate};
pub use spec::{Aqm, Cells, ClassQos, Discipline, Ingress, InterfaceQos, PolicerSpec, RateSpec, ShaperSpec};
pub use stats::{Count, QueueStats};
pub use turn::QUANTUM;
pub use wred::{WredCurve, WredSpec, default_curves};
