//! Policing, shaping, queueing and scheduling: state that belongs to one worker.

pub mod bucket;
pub mod policer;
mod spec;

pub use bucket::TokenBucket;
pub use policer::Policers;
pub use spec::{ClassQos, Discipline, InterfaceQos, PolicerSpec, ShaperSpec};
