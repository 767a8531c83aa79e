//! Two memif ports of one router, each the other's peer: no root needed.

use super::common::Router;

const REST: &str = r#"
[[vrf]]
name = "red"
[[interface]]
name = "near"
addresses = ["10.0.0.1/24"]
[[interface]]
name = "far"
vrf = "red"
addresses = ["10.0.0.2/24"]
"#;

fn config(socket: &str, client: &str) -> String {
    let port = |name: &str, role: &str, more: &str| {
        format!(
            "[[port]]\nname = \"{name}\"\nkind = \"memif\"\nqueues = 2\nrole = \"{role}\"\nsocket = \"{socket}\"\n{more}\n"
        )
    };
    format!(
        "[router]\nmode = \"interrupt\"\nbuffers = 1024\n{}{}{REST}",
        port("near", "server", ""),
        port("far", "client", client)
    )
}

/// The peers of both ports, once both are connected for the `times`th time.
fn connected(router: &Router, times: u64) -> serde_json::Value {
    let start = std::time::Instant::now();
    loop {
        let rows = router.run(&["show", "ports", "--json"]).json();
        let is = |n: usize| rows[n]["memif"]["connected"] == true && rows[n]["memif"]["connections"] == times;
        if is(0) && is(1) && rows[0]["link"] == "up" && rows[1]["link"] == "up" {
            return rows;
        }
        assert!(start.elapsed().as_secs() < 30, "{rows:#}");
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
}

#[test]
fn a_router_reaches_itself_through_shared_memory() {
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("memif.sock");
    let text = |client: &str| config(socket.to_str().unwrap(), client);
    let router = Router::start(&text("secret = \"not shown\""));
    let rows = connected(&router, 1);
    let near = &rows.as_array().unwrap().iter().find(|row| row["name"] == "near").unwrap()["memif"];
    assert_eq!((near["role"].as_str(), near["interface"].as_str()), (Some("server"), Some("far")));
    assert_eq!(near["peer"], concat!("viaduct ", env!("CARGO_PKG_VERSION")));
    assert_eq!(
        near["rings"].as_array().map(|rings| (rings.len(), rings[0]["size"].as_u64())),
        Some((2, Some(1024)))
    );
    // Routes follow the link a moment later, and each address is looked for on it first.
    let ping = |size: &str| {
        let start = std::time::Instant::now();
        while router.run(&["ping", "10.0.0.2", "-c", "3", "-i", "0", "--size", size]).code != 0 {
            assert!(start.elapsed().as_secs() < 30, "{}", router.run(&["show", "drops"]).out);
        }
    };
    ping("56");
    let table = router.run(&["show", "ports"]).done();
    assert!(
        table.contains("memif") && table.contains("connected") && table.contains(socket.to_str().unwrap()),
        "{table}"
    );
    // What leaves a port as it is leaves it connected; what changes it connects anew.
    let apply = |text: &str| router.run(&["apply", &router.file("new.toml", text)]).done();
    apply(&(text("secret = \"not shown\"") + "[[route]]\nprefix = \"10.9.0.0/16\"\nvia = \"10.0.0.2\"\n"));
    connected(&router, 1);
    apply(&text("ring-size = 64\nbuffer-size = 64\nmode = \"poll\""));
    let start = std::time::Instant::now();
    while router.run(&["show", "ports", "--json"]).json().to_string().matches("\"size\":64").count() != 4 {
        assert!(start.elapsed().as_secs() < 30);
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    // Frames of 1,000 bytes take sixteen buffers.
    ping("958");
}
