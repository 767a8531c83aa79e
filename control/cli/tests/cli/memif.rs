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

/// What the router needs its clients' frames for: it lends them to itself.
#[test]
fn a_router_lends_its_frames_and_takes_each_back() {
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("memif.sock");
    let text = |client: &str| config(socket.to_str().unwrap(), client);
    let lends = text("zero-copy = true\nring-size = 256");
    let mut router = Router::start(&lends);
    let rows = connected(&router, 1);
    let of = |name: &str| {
        rows.as_array().unwrap().iter().find(|row| row["name"] == name).unwrap()["memif"]["zero_copy"].clone()
    };
    assert_eq!((of("near"), of("far")), (false.into(), true.into()));
    let table = router.run(&["show", "ports"]).done();
    assert!(table.contains("ZERO-COPY") && table.contains("yes"), "{table}");
    let check = router.run(&["check", &router.file("lends.toml", &lends)]);
    let warned = "can read and change every packet in this router";
    assert!(
        check.code == 0 && (check.out.clone() + &check.err).contains(warned),
        "{}{}",
        check.out,
        check.err
    );
    let ping = |router: &Router, size: &str| {
        let start = std::time::Instant::now();
        while router.run(&["ping", "10.0.0.2", "-c", "3", "-i", "0", "--size", size]).code != 0 {
            assert!(start.elapsed().as_secs() < 30, "{}", router.run(&["show", "drops"]).out);
        }
    };
    for size in ["56", "958", "1472"] {
        ping(&router, size);
    }
    // What the rings hold is beside the buffers that were asked for.
    let free = |router: &Router| -> Vec<(i64, i64)> {
        let rows = router.run(&["show", "workers", "--json"]).json();
        let pool = |row: &serde_json::Value| {
            (row["pool_free"].as_i64().unwrap(), row["pool_total"].as_i64().unwrap())
        };
        rows.as_array().unwrap().iter().map(pool).collect()
    };
    assert!(free(&router).iter().all(|(free, all)| (all - 1024..*all).contains(free)), "{:?}", free(&router));
    // Where frames are copied again, every one that was lent comes back.
    let apply = |router: &Router, text: &str| router.run(&["apply", &router.file("new.toml", text)]).done();
    apply(&router, &text("ring-size = 256"));
    router.until("every frame is back", |router| free(router).iter().all(|(free, all)| free == all));
    let told = router.run(&["apply", &router.file("new.toml", &lends)]);
    assert!(told.code == 0 && told.err.contains(warned), "{}{}", told.out, told.err);
    ping(&router, "958");
    // And with the ports.
    apply(&router, "[router]\nmode = \"interrupt\"\nbuffers = 1024\n");
    router.until("every frame is back", |router| free(router).iter().all(|(free, all)| free == all));
}

#[test]
fn a_router_whose_frames_cannot_be_shared_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("memif.sock");
    let text = |client: &str| config(socket.to_str().unwrap(), client);
    let router = Router::start(&text(""));
    let refused = router.run(&["apply", &router.file("new.toml", &text("zero-copy = true"))]);
    assert!(refused.code != 0 && refused.err.contains("restart it with this file"), "{}", refused.err);
    connected(&router, 1);
}
