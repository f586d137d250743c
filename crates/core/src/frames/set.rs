//! Frame sets: what they are called and how they are laid out in the key-value store.
//!
//! | key | value |
//! |---|---|
//! | `current` | the set that is shown: a [`FrameSet`] as JSON |
//! | `sets/{id}/{n}` | frame n of a set: a JPEG or PNG file |
//! | `sets/{id}/icon` | the icon, ready to be rotated ([`Icon::to_stored`]) |
//!
//! A set never changes; its id is a hash of what it was made from. A new set is written first and
//! `current` last, so one write switches from the old set to the new. The frames of an icon are a
//! cache: a missing one is rendered from the icon.
//!
//! [`Icon::to_stored`]: crate::frames::render::Icon::to_stored

use data_encoding::HEXLOWER;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use thiserror::Error;

use crate::frames::media_type::MediaType;
use crate::frames::options::Rendering;
use crate::schedule::FrameCount;
use crate::stored;

/// The key of the current set.
pub const CURRENT_KEY: &str = "current";

/// The prefix of all keys of frames and icons.
pub const SETS_PREFIX: &str = "sets/";

/// A set of N frames of one icon, or an album. It is immutable, and its id is a hash of what it was
/// made from.
///
/// ```
/// use rotate_icon_core::frames::options::Rendering;
/// use rotate_icon_core::frames::set::FrameSet;
/// use rotate_icon_core::schedule::FrameCount;
///
/// let set = FrameSet::of_icon(b"icon", FrameCount::TWELVE, Rendering::default());
/// assert_eq!(set.frame_key(11), format!("sets/{}/11", set.id()));
///
/// // The value of `current` in the store.
/// let stored = serde_json::to_string(&set)?;
/// assert_eq!(serde_json::from_str::<FrameSet>(&stored)?, set);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Stored", into = "Stored")]
pub struct FrameSet {
    id: String,
    frames: FrameCount,
    media_type: MediaType,
    rendering: Option<Rendering>,
}

/// The reason why a stored set is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum InvalidFrameSet {
    /// The id does not have the form that [`FrameSet::of_icon`] gives it.
    #[error("the id is not 32 lower-case hex digits")]
    Id,
    /// The number of frames is out of range.
    #[error("the number of frames is not 1 to {}", FrameCount::MAX)]
    Frames,
}

/// A set as it is stored under [`CURRENT_KEY`].
#[derive(Serialize, Deserialize)]
struct Stored {
    id: String,
    frames: u16,
    media_type: MediaType,
    /// `None` for an album, and for a rendering that another version has stored and this one does
    /// not understand: the frames that are stored can be shown all the same.
    #[serde(
        default,
        deserialize_with = "stored::or_default",
        skip_serializing_if = "Option::is_none"
    )]
    rendering: Option<Rendering>,
}

impl TryFrom<Stored> for FrameSet {
    type Error = InvalidFrameSet;

    fn try_from(stored: Stored) -> Result<Self, InvalidFrameSet> {
        if !is_id(&stored.id) {
            return Err(InvalidFrameSet::Id);
        }
        Ok(Self {
            id: stored.id,
            frames: FrameCount::new(stored.frames).ok_or(InvalidFrameSet::Frames)?,
            media_type: stored.media_type,
            // A rendering to another format cannot render frames of this set.
            rendering: stored
                .rendering
                .filter(|rendering| rendering.media_type() == stored.media_type),
        })
    }
}

impl From<FrameSet> for Stored {
    fn from(set: FrameSet) -> Self {
        Self {
            id: set.id,
            frames: set.frames.get(),
            media_type: set.media_type,
            rendering: set.rendering,
        }
    }
}

/// A reference to a frame of a set.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FrameRef {
    /// The id of the set.
    pub set: String,
    /// The number of the frame, from 0.
    pub frame: u16,
}

impl FrameRef {
    /// The key of the frame in the store.
    pub fn key(&self) -> String {
        frame_key(&self.set, self.frame)
    }

    /// Whether it is a frame of this set.
    pub fn is_of(&self, set: &FrameSet) -> bool {
        self.set == set.id
    }
}

fn frame_key(set_id: &str, n: u16) -> String {
    format!("{SETS_PREFIX}{set_id}/{n}")
}

/// The length of a set's id.
const ID_DIGITS: usize = 32;

