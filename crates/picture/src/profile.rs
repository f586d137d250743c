//! Colours by a profile (ICC.1) or by code points (ITU-T H.273) → sRGB.
//!
//! The colours come out as browsers show them: by the perceptual table of the
//! profile, else the relative colorimetric one, else its matrix; what sRGB
//! does not have is cut off.

use std::sync::Arc;

use moxcms::{
    CicpProfile, ColorProfile, DataColorSpace, Layout, RenderingIntent, Transform8BitExecutor,
    TransformOptions,
};

/// The largest profile that is read, in bytes. Those of printers have up to 3 MB.
pub(super) const MAX_BYTES: usize = 4 << 20;

/// How far colours may move, in levels of 255, and still be taken for sRGB as
/// they are. There are hundreds of profiles for sRGB, each rounded in its way.
const TOLERANCE: u8 = 2;

/// What a file says about its colours.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Profile {
    /// An ICC profile.
    Icc(Vec<u8>),
    /// The code points of the primaries and of the transfer characteristics.
    CodePoints {
        /// H.273 §8.1.
        primaries: u8,
        /// H.273 §8.2.
        transfer: u8,
    },
}

/// What the samples of a pixel are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Channels {
    Grey,
    Rgb,
    /// 0 is no ink.
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
            // Four channels, whatever their name is.
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
            // The profile's own curves are at least as exact.
            allow_use_cicp_transfer: false,
            // In 1/8192, dark colours would be a level off.
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
                // Brighter than white, which needs more than a change of
                // colour spaces: PQ and HLG.
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

/// Whether colours all over the cube stay where they are.
fn is_identity(transform: &Transform8BitExecutor) -> Option<bool> {
    let levels = || (0..=u8::MAX).step_by(51);
    let grid = levels().flat_map(|r| levels().flat_map(move |g| levels().map(move |b| [r, g, b])));
    let greys = (0..=u8::MAX).map(|grey| [grey; 3]);
    let colours: Vec<u8> = grid.chain(greys).flatten().collect();
    let srgb = convert(transform, Channels::Rgb, &colours)?;
    let mut pairs = colours.iter().zip(&srgb);
    Some(pairs.all(|(before, after)| before.abs_diff(*after) <= TOLERANCE))
}
