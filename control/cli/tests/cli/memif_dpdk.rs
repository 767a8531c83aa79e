//! testpmd → router → testpmd, through shared memory: `dpdk-testpmd` (Debian's package
//! dpdk-dev) makes flows on two ports and takes what comes back on either.

use std::path::Path;

use testbed::testpmd::Testpmd;

use super::common::Router;

/// Two ports of one Vrf, and half of testpmd's destinations behind each.
fn config(folder: &Path) -> String {
    let mut text = String::from("[router]\nmode = \"interrupt\"\nbuffers = 4096\n[[vrf]]\nname = \"red\"\n");
    for port in 0..2 {
        text.push_str(&format!(
            r#"
            [[port]]
            name = "p{port}"
            kind = "memif"
            role = "server"
            socket = "{}"
            [[interface]]
            name = "p{port}"
            vrf = "red"
            addresses = ["10.0.{port}.1/24"]
            mac = "00:01:02:03:04:01"     # that flowgen sends to
            [interface.qos]
            rate = "10 Gbit/s"
            [[neighbour]]
            interface = "p{port}"
            address = "10.0.{port}.2"
            mac = "02:00:00:00:00:{port:02}"
            [[route]]
            vrf = "red"
            prefix = "10.253.{}.0/23"
            via = "10.0.{port}.2"
            "#,
            folder.join(format!("{port}.sock")).display(),
            2 * port,
        ));
    }
    text
}

/// A testpmd that makes flows on both ports.
fn flows(folder: &Path) -> Option<Testpmd> {
    let device = |port: u8| format!("role=client,socket={}", folder.join(format!("{port}.sock")).display());
    Testpmd::start(&[device(0), device(1)], &["--forward-mode=flowgen"])
}

#[test]
fn flows_of_testpmd_come_back_routed() {
    let folder = tempfile::tempdir().unwrap();
    let mut router = Router::start(&config(folder.path()));
    let Some(testpmd) = flows(folder.path()) else { return };
    let sent = |router: &Router| -> Vec<u64> {
        let rows = router.run(&["show", "interfaces", "--json"]).json();
        rows.as_array().unwrap().iter().map(|row| row["sent"]["frames"].as_u64().unwrap()).collect()
    };
    // More than are received below: some of them are still in the rings when testpmd ends.
    router.until("frames leave by both ports", |router| sent(router).iter().all(|frames| *frames > 20_000));
    let said = testpmd.end();
    // Its last counts are of both ports together.
    let counted = said.rsplit("Accumulated").next().and_then(|rest| rest.split("RX-packets:").nth(1));
    let received: u64 = counted.unwrap().split_whitespace().next().unwrap().parse().unwrap();
    assert!(received > 20_000, "{said}");
    router.until("the links are down", |router| {
        let rows = router.run(&["show", "ports", "--json"]).json();
        rows.as_array().unwrap().iter().all(|row| row["memif"]["connected"] == false)
    });
    // Every frame is accounted for, once none is on its way.
    router.until("the balance", |router| {
        let drops = router.run(&["show", "drops", "--json"]).json();
        let count = |name: &str| drops[name].as_i64().unwrap();
        let came = count("received") + count("originated") + count("fragments");
        came == count("sent") + count("delivered") + count("dropped") && count("held") == 0
    });
    assert!(router.run(&["show", "ports"]).done().contains("DPDK "), "the peer's name stays");
}
