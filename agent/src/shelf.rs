//! What can be asked for on this PC: the catalogue, and the packs that count here. Read when somebody first needs it, for an agent
//! that waits for a technician needs none of it.
//!
//! Not here: which packs count ([`crate::packs`]).

use std::sync::OnceLock;

use venia_proto::catalog::Catalog;
use venia_proto::catalog::pack::Pack;

/// The catalogue of one run of the program.
#[derive(Debug, Default)]
pub struct Shelf {
    packs: Vec<Pack>,
    catalog: OnceLock<Catalog>,
}

impl Shelf {
    /// The built-in items, and those of these packs.
    pub fn new(packs: Vec<Pack>) -> Self {
        Self { packs, catalog: OnceLock::new() }
    }

    /// All items. Nothing can be asked for in a build whose own can't be read, which a test refuses.
    pub fn catalog(&self) -> &Catalog {
        self.catalog.get_or_init(|| {
            let built_in = Catalog::built_in().unwrap_or_else(|error| {
                tracing::error!(error = &error as &dyn std::error::Error, "the catalogue can't be read");
                Catalog::default()
            });
            built_in.with_packs(self.packs.iter().cloned())
        })
    }
}
