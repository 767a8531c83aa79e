//! Run-time labels, and what labels, LSPs and Vrfs there are.

use dataplane::table::Snapshot;

use super::{Engine, refuse};
use crate::api::types::Refusal;
use crate::commit::{LabelChange, LabelReport};
use crate::show::{self, LabelRow, LspFilter, LspRow, VpnRow};

impl Engine {
    /// Changes run-time labels: all of the batch, or none.
    ///
    /// # Errors
    /// The changes that are wrong, by their number, and why.
    pub fn labels(&self, batch: &[LabelChange]) -> Result<LabelReport, Refusal> {
        let state = &mut self.wanted().state;
        let edit = |snapshot: &mut Snapshot| state.change_labels(batch, snapshot);
        self.handle().commit(edit).map_err(|errors| refuse(errors.to_string()))
    }

    /// `show labels`
    pub fn list_labels(&self) -> Vec<LabelRow> {
        show::labels(&self.handle().snapshot(), &self.wanted().state)
    }

    /// `show lsp`
    pub fn lsps(&self, filter: &LspFilter) -> Vec<LspRow> {
        show::lsps(&self.handle().snapshot(), &self.wanted().state, filter)
    }

    /// `show vrfs`
    pub fn vrfs(&self) -> Vec<VpnRow> {
        show::vpns(&self.handle().snapshot(), &self.wanted().state)
    }
}
