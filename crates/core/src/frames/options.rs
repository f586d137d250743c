//! The choices that make frames out of an icon, under the names that the command and the HTTP
//! interface share.

use std::fmt;
use std::str::FromStr;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::frames::media_type::MediaType;
use picture::Colour;
use pixels::InvalidChoice;
use pixels::jpeg::Quality;
use pixels::rotation::Kernel;

/// How an icon becomes frames.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rendering {
    /// How samples between samples are interpolated.
    pub kernel: Kernel,
    /// What the corners of a rotated icon show.
    pub fill: Fill,
    /// Which part of the square is shown.
    pub shape: Shape,
    /// The quality of frames that are JPEG files.
    pub quality: Quality,
}

impl fmt::Display for Rendering {
    /// Writes all choices, each with its name.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            kernel,
            fill,
            shape,
            quality,
        } = self;
        write!(
            f,
            "kernel={kernel} fill={fill} shape={shape} quality={quality}"
        )
    }
}

impl Rendering {
    /// The format of the frames.
    pub fn media_type(self) -> MediaType {
        match self.shape {
            Shape::Square => MediaType::Jpeg,
            Shape::Circle => MediaType::Png,
        }
    }
}

impl Default for Rendering {
    /// The choices that suit a photograph that networks show as a circle.
    fn default() -> Self {
        Self {
            kernel: Kernel::Sharp,
            fill: Fill::Reflect,
            shape: Shape::Square,
            quality: Quality::DEFAULT,
        }
    }
}

/// What the corners of a rotated icon show.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fill {
    /// The icon's mirror image.
    Reflect,
    /// One colour.
    Colour(Colour),
}

/// Which part of the square is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// All of it; the frames are JPEG files.
    Square,
    /// The circle in it, and nothing around it; the frames are PNG files.
    Circle,
}

impl FromStr for Fill {
    type Err = InvalidChoice;

    fn from_str(text: &str) -> Result<Self, InvalidChoice> {
        if text == "reflect" {
            return Ok(Self::Reflect);
        }
        let invalid = InvalidChoice(
            "reflect, black, white or a colour as RRGGBB in hex digits, such as ff8800",
        );
        text.parse().map(Self::Colour).map_err(|_| invalid)
    }
}

impl fmt::Display for Fill {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Reflect => f.write_str("reflect"),
            Self::Colour(colour) => colour.fmt(f),
        }
    }
}

impl FromStr for Shape {
    type Err = InvalidChoice;

    fn from_str(text: &str) -> Result<Self, InvalidChoice> {
        match text {
            "square" => Ok(Self::Square),
            "circle" => Ok(Self::Circle),
            _ => Err(InvalidChoice("square or circle")),
        }
    }
}

impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Square => "square",
            Self::Circle => "circle",
        })
    }
}

/// Serializes a choice as its name.
macro_rules! serde_by_name {
    ($($choice:ty),*) => {$(
        impl Serialize for $choice {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $choice {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = String::deserialize(deserializer)?;
                text.parse().map_err(D::Error::custom)
            }
        }
    )*};
}

serde_by_name!(Fill, Shape);

#[cfg(test)]
mod tests;
