//! AF_XDP: frames straight from the driver's receive queue (kernel documentation, "AF_XDP").
//!
//! One socket a queue; the queues of a port share one packet memory and one
//! redirect program, held by a hub. Natively where the driver can, generically
//! where not; without copying in the kernel where the driver can.

mod bpf;
mod hub;
mod queue;
mod ring;
mod umem;

pub use queue::XdpQueue;

use self::hub::Shared;
use super::OpenError;
use super::attached::Attached;
use super::device::Device;

/// An AF_XDP port: one queue.
pub type Xdp = Attached<XdpQueue>;

/// Where the redirect program runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Attach {
    /// In the driver where it can, in the kernel's receive path where not.
    #[default]
    Auto,
    /// In the driver only.
    Native,
    /// In the kernel's receive path only.
    Generic,
}

/// Whether the kernel copies frames to and from the packet memory.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum CopyMode {
    /// It does not where the driver can do without.
    #[default]
    Auto,
    /// It does.
    Copy,
    /// It must not.
    ZeroCopy,
}

/// How an AF_XDP port is opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct XdpOptions {
    /// Where the redirect program runs.
    pub attach: Attach,
    /// Whether the kernel copies.
    pub copy: CopyMode,
    /// Entries of each ring, 64 to 32,768, rounded up to a power of two; 2,048 unless told.
    pub ring: u32,
}

impl Default for XdpOptions {
    fn default() -> Self {
        Self { attach: Attach::Auto, copy: CopyMode::Auto, ring: 2048 }
    }
}

/// What one queue needs to open itself again.
#[derive(Debug)]
pub struct QueueOptions {
    options: XdpOptions,
    shared: Shared,
    queue: u32,
    queues: u32,
}

/// Opens the receive queues 0 to `queues` − 1 of the device `name`: all it has,
/// since what arrives on any other would go past the router.
///
/// # Errors
/// [`OpenError`] when there is no such device, the process lacks a capability,
/// or device or kernel cannot do what was asked for.
pub fn open(name: &str, queues: usize, options: XdpOptions) -> Result<Vec<Xdp>, OpenError> {
    let device = Device::new(name)?;
    let queues = u32::try_from(queues.clamp(1, 256)).unwrap_or(1);
    match device.receive_queues() {
        Some(has) if has != queues && device.index().is_some() => {
            return Err(OpenError::Unsupported {
                device: name.to_owned(),
                what: format!("it has {has} receive queues, and {queues} were asked for; use all it has"),
            });
        }
        _ => {}
    }
    let ring = options.ring.clamp(64, 32_768).next_power_of_two();
    let options = XdpOptions { ring, ..options };
    let shared = Shared::default();
    let open_one =
        |queue| Attached::open(name, QueueOptions { options, shared: shared.clone(), queue, queues });
    (0..queues).map(open_one).collect()
}
