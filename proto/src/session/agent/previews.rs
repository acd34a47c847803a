//! What previews found, kept until the change they belong to is asked about.
//!
//! A change is asked for only after its preview stated a plan in this session, a short while ago, with the same values:
//! its card shows that report and its permit carries that plan. (MISSION R1)

use super::*;

impl Agent {
    /// Keeps what a preview found, instead of what it found before. A report without a plan says that there is nothing to
    /// change: nothing is kept of it.
    pub(super) fn keep_preview(&mut self, catalog: &Catalog, now: Now, wanted: &Wanted, report: &Report) {
        self.previews.remove(&wanted.item);
        if report.plan().is_some() && catalog.is_preview(&wanted.item) {
            let preview = Planned {
                item: wanted.item.clone(),
                arguments: wanted.arguments.clone(),
                report: report.clone(),
                seen_ms: now.boot_ms,
            };
            self.previews.insert(wanted.item.clone(), Box::new(preview));
        }
    }

    /// What the preview of this change found, if it was this change's and is still fresh.
    pub(super) fn preview_for(&self, catalog: &Catalog, now: Now, wanted: &Wanted) -> Option<Box<Planned>> {
        let change = body::Asked {
            item: wanted.item.clone(),
            definition: wanted.definition.clone(),
            arguments: wanted.arguments.clone(),
        };
        let asked = catalog.preview_of(&change)?;
        let preview = self.previews.get(&asked.item)?;
        (preview.arguments == asked.arguments && is_fresh(preview, now)).then(|| preview.clone())
    }
}

/// Whether it counts still.
pub(super) fn is_fresh(planned: &Planned, now: Now) -> bool {
    now.boot_ms.saturating_sub(planned.seen_ms) < timer::PREVIEW_MS
}
