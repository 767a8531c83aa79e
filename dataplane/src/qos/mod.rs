//! Policing, shaping, queueing and scheduling: state that belongs to one worker.

pub mod bucket;
mod fair;
mod histogram;
pub mod policer;
mod queue;
mod ring;
pub mod scheduler;
mod site;
mod spec;
mod stats;
mod sync;
#[cfg(test)]
mod tests;
mod wait;
mod wheel;

pub use bucket::TokenBucket;
pub use histogram::Histogram;
pub use policer::Policers;
pub use scheduler::{LINE_OVERHEAD, Scheduler, TreeLimits};
pub use spec::{ClassQos, Discipline, InterfaceQos, PolicerSpec, ShaperSpec};
pub use stats::{Count, QueueStats};
