//! Time to live and hop limit (RFC 1812 section 5.3.1, RFC 4443 section 3.3).

use dataplane::packet::DropReason;
use testbed::packet::*;

use super::{FAMILIES, TWO, lab};

#[test]
fn it_is_lowered_by_one() {
    let mut lab = lab(TWO);
    for f in FAMILIES {
        for ttl in [255, 64, 3, 2] {
            lab.send("ge0", f.ab().ttl(ttl) / udp(33434));
            lab.expect("ge1", f.ab().ttl(ttl - 1) / udp(33434));
        }
    }
    lab.expect_no_drops();
}

#[test]
fn when_it_runs_out_the_sender_hears_of_it() {
    let mut lab = lab(TWO);
    for f in FAMILIES {
        let last = || f.ab().ttl(1) / udp(33434) / payload(32);
        lab.send("ge0", last());
        lab.expect("ge0", ip(f.ra, f.a) / f.icmp((11, 0), (3, 0)).quoting(last()));
        lab.expect_drop(DropReason::TtlExpired);
    }
    lab.expect_nothing_else();
}

#[test]
fn the_router_itself_is_reached_with_the_last_hop() {
    let mut lab = lab(TWO);
    for f in FAMILIES {
        for router in [f.ra, f.rb] {
            let (request, reply) = f.echo(1);
            lab.send("ge0", ip(f.a, router).ttl(1) / request / payload(8));
            lab.expect("ge0", ip(router, f.a) / reply / payload(8));
        }
    }
    lab.expect_no_drops();
}

#[test]
fn a_ttl_of_zero_goes_nowhere() {
    let mut lab = lab(TWO);
    for f in FAMILIES {
        lab.send("ge0", f.ab().ttl(0) / udp(33434));
        lab.run(testbed::lab::ms(10));
        assert!(lab.take("ge1").is_empty());
        lab.expect_drop(DropReason::TtlExpired);
    }
}
