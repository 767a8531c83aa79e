//! The demonstration on real interfaces: three namespaces, the real router
//! process, real sockets and the kernel's own TCP.

use std::net::UdpSocket;
use std::path::Path;
use std::time::{Duration, Instant};

use ipnet::IpNet;

use super::fetch::Fetch;
use super::phase::{self, StudyState};
use super::plan::{self, BEFORE, DRAIN, HOSPITAL, Plan, SURGERY};
use super::process::RouterProcess;
use super::progress::EVERY;
use super::site::{Clock, Site};
use super::{DemoError, DemoOptions, Progress, configuration, system, within};
use crate::netns::Namespace;
use crate::report::{Mode, Outcome};
use crate::traffic::{Counts, Way};

/// The hosts' interface.
pub(crate) const DEVICE: &str = "eth0";
/// Bytes of IP and TCP headers with timestamps (RFC 7323).
const HEADERS: u64 = 52;
/// Longest wait for the router to forward.
const PATIENCE: Duration = Duration::from_secs(15);
/// The port on which hosts try whether they hear one another.
const HELLO: u16 = 5_005;

/// Surgery — router — hospital.
#[derive(Debug)]
pub(crate) struct Network {
    pub(crate) surgery: Namespace,
    pub(crate) router: Namespace,
    pub(crate) hospital: Namespace,
}

impl Network {
    /// Builds it; it is gone with this value.
    pub(crate) fn new() -> Result<Self, DemoError> {
        let build = || {
            let (surgery, router, hospital) =
                (Namespace::new("surgery")?, Namespace::new("router")?, Namespace::new("hospital")?);
            for (host, own, peer) in [(&surgery, SURGERY, HOSPITAL), (&hospital, HOSPITAL, SURGERY)] {
                router.veth(host.name(), host, DEVICE)?;
                router.ipv6_off(host.name())?;
                router.offloads_off(host.name())?;
                router.up(host.name())?;
                host.offloads_off(DEVICE)?;
                host.ipv6_off(DEVICE)?;
                host.sysctl("net.ipv4.tcp_timestamps", "1")?;
                host.address(DEVICE, IpNet::V4(plan::subnet(own)))?;
                host.up(DEVICE)?;
                let far = IpNet::V4(plan::subnet(peer).trunc());
                host.route(far, plan::gateway(own).into())?;
            }
            Ok(Self { surgery, router, hospital })
        };
        build().map_err(|e: crate::netns::Error| system("building the network")(e))
    }

    /// Frames that the virtual lines dropped: more at once than they hold for an end that the machine does not
    /// run, 256 for a receiver by AF_XDP and a thousand for any other.
    pub(crate) fn dropped_on_lines(&self) -> Result<u64, DemoError> {
        let sum = || {
            let mut sum = 0;
            for host in [&self.surgery, &self.hospital] {
                sum += host.link(DEVICE)?.dropped + self.router.link(host.name())?.dropped;
            }
            Ok(sum)
        };
        sum().map_err(|e: crate::netns::Error| system("reading what a line dropped")(e))
    }

    /// Waits until the hosts hear one another.
    pub(crate) fn wait(&self, router: &mut RouterProcess, options: &DemoOptions) -> Result<(), DemoError> {
        let open = |own| {
            move || -> std::io::Result<UdpSocket> {
                let socket = UdpSocket::bind((own, HELLO))?;
                socket.set_read_timeout(Some(Duration::from_millis(50)))?;
                Ok(socket)
            }
        };
        let here = within(&self.surgery, "a socket", open(SURGERY))?;
        let there = within(&self.hospital, "a socket", open(HOSPITAL))?;
        let until = Instant::now() + PATIENCE;
        let mut hello = [0; 8];
        while Instant::now() < until {
            options.stopped()?;
            router.check()?;
            // Unreachable until the router answers.
            let _ = here.send_to(b"hello", (HOSPITAL, HELLO));
            let heard = there.recv(&mut hello).is_ok();
            let _ = there.send_to(b"hello", (SURGERY, HELLO));
            if here.recv(&mut hello).is_ok() && heard {
                return Ok(());
            }
        }
        Err(DemoError::Router(format!("forwards nothing: {}", router.last_words())))
    }

