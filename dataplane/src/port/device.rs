//! A network device by its name: index, state, address, offloads (netdevice(7)).
//!
//! Everything is asked by ioctl on one socket of the namespace the port was
//! opened in: sysfs shows the namespace of whoever mounted it.
#![allow(unsafe_code)]

use std::io;
use std::os::fd::{AsRawFd, OwnedFd};
use std::ptr;

use super::OpenError;
use super::sys;

/// Offload settings by their `SIOCETHTOOL` commands (linux/ethtool.h).
const ETHTOOL_GLINK: u32 = 0x0a;
const ETHTOOL_SRXCSUM: u32 = 0x15;
const ETHTOOL_STXCSUM: u32 = 0x17;
const ETHTOOL_SSG: u32 = 0x19;
const ETHTOOL_STSO: u32 = 0x1f;
const ETHTOOL_SGSO: u32 = 0x24;
const ETHTOOL_GFLAGS: u32 = 0x25;
const ETHTOOL_SFLAGS: u32 = 0x26;
const ETHTOOL_SGRO: u32 = 0x2c;
const ETHTOOL_GCHANNELS: u32 = 0x3c;
/// Bits of `ETHTOOL_SFLAGS`: VLAN insertion and stripping, LRO.
const FLAG_TXVLAN: u32 = 1 << 7;
const FLAG_RXVLAN: u32 = 1 << 8;
const FLAG_LRO: u32 = 1 << 15;

#[repr(C)]
struct EthtoolValue {
    command: u32,
    data: u32,
}

#[repr(C)]
#[derive(Default)]
struct EthtoolChannels {
    command: u32,
    max: [u32; 4],
    receive: u32,
    transmit: u32,
    other: u32,
    combined: u32,
}

/// A device as its name says; it may come and go.
#[derive(Debug)]
pub(super) struct Device {
    name: String,
    control: OwnedFd,
}

impl Device {
    /// Follows the device `name` of the calling thread's network namespace.
    pub(super) fn new(name: &str) -> Result<Self, OpenError> {
        if name.is_empty() || name.len() >= libc::IFNAMSIZ || name.contains(['/', '\0']) {
            return Err(OpenError::NoDevice(name.to_owned()));
        }
        let control = sys::socket(libc::AF_INET, libc::SOCK_DGRAM)
            .map_err(|source| system(name, "opening a control socket", source))?;
        Ok(Self { name: name.to_owned(), control })
    }

