//! The frame set in the store: the current one, its frames, and the way a
//! frame that is not there comes into being from the stored icon.
//!
//! Two that make the same frame at once make the same bytes under the same key,
//! and a set is complete with its icon before it becomes current; so nothing
//! that happens at once can mix two sets.

use crate::frame_set::{CURRENT_KEY, FrameSet};
use crate::frames::Icon;
use crate::outcome::{Reason, Trouble};
use crate::ports::{Lifetime, Store, StoreError};

/// How long a frame is kept that was rendered because it was missing. Nothing
/// is lost with it, and sets that are no longer shown go by themselves.
const RENDERED_FRAME_LIFETIME: Lifetime = Lifetime::Days(90);

/// The current frame set, read and checked.
///
/// # Errors
/// When there is none or what is stored is no frame set.
pub async fn current_set<H: Store>(host: &H) -> Result<FrameSet, Trouble> {
    let stored = host.read(CURRENT_KEY).await.map_err(failed::<H>)?;
    let Some(stored) = stored else {
        return Err(Trouble::new(
            Reason::NoIcon,
            "There is no icon yet.",
            H::ADVICE.frames,
        ));
    };
    serde_json::from_slice(&stored).map_err(|error| {
        Trouble::new(
            Reason::Frames,
            format!("What is stored under `{CURRENT_KEY}` is no frame set: {error}."),
            H::ADVICE.frames,
        )
    })
}

/// The bytes of frame `n` of a set: as stored, or rendered from the set's icon
/// and stored for the next time. `read` is what the store has given for it, if it
/// has been asked already.
///
/// # Errors
/// When it is not there and cannot be rendered, or the store fails.
pub async fn frame<H: Store>(
    host: &H,
    set: &FrameSet,
    n: u16,
    read: Option<Result<Option<Vec<u8>>, StoreError>>,
) -> Result<Vec<u8>, Trouble> {
    let key = set.frame_key(n);
    let stored = match read {
        Some(read) => read,
        None => host.read(&key).await,
    };
    if let Some(frame) = stored.map_err(failed::<H>)? {
        return Ok(frame);
    }
    let icon = stored_icon(host, set).await?;
    let Some(icon) = icon else {
        return Err(missing::<H>(set, n));
    };
    let frame = icon.frame(n, set.frames()).map_err(|error| {
        Trouble::new(
            Reason::Frames,
            format!("Frame {n} is missing and cannot be rendered: {error}."),
            "Publish a simpler icon.",
        )
    })?;
    // If it cannot be kept, it is rendered again the next time: no reason to
    // withhold it now.
    let _ = host.write(&key, &frame.file, RENDERED_FRAME_LIFETIME).await;
    Ok(frame.file)
}

/// Whether frame `n` of a set is stored, or its icon is.
///
/// # Errors
/// When neither is, or the store fails.
pub async fn check_frame<H: Store>(host: &H, set: &FrameSet, n: u16) -> Result<(), Trouble> {
    let is_stored = host
        .read(&set.frame_key(n))
        .await
        .map_err(failed::<H>)?
        .is_some();
    if is_stored || stored_icon(host, set).await?.is_some() {
        Ok(())
    } else {
        Err(missing::<H>(set, n))
    }
}

/// Stores a new set's icon, then makes the set current.
///
/// # Errors
/// When the store fails; the set that was current still is, unless it was the
/// last step that failed half-way, which nobody can tell.
pub async fn publish<H: Store>(host: &H, set: &FrameSet, icon: &Icon) -> Result<(), Trouble> {
    let write = async |key: &str, value: &[u8]| {
        let written = host.write(key, value, Lifetime::Unlimited).await;
        written.map_err(failed::<H>)
    };
    write(&set.icon_key(), &icon.to_stored()).await?;
    let pointer = serde_json::to_vec(set).unwrap_or_default();
    write(CURRENT_KEY, &pointer).await
}

/// The icon that a set's frames are made from; `None` if the set has none that
/// can be used.
async fn stored_icon<H: Store>(host: &H, set: &FrameSet) -> Result<Option<Icon>, Trouble> {
    let Some(rendering) = set.rendering() else {
        return Ok(None);
    };
    let stored = host.read(&set.icon_key()).await.map_err(failed::<H>)?;
    Ok(stored.and_then(|stored| Icon::from_stored(&stored, rendering)))
}

fn missing<H: Store>(set: &FrameSet, n: u16) -> Trouble {
    let why = if set.rendering().is_some() {
        "and so is the icon to render it from"
    } else {
        "and an album has no icon to render it from"
    };
    Trouble::new(
        Reason::Frames,
        format!(
            "Frame {n} of {} is missing from the store, {why}.",
            set.frames()
        ),
        H::ADVICE.frames,
    )
}

// As `map_err` wants it.
#[allow(clippy::needless_pass_by_value)]
fn failed<H: Store>(error: StoreError) -> Trouble {
    Trouble::new(Reason::Host, error.to_string(), H::ADVICE.store)
}