    /// Runs one phase with a router process of its own.
    pub(super) fn run(
        &self,
        program: &Path,
        plan: &Plan,
        qos: bool,
        options: &DemoOptions,
        progress: &mut dyn FnMut(&Progress),
    ) -> Result<Outcome, DemoError> {
        let mut router = RouterProcess::start(&self.router, program, &configuration(Mode::Namespaces, qos))?;
        self.wait(&mut router, options)?;
        let clock = Clock::start();
        let site = |namespace, own, peer, way| {
            let schedule = plan.mix.schedule(way, clock.now(), u64::MAX, plan.seed);
            Site::start(namespace, (own, peer), clock, schedule)
        };
        let surgery = site(&self.surgery, SURGERY, HOSPITAL, Way::Up)?;
        let hospital = site(&self.hospital, HOSPITAL, SURGERY, Way::Down)?;
        let sites = [&surgery, &hospital];
        let mut watch = Watch { plan, qos, clock, told: 0, done: 0, sites, options, progress };
        watch.until(BEFORE, &mut router, None)?;
        let before = watch.arrived();
        let fetch = Fetch::start(&self.surgery, &self.hospital, clock, plan.study)?;
        watch.until(plan.limit(), &mut router, Some(&fetch))?;
        let study = StudyState {
            done: fetch.done(),
            took: fetch.took(),
            waited: Duration::from_nanos(clock.now().saturating_sub(BEFORE)),
            other: (before, watch.arrived()),
        };
        sites.iter().for_each(|site| site.quiet());
        watch.until(clock.now() + DRAIN, &mut router, None)?;
        with_sites(sites, |sites| phase::outcome(plan, sites, &study, HEADERS))
    }
}

/// Gives `work` what both hosts counted so far.
fn with_sites<T>(sites: [&Site; 2], work: impl FnOnce([phase::Site<'_>; 2]) -> T) -> T {
    let sent = sites.map(Site::sent);
    let [surgery, hospital] = sites.map(Site::meter);
    work([
        phase::Site { sent: Some(&sent[0]), received: &surgery },
        phase::Site { sent: Some(&sent[1]), received: &hospital },
    ])
}

/// What is looked at while a phase runs.
struct Watch<'a> {
    plan: &'a Plan,
    qos: bool,
    clock: Clock,
    /// When there was last a word of it.
    told: u64,
    /// Bytes of the study that have arrived.
    done: u64,
    sites: [&'a Site; 2],
    options: &'a DemoOptions,
    progress: &'a mut dyn FnMut(&Progress),
}

impl Watch<'_> {
    /// What the models' packets were that arrived at the surgery.
    fn arrived(&self) -> Counts {
        self.sites[0].meter().total()
    }

    /// Waits until `end` nanoseconds, or until the study has arrived.
    fn until(
        &mut self,
        end: u64,
        router: &mut RouterProcess,
        fetch: Option<&Fetch>,
    ) -> Result<(), DemoError> {
        while self.clock.now() < end && fetch.is_none_or(|f| f.took().is_none()) {
            self.options.stopped()?;
            router.check()?;
            if self.clock.now() >= self.told + EVERY {
                self.told = self.clock.now();
                self.done = fetch.map_or(self.done, Fetch::done);
                self.tell();
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        self.done = fetch.map_or(self.done, Fetch::done);
        Ok(())
    }

    fn tell(&mut self) {
        let worst = self.sites.map(|site| site.meter().take_worst());
        let said = with_sites(self.sites, |sites| {
            phase::progress(self.plan, self.qos, self.told, sites, worst, self.done)
        });
        (self.progress)(&said);
    }
}
