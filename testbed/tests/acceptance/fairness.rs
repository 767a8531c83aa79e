//! A hundred TCP flows and one in the same class: each gets its part (RFC 8290).

use dataplane::class::TrafficClass::{self, Imaging, Standard};
use testbed::lab::{Lab, ms, secs, us};
use testbed::network::{End, Network, Station, Talk};

/// Flows that are there before the one.
const MANY: usize = 100;
/// Bytes of a full segment.
const SEGMENT: f64 = 1_460.0;

/// A server behind "far", a caller behind "near", and a shaped way to the caller, 10 ms
/// there and back; all TCP is of one class.
struct Link {
    network: Network,
    server: End,
    caller: End,
    talks: Vec<Talk>,
}

impl Link {
    /// A way of so many Mbit/s; `settings` are the class's.
    fn new(rate: u32, class: TrafficClass, settings: &str) -> Self {
        let class = class.name();
        let mut network = Network::new(5);
        let node = network.add(lab(&format!(
            "[[port]]\nname = \"near\"\nkind = \"loopback\"\n[[port]]\nname = \"far\"\nkind = \"loopback\"\n\
             [[interface]]\nname = \"far\"\naddresses = [\"10.2.0.254/24\"]\n\
             [[interface]]\nname = \"near\"\naddresses = [\"10.1.0.254/24\"]\n\
             qos = {{ rate = \"{rate} Mbit/s\", {class} = {{ {settings} }} }}\n\
             [[rule]]\nname = \"bulk\"\ninterface = \"far\"\nprotocol = \"tcp\"\nclass = \"{class}\"\n"
        )));
        let [server, caller] = [("far", 2), ("near", 1)].map(|(port, net)| {
            let address = [format!("10.{net}.0.7/24").parse().unwrap()];
            let gateway = [format!("10.{net}.0.254").parse().unwrap()];
            let station = Station::new([2, 0, 0, 0, net, 7], &address, &gateway, 3);
            network.attach((node, port), station, us(2_500))
        });
        Self { network, server, caller, talks: Vec::new() }
    }

    /// One more transfer that does not end.
    fn begin(&mut self) {
        let port = 1_000 + self.talks.len() as u16;
        self.network.station(self.server).listen(port, &vec![7; 8_000_000]);
        let to = "10.2.0.7".parse().unwrap();
        self.talks.push(self.network.station(self.caller).call(to, port, b"please").unwrap());
    }

    fn heard(&mut self) -> Vec<usize> {
        let station = self.network.station(self.caller);
        self.talks.iter().map(|talk| station.heard(*talk).len()).collect()
    }

    /// Bytes that each flow gets in `seconds`, the one that came later being the last.
    fn parts(mut self, seconds: u64) -> Vec<f64> {
        (0..MANY).for_each(|_| self.begin());
        self.network.run(secs(1));
        self.begin();
        self.network.run(ms(500));
        let before = self.heard();
        self.network.run(secs(seconds));
        self.heard().iter().zip(&before).map(|(now, then)| (now - then) as f64).collect()
    }
}

/// With buffers for all that the flows have on their way.
fn lab(text: &str) -> Lab {
    let mut lab = Lab::with_size(text, |size| size.buffers = 32_768);
    lab.run(secs(15));
    lab.forget();
    lab
}

fn mean(parts: &[f64]) -> f64 {
    parts.iter().sum::<f64>() / parts.len() as f64
}

/// Room for every window, so that each always has something waiting: then the parts differ by a
/// quantum, and the segment that was begun.
#[test]
fn a_hundred_flows_and_one_that_always_have_something_waiting_get_equal_parts() {
    for class in [Imaging, Standard] {
        let parts = Link::new(200, class, "aqm = \"tail\", limit = \"12 MB\"").parts(1);
        let mean = mean(&parts);
        assert!(mean * 101.0 * 8.0 > 0.94 * 200e6, "{class:?}: the line is not used: {mean}");
        assert!(parts.iter().all(|part| (part - mean).abs() <= 2.0 * SEGMENT), "{class:?}: {mean} {parts:?}");
    }
}

/// As the class is when nothing is said, a flow that is told to slow down may let turns pass: nobody
/// gets more than a twentieth over its part by that. One that lost the end of its window waits for
/// its timer, a second at least (RFC 6298 section 2.4): half of the time that is looked at.
#[test]
fn a_hundred_flows_and_one_whose_delay_is_controlled_get_their_parts() {
    let parts = Link::new(400, Imaging, "").parts(2);
    let (mean, late) = (mean(&parts), parts[MANY]);
    assert!(mean * 101.0 * 8.0 / 2.0 > 0.94 * 400e6, "the line is not used: {mean}");
    assert!(parts.iter().all(|part| (0.45..1.05).contains(&(part / mean))), "{mean} {parts:?}");
    assert!(parts.iter().filter(|part| **part < 0.95 * mean).count() <= MANY / 10, "{mean} {parts:?}");
    assert!(late > 0.95 * mean, "the one that came later gets {late} of {mean}");
}
