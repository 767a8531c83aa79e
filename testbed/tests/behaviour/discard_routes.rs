//! Routes that discard: without a word, unreachable, prohibited (RFC 1812 section 5.2.7.1).

use dataplane::packet::DropReason;
use testbed::packet::*;

use super::{FAMILIES, TWO, lab, two_with};

#[test]
fn each_kind_says_what_it_should() {
    let routes = r#"
        [[route]]
        prefix = "10.9.0.0/24"
        discard = "blackhole"
        [[route]]
        prefix = "10.9.1.0/24"
        discard = "unreachable"
        [[route]]
        prefix = "10.9.2.0/24"
        discard = "prohibited"
        [[route]]
        prefix = "2001:db8:9::/64"
        discard = "blackhole"
        [[route]]
        prefix = "2001:db8:9:1::/64"
        discard = "unreachable"
        [[route]]
        prefix = "2001:db8:9:2::/64"
        discard = "prohibited"
    "#;
    let mut lab = lab(&two_with("", routes));
    for f in FAMILIES {
        let host = |n: u8| if f.v6 { format!("2001:db8:9:{n}::1") } else { format!("10.9.{n}.1") };
        lab.send("ge0", ip(f.a, &host(0)) / udp(1));
        lab.expect_nothing_else();
        lab.expect_drop(DropReason::Blackhole);
        let told = [
            (1, f.icmp((3, 1), (1, 3)), DropReason::Unreachable),
            (2, f.icmp((3, 13), (1, 1)), DropReason::Prohibited),
        ];
        for (n, error, reason) in told {
            let lost = || ip(f.a, &host(n)) / udp(1) / payload(30);
            lab.send("ge0", lost());
            lab.expect("ge0", ip(f.ra, f.a) / error.quoting(lost()));
            lab.expect_drop(reason);
        }
    }
    lab.expect_nothing_else();
}

#[test]
fn a_longer_prefix_goes_through_a_discard() {
    let route = "[[route]]\nprefix = \"10.0.0.0/8\"\ndiscard = \"blackhole\"\n[[route]]\nprefix = \"2001:db8::/32\"\ndiscard = \"blackhole\"";
    let mut lab = lab(&two_with("", route));
    for f in FAMILIES {
        lab.send("ge0", f.ab() / udp(1));
        lab.expect("ge1", f.ab().ttl(63) / udp(1));
        lab.send("ge0", ip(f.a, f.beyond.1) / udp(1));
        lab.expect_drop(DropReason::Blackhole);
    }
}

#[test]
fn an_interface_that_is_down_forwards_nothing() {
    let mut lab = lab(TWO);
    lab.apply(&two_with("enabled = false", ""));
    for f in FAMILIES {
        lab.send("ge1", ip(f.b, f.a) / udp(1));
        lab.expect_drop(DropReason::InterfaceDown);
        lab.send("ge0", f.ab() / udp(1));
        lab.run(testbed::lab::ms(1));
        assert_eq!(lab.drops().iter().map(|(_, n)| n).sum::<u64>(), 1);
        assert!(lab.take("ge1").is_empty());
        lab.forget();
    }
    lab.apply(TWO);
    lab.run(testbed::lab::secs(15));
    lab.forget();
    for f in FAMILIES {
        lab.send("ge0", f.ab() / udp(1));
        lab.expect("ge1", f.ab().ttl(63) / udp(1));
    }
}
