//! Policing, shaping, queueing and scheduling: state that belongs to one worker.

mod spec;

pub use spec::{ClassQos, Discipline, InterfaceQos, PolicerSpec, ShaperSpec};
