//! Several workers: receive queues spread over them, one owner per scheduler tree.

use testbed::lab::{Lab, ms};
use testbed::packet::*;

use super::{FAMILIES, TWO, lab};

/// A router whose ports have a queue for each worker.
fn spread(workers: usize) -> Lab {
    lab(&format!("[router]\nworkers = {workers}\n{TWO}"))
}

#[test]
fn frames_of_every_queue_leave_by_the_owner_in_the_order_of_their_flow() {
    for queues in 1..=5 {
        let mut lab = spread(queues);
        for f in FAMILIES {
            for n in 0..60u32 {
                for queue in 0..queues {
                    lab.send_on("ge0", queue, f.ab() / tcp(queue as u16).seq(n));
                    lab.send_on("ge1", queue, ip(f.b, f.a) / tcp(queue as u16).seq(n));
                }
            }
            lab.run(ms(10));
            for port in ["ge0", "ge1"] {
                let mut next = vec![0; queues];
                for seen in lab.take(port) {
                    let packet = Packet::decode(&seen.bytes);
                    let tcp = packet.layer(Kind::Tcp).unwrap();
                    let flow = tcp.number("dport").unwrap() as usize;
                    assert_eq!(tcp.number("seq"), Some(next[flow]), "{queues} workers, queue {flow}");
                    next[flow] += 1;
                }
                assert_eq!(next, vec![60; queues]);
            }
        }
        lab.expect_no_drops();
    }
}

#[test]
fn the_router_answers_whatever_worker_hears() {
    let mut lab = spread(3);
    for f in FAMILIES {
        for queue in 0..3 {
            let (request, reply) = f.echo(queue as u16);
            lab.send_on("ge0", queue, ip(f.a, f.ra) / request);
            lab.expect("ge0", ip(f.ra, f.a) / reply);
            lab.send_on("ge0", queue, f.ab().ttl(1) / udp(1));
            lab.expect("ge0", ip(f.ra, f.a) / f.icmp((11, 0), (3, 0)).quoting(f.ab().ttl(1) / udp(1)));
        }
    }
}
