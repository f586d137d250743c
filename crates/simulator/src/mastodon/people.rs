//! The people on a server, and their pictures. Each server has `ada`, `grace`, `hedy` and any
//! `person-N`; only what they changed is kept.

use std::collections::BTreeMap;
use std::io::Cursor;

use data_encoding::HEXLOWER;
use hmac_sha256::Hash;
use image::{DynamicImage, ImageFormat, Rgb, RgbImage};

use super::Kind;
use super::judge::avatar_name;
use crate::picture::Picture;
use crate::simulator::Icon;

/// The people that the sign-in page offers.
pub(crate) const NAMED: [&str; 3] = ["ada", "grace", "hedy"];

/// The side of a generated picture, in pixels.
const SIDE: u32 = 400;
/// The squares on a side of a generated picture.
const SQUARES: u32 = 5;
/// The highest N of a `person-N`.
const MOST_PEOPLE: u32 = 9_999_999;

/// What a person did to their picture.
enum Portrait {
    Removed,
    Set(Icon),
}

/// The people on one server.
pub(crate) struct People {
    /// Tells the pictures of the people on different servers apart.
    server: String,
    portraits: BTreeMap<String, Portrait>,
}

/// The number of the person with this name, from which the id follows; `None` if nobody has it.
/// A person has the same number on each server.
pub(crate) fn number_of(username: &str) -> Option<u32> {
    if let Some(place) = NAMED.iter().position(|name| *name == username) {
        return u32::try_from(place).ok().map(|place| 101 + place);
    }
    let digits = username.strip_prefix("person-")?;
    let number: u32 = digits.parse().ok()?;
    let is_plain = number.to_string() == digits;
    (is_plain && number <= MOST_PEOPLE).then_some(1_000 + number)
}

/// The name of the person with this number.
pub(crate) fn name_of(number: u32) -> Option<String> {
    let named = number.checked_sub(101).and_then(|place| {
        let place = usize::try_from(place).ok()?;
        NAMED.get(place).map(|name| (*name).to_owned())
    });
    named.or_else(|| {
        let number = number.checked_sub(1_000)?;
        Some(format!("person-{number}"))
    })
}

/// The name that a person shows. Ada's does harm where it is not escaped.
pub(crate) fn display_name(username: &str) -> String {
    match username {
        "ada" => "Ada <b>&\"'".to_owned(),
        "grace" => "Grace Hopper".to_owned(),
        "hedy" => "Hedy Lamarr".to_owned(),
        other => other.replacen("person-", "Person ", 1),
    }
}

/// The id of the person with this number, in the shape that the software gives it.
pub(crate) fn id(kind: Kind, number: u32) -> String {
    match kind {
        // A ULID, and one of Pleroma's flakes.
        Kind::Gotosocial => format!("01HZZZZZZZZZZZZZZZ{number:08}"),
        Kind::Pleroma => format!("AZzzzzzzzz{number:08}"),
        _ => number.to_string(),
    }
}

impl People {
    /// The people on a server, none of whom changed anything yet.
    pub(crate) fn on(server: &str) -> Self {
        Self {
            server: server.to_owned(),
            portraits: BTreeMap::new(),
        }
    }

    /// Sets a person's picture.
    pub(crate) fn set(&mut self, username: &str, icon: Icon) {
        let portrait = Portrait::Set(icon);
        self.portraits.insert(username.to_owned(), portrait);
    }

    /// Removes a person's picture.
    pub(crate) fn remove(&mut self, username: &str) {
        let name = username.to_owned();
        self.portraits.insert(name, Portrait::Removed);
    }

    /// The names of the people who changed their picture.
    pub(crate) fn changed(&self) -> impl Iterator<Item = &str> {
        self.portraits.keys().map(String::as_str)
    }

