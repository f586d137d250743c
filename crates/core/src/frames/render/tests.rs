// Numbers here are small.
#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss
)]

use std::collections::HashSet;
use std::io::Cursor;
use std::sync::atomic::{AtomicU16, Ordering};

use image::codecs::jpeg::JpegEncoder;
use image::{DynamicImage, ImageFormat, Rgb, RgbImage, Rgba, RgbaImage};

use super::*;
use picture::Square;
use pixels::rotation::Kernel;

fn count(frames: u16) -> FrameCount {
    FrameCount::new(frames).unwrap()
}

fn png(picture: impl Into<DynamicImage>) -> Vec<u8> {
    let mut file = Cursor::new(Vec::new());
    picture
        .into()
        .write_to(&mut file, ImageFormat::Png)
        .unwrap();
    file.into_inner()
}

fn with(rendering: Rendering) -> Recipe {
    Recipe {
        rendering,
        ..Recipe::default()
    }
}

fn circles() -> Rendering {
    Rendering {
        shape: Shape::Circle,
        ..Rendering::default()
    }
}

fn icon(file: &[u8]) -> Icon {
    Icon::read(file, &Recipe::default(), Limits::WORKER).unwrap()
}

fn icon_with(file: &[u8], rendering: Rendering) -> Icon {
    Icon::read(file, &with(rendering), Limits::WORKER).unwrap()
}

/// The luma of a JPEG file.
fn luma(file: &[u8]) -> Plane {
    let picture = image::load_from_memory_with_format(file, ImageFormat::Jpeg).unwrap();
    let rgb: Vec<[u8; 3]> = picture.to_rgb8().pixels().map(|pixel| pixel.0).collect();
    let (width, height) = (picture.width() as usize, picture.height() as usize);
    Planes::from_rgb(width, height, &rgb).unwrap().luma
}

fn largest_difference(a: &Plane, b: &Plane) -> u8 {
    assert_eq!((a.width(), a.height()), (b.width(), b.height()));
    let pairs = a.samples().iter().zip(b.samples());
    pairs.map(|(a, b)| a.abs_diff(*b)).max().unwrap()
}

/// Black with a white disc of radius 20 that is 150 px above the centre.
fn hand_at_twelve() -> Vec<u8> {
    png(RgbImage::from_fn(400, 400, |x, y| {
        let (dx, dy) = (f64::from(x) - 199.5, f64::from(y) - 49.5);
        Rgb([if dx.hypot(dy) < 20.0 { 255 } else { 0 }; 3])
    }))
}

/// A random colour for each pixel, which is hard to compress.
fn noise() -> RgbImage {
    let mut state = 1_u32;
    RgbImage::from_fn(400, 400, |_, _| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let [a, b, c, _] = state.to_be_bytes();
        Rgb([a, b, c])
    })
}

/// Each pixel black or white at random, which is harder still.
fn extremes() -> RgbImage {
    let mut noise = noise();
    for Rgb([r, g, b]) in noise.pixels_mut() {
        let value = if *r < 128 { 0 } else { 255 };
        (*r, *g, *b) = (value, value, value);
    }
    noise
}

/// A picture as they often are: waves of colour, and some edges.
fn usual() -> Vec<u8> {
    png(RgbImage::from_fn(400, 400, |x, y| {
        let (fx, fy) = (f64::from(x), f64::from(y));
        let wave = 128.0 + 60.0 * ((fx / 31.0).sin() + (fy / 17.0).cos());
        let edge = if (x + 2 * y) % 190 < 60 { 255 } else { 20 };
        Rgb([wave as u8, edge, (wave / 2.0 + fx / 4.0) as u8])
    }))
}

/// The centre of the light of a picture, relative to the picture's centre. The corners, which
/// networks do not show, do not count.
fn centre_of_light(plane: &Plane) -> (f64, f64) {
    let (mut light, mut x_sum, mut y_sum) = (0.0, 0.0, 0.0);
    for (y, row) in plane.rows().enumerate() {
        for (x, value) in row.iter().enumerate() {
            let (x, y) = (x as f64 - 199.5, y as f64 - 199.5);
            if x.hypot(y) < 199.0 {
                let value = f64::from(*value);
                light += value;
                x_sum += value * x;
                y_sum += value * y;
            }
        }
    }
    (x_sum / light, y_sum / light)
}

