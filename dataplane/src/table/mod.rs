//! Forwarding state: what can be forwarded, as opposed to what is wanted.
//!
//! A [`Snapshot`] is all forwarding state of one generation, immutable to
//! workers. Its parts are persistent: cloning one is cheap, and changing a clone
//! copies only what is touched. Tables hold specifications; workers hold state.

mod adjacency;
mod fib;
mod ilm;
mod interface;
mod label;
mod limits;
mod nhlfe;
mod prefix;
mod publish;
pub mod rules;
mod slab;
mod snapshot;
mod trees;
mod vrf;

pub use adjacency::Adjacency;
pub use fib::{Fib4, Fib6};
pub use ilm::Ilm;
pub use interface::{Interface, InterfaceAddress, Marks, Tpid, Trust, VlanMatch};
pub use label::{DiffServModel, Labels, TtlModel, TunnelModel};
pub use limits::Limits;
pub use nhlfe::{EcmpGroup, Nhlfe, Pop, PopLookup, Push, Swap};
pub use publish::{Publisher, Reader};
pub use slab::Slab;
pub use snapshot::{PortDemux, PortSpec, Snapshot};
pub use trees::Trees;
pub use vrf::Vrf;
