//! Converts colours to sRGB by a profile (ICC.1) or by code points (ITU-T H.273).
//!
//! As in browsers, the profile's perceptual table is used, or else its relative colorimetric table,
//! or else its matrix. Colours outside sRGB are clipped.

use std::sync::Arc;

use moxcms::{
    CicpProfile, ColorProfile, DataColorSpace, Layout, RenderingIntent, Transform8BitExecutor,
    TransformOptions,
};

/// The largest profile that is read, in bytes. Printer profiles have up to 3 MB.
pub(super) const MAX_BYTES: usize = 4 << 20;

/// The largest change of a colour, in levels of 255, for which a profile counts as sRGB. There are
/// hundreds of profiles for sRGB, each with its own rounding.
const TOLERANCE: u8 = 2;

/// A file's statement about its colours.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Profile {
    /// An ICC profile.
    Icc(Vec<u8>),
    /// The code points of the primaries and the transfer characteristics.
    CodePoints {
        /// H.273 §8.1.
        primaries: u8,
        /// H.273 §8.2.
        transfer: u8,
    },
}

/// The channels of a pixel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Channels {
    Grey,
    Rgb,
    /// 0 means no ink.
    Cmyk,
}

/// A profile that was parsed.
pub(super) struct ParsedProfile(ColorProfile);

impl ParsedProfile {
    /// Converts samples to sRGB, three bytes a pixel. Returns `None` if the samples are to be
    /// taken as they are: the profile is for other channels, or as good as sRGB.
    pub(super) fn to_srgb(&self, channels: Channels, samples: &[u8]) -> Option<Vec<u8>> {
        let transform = self.transform(channels)?;
        if channels == Channels::Rgb && is_identity(&*transform)? {
            return None;
        }
        convert(&*transform, channels, samples)
    }

    fn transform(&self, channels: Channels) -> Option<Arc<Transform8BitExecutor>> {
        let Self(profile) = self;
        let (space, layout) = match channels {
            Channels::Grey => (DataColorSpace::Gray, Layout::Gray),
            Channels::Rgb => (DataColorSpace::Rgb, Layout::Rgb),
            // Any four channels.
            Channels::Cmyk => (DataColorSpace::Cmyk, Layout::Rgba),
        };
        if profile.color_space != space {
            return None;
        }
        let has_perceptual = profile.lut_a_to_b_perceptual.is_some();
        let options = TransformOptions {
            rendering_intent: if has_perceptual {
                RenderingIntent::Perceptual
            } else {
                RenderingIntent::RelativeColorimetric
            },
            // The profile's own curves are at least as accurate.
            allow_use_cicp_transfer: false,
            // Steps of 1/8192 would shift dark colours by a level.
            prefer_fixed_point: false,
            ..TransformOptions::default()
        };
        let srgb = ColorProfile::new_srgb();
        profile
            .create_transform_8bit(layout, &srgb, Layout::Rgb, options)
            .ok()
    }
}

impl Profile {
    /// Parses the profile; `None` if it is broken or cannot be applied.
    pub(super) fn parse(&self) -> Option<ParsedProfile> {
        let profile = match *self {
            Self::Icc(ref profile) if profile.len() <= MAX_BYTES => {
                ColorProfile::new_from_slice(profile).ok()?
            }
            Self::Icc(_) => return None,
            Self::CodePoints {
                primaries,
                transfer,
            } => {
                // PQ and HLG are brighter than white and need tone mapping.
                if matches!(transfer, 16 | 18) {
                    return None;
                }
                let mut profile = ColorProfile::new_srgb();
                profile.update_rgb_colorimetry_from_cicp(CicpProfile {
                    color_primaries: primaries.try_into().ok()?,
                    transfer_characteristics: transfer.try_into().ok()?,
                    matrix_coefficients: moxcms::MatrixCoefficients::Identity,
                    full_range: true,
                });
                profile
            }
        };
        Some(ParsedProfile(profile))
    }
}

fn convert(
    transform: &Transform8BitExecutor,
    channels: Channels,
    samples: &[u8],
) -> Option<Vec<u8>> {
    let pixels = match channels {
        Channels::Grey => samples.len(),
        Channels::Rgb => samples.as_chunks::<3>().0.len(),
        Channels::Cmyk => samples.as_chunks::<4>().0.len(),
    };
    let mut srgb = vec![0; pixels.checked_mul(3)?];
    transform.transform(samples, &mut srgb).ok()?;
    Some(srgb)
}

/// Whether colours throughout the cube stay unchanged.
fn is_identity(transform: &Transform8BitExecutor) -> Option<bool> {
    let levels = || (0..=u8::MAX).step_by(51);
    let grid = levels().flat_map(|r| levels().flat_map(move |g| levels().map(move |b| [r, g, b])));
    let greys = (0..=u8::MAX).map(|grey| [grey; 3]);
    let colours: Vec<u8> = grid.chain(greys).flatten().collect();
    let srgb = convert(transform, Channels::Rgb, &colours)?;
    let mut pairs = colours.iter().zip(&srgb);
    Some(pairs.all(|(before, after)| before.abs_diff(*after) <= TOLERANCE))
}
