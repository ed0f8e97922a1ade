//! The few files that pages need, all inside the binary. Each address holds the hash of what it gives, so a browser keeps it
//! for ever. Only what is in the list can be asked for.

use crate::auth::secrets::to_hex;
use axum::extract::Path;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use sha2::{Digest, Sha256};
use std::sync::LazyLock;

struct Asset {
    kind: &'static str,
    bytes: &'static [u8],
    /// `app.0123456789abcdef.css`
    name: String,
    hash: String,
}

/// The addresses of the assets, for the frame of every page.
#[derive(Clone, Copy, Debug)]
pub struct AssetPaths {
    /// The style.
    pub style: &'static str,
    /// Our own script.
    pub script: &'static str,
    /// htmx.
    pub htmx: &'static str,
    /// The icon.
    pub icon: &'static str,
}

macro_rules! asset {
    ($stem:literal, $extension:literal, $kind:literal) => {
        Asset::new($stem, $extension, $kind, include_bytes!(concat!("../assets/", $stem, ".", $extension)))
    };
}

static STYLE: LazyLock<Asset> = LazyLock::new(|| asset!("app", "css", "text/css; charset=utf-8"));
static SCRIPT: LazyLock<Asset> = LazyLock::new(|| asset!("app", "js", "text/javascript; charset=utf-8"));
static HTMX: LazyLock<Asset> = LazyLock::new(|| asset!("htmx.min", "js", "text/javascript; charset=utf-8"));
static ICON: LazyLock<Asset> = LazyLock::new(|| asset!("icon", "svg", "image/svg+xml"));

static PATHS: LazyLock<[String; 4]> = LazyLock::new(|| all().map(|asset| format!("/assets/{}", asset.name)));

fn all() -> [&'static Asset; 4] {
    [&STYLE, &SCRIPT, &HTMX, &ICON]
}

/// Where the assets are.
pub fn paths() -> AssetPaths {
    let [style, script, htmx, icon] = &*PATHS;
    AssetPaths { style, script, htmx, icon }
}

impl Asset {
    fn new(stem: &str, extension: &str, kind: &'static str, bytes: &'static [u8]) -> Self {
        let hash = to_hex(&Sha256::digest(bytes)[..8]);
        Self { kind, bytes, name: format!("{stem}.{hash}.{extension}"), hash }
    }
}

/// An asset, or 404.
pub async fn serve(Path(name): Path<String>, headers: HeaderMap) -> Response {
    let Some(asset) = all().into_iter().find(|asset| asset.name == name) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let tag = format!("\"{}\"", asset.hash);
    let kept = headers.get(header::IF_NONE_MATCH).is_some_and(|known| known.as_bytes() == tag.as_bytes());
    let keep = [(header::ETAG, tag), (header::CACHE_CONTROL, "public, max-age=31536000, immutable".to_owned())];
    if kept {
        return (StatusCode::NOT_MODIFIED, keep).into_response();
    }
    (keep, [(header::CONTENT_TYPE, asset.kind)], asset.bytes).into_response()
}
