//! The frame set in the store: which one is current, its frames, and the rendering of a frame that
//! is missing.
//!
//! Two requests that render the same frame at once write the same bytes under the same key, and the
//! icon of a set is stored before the set becomes current. So nothing that happens at the same time
//! can mix two sets.

use std::fmt;
use std::pin::pin;

use futures_util::future::{Either, select};

use crate::frames::media_type::MediaType;
use crate::frames::render::Icon;
use crate::frames::set::{CURRENT_KEY, FrameRef, FrameSet};
use crate::frames::size::MAX_FRAME_BYTES;
use crate::outcome::{Diagnosis, Reason};
use crate::ports::{Lifetime, MAX_VALUE_BYTES, Store, StoreError};

/// How long a frame is kept that was rendered because it was missing. It can be rendered again, so
/// nothing is lost when it expires, and the frames of sets that are no longer shown go by
/// themselves.
const RENDERED_FRAME_LIFETIME: Lifetime = Lifetime::Days(90);

/// A value as the store returned it: its bytes, or `None` where there is none.
type StoredValue = Result<Option<Vec<u8>>, StoreError>;

/// Why a stored frame is not sent.
enum Flaw {
    /// The store has no value under its key.
    Missing,
    /// The value has no bytes.
    Empty,
    /// The file is larger than any that this program renders, and may be too large for a network.
    Large(Vec<u8>),
    /// The value is larger than [`MAX_VALUE_BYTES`].
    TooLarge,
    /// The file is not a whole picture of this format, which is the set's.
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

/// The current frame set, together with a frame of it if that has been read ahead.
#[derive(Debug)]
pub struct CurrentSet {
    set: FrameSet,
    /// The number of the frame that was read ahead, and what the store returned for it.
    ahead: Option<(u16, StoredValue)>,
}

impl CurrentSet {
    /// Reads the current set, and at the same time a frame that will probably be needed.
    ///
    /// Which frame is due follows from the set, but the set is nearly always the one of the turn
    /// before. Reading the two together saves the time of one read. If the set turns out to be
    /// another one, this does not wait for the frame.
    ///
    /// # Errors
    /// As [`current_set`]. A frame that cannot be read is an error of [`CurrentSet::frame`].
    pub async fn read<H: Store>(host: &H, likely: Option<&FrameRef>) -> Result<Self, Diagnosis> {
        let Some(likely) = likely else {
            let set = current_set(host).await?;
            return Ok(Self { set, ahead: None });
        };
        let key = likely.key();
        let (set, stored) = match select(pin!(current_set(host)), pin!(host.read(&key))).await {
            Either::Left((set, frame)) => {
                let set = set?;
                let stored = if likely.is_of(&set) {
                    Some(frame.await)
                } else {
                    None
                };
                (set, stored)
            }
            Either::Right((stored, set)) => {
                let set = set.await?;
                let stored = likely.is_of(&set).then_some(stored);
                (set, stored)
            }
        };
        let ahead = stored.map(|stored| (likely.frame, stored));
        Ok(Self { set, ahead })
    }

    /// The set.
    pub fn set(&self) -> &FrameSet {
        &self.set
    }

    /// The set, without the frame.
    pub fn into_set(self) -> FrameSet {
        self.set
    }

