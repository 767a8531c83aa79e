//! What is worked out, for people and for machines.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::short::millis;
use crate::config::{Rate, Size};

/// All sites of a router, class by class.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct Capacity {
    /// In the configuration's order, then by class.
    pub rows: Vec<Row>,
}

/// One class of one interface.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct Row {
    /// The interface (site).
    pub interface: String,
    /// The class.
    pub class: String,
    /// Bit/s that it is sure of when all classes of all sites wait; `None` is nothing.
    pub rate: Option<u64>,
    /// What the wait and the backlog are of.
    pub of: Of,
    /// The longest from coming to being sent, nanoseconds; `None` is no bound.
    pub wait: Option<u64>,
    /// The most that waits, bytes as the interface counts them.
    pub backlog: Option<u64>,
    /// Calls that fit (G.711 where no codec is promised); `None` where the class is none of priority.
    pub calls: Option<u64>,
    /// Why there is no bound.
    pub unbounded: Option<String>,
    /// The promises of this class and interface.
    pub promises: Vec<Held>,
}

/// What is taken to come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Of {
    /// What is promised.
    Promised,
    /// What the class's policer lets through.
    Policed,
    /// A full queue.
    Queue,
}

/// A promise, held or not.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct Held {
    /// What is promised.
    pub promise: String,
    /// What is short, and how to mend it; `None` when it holds.
    pub short: Option<(String, String)>,
}

impl Capacity {
    /// Whether every promise holds.
    pub fn holds(&self) -> bool {
        self.rows.iter().flat_map(|row| &row.promises).all(|held| held.short.is_none())
    }
}

impl Row {
    /// Its columns, in words: rate, wait, backlog, calls.
    pub fn columns(&self) -> [String; 4] {
        let none = || "–".to_owned();
        [
            self.rate.map_or_else(none, |rate| Rate(rate).to_string()),
            self.wait.map_or_else(none, millis),
            self.backlog.map_or_else(none, |held| Size(held).to_string()),
            self.calls.map_or_else(none, |n| n.to_string()),
        ]
    }
}

impl fmt::Display for Of {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Promised => "promised",
            Self::Policed => "policed",
            Self::Queue => "queue full",
        })
    }
}
