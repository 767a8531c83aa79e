//! Ports of kind "memif": what the file may say of them, and what the engine is told.

#![allow(clippy::unwrap_used)]

use std::path::Path;

use control::config::parse;
use control::engine;
use control::ports::port_configs;
use dataplane::port::PortKind;
use dataplane::port::memif::{MemifOptions, Notice, Role, Secret};

fn port(keys: &str) -> String {
    format!("[[port]]\nname = \"shm\"\n{keys}\n")
}

/// "key: message" of each fault.
fn faults(text: &str) -> Vec<String> {
    let errors = parse(text, "test.toml").unwrap_err().errors;
    errors.iter().map(|e| format!("{}: {}", e.key, e.message)).collect()
}

#[test]
fn every_setting_reaches_the_engine() {
    let client = port(
        r#"kind = "memif"
        queues = 2
        role = "client"
        socket = "/run/memif.sock"
        id = 7
        ring-size = 512
        buffer-size = 9216
        mode = "poll"
        secret = "a word"
        "#,
    );
    let configs = port_configs(&parse(&client, "t").unwrap(), 0);
    let expected = MemifOptions {
        name: "shm".into(),
        socket: Path::new("/run/memif.sock").into(),
        role: Role::Client,
        id: 7,
        ring: 512,
        buffer: 9216,
        notice: Notice::Poll,
        secret: Secret::new("a word"),
        permissions: 0o600,
        zero_copy: false,
    };
    let (_, config) = &configs[0];
    assert_eq!((config.kind, config.queues, &config.memif), (PortKind::Memif, 2, &expected));
    let server = port("kind = \"memif\"\nrole = \"server\"\nsocket = \"/s\"\npermissions = \"0660\"");
    let options = &port_configs(&parse(&server, "t").unwrap(), 0)[0].1.memif;
    let defaults = (options.ring, options.buffer, options.notice, options.id);
    assert_eq!((options.role, options.permissions), (Role::Server, 0o660));
    assert_eq!(defaults, (1024, 2048, Notice::Interrupt, 0));
}

#[test]
fn what_is_wrong_is_told_with_its_place() {
    assert_eq!(
        faults(&port("kind = \"memif\"")),
        ["port[0].kind: a memif port without a socket", "port[0].kind: a memif port without a role"]
    );
    let client = "kind = \"memif\"\nrole = \"client\"\nsocket = \"/s\"\n";
    for (keys, fault) in [
        ("ring-size = 1000", "port[0].ring-size: 1000 is no power of two"),
        ("ring-size = 32768", "port[0].ring-size: 32768 is out of range"),
        ("buffer-size = 63", "port[0].buffer-size: 63 is out of range"),
        ("mode = \"pol\"", "port[0].mode: \"pol\" is not known; did you mean \"poll\"?"),
        ("permissions = \"0600\"", "port[0].permissions: \"permissions\" is the server's to say"),
        ("permissions = \"0800\"", "port[0].permissions: \"0800\" are no permission bits"),
        ("secret = \"\"", "port[0].secret: a secret has 1 to 24 bytes, this one 0"),
        (
            "secret = \"more than twenty-four bytes\"",
            "port[0].secret: a secret has 1 to 24 bytes, this one 27",
        ),
        (
            "queues = 64\nring-size = 16384\nbuffer-size = 9216",
            "port[0].buffer-size: rings and buffers would be more than 4 GiB",
        ),
    ] {
        assert_eq!(faults(&port(&format!("{client}{keys}")))[0], fault);
    }
    let server = "kind = \"memif\"\nrole = \"server\"\n";
    for (keys, fault) in [
        ("socket = \"s\"", "port[0].socket: this is no path of a socket"),
        ("socket = \"/s\"\nring-size = 64", "port[0].ring-size: \"ring-size\" is the client's to say"),
        ("socket = \"/s\"\ndevice = \"eth0\"", "port[0].device: a port of kind \"memif\" has no \"device\""),
    ] {
        assert_eq!(faults(&port(&format!("{server}{keys}"))), [fault]);
    }
    let elsewhere = port("kind = \"loopback\"\nsocket = \"/s\"\nid = 3");
    assert_eq!(
        faults(&elsewhere),
        [
            "port[0].socket: a port of kind \"loopback\" has no \"socket\"",
            "port[0].id: a port of kind \"loopback\" has no \"id\""
        ]
    );
}