    /// Its name.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    fn request(&self) -> libc::ifreq {
        // SAFETY: zeros are a value of every member of the request.
        let mut request: libc::ifreq = unsafe { std::mem::zeroed() };
        for (to, from) in request.ifr_name.iter_mut().zip(self.name.bytes()) {
            *to = from as libc::c_char;
        }
        request
    }

    /// Makes the request and gives it back as the kernel filled it in.
    ///
    /// # Safety
    /// `request` must be what `code` asks for.
    unsafe fn ask(&self, code: libc::c_ulong, mut request: libc::ifreq) -> io::Result<libc::ifreq> {
        // SAFETY: the caller's promise; the request lives through the call.
        sys::check(unsafe { libc::ioctl(self.control.as_raw_fd(), code as _, &mut request) })?;
        Ok(request)
    }

    /// Its index, while it is there.
    pub(super) fn index(&self) -> Option<u32> {
        // SAFETY: the request is a name; the answer is an integer.
        let index = unsafe { self.ask(libc::SIOCGIFINDEX, self.request()).ok()?.ifr_ifru.ifru_ifindex };
        u32::try_from(index).ok()
    }

    fn flags(&self) -> Option<libc::c_short> {
        // SAFETY: the request is a name; the answer is an integer.
        Some(unsafe { self.ask(libc::SIOCGIFFLAGS, self.request()).ok()?.ifr_ifru.ifru_flags })
    }

    /// Whether it is up and has carrier.
    pub(super) fn running(&self) -> bool {
        let (up, running) = (libc::IFF_UP as libc::c_short, libc::IFF_RUNNING as libc::c_short);
        let Some(flags) = self.flags().filter(|flags| flags & up != 0) else { return false };
        // The flag may come up a second after the carrier; the question itself
        // is not asked of a link that runs, since it waits for the kernel's configuration lock.
        flags & running != 0 || self.setting(ETHTOOL_GLINK, 0).is_ok_and(|carrier| carrier != 0)
    }

    /// Sets it administratively up.
    pub(super) fn bring_up(&self) -> io::Result<()> {
        let flags = self.flags().ok_or_else(|| io::Error::from_raw_os_error(libc::ENODEV))?;
        let mut request = self.request();
        request.ifr_ifru.ifru_flags = flags | libc::IFF_UP as libc::c_short;
        // SAFETY: a name and flags are what the call asks for.
        unsafe { self.ask(libc::SIOCSIFFLAGS, request) }.map(drop)
    }

    /// Its MTU in bytes, layer-2 header not counted.
    pub(super) fn mtu(&self) -> Option<usize> {
        // SAFETY: the request is a name; the answer is an integer.
        let mtu = unsafe { self.ask(libc::SIOCGIFMTU, self.request()).ok()?.ifr_ifru.ifru_mtu };
        usize::try_from(mtu).ok()
    }

    /// Its station address.
    pub(super) fn mac(&self) -> Option<[u8; 6]> {
        // SAFETY: the request is a name; the answer is an address of plain bytes.
        let address = unsafe { self.ask(libc::SIOCGIFHWADDR, self.request()).ok()?.ifr_ifru.ifru_hwaddr };
        let mut mac = [0; 6];
        for (to, from) in mac.iter_mut().zip(address.sa_data) {
            *to = from as u8;
        }
        Some(mac)
    }

    /// Makes `tun`, an open `/dev/net/tun`, a queue of the device, and the device where there is none.
    pub(super) fn make_tap(&self, tun: &OwnedFd, flags: libc::c_short) -> io::Result<()> {
        let mut request = self.request();
        request.ifr_ifru.ifru_flags = flags;
        // SAFETY: a name and flags are what the call asks for; the request lives through it.
        sys::check(unsafe { libc::ioctl(tun.as_raw_fd(), libc::TUNSETIFF as _, &mut request) }).map(drop)
    }

    /// Asks ethtool for what `T` holds.
    ///
    /// # Safety
    /// `value` must be the structure its command asks for.
    unsafe fn ethtool<T>(&self, value: &mut T) -> io::Result<()> {
        let mut request = self.request();
        request.ifr_ifru.ifru_data = ptr::from_mut(value).cast();
        // SAFETY: the caller's promise; `value` lives through the call.
        unsafe { self.ask(libc::SIOCETHTOOL, request) }.map(drop)
    }

    fn setting(&self, command: u32, data: u32) -> io::Result<u32> {
        let mut value = EthtoolValue { command, data };
        // SAFETY: every command used here asks for one value.
        unsafe { self.ethtool(&mut value) }?;
        Ok(value.data)
    }

    fn clear_flags(&self, bits: u32) -> io::Result<()> {
        let flags = self.setting(ETHTOOL_GFLAGS, 0)?;
        if flags & bits == 0 {
            return Ok(());
        }
        self.setting(ETHTOOL_SFLAGS, flags & !bits).map(drop)
    }

    /// Switches off the merging of received packets (GRO, LRO): a router must
    /// forward what came, not what the kernel made of it. What the device does
    /// not know it does not do either.
    pub(super) fn merging_off(&self) {
        let _ = self.setting(ETHTOOL_SGRO, 0);
        let _ = self.clear_flags(FLAG_LRO);
    }

    /// Leaves VLAN tags in received frames: what a driver takes out, XDP never sees.
    pub(super) fn stripping_off(&self) {
        let _ = self.clear_flags(FLAG_RXVLAN);
    }

    /// Switches off every offload that leaves a packet unfinished.
    fn offloads_off(&self) -> io::Result<()> {
        for command in
            [ETHTOOL_STSO, ETHTOOL_SGSO, ETHTOOL_SGRO, ETHTOOL_SSG, ETHTOOL_STXCSUM, ETHTOOL_SRXCSUM]
        {
            match self.setting(command, 0) {
                Err(e) if e.raw_os_error() != Some(libc::EOPNOTSUPP) => return Err(e),
                _ => {}
            }
        }
        self.clear_flags(FLAG_LRO | FLAG_TXVLAN | FLAG_RXVLAN)
    }

    /// How many receive queues it has; `None` when it does not say.
    pub(super) fn receive_queues(&self) -> Option<u32> {
        let mut channels = EthtoolChannels { command: ETHTOOL_GCHANNELS, ..EthtoolChannels::default() };
        // SAFETY: the structure is the one this command asks for.
        unsafe { self.ethtool(&mut channels) }.ok()?;
        Some(channels.combined + channels.receive).filter(|n| *n > 0)
    }

    /// [`OpenError`] for a failed call.
    pub(super) fn failed(&self, action: &'static str, source: io::Error) -> OpenError {
        system(&self.name, action, source)
    }
}

/// [`OpenError`] for a failed call: the missing capability where that is the reason.
pub(super) fn system(device: &str, action: &'static str, source: io::Error) -> OpenError {
    let device = device.to_owned();
    match source.raw_os_error() {
        Some(libc::EPERM | libc::EACCES) => OpenError::NotPermitted { device, capability: "CAP_NET_ADMIN" },
        Some(libc::ENODEV) => OpenError::NoDevice(device),
        _ => OpenError::System { device, action, source },
    }
}

/// Switches off, on the device `name` of the calling thread's network
/// namespace, every offload that hands a packet on unfinished: checksums left
/// to the far side, segmentation, merging, VLAN tags beside the packet. Hosts
/// whose packets an XDP or packet-socket port receives over a virtual link need it.
///
/// # Errors
/// [`OpenError`] when there is no such device, the process may not, or a
/// setting the device has cannot be changed.
pub fn offloads_off(name: &str) -> Result<(), OpenError> {
    let device = Device::new(name)?;
    if device.index().is_none() {
        return Err(OpenError::NoDevice(name.to_owned()));
    }
    device.offloads_off().map_err(|source| device.failed("switching offloads off", source))
}
