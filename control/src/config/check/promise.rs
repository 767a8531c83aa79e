//! Promises that name an interface that is not there. (Whether they can be kept is
//! looked at when all else is right: `capacity`.)

use super::Checks;

impl Checks<'_> {
    pub(super) fn promises(&self, whole: bool) {
        for (i, promise) in self.config.promises.iter().enumerate() {
            if whole {
                self.interface("promise", i, "interface", &promise.interface);
            }
        }
    }
}