    /// The bytes of frame `n`, as [`frame`] returns them; the store is not asked again for a frame
    /// that was read ahead.
    ///
    /// # Errors
    /// As [`frame`].
    pub async fn frame<H: Store>(&mut self, host: &H, n: u16) -> Result<Vec<u8>, Diagnosis> {
        match self.ahead.take_if(|(number, _)| *number == n) {
            Some((_, stored)) => frame_from(host, &self.set, n, stored).await,
            None => frame(host, &self.set, n).await,
        }
    }
}

/// Reads the current frame set and checks it.
///
/// # Errors
/// A [`Diagnosis`] with [`Reason::NoIcon`] if no set has been published, [`Reason::Frames`] if the
/// stored value is not a frame set, or [`Reason::Host`] if the store fails.
pub async fn current_set<H: Store>(host: &H) -> Result<FrameSet, Diagnosis> {
    let none = |why: String| Diagnosis::new(Reason::Frames, why, host.advice().frames);
    let stored = match host.read(CURRENT_KEY).await {
        Ok(Some(stored)) => stored,
        Ok(None) => {
            return Err(Diagnosis::new(
                Reason::NoIcon,
                "There is no icon yet.",
                host.advice().frames,
            ));
        }
        Err(StoreError::TooLarge) => {
            return Err(none(format!(
                "What is stored under `{CURRENT_KEY}` is no frame set: it has more than \
                 {MAX_VALUE_BYTES} bytes."
            )));
        }
        Err(error) => return Err(failed(host, &error)),
    };
    serde_json::from_slice(&stored).map_err(|error| {
        none(format!(
            "What is stored under `{CURRENT_KEY}` is no frame set: {error}."
        ))
    })
}

/// Returns the bytes of frame `n` of a set: as stored, or rendered from the set's icon, in which
/// case they are stored for the next time. The stored value has to be a whole picture of the set's
/// format; if it is not, the frame is rendered again.
///
/// # Errors
/// A [`Diagnosis`] with [`Reason::Frames`] if the frame is missing or damaged and cannot be
/// rendered, or [`Reason::Host`] if the store fails.
pub async fn frame<H: Store>(host: &H, set: &FrameSet, n: u16) -> Result<Vec<u8>, Diagnosis> {
    let stored = host.read(&set.frame_key(n)).await;
    frame_from(host, set, n, stored).await
}

/// Returns the bytes of frame `n` of a set, given what the store has returned for its key.
async fn frame_from<H: Store>(
    host: &H,
    set: &FrameSet,
    n: u16,
    stored: StoredValue,
) -> Result<Vec<u8>, Diagnosis> {
    let flaw = match check_stored(host, stored, set)? {
        Ok(frame) => return Ok(frame),
        Err(flaw) => flaw,
    };
    let icon = match (stored_icon(host, set).await, flaw) {
        (Ok(icon), _) => icon,
        // Each network decides whether that is too large.
        (Err(NoIcon::None | NoIcon::Missing), Flaw::Large(frame)) => return Ok(frame),
        (Err(no_icon), flaw) => return Err(no_icon.diagnosis(host, set, n, &flaw)),
    };
    let frame = icon.frame(n, set.frames()).map_err(|error| {
        Diagnosis::new(
            Reason::Frames,
            format!("Frame {n} is missing and cannot be rendered: {error}."),
            "Publish a simpler icon.",
        )
    })?;
    // If it cannot be stored, it is rendered again the next time: no reason to withhold it now.
    let _ = host
        .write(&set.frame_key(n), &frame.file, RENDERED_FRAME_LIFETIME)
        .await;
    Ok(frame.file)
}

/// Checks that frame `n` of a set can be sent: as stored, or rendered from the set's icon.
/// `networks` are the networks to send it to, each with its title and the largest picture that it
/// takes, in bytes.
///
/// # Errors
/// A [`Diagnosis`] with [`Reason::Frames`] if the frame cannot be sent, or [`Reason::Host`] if the
/// store fails.
pub async fn check_frame<H: Store>(
    host: &H,
    set: &FrameSet,
    n: u16,
    networks: impl Iterator<Item = (&'static str, usize)>,
) -> Result<(), Diagnosis> {
    let stored = host.read(&set.frame_key(n)).await;
    let Err(flaw) = check_stored(host, stored, set)? else {
        return Ok(());
    };
    let Err(no_icon) = stored_icon(host, set).await else {
        return Ok(());
    };
    let Flaw::Large(file) = &flaw else {
        return Err(no_icon.diagnosis(host, set, n, &flaw));
    };
    let mut networks = networks.filter(|(_, most)| file.len() > *most);
    match networks.next() {
        Some((title, most)) => Err(misfit(host, n, file.len(), title, most)),
        None => Ok(()),
    }
}

/// The diagnosis for frame `n`, which is empty or larger than a network takes. `bytes` is its size,
/// `most` the largest size that the network takes.
pub(crate) fn misfit(
    host: &impl Store,
    n: u16,
    bytes: usize,
    title: &str,
    most: usize,
) -> Diagnosis {
    Diagnosis::new(
        Reason::Frames,
        format!("Frame {n} has {bytes} bytes; {title} takes from 1 to {most}."),
        host.advice().size,
    )
}

/// Checks a frame as the store returned it. The inner result holds its bytes, or the reason why
/// they are not sent; the outer error means that the store failed.
fn check_stored(
    host: &impl Store,
    stored: StoredValue,
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
        Err(error) => return Err(failed(host, &error)),
    })
}

/// Stores the icon of a new set, then makes the set current.
///
/// # Errors
/// A [`Diagnosis`] with [`Reason::Host`] if the store fails. The previous set is still current
/// then, unless the last write failed half-way, which cannot be told.
pub async fn publish<H: Store>(host: &H, set: &FrameSet, icon: &Icon) -> Result<(), Diagnosis> {
    let write = async |key: &str, value: &[u8]| {
        let written = host.write(key, value, Lifetime::Unlimited).await;
        written.map_err(|error| failed(host, &error))
    };
    write(&set.icon_key(), &icon.to_stored()).await?;
    let pointer = serde_json::to_vec(set).expect("a set is made of texts and numbers");
    write(CURRENT_KEY, &pointer).await?;
    // What is left behind takes room until the next set is published, and no more.
    let _ = host.remove_all_but(&[set.id()]).await;
    Ok(())
}

/// Why there is no icon to render a frame from.
enum NoIcon {
    /// The set is an album, which has no icon.
    None,
    /// The store has no value under its key.
    Missing,
    /// The stored value is not an icon that is ready to be rotated.
    Garbage,
    /// The store failed.
    Unread(StoreError),
}

impl NoIcon {
    /// The diagnosis for frame `n` of a set, which is not sent because of a flaw.
    fn diagnosis(self, host: &impl Store, set: &FrameSet, n: u16, flaw: &Flaw) -> Diagnosis {
        let why = match self {
            Self::Unread(error) => return failed(host, &error),
            Self::None => "an album has no icon to render it from",
            Self::Missing if matches!(flaw, Flaw::Missing) => "so is the icon to render it from",
            Self::Missing => "the icon to render it from is missing",
            Self::Garbage => "the icon to render it from is damaged",
        };
        let frames = set.frames();
        let message = format!("Frame {n} of {frames} {flaw}, and {why}.");
        Diagnosis::new(Reason::Frames, message, host.advice().frames)
    }
}

/// Reads the icon that a set's frames are rendered from.
async fn stored_icon<H: Store>(host: &H, set: &FrameSet) -> Result<Icon, NoIcon> {
    let rendering = set.rendering().ok_or(NoIcon::None)?;
    let stored = match host.read(&set.icon_key()).await {
        Ok(stored) => stored.ok_or(NoIcon::Missing)?,
        Err(StoreError::TooLarge) => return Err(NoIcon::Garbage),
        Err(error) => return Err(NoIcon::Unread(error)),
    };
    Icon::from_stored(&stored, rendering).ok_or(NoIcon::Garbage)
}

/// The diagnosis for a store that failed.
fn failed(host: &impl Store, error: &StoreError) -> Diagnosis {
    Diagnosis::new(Reason::Host, error.to_string(), host.advice().store)
}
