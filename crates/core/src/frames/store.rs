//! The frame set in the store: the current one, its frames, and the way a
//! frame that is not there comes into being from the stored icon.
//!
//! Two that make the same frame at once make the same bytes under the same key,
//! and a set is complete with its icon before it becomes current; so nothing
//! that happens at once can mix two sets.

use std::fmt;

use crate::frames::media_type::MediaType;
use crate::frames::render::Icon;
use crate::frames::set::{CURRENT_KEY, FrameSet};
use crate::frames::size::MAX_FRAME_BYTES;
use crate::outcome::{Diagnosis, Reason};
use crate::ports::{Lifetime, MAX_VALUE_BYTES, Store, StoreError};

/// How long a frame is kept that was rendered because it was missing. Nothing
/// is lost with it, and sets that are no longer shown go by themselves.
const RENDERED_FRAME_LIFETIME: Lifetime = Lifetime::Days(90);

/// Why a frame as it is stored is not sent.
enum Flaw {
    Missing,
    /// It has no bytes.
    Empty,
    /// Larger than any frame that is rendered, and maybe too large for a network.
    Large(Vec<u8>),
    /// Larger than anything that is read.
    TooLarge,
    /// Not a whole picture of the set's format.
    NoPicture(MediaType),
}

impl fmt::Display for Flaw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing => f.write_str("is missing from the store"),
            Self::Empty => f.write_str("has 0 bytes"),
            Self::Large(file) => write!(f, "has {} bytes", file.len()),
            Self::TooLarge => write!(f, "has more than {MAX_VALUE_BYTES} bytes"),
            Self::NoPicture(media_type) => {
                write!(
                    f,
                    "is stored as something else than {}",
                    media_type.as_str()
                )
            }
        }
    }
}

/// The current frame set, read and checked.
///
/// # Errors
/// When there is none or what is stored is no frame set.
pub async fn current_set<H: Store>(host: &H) -> Result<FrameSet, Diagnosis> {
    let none = |why: String| Diagnosis::new(Reason::Frames, why, H::ADVICE.frames);
    let stored = match host.read(CURRENT_KEY).await {
        Ok(Some(stored)) => stored,
        Ok(None) => {
            return Err(Diagnosis::new(
                Reason::NoIcon,
                "There is no icon yet.",
                H::ADVICE.frames,
            ));
        }
        Err(StoreError::TooLarge) => {
            return Err(none(format!(
                "What is stored under `{CURRENT_KEY}` is no frame set: it has more than \
                 {MAX_VALUE_BYTES} bytes."
            )));
        }
        Err(error) => return Err(failed::<H>(error)),
    };
    serde_json::from_slice(&stored).map_err(|error| {
        none(format!(
            "What is stored under `{CURRENT_KEY}` is no frame set: {error}."
        ))
    })
}