/// Whether the light of frame n is where the hour hand is.
fn assert_hand(plane: &Plane, n: u16, frames: u16, tolerance: f64) {
    let (x, y) = centre_of_light(plane);
    let angle = (f64::from(n) * 360.0 / f64::from(frames)).to_radians();
    let (expected_x, expected_y) = (150.0 * angle.sin(), -150.0 * angle.cos());
    assert!(
        (x - expected_x).abs() < tolerance && (y - expected_y).abs() < tolerance,
        "frame {n} of {frames}: the hand is at {x}, {y}"
    );
}

#[test]
fn frame_k_is_turned_clockwise_by_its_share_of_the_circle() {
    let icon = icon(&hand_at_twelve());
    for frames in [1, 2, 5, 7, 12, 60] {
        for n in 0..frames {
            assert_hand(&icon.planes(n, count(frames)).luma, n, frames, 0.05);
        }
    }
}

#[test]
fn every_kernel_turns_by_the_same_angle() {
    for kernel in Kernel::ALL {
        let rendering = Rendering {
            kernel,
            ..Rendering::default()
        };
        let icon = icon_with(&hand_at_twelve(), rendering);
        for n in [0, 1, 5, 7, 11] {
            assert_hand(&icon.planes(n, count(12)).luma, n, 12, 0.05);
        }
    }
}

#[test]
fn the_file_of_frame_k_shows_it_turned_clockwise_by_its_share() {
    let icon = icon(&hand_at_twelve());
    for frames in [7, 12, 14] {
        for n in 0..frames {
            let frame = icon.frame(n, count(frames)).unwrap();
            assert_eq!(frame.number, n);
            assert_hand(&luma(&frame.file), n, frames, 0.2);
        }
    }
}

#[test]
fn quarter_turns_move_pixels_without_loss() {
    for rendering in [Rendering::default(), circles()] {
        let icon = icon_with(&png(noise()), rendering);
        let upright = icon.planes(0, count(12));
        for (n, quarters) in [(3, 1), (6, 2), (9, 3)] {
            assert_eq!(icon.planes(n, count(12)), upright.quarter_rotated(quarters));
        }
        // What is turned by an angle first, too.
        let one = icon.planes(1, count(12));
        for (n, quarters) in [(4, 1), (7, 2), (10, 3)] {
            assert_eq!(icon.planes(n, count(12)), one.quarter_rotated(quarters));
        }
    }
}

#[test]
fn files_of_quarter_turns_show_the_same_pixels() {
    let icon = icon(&usual());
    for base in 0..3 {
        let first = luma(&icon.frame(base, count(12)).unwrap().file);
        for quarters in 1..4 {
            let rotated = luma(&icon.frame(base + 3 * quarters, count(12)).unwrap().file);
            // Of colours converted twice.
            assert!(largest_difference(&rotated, &first.quarter_rotated(quarters)) <= 3);
        }
    }
}

#[test]
fn the_first_frame_is_the_icon() {
    let picture = noise();
    let rgb: Vec<[u8; 3]> = picture.pixels().map(|pixel| pixel.0).collect();
    let expected = Planes::from_rgb(400, 400, &rgb).unwrap();
    let file = png(picture);
    assert_eq!(icon_with(&file, circles()).planes(0, count(12)), expected);

    let planes = icon(&file).planes(0, count(12));
    assert_eq!(planes.luma, expected.luma);
    assert_eq!(planes.blue, expected.blue.halved());
    assert_eq!(planes.red, expected.red.halved());
}

#[test]
fn corners_are_filled_with_what_is_beside_them() {
    let one_colour = png(RgbImage::from_pixel(400, 400, Rgb([250, 240, 230])));
    for kernel in Kernel::ALL {
        let rendering = Rendering {
            kernel,
            ..Rendering::default()
        };
        let icon = icon_with(&one_colour, rendering);
        assert_eq!(
            icon.planes(1, count(8)),
            icon.planes(0, count(8)),
            "{kernel}"
        );
    }
}

