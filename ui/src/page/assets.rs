//! The two files beside a page: how it looks, and what saves waiting. Their addresses name their content.

use std::sync::LazyLock;

use sha2::{Digest as _, Sha256};

/// A file.
pub(super) struct Asset {
    /// Where it is.
    pub(super) path: String,
    /// Its media type.
    pub(super) media: &'static str,
    /// Its content.
    pub(super) text: &'static str,
}

pub(super) static STYLE: LazyLock<Asset> =
    LazyLock::new(|| Asset::new("style", "css", "text/css; charset=utf-8", include_str!("page.css")));
pub(super) static SCRIPT: LazyLock<Asset> =
    LazyLock::new(|| Asset::new("page", "js", "text/javascript; charset=utf-8", include_str!("page.js")));

impl Asset {
    fn new(name: &str, ending: &str, media: &'static str, text: &'static str) -> Self {
        let hash = Sha256::digest(text.as_bytes());
        let hash = venia_proto::encoding::to_hex(hash.get(..6).unwrap_or(&[]));
        Self { path: format!("/{name}-{hash}.{ending}"), media, text }
    }
}

/// The file at that path.
pub(super) fn at(path: &str) -> Option<&'static Asset> {
    [&*STYLE, &*SCRIPT].into_iter().find(|asset| asset.path == path)
}