    /// The file name of a person's current picture; `None` if there is none.
    pub(crate) fn file_name(&self, kind: Kind, username: &str) -> Option<String> {
        match self.portraits.get(username) {
            Some(Portrait::Removed) => None,
            Some(Portrait::Set(icon)) => {
                Some(avatar_name(kind.software(), icon.number, &icon.facts))
            }
            None if username == "hedy" => None,
            None => {
                let digest = HEXLOWER.encode(&self.digest(username));
                let ending = if is_png(username) { "png" } else { "jpeg" };
                Some(format!("{}.{ending}", digest.get(..16).unwrap_or_default()))
            }
        }
    }

    /// A person's current picture; `None` if there is none.
    pub(crate) fn picture(&self, username: &str) -> Option<Picture> {
        match self.portraits.get(username) {
            Some(Portrait::Removed) => None,
            Some(Portrait::Set(icon)) => Some(Picture {
                bytes: icon.bytes.clone(),
                facts: icon.facts.clone(),
            }),
            None if username == "hedy" => None,
            None => generated(self.digest(username), is_png(username)),
        }
    }

    fn digest(&self, username: &str) -> [u8; 32] {
        Hash::hash(format!("{}/{username}", self.server).as_bytes())
    }
}

/// Whether a person's first picture is a PNG rather than a JPEG.
fn is_png(username: &str) -> bool {
    username == "ada"
}

/// A symmetric pattern of squares in two colours that follow from the digest.
fn generated(digest: [u8; 32], is_png: bool) -> Option<Picture> {
    let [red, green, blue, ref pattern @ ..] = digest;
    let colour = Rgb([red / 2, green / 2, blue / 2]);
    let ground = Rgb([255 - red / 4, 255 - green / 4, 255 - blue / 4]);
    let image = RgbImage::from_fn(SIDE, SIDE, |x, y| {
        let (column, row) = (x * SQUARES / SIDE, y * SQUARES / SIDE);
        let mirrored = column.min(SQUARES - 1 - column);
        let place = usize::try_from(row * SQUARES + mirrored).unwrap_or_default();
        match pattern.get(place) {
            Some(byte) if byte % 2 == 0 => colour,
            _ => ground,
        }
    });
    encoded(image, is_png)
}

/// The grey square that servers show for a person without a picture.
pub(crate) fn missing(is_png: bool) -> Option<Picture> {
    encoded(RgbImage::from_pixel(120, 120, Rgb([128; 3])), is_png)
}

fn encoded(image: RgbImage, is_png: bool) -> Option<Picture> {
    let mut bytes = Cursor::new(Vec::new());
    let format = if is_png {
        ImageFormat::Png
    } else {
        ImageFormat::Jpeg
    };
    let image = DynamicImage::from(image);
    image.write_to(&mut bytes, format).ok()?;
    Some(Picture::inspect(bytes.into_inner().into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everyone_has_a_number_and_only_they() {
        for name in ["ada", "grace", "hedy", "person-0", "person-9999999"] {
            let number = number_of(name).unwrap();
            assert_eq!(name_of(number).as_deref(), Some(name));
        }
        for name in [
            "",
            "Ada",
            "local",
            "person-",
            "person-01",
            "person-+1",
            "person-10000000",
        ] {
            assert_eq!(number_of(name), None, "{name}");
        }
    }

    #[test]
    fn first_pictures_are_whole_and_differ() {
        let (one, other) = (People::on("one.example"), People::on("other.example"));
        let pictures: Vec<Picture> = [
            one.picture("ada"),
            one.picture("grace"),
            one.picture("person-1"),
            other.picture("ada"),
        ]
        .map(Option::unwrap)
        .into();
        for (index, picture) in pictures.iter().enumerate() {
            assert_eq!(picture.check_square(), Ok(()));
            assert_eq!(picture.facts.width, Some(400));
            let mut others = pictures[..index].iter();
            assert!(others.all(|other| other.facts.sha256 != picture.facts.sha256));
        }
        assert!(one.picture("hedy").is_none());
        let ending = one.file_name(Kind::Mastodon43, "grace").unwrap();
        assert_eq!(ending.split('.').next_back(), Some("jpeg"));
    }
}