/// The id of a set: the first half of the SHA-256 of all that its frames are made from, in hex.
fn id_of<'a>(
    files: impl IntoIterator<Item = &'a [u8]>,
    recipe: &str,
    frames: FrameCount,
    media_type: MediaType,
) -> String {
    let mut hash = Sha256::new();
    // Each part follows its length, so that no two lists of parts give the same bytes.
    let mut add = |part: &[u8]| {
        hash.update((part.len() as u64).to_le_bytes());
        hash.update(part);
    };
    add(recipe.as_bytes());
    add(media_type.as_str().as_bytes());
    files.into_iter().for_each(add);
    hash.update(frames.get().to_le_bytes());
    let mut id = HEXLOWER.encode(hash.finalize().as_slice());
    id.truncate(ID_DIGITS);
    id
}

fn is_id(text: &str) -> bool {
    text.len() == ID_DIGITS && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
}

impl FrameSet {
    /// The set that is rendered from an icon. `icon` is the icon as it is stored, ready to be
    /// rotated. Its bytes do not depend on the file that it was decoded from, so two files with the
    /// same pixels make the same set.
    pub fn of_icon(icon: &[u8], frames: FrameCount, rendering: Rendering) -> Self {
        /// The version of the renderer. A change to it that changes the bytes of a frame has to
        /// change this number.
        const VERSION: u8 = 4;
        let media_type = rendering.media_type();
        let recipe = format!("version={VERSION} {rendering}");
        Self {
            id: id_of([icon], &recipe, frames, media_type),
            frames,
            media_type,
            rendering: Some(rendering),
        }
    }

