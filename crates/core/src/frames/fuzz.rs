//! The fuzz target `icon`: whatever is stored in the place of an icon is an icon or refused.
//!
//! `npm run fuzz -- icon` runs it for longer.

use fuzzing::{Bytes, changed, fuzz};
use pixels::plane::{Plane, Planes};
use proptest::prelude::*;
use proptest::test_runner::TestCaseResult;

use super::options::{Rendering, Shape};
use super::render::{FrameError, Icon};
use super::size::{FRAME_SIZE, MAX_FRAME_BYTES};
use super::y4m;
use crate::schedule::FrameCount;

/// Planes with chroma planes of another size.
fn planes(
    (width, height): (usize, usize),
    (chroma_width, chroma_height): (usize, usize),
) -> Planes {
    let plane = |width, height, seed: usize| {
        Plane::from_fn(width, height, |x, y| {
            (((x * 31 + y * 17 + seed) * 0x9e37) >> 5).to_le_bytes()[0]
        })
    };
    Planes {
        luma: plane(width, height, 1),
        blue: plane(chroma_width, chroma_height, 2),
        red: plane(chroma_width, chroma_height, 3),
    }
}

/// How many samples planes have.
fn samples(Planes { luma, blue, red }: &Planes) -> usize {
    let planes = [luma, blue, red].into_iter();
    planes.map(|plane| plane.samples().len()).sum()
}

fn first_line(file: &[u8]) -> Option<&[u8]> {
    file.split(|byte| *byte == b'\n').next()
}

#[test]
fn fuzz_planes_that_are_read_are_written_and_read_back_the_same() {
    let files = [
        ((5, 7), (3, 4)),
        ((5, 7), (5, 7)),
        ((1, 1), (1, 1)),
        ((90, 3), (45, 2)),
    ];
    let files = files.map(|(luma, chroma)| y4m::write(&planes(luma, chroma)).unwrap());
    fuzz(50_000, &changed(files.to_vec(), |_| ()), |Bytes(file)| {
        let Some(planes) = y4m::read(file) else {
            return Ok(());
        };
        // No more memory than the file has.
        prop_assert!(samples(&planes) < file.len());
        let written = y4m::write(&planes).unwrap();
        prop_assert_eq!(y4m::read(&written), Some(planes));
        // Another header may say the same, with other parameters.
        if first_line(&written) == first_line(file) {
            prop_assert_eq!(&written, file);
        }
        Ok(())
    });
}

/// What an owner relies on of an icon that could be read.
fn check_icon(icon: &Icon, rendering: Rendering) -> TestCaseResult {
    let stored = icon.to_stored();
    let again = Icon::from_stored(&stored, rendering);
    prop_assert!(again.is_some_and(|again| again.to_stored() == stored));
    let start = match rendering.shape {
        Shape::Square => b"\xff\xd8\xff".as_slice(),
        Shape::Circle => b"\x89PNG".as_slice(),
    };
    match icon.frame(1, FrameCount::new(12).unwrap()) {
        Ok(frame) => {
            prop_assert!(frame.file.starts_with(start));
            prop_assert!(frame.file.len() <= MAX_FRAME_BYTES);
        }
        Err(error) => prop_assert!(matches!(error, FrameError::TooLarge(_))),
    }
    Ok(())
}

#[test]
fn fuzz_a_stored_icon_gives_frames_or_is_refused() {
    let size = (FRAME_SIZE, FRAME_SIZE);
    let half = (FRAME_SIZE / 2, FRAME_SIZE / 2);
    let files = [half, size].map(|chroma| y4m::write(&planes(size, chroma)).unwrap());
    let icons = (
        changed(files.to_vec(), |_| ()),
        prop::sample::select(&[Shape::Square, Shape::Circle]),
    );
    fuzz(60, &icons, |(Bytes(stored), shape)| {
        let rendering = Rendering {
            shape: *shape,
            ..Rendering::default()
        };
        match Icon::from_stored(stored, rendering) {
            Some(icon) => check_icon(&icon, rendering),
            None => Ok(()),
        }
    });
}
