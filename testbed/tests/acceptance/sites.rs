//! Two sites of one line, with TCP: idle bandwidth is borrowed inside the site first, then
//! between sites by weight.
//!
//! ```text
//!  server ── hub ══ wan, 40 Mbit/s ══ edge ── one ── caller     VLAN 1, 10 Mbit/s guaranteed, weight 1
//!                                        └─── two ── caller     VLAN 2, 10 Mbit/s guaranteed, weight 3
//! ```

use dataplane::class::TrafficClass::{self, Imaging, Standard};
use testbed::lab::{Lab, ms, secs};
use testbed::network::{End, Network, Node, Station};

/// By the server's port: 1,000 and up are Imaging, the others are Standard.
const HUB: &str = r#"
    [[port]]
    name = "core"
    kind = "loopback"
    [[port]]
    name = "wan"
    kind = "loopback"
    rate = "40 Mbit/s"

    [[interface]]
    name = "core"
    addresses = ["10.0.0.254/24"]
    [[rule]]
    name = "studies"
    interface = "core"
    protocol = "tcp"
    source-port = "1000-1999"
    class = "imaging"

    [[interface]]
    name = "one"
    port = "wan"
    vlan = 1
    addresses = ["172.16.1.1/30"]
    qos = { rate = "40 Mbit/s", guaranteed = "10 Mbit/s", overhead = "ethernet", weight = 1 }
    [[interface]]
    name = "two"
    port = "wan"
    vlan = 2
    addresses = ["172.16.2.1/30"]
    qos = { rate = "40 Mbit/s", guaranteed = "10 Mbit/s", overhead = "ethernet", weight = 3 }

    [[route]]
    prefix = "10.1.0.0/24"
    via = "172.16.1.2"
    [[route]]
    prefix = "10.2.0.0/24"
    via = "172.16.2.2"
"#;

const EDGE: &str = r#"
    [[port]]
    name = "line"
    kind = "loopback"
    [[port]]
    name = "one"
    kind = "loopback"
    [[port]]
    name = "two"
    kind = "loopback"

    [[interface]]
    name = "line.1"
    port = "line"
    vlan = 1
    addresses = ["172.16.1.2/30"]
    [[interface]]
    name = "line.2"
    port = "line"
    vlan = 2
    addresses = ["172.16.2.2/30"]
    [[interface]]
    name = "one"
    addresses = ["10.1.0.254/24"]
    [[interface]]
    name = "two"
    addresses = ["10.2.0.254/24"]

    [[route]]
    prefix = "10.0.0.0/24"
    via = ["172.16.1.1", "172.16.2.1"]
"#;

/// Of a line's bits, those of full frames at layer 2: 1,518 with a tag, 1,542 on the line.
const LAYER2: f64 = 1_518.0 / 1_542.0;
/// Weights of classes when nothing is said.
const IMAGING: f64 = 25.0;
const STANDARD: f64 = 20.0;

struct Sites {
    network: Network,
    hub: Node,
    server: End,
    callers: [End; 2],
    port: u16,
}

impl Sites {
    fn new() -> Self {
        let mut network = Network::new(5);
        let (hub, edge) = (network.add(Lab::new(HUB)), network.add(Lab::new(EDGE)));
        network.join((hub, "wan"), (edge, "line"), ms(4), 0);
        let mut attach = |at, net: u8| {
            let address = [format!("10.{net}.0.7/24").parse().unwrap()];
            let gateway = [format!("10.{net}.0.254").parse().unwrap()];
            network.attach(at, Station::new([2, 0, 0, 0, net, 7], &address, &gateway, 3), ms(1))
        };
        let server = attach((hub, "core"), 0);
        let callers = [attach((edge, "one"), 1), attach((edge, "two"), 2)];
        Self { network, hub, server, callers, port: 0 }
    }

    /// Four more transfers of a class to a site that do not end.
    fn begin(&mut self, site: usize, class: TrafficClass) {
        for _ in 0..4 {
            self.port += 1;
            let port = self.port + if class == Imaging { 1_000 } else { 2_000 };
            self.network.station(self.server).listen(port, &vec![7; 32_000_000]);
            let to = "10.0.0.7".parse().unwrap();
            self.network.station(self.callers[site]).call(to, port, b"please").unwrap();
        }
        self.network.run(secs(1));
    }

    /// Mbit/s of the line that each class of each site takes in two seconds must be these, to
    /// a twentieth of the line: TCP lets turns pass when it is told to slow down, and others take them.
    #[track_caller]
    fn share(&mut self, expected: [(&str, TrafficClass, f64); 4]) {
        self.network.run(secs(2));
        let lab = self.network.lab(self.hub);
        let got = expected.map(|(site, class, _)| lab.rate(site, class) / LAYER2 / 1e6);
        let near = expected.iter().zip(got).all(|((.., expected), got)| (got - expected).abs() < 1.0);
        let sum: f64 = got.iter().sum();
        assert!(near && sum > 39.0, "got {got:?}, expected {expected:?}");
    }
}

#[test]
fn idle_bandwidth_is_lent_inside_the_site_and_then_by_weight() {
    let mut sites = Sites::new();
    let shares = |one: [f64; 2], two: [f64; 2]| {
        let [a, b] = [("one", one), ("two", two)];
        [(a.0, Imaging, a.1[0]), (a.0, Standard, a.1[1]), (b.0, Imaging, b.1[0]), (b.0, Standard, b.1[1])]
    };
    let split = |rate: f64| [IMAGING, STANDARD].map(|weight| rate * weight / (IMAGING + STANDARD));
    // Alone, a class has what the others of its site leave, and that site what the other leaves.
    sites.begin(0, Imaging);
    sites.share(shares([40.0, 0.0], [0.0, 0.0]));
    // What one class of a site does not need is the site's other class's.
    sites.begin(1, Imaging);
    // Each has its 10 Mbit/s; the other 20 are lent by weight, 1 to 3.
    sites.share(shares([15.0, 0.0], [25.0, 0.0]));
    // A second class of a site takes of its own site, and nothing of the other.
    sites.begin(0, Standard);
    sites.share(shares(split(15.0), [25.0, 0.0]));
    sites.begin(1, Standard);
    sites.share(shares(split(15.0), split(25.0)));
}