#[test]
fn corners_are_filled_with_the_colour_that_is_set() {
    let white = png(RgbImage::from_pixel(400, 400, Rgb([255; 3])));
    for colour in [[255, 0, 0], [0, 0, 0], [12, 200, 99]] {
        let rendering = Rendering {
            fill: Fill::Colour(Colour(colour)),
            ..Rendering::default()
        };
        let planes = icon_with(&white, rendering).planes(1, count(8));
        let expected = Planes::from_rgb(1, 1, &[colour]).unwrap();
        for (plane, expected) in [
            (&planes.luma, &expected.luma),
            (&planes.blue, &expected.blue),
            (&planes.red, &expected.red),
        ] {
            let last = plane.width() - 1;
            for (x, y) in [(0, 0), (last, 0), (0, last), (last, last)] {
                assert_eq!(plane.nearest(x, y), expected.nearest(0, 0));
            }
        }
        assert_eq!(planes.luma.nearest(200, 200), 255);
    }
}

#[test]
fn a_frame_is_a_400_px_jpeg_under_the_limit() {
    for picture in [noise(), extremes()] {
        let icon = icon(&png(picture));
        for n in 0..12 {
            let frame = icon.frame(n, count(12)).unwrap();
            assert!(frame.file.len() <= MAX_FRAME_BYTES);
            let decoded = luma(&frame.file);
            assert_eq!((decoded.width(), decoded.height()), (400, 400));
        }
    }
}

#[test]
fn any_shape_becomes_its_centre_square() {
    // Left third red, middle third green, right third blue.
    let flag = RgbImage::from_fn(900, 300, |x, _| {
        let mut pixel = [0; 3];
        pixel[(x / 300) as usize] = 255;
        Rgb(pixel)
    });
    let file = png(flag);
    let first = |crop| {
        let recipe = Recipe {
            crop,
            ..Recipe::default()
        };
        let icon = Icon::read(&file, &recipe, Limits::WORKER).unwrap();
        icon.planes(0, count(1)).to_rgb()
    };
    let all = |colour: [u8; 3]| {
        let near = |a: u8, b: u8| a.abs_diff(b) <= 2;
        move |pixel: &[u8; 3]| pixel.iter().zip(colour).all(|(a, b)| near(*a, b))
    };
    let square = |left| {
        Crop::At(Square {
            left,
            top: 10,
            side: 90,
        })
    };
    for (crop, colour) in [
        (Crop::Centre, [0, 255, 0]),
        (Crop::Left, [255, 0, 0]),
        (Crop::Right, [0, 0, 255]),
        (square(10), [255, 0, 0]),
        (square(450), [0, 255, 0]),
        (square(810), [0, 0, 255]),
    ] {
        assert!(first(crop).iter().all(all(colour)), "{crop}");
    }
}

#[test]
fn exif_orientation_is_applied() {
    // Black on the left, white on the right, and a note that this side is up.
    let lying = RgbImage::from_fn(400, 400, |x, _| Rgb([if x < 200 { 0 } else { 255 }; 3]));
    let mut file = Vec::new();
    lying
        .write_with_encoder(JpegEncoder::new_with_quality(&mut file, 95))
        .unwrap();
    // APP1 with the one TIFF tag 0x0112 (orientation) of 6: turn clockwise by 90°.
    let exif = b"Exif\0\0II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0\0\0\0\0";
    let length = u16::try_from(exif.len() + 2).unwrap().to_be_bytes();
    let app1 = [&[0xff, 0xe1], length.as_slice(), exif].concat();
    file.splice(2..2, app1);

    let upright = icon(&file).planes(0, count(1)).luma;
    assert!(upright.nearest(200, 20) < 10);
    assert!(upright.nearest(200, 380) > 245);
}

#[test]
fn alpha_is_laid_on_the_background() {
    let glass = png(RgbaImage::from_pixel(400, 400, Rgba([0, 0, 0, 0])));
    for background in [Colour::WHITE, Colour::BLACK, Colour([200, 100, 50])] {
        let recipe = Recipe {
            background,
            ..Recipe::default()
        };
        let icon = Icon::read(&glass, &recipe, Limits::WORKER).unwrap();
        let [pixel, ..] = icon.planes(0, count(1)).to_rgb()[..] else {
            panic!("no pixels");
        };
        let mut pairs = pixel.into_iter().zip(background.0);
        assert!(pairs.all(|(a, b)| a.abs_diff(b) <= 2), "{pixel:?}");
    }
    assert_eq!(icon(&glass).planes(0, count(1)).to_rgb()[0], [255; 3]);
}

