//! What the queues of one AF_XDP port share: memory, program, the first socket.

use std::io;
use std::os::fd::{AsRawFd, OwnedFd};
use std::sync::{Arc, Mutex, MutexGuard, Weak};

use super::bpf::{self, SocketMap};
use super::umem::Umem;
use super::{Attach, CopyMode, XdpOptions};
use crate::port::OpenError;
use crate::port::device::Device;
use crate::port::sys;

/// An MTU above this does not fit one page with the headroom the kernel needs.
const ONE_BUFFER_MTU: usize = 3498;

/// One opened port, alive while any of its queues is.
#[derive(Debug)]
pub(super) struct Hub {
    pub(super) umem: Umem,
    /// The MTU it was opened for.
    pub(super) mtu: usize,
    /// Frames may take several descriptors.
    pub(super) several: bool,
    index: u32,
    copy: CopyMode,
    sockets: SocketMap,
    /// The socket the memory was registered on; the others bind by it.
    first: Mutex<Option<Arc<OwnedFd>>>,
    /// Detaches the program when it closes.
    _attached: OwnedFd,
    /// Keeps the device promiscuous.
    _promiscuous: OwnedFd,
}

/// The hub of a port, wherever its queues are: made by the first that needs it.
#[derive(Clone, Debug, Default)]
pub(super) struct Shared(Arc<Mutex<Weak<Hub>>>);

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
}

impl Shared {
    /// The hub on the device as it is now; a new one when there is none, or
    /// when the one there is belongs to a device that went away.
    pub(super) fn hub(
        &self,
        device: &Device,
        options: &XdpOptions,
        queues: u32,
    ) -> Result<Arc<Hub>, OpenError> {
        let mut shared = lock(&self.0);
        let index = device.index().ok_or_else(|| OpenError::NoDevice(device.name().to_owned()))?;
        let mtu = device.mtu().unwrap_or(1500);
        if let Some(hub) = shared.upgrade().filter(|hub| hub.index == index && hub.mtu == mtu) {
            return Ok(hub);
        }
        let hub = Arc::new(Hub::new(device, index, mtu, options, queues)?);
        *shared = Arc::downgrade(&hub);
        Ok(hub)
    }
}

impl Hub {
    fn new(
        device: &Device,
        index: u32,
        mtu: usize,
        options: &XdpOptions,
        queues: u32,
    ) -> Result<Self, OpenError> {
        let failed = |action| move |source| failed(device, action, source);
        device.merging_off();
        device.stripping_off();
        let several = mtu > ONE_BUFFER_MTU;
        let umem = Umem::new(queues, 2 * options.ring, mtu).map_err(failed("allocating packet memory"))?;
        let sockets = SocketMap::new(queues).map_err(failed("making the socket map"))?;
        let program = bpf::load(&sockets, several).map_err(failed("loading the redirect program"))?;
        let (attached, native) =
            attach(&program, index, options.attach).map_err(failed("attaching the redirect program"))?;
        let promiscuous = sys::promiscuous(index).map_err(failed("setting the device promiscuous"))?;
        // A generic program never sees a frame that zero copy has taken.
        let copy = if native { options.copy } else { CopyMode::Copy };
        Ok(Self {
            umem,
            mtu,
            several,
            index,
            copy,
            sockets,
            first: Mutex::new(None),
            _attached: attached,
            _promiscuous: promiscuous,
        })
    }

    /// Makes a socket, its rings by `prepare`, binds it to `queue` and directs the queue to it.
    pub(super) fn bind<T>(
        &self,
        queue: u32,
        prepare: impl FnOnce(&OwnedFd) -> io::Result<T>,
    ) -> io::Result<(Arc<OwnedFd>, T)> {
        let mut first = lock(&self.first);
        let socket = sys::socket(libc::AF_XDP, libc::SOCK_RAW)?;
        if first.is_none() {
            self.umem.register(&socket)?;
        }
        let rings = prepare(&socket)?;
        let (flags, shared) = match first.as_ref() {
            Some(first) => (libc::XDP_SHARED_UMEM, first.as_raw_fd() as u32),
            None => (self.flags(), 0),
        };
        let address = libc::sockaddr_xdp {
            sxdp_family: libc::AF_XDP as u16,
            sxdp_flags: flags,
            sxdp_ifindex: self.index,
            sxdp_queue_id: queue,
            sxdp_shared_umem_fd: shared,
        };
        sys::bind(&socket, &address)?;
        self.sockets.set(queue, &socket)?;
        let socket = Arc::new(socket);
        first.get_or_insert_with(|| socket.clone());
        Ok((socket, rings))
    }

    fn flags(&self) -> u16 {
        let copy = match self.copy {
            CopyMode::Auto => 0,
            CopyMode::Copy => libc::XDP_COPY,
            CopyMode::ZeroCopy => libc::XDP_ZEROCOPY,
        };
        let several = if self.several { libc::XDP_USE_SG } else { 0 };
        copy | several | libc::XDP_USE_NEED_WAKEUP
    }
}

/// Attaches as asked; gives whether natively.
fn attach(program: &OwnedFd, index: u32, how: Attach) -> io::Result<(OwnedFd, bool)> {
    let native = |native| bpf::attach(program, index, native).map(|link| (link, native));
    match how {
        Attach::Native => native(true),
        Attach::Generic => native(false),
        Attach::Auto => native(true).or_else(|e| match e.raw_os_error() {
            // The same would be said of any mode.
            Some(libc::EPERM | libc::EBUSY | libc::ENODEV) => Err(e),
            _ => native(false),
        }),
    }
}

/// [`OpenError`] for a failed call, in terms of what there is to do about it.
pub(super) fn failed(device: &Device, action: &'static str, source: io::Error) -> OpenError {
    let name = device.name().to_owned();
    let cannot =
        |what: &str| OpenError::Unsupported { device: name.clone(), what: format!("{action}: {what}") };
    match source.raw_os_error() {
        Some(libc::EPERM) => {
            OpenError::NotPermitted { device: name, capability: "CAP_NET_ADMIN, CAP_NET_RAW and CAP_BPF" }
        }
        Some(libc::EOPNOTSUPP | libc::EPROTONOSUPPORT) => {
            cannot("its driver does not; use attach auto, copy auto, or the kind af-packet")
        }
        Some(libc::EAFNOSUPPORT | libc::ENOSYS) => cannot("the kernel has no AF_XDP; use the kind af-packet"),
        Some(libc::ENOBUFS | libc::ENOMEM) => {
            cannot("no memory may be locked for it; raise RLIMIT_MEMLOCK or give CAP_IPC_LOCK")
        }
        _ => device.failed(action, source),
    }
}
