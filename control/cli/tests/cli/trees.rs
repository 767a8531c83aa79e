//! A port with several scheduler trees, against a router process.

use super::common::Router;

/// Four sites on a port of two workers, in so many trees.
fn config(socket: &str, trees: u8, burst: &str) -> String {
    let site = |n: u8| {
        format!(
            "[[interface]]\nname = \"s{n}\"\nport = \"wan\"\nvlan = {n}\naddresses = [\"10.0.{n}.1/24\"]\n\
             [interface.qos]\nrate = \"10 Mbit/s\"\n"
        )
    };
    format!(
        "[router]\nworkers = 2\nmode = \"interrupt\"\nbuffers = 1024\n\
         [[port]]\nname = \"wan\"\nkind = \"memif\"\nrole = \"server\"\nsocket = \"{socket}\"\n\
         queues = 4\ntrees = {trees}\nrate = \"100 Mbit/s\"\nburst = \"{burst}\"\n{}",
        (1..=4).map(site).collect::<String>()
    )
}

#[test]
fn trees_are_shown_and_changed_and_each_needs_a_worker() {
    let folder = tempfile::tempdir().unwrap();
    let text = |trees| config(folder.path().join("wan.sock").to_str().unwrap(), trees, "1 ms");
    let router = Router::start(&text(2));
    let trees = |words: &[&str]| router.run(&[&["show"], words, &["--json"]].concat()).json();
    for count in [2, 1, 2] {
        router.run(&["apply", &router.file("new.toml", &text(count))]).done();
        assert_eq!(trees(&["ports"])[0]["trees"], count);
        let table = router.run(&["show", "ports"]).done();
        assert!(table.contains("QUEUES  TREES") && table.contains(&format!("4      {count}")), "{table}");
        let json = trees(&["qos", "s4"]);
        assert_eq!((&json["port"]["trees"], &json["port"]["sites"]), (&count.into(), &4.into()));
        // Each has its part of the buffers, and of what a tree may hold.
        let all = 1024 * 3 / 4 / u64::from(count) * u64::from(count);
        assert_eq!(json["port"]["room"]["frames"], all);
        let told = router.run(&["show", "qos", "s4"]).done();
        let sites = if count == 1 { "4 sites deliver" } else { "4 sites in 2 trees deliver" };
        assert!(told.contains(sites), "{told}");
    }
    let refused =
        router.run(&["apply", &router.file("new.toml", &text(3).replace("workers = 2", "workers = 3"))]);
    assert_ne!(refused.code, 0);
    let why = "port \"wan\" has 3 trees, which need a worker each, and this router was started with 2: restart it \
               with this file";
    assert!((refused.out + &refused.err).contains(why));
    assert_eq!(trees(&["ports"])[0]["trees"], 2);
}

#[test]
fn the_burst_of_a_port_is_shown_and_changed_while_it_runs() {
    let folder = tempfile::tempdir().unwrap();
    let text = |trees, burst| config(folder.path().join("wan.sock").to_str().unwrap(), trees, burst);
    let router = Router::start(&text(1, "1 ms"));
    for (trees, burst, us) in [(1, "250 us", 250.0), (2, "2500 us", 2_500.0), (2, "1 ms", 1_000.0)] {
        let file = router.file("new.toml", &text(trees, burst));
        let told = router.run(&["diff", &file]).done();
        assert!(told.contains("port \"wan\" burst: ") && told.contains(&format!("→ {burst}")), "{told}");
        router.run(&["apply", &file]).done();
        let json = router.run(&["show", "qos", "s1", "--json"]).json();
        assert_eq!((&json["port"]["burst_us"], &json["port"]["trees"]), (&us.into(), &trees.into()));
        let told = router.run(&["show", "qos", "s1"]).done();
        assert!(told.contains(&format!("port wan: 100 Mbit/s, burst {burst}; 4 sites")), "{told}");
    }
}