#[test]
fn what_is_no_picture_is_refused() {
    let read = |file: &[u8]| Icon::read(file, &Recipe::default(), Limits::WORKER);
    let text = read(b"<svg xmlns='http://www.w3.org/2000/svg'/>");
    assert!(matches!(text, Err(PictureError::Format(_))));
    assert!(matches!(read(b""), Err(PictureError::Format(_))));

    let mut cut = hand_at_twelve();
    cut.truncate(cut.len() / 2);
    assert!(matches!(read(&cut), Err(PictureError::Broken { .. })));

    let wide = png(image::GrayImage::new(2_000_001, 4));
    assert!(matches!(read(&wide), Err(PictureError::TooLarge { .. })));

    let outside = Recipe {
        crop: "1,0,400".parse().unwrap(),
        ..Recipe::default()
    };
    let outside = Icon::read(&hand_at_twelve(), &outside, Limits::WORKER);
    assert!(matches!(outside, Err(PictureError::Crop { .. })));
}

#[test]
fn the_same_icon_gives_the_same_bytes() {
    let file = hand_at_twelve();
    for rendering in [Rendering::default(), circles()] {
        let frame = |n| icon_with(&file, rendering).frame(n, count(12)).unwrap();
        assert_eq!(frame(1), frame(1));
        assert_ne!(frame(1).file, frame(2).file);
        // A frame that stands at the same angle is the same, whatever the
        // number of frames.
        let icon = icon_with(&file, rendering);
        let at_the_same_angle = icon.frame(2, count(24)).unwrap();
        assert_eq!(at_the_same_angle.file, frame(1).file);
    }
}

#[test]
fn a_frame_is_the_same_alone_or_made_together_with_others() {
    for rendering in [Rendering::default(), circles()] {
        let icon = icon_with(&usual(), rendering);
        for frames in [1, 2, 3, 4, 5, 6, 7, 8, 12, 60] {
            if rendering.shape == Shape::Circle && frames > 8 {
                continue;
            }
            let frames = count(frames);
            let made = AtomicU16::new(0);
            let all = icon
                .all_frames(frames, || {
                    made.fetch_add(1, Ordering::Relaxed);
                })
                .unwrap();
            assert_eq!(made.into_inner(), frames.get());

            // All numbers once, in order.
            let numbers: Vec<u16> = all.iter().map(|frame| frame.number).collect();
            assert_eq!(numbers, (0..frames.get()).collect::<Vec<_>>());

            let mut together: Vec<Frame> = bases(frames)
                .flat_map(|base| icon.frames_from(base, frames).unwrap())
                .collect();
            together.sort_by_key(|frame| frame.number);
            assert_eq!(together, all);

            for frame in &all {
                assert_eq!(icon.frame(frame.number, frames).as_ref(), Ok(frame));
            }
        }
    }
}

#[test]
fn every_frame_is_its_base_and_quarter_turns() {
    for frames in (1..=FrameCount::MAX).map(count) {
        let bases = bases(frames).end;
        for n in 0..frames.get() {
            let Place { base, quarters } = Place::of(n, frames);
            let (n, base, quarters) = (i32::from(n), i32::from(base), i32::from(quarters));
            let (bases, frames) = (i32::from(bases), i32::from(frames.get()));
            assert!(base < bases && quarters < 4);
            assert_eq!(
                (4 * (base - n) + quarters * frames).rem_euclid(4 * frames),
                0
            );
            // A turn of more than an eighth of a circle is one from the next quarter.
            assert!(frames % 4 != 0 || 8 * base.abs() <= frames);
        }
    }
}

#[test]
fn a_quarter_of_the_frames_is_turned_where_that_is_a_whole_number() {
    for (frames, expected) in [
        (1, 1),
        (2, 1),
        (3, 3),
        (4, 1),
        (6, 3),
        (7, 7),
        (8, 2),
        (10, 5),
        (12, 3),
        (60, 15),
        (1440, 360),
    ] {
        assert_eq!(bases(count(frames)), 0..expected, "{frames}");
    }
}

