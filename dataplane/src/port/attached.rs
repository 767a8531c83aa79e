//! A port on a device that may come and go.
//!
//! The drivers know how to receive and send on a device that is there;
//! [`Attached`] is the [`Port`] around one: it follows presence and carrier,
//! lets go of a device that went away and takes it up when it is back.

use std::os::fd::BorrowedFd;
use std::time::Duration;

use super::device::Device;
use super::{Link, OpenError, Port, PortStats};
use crate::packet::{Batch, Pool};
use crate::time::Time;

/// How often, in nanoseconds, a device in use is looked at.
const LOOK: u64 = 10_000_000;
/// How often a device that is not there, or has no carrier, is looked at.
const RETRY: u64 = 100_000_000;
/// How long opening waits for whoever just let go of the device.
const BUSY: [u64; 6] = [10, 20, 40, 80, 160, 320];

/// What a Linux driver does on a device that is there.
pub(super) trait Driver: Sized + Send {
    /// What it takes to open one.
    type Options: Send + std::fmt::Debug;
    /// Whether opening makes the device, so that there is none to wait for.
    const MAKES_DEVICE: bool = false;

    fn open(device: &Device, options: &Self::Options) -> Result<Self, OpenError>;
    fn receive(&mut self, pool: &mut Pool, batch: &mut Batch, stats: &mut PortStats) -> usize;
    fn transmit(&mut self, batch: &mut Batch, pool: &mut Pool, stats: &mut PortStats) -> usize;
    /// After each transmit burst and while idle.
    fn flush(&mut self) {}
    /// At each look: counts what the kernel lost; `false` when the device has
    /// changed so that it must be opened anew.
    fn look(&mut self, _device: &Device, _stats: &mut PortStats) -> bool {
        true
    }
    fn wait_fd(&self) -> BorrowedFd<'_>;
}

/// The station on our side of a device that we made: its own address is the
/// kernel's, and two stations of one line must differ.
fn neighbour(mut mac: [u8; 6]) -> [u8; 6] {
    mac[5] ^= 1;
    mac
}

/// One queue of a port on one Linux device.
#[allow(private_bounds, reason = "the drivers are this folder's own")]
#[derive(Debug)]
pub struct Attached<D: Driver> {
    device: Device,
    options: D::Options,
    /// Boxed, so that an enum of ports stays small.
    driver: Option<Box<D>>,
    /// The index of the device the driver holds.
    bound: u32,
    link: Link,
    mac: Option<[u8; 6]>,
    due: Time,
    stats: PortStats,
}

#[allow(private_bounds, reason = "the drivers are this folder's own")]
impl<D: Driver> Attached<D> {
    /// Opens the device, which must be there unless the driver makes it.
    pub(super) fn open(name: &str, options: D::Options) -> Result<Self, OpenError> {
        let device = Device::new(name)?;
        let mut port = Self {
            device,
            options,
            driver: None,
            bound: 0,
            link: Link::default(),
            mac: None,
            due: Time::ZERO,
            stats: PortStats::default(),
        };
        for pause in BUSY {
            match port.attach() {
                Err(OpenError::System { source, .. }) if source.raw_os_error() == Some(libc::EBUSY) => {
                    std::thread::sleep(Duration::from_millis(pause));
                }
                done => return done.map(|()| port),
            }
        }
        port.attach().map(|()| port)
    }

    fn attach(&mut self) -> Result<(), OpenError> {
        let missing = || OpenError::NoDevice(self.device.name().to_owned());
        if !D::MAKES_DEVICE && self.device.index().is_none() {
            return Err(missing());
        }
        let bring_up =
            || self.device.bring_up().map_err(|source| self.device.failed("setting the device up", source));
        let driver = if D::MAKES_DEVICE {
            let driver = D::open(&self.device, &self.options)?;
            bring_up()?;
            driver
        } else {
            bring_up()?;
            D::open(&self.device, &self.options)?
        };
        self.bound = self.device.index().ok_or_else(missing)?;
        self.mac = self.device.mac().map(|mac| if D::MAKES_DEVICE { neighbour(mac) } else { mac });
        self.driver = Some(Box::new(driver));
        self.link = Link { up: self.device.running(), present: true };
        Ok(())
    }

    /// Looks at the device; gives when to look again.
    fn look(&mut self) -> u64 {
        if let Some(driver) = &mut self.driver {
            let fits = driver.look(&self.device, &mut self.stats);
            if fits && self.device.index() == Some(self.bound) {
                self.link.up = self.device.running();
                return if self.link.up { LOOK } else { RETRY };
            }
            self.driver = None;
            self.link = Link::default();
        }
        if self.attach().is_ok() { LOOK } else { RETRY }
    }
}

impl<D: Driver> Port for Attached<D> {
    #[inline]
    fn receive(&mut self, _now: Time, pool: &mut Pool, batch: &mut Batch) -> usize {
        self.driver.as_mut().map_or(0, |driver| driver.receive(pool, batch, &mut self.stats))
    }

    #[inline]
    fn transmit(&mut self, _now: Time, batch: &mut Batch, pool: &mut Pool) -> usize {
        if !self.link.up || batch.is_empty() {
            return 0;
        }
        self.driver.as_mut().map_or(0, |driver| driver.transmit(batch, pool, &mut self.stats))
    }

    fn poll(&mut self, now: Time) {
        if let Some(driver) = &mut self.driver {
            driver.flush();
        }
        if now >= self.due {
            self.due = Time(now.0.saturating_add(self.look()));
        }
    }

    fn link(&self) -> Link {
        self.link
    }

    fn stats(&self) -> PortStats {
        self.stats
    }

    /// Changes when the device went away and came back.
    fn wait_fd(&self) -> Option<BorrowedFd<'_>> {
        self.driver.as_ref().map(|driver| driver.wait_fd())
    }

    fn mac(&self) -> Option<[u8; 6]> {
        self.mac
    }
}