#[test]
fn places_at_a_socket_are_taken_once() {
    let at = |name: &str, role: &str, more: &str| {
        format!("[[port]]\nname = \"{name}\"\nkind = \"memif\"\nrole = \"{role}\"\nsocket = \"/s\"\n{more}\n")
    };
    let both = at("a", "server", "") + &at("b", "client", "") + &at("c", "server", "id = 1");
    assert!(parse(&both, "t").is_ok());
    let twice = at("a", "server", "id = 1") + &at("b", "server", "id = 1");
    assert_eq!(faults(&twice), ["port[1].id: the port \"a\" is the server of interface 1 at that socket"]);
    let other = at("a", "server", "") + &at("b", "server", "id = 1\npermissions = \"0660\"");
    assert_eq!(faults(&other), ["port[1].permissions: another port gives that socket other permissions"]);
}

fn lends(more: &str) -> String {
    port(&format!("kind = \"memif\"\nrole = \"client\"\nsocket = \"/s\"\nzero-copy = true\n{more}"))
}

#[test]
fn a_client_may_do_without_copies_and_what_that_means_is_told() {
    let config = parse(&lends("queues = 3\nring-size = 256"), "t").unwrap();
    assert!(port_configs(&config, 0)[0].1.memif.zero_copy);
    let warnings = config.warnings();
    assert_eq!(warnings.len(), 1);
    assert_eq!(warnings[0].key, "port[0].zero-copy");
    assert_eq!(warnings[0].message, "who listens at /s can read and change every packet in this router");
    // Buffers for its rings are beside those for frames that wait.
    let size = engine::size(&config);
    assert_eq!((size.shared, size.for_rings, size.buffers), (true, 3 * 2 * 256, 16_384));
    let two = lends("queues = 3\nring-size = 256") + "[router]\nworkers = 2\n";
    assert_eq!(engine::size(&parse(&two, "t").unwrap()).for_rings, 2 * 2 * 256);
    for without in [lends("").replace("true", "false"), port("kind = \"loopback\"")] {
        let config = parse(&without, "t").unwrap();
        let size = engine::size(&config);
        assert_eq!((size.shared, size.for_rings, config.warnings().len()), (false, 0, 0));
    }
}

#[test]
fn where_copies_cannot_be_done_without_is_told_with_its_place() {
    let server = "kind = \"memif\"\nrole = \"server\"\nsocket = \"/s\"\nzero-copy = ";
    let refused = parse(&port(&format!("{server}true")), "test.toml").unwrap_err();
    assert_eq!(
        faults(&port(&format!("{server}true"))),
        ["port[0].zero-copy: a server cannot do without copies: the client brings the memory"]
    );
    let told = refused.to_string();
    assert!(told.contains("test.toml:6") && told.contains("role = \"client\""), "{told}");
    assert!(parse(&port(&format!("{server}false")), "t").is_ok());
    assert_eq!(
        faults(&lends("buffer-size = 2048")),
        ["port[0].buffer-size: without copies, frames stand in the router's own buffers"]
    );
    let many = lends("") + "[router]\nbuffers = 1048576\nworkers = 4\n";
    assert_eq!(
        faults(&many),
        ["port[0].zero-copy: the buffers of all workers are 8986 MiB, and descriptors reach 4,096"]
    );
    assert_eq!(
        faults(&port("kind = \"loopback\"\nzero-copy = true")),
        ["port[0].zero-copy: a port of kind \"loopback\" has no \"zero-copy\""]
    );
}