#[test]
fn the_quality_is_lowered_only_as_far_as_it_takes() {
    // No picture of 400×400 pixels is known that needs it; a larger one does.
    let large = |side: usize| {
        let noise = noise();
        Plane::from_fn(side, side, |x, y| {
            let Rgb([a, b, c]) = *noise.get_pixel(x as u32 % 400, y as u32 % 400);
            [a, b, c][x / 400 + y / 400]
        })
    };
    let planes = Planes {
        luma: large(640),
        blue: large(320),
        red: large(320).quarter_rotated(1),
    };
    let best = Rendering {
        quality: Quality::BEST,
        ..Rendering::default()
    };
    let fine = planes.map(Plane::to_fine);
    let encoder = Encoder::new(&fine, best).unwrap();
    for quarters in 0..4 {
        let frame = encoder.frame(7, quarters).unwrap();
        assert_eq!(frame.number, 7);
        assert!(frame.file.len() <= MAX_FRAME_BYTES);

        let lowered = frame.lowered_to.unwrap();
        let size_at = |quality: u8| {
            let quality = Quality::new(quality).unwrap();
            let rotated = planes.quarter_rotated(quarters);
            jpeg::encode(&rotated, quality).unwrap().len()
        };
        assert!(size_at(lowered.get() + 1) > MAX_FRAME_BYTES);
        // A turned transform may round a few coefficients the other way.
        assert!(size_at(lowered.get()).abs_diff(frame.file.len()) < 1000);
        let difference =
            largest_difference(&luma(&frame.file), &planes.luma.quarter_rotated(quarters));
        assert!(difference < 128, "{difference}");
    }
}

#[test]
fn what_is_small_enough_has_the_quality_that_is_asked_for() {
    let best = Rendering {
        quality: Quality::BEST,
        ..Rendering::default()
    };
    for picture in [noise(), extremes()] {
        let icon = icon_with(&png(picture), best);
        for n in 0..4 {
            let frame = icon.frame(n, count(12)).unwrap();
            assert_eq!(frame.lowered_to, None);
            let Place { base, quarters } = Place::of(n, count(12));
            let rotated = icon.rotated_to(base, count(12));
            if quarters == 0 {
                let coefficients = Coefficients::of(&rotated, Quality::BEST).unwrap();
                assert_eq!(frame.file, coefficients.upright().to_file());
            }
            let encoded = jpeg::encode(&icon.planes(n, count(12)), Quality::BEST).unwrap();
            assert!(largest_difference(&luma(&frame.file), &luma(&encoded)) <= 4);
        }
    }
}

#[test]
fn a_lower_quality_makes_a_smaller_file() {
    let file = usual();
    let sizes = [10, 50, 80, 95, 100].map(|quality| {
        let rendering = Rendering {
            quality: Quality::new(quality).unwrap(),
            ..Rendering::default()
        };
        let frame = icon_with(&file, rendering).frame(1, count(12)).unwrap();
        assert_eq!(frame.lowered_to, None);
        frame.file.len()
    });
    assert!(sizes.is_sorted(), "{sizes:?}");
}

#[test]
fn a_stored_icon_gives_the_same_frames() {
    for rendering in [Rendering::default(), circles()] {
        let icon = icon_with(&usual(), rendering);
        let stored = icon.to_stored();
        let again = Icon::from_stored(&stored, rendering).unwrap();
        assert_eq!(again.to_stored(), stored);
        for n in [0, 1, 7] {
            assert_eq!(again.frame(n, count(12)), icon.frame(n, count(12)));
        }
    }
}

#[test]
fn what_is_no_stored_icon_for_a_rendering_is_refused() {
    let square = icon(&usual()).to_stored();
    let circle = icon_with(&usual(), circles()).to_stored();
    assert!(Icon::from_stored(&square, circles()).is_none());
    assert!(Icon::from_stored(&circle, Rendering::default()).is_none());
    for stored in [
        b"".to_vec(),
        usual(),
        square[..square.len() - 1].to_vec(),
        [square.as_slice(), b"\0"].concat(),
    ] {
        assert!(Icon::from_stored(&stored, Rendering::default()).is_none());
    }

    for (side, chroma) in [(398, 199), (400, 400), (16, 8)] {
        let plane = |side| Plane::from_fn(side, side, |_, _| 0);
        let planes = Planes {
            luma: plane(side),
            blue: plane(chroma),
            red: plane(chroma),
        };
        let stored = y4m::write(&planes).unwrap();
        assert!(
            Icon::from_stored(&stored, Rendering::default()).is_none(),
            "{side}"
        );
    }
}