    /// An album: the set whose frames are made from one file each. `recipe` is the text of all
    /// choices that turn a file into a frame.
    pub fn of_album<'a>(
        files: impl IntoIterator<Item = &'a [u8]>,
        recipe: &str,
        frames: FrameCount,
        media_type: MediaType,
    ) -> Self {
        Self {
            id: id_of(files, recipe, frames, media_type),
            frames,
            media_type,
            rendering: None,
        }
    }

    /// The id of the set: 32 lower-case hex digits.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The number of frames.
    pub fn frames(&self) -> FrameCount {
        self.frames
    }

    /// The format of its frames.
    pub fn media_type(&self) -> MediaType {
        self.media_type
    }

    /// How its frames are rendered from the icon; `None` for an album, which has no icon.
    pub fn rendering(&self) -> Option<Rendering> {
        self.rendering
    }

    /// The key of frame `n` in the store.
    pub fn frame_key(&self, n: u16) -> String {
        frame_key(&self.id, n)
    }

    /// The key of the icon in the store.
    pub fn icon_key(&self) -> String {
        format!("{SETS_PREFIX}{}/icon", self.id)
    }

    /// The strong entity tag of frame `n`, quotes included (RFC 9110 §8.8.3).
    pub fn frame_etag(&self, n: u16) -> String {
        format!("\"{}-{n}\"", self.id)
    }

    /// The id of the set that a key in the store belongs to; `None` if it is not the key of a frame
    /// or an icon.
    pub fn id_of_key(key: &str) -> Option<&str> {
        let (id, _) = key.strip_prefix(SETS_PREFIX)?.split_once('/')?;
        is_id(id).then_some(id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frames::options::Shape;

    fn twelve(icon: &[u8]) -> FrameSet {
        let frames = FrameCount::new(12).unwrap();
        FrameSet::of_icon(icon, frames, Rendering::default())
    }

    fn album(files: &[&[u8]], options: &str) -> FrameSet {
        let frames = FrameCount::new(12).unwrap();
        FrameSet::of_album(files.iter().copied(), options, frames, MediaType::Jpeg)
    }

    #[test]
    fn the_id_is_a_hash_of_everything_a_set_is_made_from() {
        let set = twelve(b"icon");
        assert_eq!(set.id(), twelve(b"icon").id());
        assert!(is_id(set.id()));

        let frames = FrameCount::new(24).unwrap();
        let circle = Rendering {
            shape: Shape::Circle,
            ..Rendering::default()
        };
        for other in [
            twelve(b"icom"),
            twelve(b"sicon"),
            FrameSet::of_icon(b"icon", frames, Rendering::default()),
            FrameSet::of_icon(b"icon", set.frames(), circle),
        ] {
            assert_ne!(other.id(), set.id());
        }
    }

    #[test]
    fn the_id_of_an_album_is_a_hash_of_its_files_in_order() {
        let set = album(&[b"a", b"bc"], "options");
        assert_eq!(set.id(), album(&[b"a", b"bc"], "options").id());
        assert!(is_id(set.id()));
        for other in [
            album(&[b"bc", b"a"], "options"),
            album(&[b"ab", b"c"], "options"),
            album(&[b"abc"], "options"),
            album(&[b"a", b"bc", b""], "options"),
            album(&[b"a", b"bc"], "option"),
        ] {
            assert_ne!(other.id(), set.id());
        }
    }

    #[test]
    fn a_set_of_an_icon_knows_how_its_frames_are_made() {
        let set = twelve(b"icon");
        assert_eq!(set.rendering(), Some(Rendering::default()));
        assert_eq!(set.media_type(), MediaType::Jpeg);
        assert_eq!(album(&[b"icon"], "").rendering(), None);

        let circle = Rendering {
            shape: Shape::Circle,
            ..Rendering::default()
        };
        let set = FrameSet::of_icon(b"icon", set.frames(), circle);
        assert_eq!(set.media_type(), MediaType::Png);
    }

    #[test]
    fn it_reads_back_as_it_was_written() {
        let set = twelve(b"icon");
        let json = serde_json::to_string(&set).unwrap();
        assert_eq!(
            json,
            format!(
                concat!(
                    r#"{{"id":"{}","frames":12,"media_type":"image/jpeg","#,
                    r#""rendering":{{"kernel":"sharp","fill":"reflect","shape":"square","#,
                    r#""quality":95}}}}"#,
                ),
                set.id()
            )
        );
        assert_eq!(serde_json::from_str::<FrameSet>(&json).unwrap(), set);

        let album = album(&[b"icon"], "");
        let json = serde_json::to_string(&album).unwrap();
        assert_eq!(
            json,
            format!(
                r#"{{"id":"{}","frames":12,"media_type":"image/jpeg"}}"#,
                album.id()
            )
        );
        assert_eq!(serde_json::from_str::<FrameSet>(&json).unwrap(), album);
    }

    #[test]
    fn what_publish_cannot_have_written_is_refused() {
        let id = "0123456789abcdef0123456789abcdef";
        for json in [
            format!(r#"{{"id":"{id}","frames":0,"media_type":"image/jpeg"}}"#),
            format!(r#"{{"id":"{id}","frames":1441,"media_type":"image/jpeg"}}"#),
            format!(r#"{{"id":"{id}","frames":12,"media_type":"text/html"}}"#),
            r#"{"id":"../secrets","frames":12,"media_type":"image/jpeg"}"#.to_owned(),
            "{}".to_owned(),
            String::new(),
        ] {
            assert!(serde_json::from_str::<FrameSet>(&json).is_err(), "{json}");
        }
    }

    #[test]
    fn of_a_set_that_another_version_has_published_the_frames_are_known() {
        let id = "0123456789abcdef0123456789abcdef";
        for rendering in [
            r#"{"kernel":"x","fill":"reflect","shape":"square","quality":95}"#,
            r#"{"kernel":"sharp"}"#,
            r#""sharp""#,
            // It makes PNG files.
            r#"{"kernel":"sharp","fill":"reflect","shape":"circle","quality":95}"#,
        ] {
            let json = format!(
                r#"{{"id":"{id}","frames":12,"media_type":"image/jpeg","rendering":{rendering},"new":1}}"#
            );
            let set: FrameSet = serde_json::from_str(&json).unwrap();
            assert_eq!((set.id(), set.frames().get()), (id, 12));
            assert_eq!(set.rendering(), None);
        }
    }

    #[test]
    fn a_key_tells_its_set() {
        let set = twelve(b"icon");
        let frames = (0..12).map(|n| set.frame_key(n));
        let keys: Vec<_> = frames.chain([set.icon_key()]).collect();
        assert_eq!(keys.len(), 13);
        for key in &keys {
            assert_eq!(FrameSet::id_of_key(key), Some(set.id()));
        }
        for key in [
            "current",
            "sets/",
            "sets/x/1",
            "other/0123456789abcdef0123456789abcdef/1",
        ] {
            assert_eq!(FrameSet::id_of_key(key), None);
        }
    }
}
