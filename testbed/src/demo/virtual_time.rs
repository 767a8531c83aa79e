//! The demonstration in one process, on in-process ports and a clock of its own.

use std::time::Duration;

use super::phase::{self, Site, StudyState};
use super::plan::{self, BEFORE, DRAIN, HOSPITAL, Plan, SURGERY};
use super::progress::EVERY;
use super::{DemoError, DemoOptions, Progress, configuration};
use crate::hop::{Hop, HopError};
use crate::host::{Access, Host, HostSpec};
use crate::report::{Mode, Outcome};
use crate::traffic::Way;
use dataplane::time::Time;

/// The hosts' links to the router.
const ACCESS: Access = Access { rate: 1_000_000_000, delay: Duration::from_micros(500) };
/// Bytes that a host's TCP has on the way at most.
const WINDOW: usize = 256 * 1024;
/// Bytes of IP and TCP headers with timestamps (RFC 7323).
const HEADERS: u64 = 52;
/// How many times its planned length a phase may take: nobody waits for virtual time.
const PATIENT: u64 = 3;
/// Longest wait for the gateways to answer, nanoseconds.
const PATIENCE: u64 = 10_000_000_000;

/// The router between its two hosts.
struct World {
    hop: Hop,
    /// When both began to send.
    start: Time,
    qos: bool,
    told: u64,
}

/// Runs one phase.
pub(super) fn run(
    plan: &Plan,
    qos: bool,
    options: &DemoOptions,
    progress: &mut dyn FnMut(&Progress),
) -> Result<Outcome, DemoError> {
    let mut world = World::new(plan, qos)?;
    world.begin(plan)?;
    let mut tell = |world: &mut World, done| {
        options.stopped()?;
        progress(&world.progress(plan, done));
        Ok(())
    };
    world.until(world.start.nanos() + BEFORE, |_| false, &mut tell)?;
    let mut study = StudyState::default();
    study.other.0 = world.hop.surgery.meter().total();
    world.hop.hospital.offer_study(plan.study);
    let now = world.hop.now();
    world.hop.surgery.fetch_study(plan.study, now);
    let fetched = |world: &World| world.hop.surgery.study().is_some_and(|s| s.is_finished());
    world.until(world.start.nanos() + PATIENT * plan.phase, fetched, &mut tell)?;
    study.other.1 = world.hop.surgery.meter().total();
    study.done = world.done();
    study.waited = Duration::from_nanos(world.hop.now().since(world.start).saturating_sub(BEFORE));
    study.took = world.hop.surgery.study().and_then(|s| s.took());
    world.stop();
    let end = world.hop.now().nanos() + DRAIN;
    world.until(end, |_| false, &mut tell)?;
    phase::outcome(plan, [world.hop.surgery.site(), world.hop.hospital.site()], &study, HEADERS)
}

type Tell<'a> = dyn FnMut(&mut World, u64) -> Result<(), DemoError> + 'a;

impl From<HopError> for DemoError {
    fn from(error: HopError) -> Self {
        match error {
            HopError::Configuration(why) => Self::Configuration(why),
            HopError::Router(why) => Self::Router(why),
        }
    }
}

impl World {
    fn new(plan: &Plan, qos: bool) -> Result<Self, DemoError> {
        let (surgery, hospital) = (spec(SURGERY, HOSPITAL, plan.seed), spec(HOSPITAL, SURGERY, plan.seed));
        let hop = Hop::new(&configuration(Mode::Virtual, qos), surgery, hospital)?;
        Ok(Self { hop, start: Time::ZERO, qos, told: 0 })
    }

    /// Waits until both hosts know their gateways and sets them talking.
    fn begin(&mut self, plan: &Plan) -> Result<(), DemoError> {
        self.hop.settle(PATIENCE)?;
        self.start = self.hop.now();
        self.told = self.start.nanos();
        let schedule = |way| plan.mix.schedule(way, self.start.nanos(), u64::MAX, plan.seed);
        let (up, down) = (schedule(Way::Up), schedule(Way::Down));
        self.hop.surgery.send(up);
        self.hop.hospital.send(down);
        Ok(())
    }

    /// Runs until the clock shows `end` nanoseconds or `done` says so.
    fn until(
        &mut self,
        end: u64,
        done: impl Fn(&Self) -> bool,
        tell: &mut Tell<'_>,
    ) -> Result<(), DemoError> {
        while self.hop.now().nanos() < end && !done(self) {
            self.hop.step();
            if self.hop.now().nanos() >= self.told + EVERY {
                self.told = self.hop.now().nanos();
                let bytes = self.done();
                tell(self, bytes)?;
            }
        }
        Ok(())
    }

    /// Bytes of the study that the surgery has.
    fn done(&self) -> u64 {
        self.hop.surgery.study().map_or(0, |study| study.done())
    }

    /// No new packets of the models from now on.
    fn stop(&mut self) {
        let now = self.hop.now().nanos();
        for host in [&mut self.hop.surgery, &mut self.hop.hospital] {
            if let Some(schedule) = host.schedule_mut() {
                schedule.stop(now);
            }
        }
    }

    fn progress(&mut self, plan: &Plan, done: u64) -> Progress {
        let elapsed = self.hop.now().since(self.start);
        let worst = [self.hop.surgery.meter_mut().take_worst(), self.hop.hospital.meter_mut().take_worst()];
        phase::progress(
            plan,
            self.qos,
            elapsed,
            [self.hop.surgery.site(), self.hop.hospital.site()],
            worst,
            done,
        )
    }
}

impl Host {
    fn site(&self) -> Site<'_> {
        Site { sent: self.schedule().map(|s| s.sent()), received: self.meter() }
    }
}

fn spec(own: std::net::Ipv4Addr, peer: std::net::Ipv4Addr, seed: u64) -> HostSpec {
    let [a, b, c, last] = own.octets();
    HostSpec {
        mac: [2, 0, a, b, c, last],
        address: plan::subnet(own),
        gateway: plan::gateway(own),
        peer,
        access: ACCESS,
        back: ACCESS,
        window: WINDOW,
        seed: seed ^ u64::from(b),
    }
}