#[test]
fn a_round_frame_is_a_400_px_png_that_shows_nothing_around_the_circle() {
    let icon = icon_with(&usual(), circles());
    for n in 0..4 {
        let frame = icon.frame(n, count(12)).unwrap();
        assert_eq!((frame.number, frame.lowered_to), (n, None));
        let picture = image::load_from_memory_with_format(&frame.file, ImageFormat::Png).unwrap();
        let picture = picture.into_rgba8();
        assert_eq!(picture.dimensions(), (400, 400));
        let alpha = |x, y| picture.get_pixel(x, y).0[3];
        for (x, y) in [(0, 0), (399, 0), (0, 399), (399, 399), (50, 50)] {
            assert_eq!(alpha(x, y), 0);
        }
        for (x, y) in [(200, 200), (1, 200), (398, 200), (200, 1), (70, 70)] {
            assert_eq!(alpha(x, y), 255);
        }
        let rgb = icon.planes(n, count(12)).to_rgb();
        assert_eq!(picture.get_pixel(123, 234).0[..3], rgb[400 * 234 + 123]);
    }
}

#[test]
fn a_round_frame_of_noise_is_under_the_limit() {
    let icon = icon_with(&png(noise()), circles());
    for n in 0..4 {
        let frame = icon.frame(n, count(12));
        assert!(
            frame.is_ok_and(|frame| frame.file.len() <= MAX_FRAME_BYTES),
            "{n}"
        );
    }
}

/// Recipes of which each is another, the default first.
fn recipes() -> Vec<Recipe> {
    let default = Recipe::default();
    let rendering = default.rendering;
    let quality = |quality| Rendering {
        quality: Quality::new(quality).unwrap(),
        ..rendering
    };
    let fill = |fill| with(Rendering { fill, ..rendering });
    let mut recipes = vec![
        default,
        Recipe {
            crop: Crop::Top,
            ..default
        },
        Recipe {
            crop: "0,0,9".parse().unwrap(),
            ..default
        },
        Recipe {
            background: Colour::BLACK,
            ..default
        },
        fill(Fill::Colour(Colour::BLACK)),
        fill(Fill::Colour(Colour::WHITE)),
        with(circles()),
        with(quality(94)),
        with(quality(9)),
    ];
    let kernels = Kernel::ALL
        .into_iter()
        .filter(|kernel| *kernel != rendering.kernel);
    recipes.extend(kernels.map(|kernel| {
        with(Rendering {
            kernel,
            ..rendering
        })
    }));
    recipes
}

/// A picture without symmetry, transparent in parts.
fn translucent_picture() -> Vec<u8> {
    png(RgbaImage::from_fn(60, 90, |x, y| {
        Rgba([x * 4, y * 2, x * y / 22, x + y].map(|sample| sample.to_le_bytes()[0]))
    }))
}

#[test]
fn every_option_of_a_recipe_makes_another_set() {
    let recipes = recipes();
    let glass = translucent_picture();
    let read = |recipe: &Recipe| Icon::read(&glass, recipe, Limits::WORKER).unwrap();
    let sets = recipes
        .iter()
        .map(|recipe| read(recipe).frame_set(count(12)));
    let ids: HashSet<String> = sets.map(|set| set.id().to_owned()).collect();
    assert_eq!(ids.len(), recipes.len());

    let default = Recipe::default();
    let icon = read(&default);
    let set = icon.frame_set(count(12));
    assert_eq!(set, read(&default).frame_set(count(12)));
    assert_ne!(set.id(), icon.frame_set(count(24)).id());
    assert_eq!(set.rendering(), Some(default.rendering));
}

#[test]
fn every_option_of_a_recipe_makes_another_album() {
    let files = [b"one".as_slice(), b"two"];
    let recipes = recipes();
    let sets = recipes.iter().map(|recipe| recipe.album(files, count(2)));
    let ids: HashSet<String> = sets.map(|set| set.id().to_owned()).collect();
    assert_eq!(ids.len(), recipes.len());
    assert_eq!(Recipe::default().album(files, count(2)).rendering(), None);
}

#[test]
fn a_recipe_tells_all_its_choices() {
    let text = Recipe::default().to_string();
    for part in [
        "size=400",
        "crop=centre",
        "background=ffffff",
        "kernel=sharp",
        "fill=reflect",
        "shape=square",
        "quality=95",
    ] {
        assert!(text.split(' ').any(|word| word == part), "{text}");
    }
}

#[test]
fn a_frame_that_is_too_large_is_told_what_to_do() {
    assert_eq!(
        FrameError::TooLarge(Shape::Square).to_string(),
        "the frame is larger than 512000 bytes at any quality; simplify the icon"
    );
    assert_eq!(
        FrameError::TooLarge(Shape::Circle).to_string(),
        "the frame is larger than 512000 bytes at any quality; simplify the icon or render squares"
    );
}
