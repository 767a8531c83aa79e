//! Queues that TCP fills: no standing delay, each flow its part (RFC 8289, RFC 8290).

use dataplane::class::TrafficClass;
use dataplane::packet::DropReason;
use dataplane::qos::QueueStats;
use testbed::lab::{Lab, ms, secs};
use testbed::network::{End, Network, Node, Station, Talk};

/// A server behind "far" that talks to a caller behind "near", and a shaped way to this.
struct Link {
    network: Network,
    node: Node,
    server: End,
    caller: End,
    talks: Vec<Talk>,
}

impl Link {
    /// A way of `rate`, 10 ms long each way; `standard` are settings of the class that TCP is in.
    fn new(rate: &str, standard: &str) -> Self {
        let text = format!(
            "[[port]]\nname = \"near\"\nkind = \"loopback\"\n[[port]]\nname = \"far\"\nkind = \"loopback\"\n\
             [[interface]]\nname = \"far\"\naddresses = [\"10.2.0.254/24\"]\n\
             [[interface]]\nname = \"near\"\naddresses = [\"10.1.0.254/24\"]\n\
             qos = {{ rate = \"{rate}\", standard = {{ {standard} }} }}\n"
        );
        let mut network = Network::new(5);
        let node = network.add(Lab::with_size(&text, |size| size.buffers = 8_192));
        let [server, caller] = [("far", 2), ("near", 1)].map(|(port, net)| {
            let address = [format!("10.{net}.0.7/24").parse().unwrap()];
            let gateway = [format!("10.{net}.0.254").parse().unwrap()];
            network.attach((node, port), Station::new([2, 0, 0, 0, net, 7], &address, &gateway, 3), ms(5))
        });
        Self { network, node, server, caller, talks: Vec::new() }
    }

    /// One more transfer that does not end.
    fn begin(&mut self, bytes: usize) {
        let port = 1_000 + self.talks.len() as u16;
        self.network.station(self.server).listen(port, &vec![7; bytes]);
        let to = "10.2.0.7".parse().unwrap();
        self.talks.push(self.network.station(self.caller).call(to, port, b"please").unwrap());
    }

    fn heard(&mut self) -> Vec<usize> {
        let station = self.network.station(self.caller);
        self.talks.iter().map(|talk| station.heard(*talk).len()).collect()
    }

    /// What the class of TCP went through on the shaped way.
    fn stats(&mut self) -> QueueStats {
        let lab = self.network.lab(self.node);
        let near = lab.snapshot().interface_named("near").map(|i| i.id).unwrap();
        let queues = lab.router().workers().iter().flat_map(|worker| worker.queues());
        let mut trees = queues.filter_map(|queue| queue.egress.as_ref());
        trees.find_map(|tree| tree.scheduler.stats(near, TrafficClass::Standard)).unwrap()
    }

    /// Bytes that stand in each 200 ms: the least that waited at any time of it.
    fn standing(&mut self, windows: usize) -> Vec<u64> {
        let mut least = |_| {
            let mut least = u64::MAX;
            for _ in 0..40 {
                self.network.run(ms(5));
                least = least.min(self.stats().depth.bytes);
            }
            least
        };
        (0..windows).map(&mut least).collect()
    }
}

/// What four transfers of 16 kB/s and more leave standing at 10 Mbit/s, sorted, and what they were dropped for.
fn standing(standard: &str) -> (Vec<u64>, QueueStats, usize) {
    let mut link = Link::new("10 Mbit/s", standard);
    (0..4).for_each(|_| link.begin(8_000_000));
    link.network.run(secs(2));
    let before: usize = link.heard().iter().sum();
    let mut standing = link.standing(20);
    standing.sort_unstable();
    let heard = link.heard().iter().sum::<usize>() - before;
    (standing, link.stats(), heard)
}

#[test]
fn tcp_leaves_no_standing_queue_where_delay_is_controlled() {
    // 8.77 ms at 10 Mbit/s: a full frame at the 1.4 Mbit/s that Standard is sure of; and the frame that is judged.
    let target = 10_960 + 1_514;
    let (codel, stats, heard) = standing("aqm = \"codel\", flows = 0, limit = \"1 MB\"");
    assert!(stats.dropped(DropReason::Codel).packets > 0);
    assert!(codel[codel.len() * 9 / 10] <= 2 * target, "{codel:?}");
    assert!(codel[codel.len() / 2] <= target, "{codel:?}");
    assert!(heard as f64 * 8.0 / 4.0 > 0.9 * 9.4e6, "the line is used: {heard} bytes in 4 s");
    let (tail, ..) = standing("aqm = \"tail\", flows = 0, limit = \"1 MB\"");
    assert!(tail[0] > 4 * target, "without it a queue stands: {tail:?}");
}

/// Room for every window, so that each transfer always has something waiting and none is held back by its own losses.
#[test]
fn many_transfers_and_one_that_comes_late_get_equal_parts() {
    let mut link = Link::new("40 Mbit/s", "aqm = \"tail\", limit = \"8 MB\"");
    (0..25).for_each(|_| link.begin(4_000_000));
    link.network.run(secs(2));
    // One more comes late.
    link.begin(4_000_000);
    link.network.run(secs(2));
    let before = link.heard();
    link.network.run(secs(3));
    let got: Vec<_> = link.heard().iter().zip(&before).map(|(now, then)| now - then).collect();
    let mean = got.iter().sum::<usize>() as f64 / 26.0;
    // A quantum, and the frame that was begun.
    assert!(got.iter().all(|g| (*g as f64 - mean).abs() <= 2.0 * 1_460.0), "{mean} {got:?}");
}