/// The bytes of frame `n` of a set: as stored, or rendered from the set's icon
/// and stored for the next time. What is stored is a whole picture of the set's
/// format, or it is rendered again. `read` is what the store has given for it, if it
/// has been asked already.
///
/// # Errors
/// When it is not there and cannot be rendered, or the store fails.
pub async fn frame<H: Store>(
    host: &H,
    set: &FrameSet,
    n: u16,
    read: Option<Result<Option<Vec<u8>>, StoreError>>,
) -> Result<Vec<u8>, Diagnosis> {
    let key = set.frame_key(n);
    let stored = match read {
        Some(read) => read,
        None => host.read(&key).await,
    };
    let flaw = match looked_at::<H>(stored, set)? {
        Ok(frame) => return Ok(frame),
        Err(flaw) => flaw,
    };
    let icon = match (stored_icon(host, set).await, flaw) {
        (Ok(icon), _) => icon,
        // Whether that is too large is for each network to say.
        (Err(NoIcon::None | NoIcon::Missing), Flaw::Large(frame)) => return Ok(frame),
        (Err(no_icon), flaw) => return Err(no_icon.diagnosis::<H>(set, n, &flaw)),
    };
    let frame = icon.frame(n, set.frames()).map_err(|error| {
        Diagnosis::new(
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

/// Whether frame `n` of a set can be sent to networks that take so many bytes, each
/// with its title: as it is stored, or rendered from the set's icon.
///
/// # Errors
/// When it cannot, or the store fails.
pub async fn check_frame<H: Store>(
    host: &H,
    set: &FrameSet,
    n: u16,
    networks: impl Iterator<Item = (&'static str, usize)>,
) -> Result<(), Diagnosis> {
    let stored = host.read(&set.frame_key(n)).await;
    let Err(flaw) = looked_at::<H>(stored, set)? else {
        return Ok(());
    };
    let Err(no_icon) = stored_icon(host, set).await else {
        return Ok(());
    };
    let Flaw::Large(file) = &flaw else {
        return Err(no_icon.diagnosis::<H>(set, n, &flaw));
    };
    let mut networks = networks.filter(|(_, most)| file.len() > *most);
    match networks.next() {
        Some((title, most)) => Err(misfit::<H>(n, file.len(), title, most)),
        None => Ok(()),
    }
}

/// What to say of a frame that has not as many bytes as a network takes.
pub(crate) fn misfit<H: Store>(n: u16, bytes: usize, title: &str, most: usize) -> Diagnosis {
    Diagnosis::new(
        Reason::Frames,
        format!("Frame {n} has {bytes} bytes; {title} takes from 1 to {most}."),
        H::ADVICE.size,
    )
}

/// A frame as it is stored, or what is wrong with it.
fn looked_at<H: Store>(
    stored: Result<Option<Vec<u8>>, StoreError>,
    set: &FrameSet,
) -> Result<Result<Vec<u8>, Flaw>, Diagnosis> {
    let media_type = set.media_type();
    Ok(match stored {
        Ok(None) => Err(Flaw::Missing),
        Ok(Some(frame)) if frame.is_empty() => Err(Flaw::Empty),
        Ok(Some(frame)) if !media_type.is_of(&frame) => Err(Flaw::NoPicture(media_type)),
        Ok(Some(frame)) if frame.len() > MAX_FRAME_BYTES => Err(Flaw::Large(frame)),
        Ok(Some(frame)) => Ok(frame),
        Err(StoreError::TooLarge) => Err(Flaw::TooLarge),
        Err(error) => return Err(failed::<H>(error)),
    })
}

/// Stores a new set's icon, then makes the set current.
///
/// # Errors
/// When the store fails; the set that was current still is, unless it was the
/// last step that failed half-way, which nobody can tell.
pub async fn publish<H: Store>(host: &H, set: &FrameSet, icon: &Icon) -> Result<(), Diagnosis> {
    let write = async |key: &str, value: &[u8]| {
        let written = host.write(key, value, Lifetime::Unlimited).await;
        written.map_err(failed::<H>)
    };
    write(&set.icon_key(), &icon.to_stored()).await?;
    let pointer = serde_json::to_vec(set).unwrap_or_default();
    write(CURRENT_KEY, &pointer).await
}

/// Why there is no icon to render a frame from.
enum NoIcon {
    /// The set has none.
    None,
    Missing,
    /// What is stored is no icon that is ready to be turned.
    Garbage,
    /// The store failed.
    Unread(StoreError),
}

impl NoIcon {
    fn diagnosis<H: Store>(self, set: &FrameSet, n: u16, flaw: &Flaw) -> Diagnosis {
        let why = match self {
            Self::Unread(error) => return failed::<H>(error),
            Self::None => "an album has no icon to render it from",
            Self::Missing if matches!(flaw, Flaw::Missing) => "so is the icon to render it from",
            Self::Missing => "the icon to render it from is missing",
            Self::Garbage => "the icon to render it from is damaged",
        };
        let frames = set.frames();
        let message = format!("Frame {n} of {frames} {flaw}, and {why}.");
        Diagnosis::new(Reason::Frames, message, H::ADVICE.frames)
    }
}

/// The icon that a set's frames are made from.
async fn stored_icon<H: Store>(host: &H, set: &FrameSet) -> Result<Icon, NoIcon> {
    let rendering = set.rendering().ok_or(NoIcon::None)?;
    let stored = match host.read(&set.icon_key()).await {
        Ok(stored) => stored.ok_or(NoIcon::Missing)?,
        Err(StoreError::TooLarge) => return Err(NoIcon::Garbage),
        Err(error) => return Err(NoIcon::Unread(error)),
    };
    Icon::from_stored(&stored, rendering).ok_or(NoIcon::Garbage)
}

// As `map_err` wants it.
#[allow(clippy::needless_pass_by_value)]
fn failed<H: Store>(error: StoreError) -> Diagnosis {
    Diagnosis::new(Reason::Host, error.to_string(), H::ADVICE.store)
}
