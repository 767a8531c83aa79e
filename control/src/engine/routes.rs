//! Run-time routes, and what all routes are.

use dataplane::table::Snapshot;

use super::{Engine, refuse};
use crate::api::types::{Process, Refusal};
use crate::commit::{RouteChange, RouteReport};
use crate::show::{self, RouteFilter, RouteRows, Summary};

/// Bytes of a page, as /proc/self/statm counts them on every machine this runs on.
const PAGE: u64 = 4096;

impl Engine {
    /// Changes run-time routes: all of the batch, or none.
    ///
    /// # Errors
    /// The changes that are wrong, by their number, and why.
    pub fn routes(&self, batch: &[RouteChange]) -> Result<RouteReport, Refusal> {
        let state = &mut self.wanted().state;
        let edit = |snapshot: &mut Snapshot| state.routes(batch, snapshot);
        self.handle().commit(edit).map_err(|errors| refuse(errors.to_string()))
    }

    /// `show routes`
    pub fn list_routes(&self, filter: &RouteFilter) -> RouteRows {
        show::routes(&self.handle().snapshot(), &self.wanted().state, filter)
    }

    /// `show routes --summary`
    pub fn summary(&self) -> Summary {
        show::summary(&self.handle().snapshot(), &self.wanted().state)
    }

    /// The process itself.
    pub fn process(&self) -> Process {
        let statm = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
        let pages = statm.split_whitespace().nth(1).and_then(|word| word.parse::<u64>().ok());
        Process { resident_bytes: pages.unwrap_or(0) * PAGE }
    }
}
