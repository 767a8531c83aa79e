//! What the layer builders have in common: texts to addresses, and fields by name.

use std::net::IpAddr;

use super::Packet;
use super::layer::{Kind, Layer, Value};

/// The IP address that `text` writes.
///
/// # Panics
/// When it writes none: expressions are test code.
#[track_caller]
#[expect(clippy::panic, reason = "a mistyped address is a mistake in the test that wrote it")]
pub fn address(text: &str) -> IpAddr {
    match text.parse() {
        Ok(address) => address,
        Err(_) => panic!("\"{text}\" is not an IP address"),
    }
}

/// The station address that `text` writes, as in `02:00:00:00:00:01`.
///
/// # Panics
/// When it writes none: expressions are test code.
#[track_caller]
#[expect(clippy::panic, reason = "a mistyped address is a mistake in the test that wrote it")]
pub fn mac(text: &str) -> [u8; 6] {
    let mut mac = [0; 6];
    let mut parts = text.split(':');
    for byte in &mut mac {
        *byte = match parts.next().map(|part| u8::from_str_radix(part, 16)) {
            Some(Ok(value)) => value,
            _ => panic!("\"{text}\" is not a station address"),
        };
    }
    assert!(parts.next().is_none(), "\"{text}\" is longer than a station address");
    mac
}

impl Packet {
    pub(super) fn of(kind: Kind) -> Self {
        Self { layers: vec![Layer::new(kind)] }
    }

    /// Sets a field of the layer the builder began with.
    pub(super) fn first(mut self, name: &'static str, value: Value) -> Self {
        if let Some(layer) = self.layers.first_mut() {
            layer.set(name, value);
        }
        self
    }

    pub(super) fn number(self, name: &'static str, value: impl Into<u64>) -> Self {
        self.first(name, Value::Number(value.into()))
    }
}
