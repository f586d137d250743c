// Numbers here are small.
#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    clippy::many_single_char_names
)]

use std::f64::consts::{PI, TAU};

use image::{GrayImage, Luma};
use imageproc::geometric_transformations::{Border, Interpolation, rotate};

use super::*;

/// Some of all: steep, shallow, in every quarter, and just off a quarter turn.
const ANGLES: [f64; 9] = [6.0, 15.0, 30.0, 45.0, 89.9, 120.0, 200.5, 275.0, 354.0];

/// A function of a place, in samples from the centre of a plane; y points down.
type Truth = fn(f64, f64) -> f64;

/// A plane of a function's values.
fn sampled(side: usize, truth: impl Fn(f64, f64) -> f64) -> Plane {
    let half = (side as f64 - 1.0) / 2.0;
    Plane::from_fn(side, side, |x, y| {
        truth(x as f64 - half, y as f64 - half).round() as u8
    })
}

/// The function turned clockwise: what is at (0, −1) comes to (1, 0) by 90°.
fn rotated(truth: impl Fn(f64, f64) -> f64, degrees: f64) -> impl Fn(f64, f64) -> f64 {
    let (sin, cos) = degrees.to_radians().sin_cos();
    move |x, y| truth(x * cos + y * sin, y * cos - x * sin)
}

/// A number that looks like chance, the same on every run.
fn noise(x: usize, y: usize) -> u8 {
    let mut state = (x as u64) << 32 | y as u64 | 1 << 60;
    for _ in 0..2 {
        state = (state ^ state >> 31).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    }
    state.to_be_bytes()[0]
}

/// No detail finer than 20 samples.
fn smooth(x: f64, y: f64) -> f64 {
    128.0 + 50.0 * ((x / 5.0 + y / 9.0).sin() + (x / 12.0 - y / 4.0).cos())
}

/// Details of 5 to 8 samples, as at the edges of a sharp photograph.
fn fine(x: f64, y: f64) -> f64 {
    let wave = |u: f64, v: f64| (TAU * (u * x + v * y)).sin();
    128.0 + 40.0 * (wave(0.12, 0.03) + wave(-0.05, 0.17) + wave(0.11, 0.12))
}

/// The differences of a plane from a function, no further than so many samples
/// from the centre.
fn errors(plane: &Plane, radius: f64, truth: impl Fn(f64, f64) -> f64) -> Vec<f64> {
    let half = (plane.width() as f64 - 1.0) / 2.0;
    let mut errors = vec![];
    for (y, row) in plane.rows().enumerate() {
        for (x, sample) in row.iter().enumerate() {
            let (x, y) = (x as f64 - half, y as f64 - half);
            if x.hypot(y) <= radius {
                errors.push(f64::from(*sample) - truth(x, y));
            }
        }
    }
    errors
}

fn largest(errors: &[f64]) -> f64 {
    errors
        .iter()
        .fold(0.0, |largest, error| error.abs().max(largest))
}

fn root_mean_square(errors: &[f64]) -> f64 {
    let sum: f64 = errors.iter().map(|error| error * error).sum();
    (sum / errors.len() as f64).sqrt()
}

fn mean(errors: &[f64]) -> f64 {
    errors.iter().sum::<f64>() / errors.len() as f64
}

fn turn(plane: &Plane, kernel: Kernel, degrees: f64) -> Plane {
    let surface = Surface::new(plane, kernel, Outside::Reflected);
    surface.rotated(Angle::from_degrees(degrees)).to_bytes()
}

/// The plane turned by another library; outside is black.
fn rotated_otherwise(plane: &Plane, interpolation: Interpolation, degrees: f64) -> Plane {
    let side = plane.width() as u32;
    let picture = GrayImage::from_raw(side, side, plane.samples().to_vec()).unwrap();
    let centre = (side as f32 - 1.0) / 2.0;
    let rotated = rotate(
        &picture,
        (centre, centre),
        degrees.to_radians() as f32,
        interpolation,
        Border::Constant(Luma([0])),
    );
    Plane::new(plane.width(), plane.width(), rotated.into_raw()).unwrap()
}

/// The differences between two planes, no further than so many samples from the
/// centre.
fn differences(a: &Plane, b: &Plane, radius: f64) -> Vec<f64> {
    let half = (b.width() as f64 - 1.0) / 2.0;
    errors(a, radius, |x, y| {
        f64::from(b.nearest((x + half) as usize, (y + half) as usize))
    })
}

#[test]
fn the_nearest_sample_is_the_one_another_library_takes() {
    for side in [100, 101] {
        let plane = Plane::from_fn(side, side, noise);
        for degrees in ANGLES {
            let other = rotated_otherwise(&plane, Interpolation::Nearest, degrees);
            let all = differences(&turn(&plane, Kernel::Nearest, degrees), &other, 48.0);
            // Between two samples that are as near, the last bit decides.
            let different = all.iter().filter(|difference| **difference != 0.0).count();
            assert!(
                (different as f64) < 0.02 * all.len() as f64,
                "{side}, {degrees}°: {different}"
            );
        }
    }
}

#[test]
fn bilinear_is_as_in_another_library() {
    for side in [100, 101] {
        for (plane, tolerance) in [
            (Plane::from_fn(side, side, noise), 4.0),
            (sampled(side, smooth), 2.0),
        ] {
            for degrees in ANGLES {
                let other = rotated_otherwise(&plane, Interpolation::Bilinear, degrees);
                let all = differences(&turn(&plane, Kernel::Bilinear, degrees), &other, 48.0);
                let worst = largest(&all);
                assert!(worst <= tolerance, "{side}, {degrees}°: {worst}");
                // The other one cuts off twice what it should round.
                assert!(
                    (-0.1..1.1).contains(&mean(&all)),
                    "{degrees}°: {}",
                    mean(&all)
                );
            }
        }
    }
}

#[test]
fn cubic_is_as_in_another_library() {
    for side in [100, 101] {
        for (plane, tolerance) in [
            // The other one limits the sums of rows to 0 to 255.
            (Plane::from_fn(side, side, |x, y| 64 + noise(x, y) / 2), 5.0),
            (sampled(side, smooth), 2.0),
        ] {
            for degrees in ANGLES {
                let other = rotated_otherwise(&plane, Interpolation::Bicubic, degrees);
                let all = differences(&turn(&plane, Kernel::Cubic, degrees), &other, 47.0);
                let worst = largest(&all);
                assert!(worst <= tolerance, "{side}, {degrees}°: {worst}");
                assert!(
                    (-0.2..1.2).contains(&mean(&all)),
                    "{degrees}°: {}",
                    mean(&all)
                );
            }
        }
    }
}

#[test]
fn a_plane_of_one_value_stays_as_it_is() {
    for side in [1, 2, 3, 8, 33] {
        for value in [0, 1, 127, 128, 200, 254, 255] {
            let plane = Plane::from_fn(side, side, |_, _| value);
            for kernel in Kernel::ALL {
                for outside in [Outside::Reflected, Outside::Constant(value)] {
                    let surface = Surface::new(&plane, kernel, outside);
                    for degrees in ANGLES {
                        let rotated = surface.rotated(Angle::from_degrees(degrees)).to_bytes();
                        assert_eq!(rotated, plane, "{kernel} {outside:?} {side} {degrees}°");
                    }
                }
            }
        }
    }
}

#[test]
fn a_gradient_stays_a_gradient() {
    // Of whole numbers, so that nothing is rounded before it is turned.
    let gradients: [Truth; 3] = [|x, _| 127.0 + x, |_, y| 127.0 - y, |x, y| 127.0 + x + y];
    for gradient in gradients {
        let plane = sampled(101, gradient);
        for kernel in Kernel::ALL {
            for degrees in ANGLES {
                let all = errors(
                    &turn(&plane, kernel, degrees),
                    44.0,
                    rotated(gradient, degrees),
                );
                let worst = largest(&all);
                assert!(worst <= 1.01, "{kernel} {degrees}°: {worst}");
            }
        }
    }
}

/// A sample of a plane that is sheared by its definition: with all weights, on
/// an endless plane, in the precision of an f64.
fn sheared(plane: &Plane, outside: Outside, degrees: f64, x: i32, y: i32) -> f64 {
    let side = plane.width() as i32;
    let half = f64::from(side - 1) / 2.0;
    let (a, b) = (
        (degrees.to_radians() / 2.0).tan(),
        -degrees.to_radians().sin(),
    );
    let source = |x: i32, y: i32| match outside {
        Outside::Constant(value) if !(0..side).contains(&x) || !(0..side).contains(&y) => value,
        _ => {
            let mirrored = |at: i32| {
                let period = (2 * (side - 1)).max(1);
                at.rem_euclid(period).min(period - at.rem_euclid(period)) as usize
            };
            plane.nearest(mirrored(x), mirrored(y))
        }
    };
    let shifted = |distance: f64, sample: &dyn Fn(i32) -> f64| {
        let whole = distance.floor();
        let taps = (-2..=3).map(|tap| {
            let weight = lanczos::<3>(f64::from(tap) - (distance - whole));
            (weight, weight * sample(whole as i32 + tap))
        });
        let (weights, products): (Vec<f64>, Vec<f64>) = taps.unzip();
        products.iter().sum::<f64>() / weights.iter().sum::<f64>()
    };
    let rows =
        |x: i32, y: i32| shifted(a * (f64::from(y) - half), &|i| f64::from(source(x + i, y)));
    let columns = |x: i32, y: i32| shifted(b * (f64::from(x) - half), &|i| rows(x, y + i));
    shifted(a * (f64::from(y) - half), &|i| columns(x + i, y))
}

#[test]
fn three_shears_are_what_they_are_defined_to_be() {
    // The last ones overshoot as far as samples can.
    let planes: [fn(usize, usize) -> u8; 4] = [
        noise,
        |x, y| if noise(x, y) < 128 { 0 } else { 255 },
        |x, y| if (x + y) % 2 == 0 { 0 } else { 255 },
        |x, _| if x % 4 < 2 { 255 } else { 0 },
    ];
    for plane in planes {
        for side in [2, 17, 32] {
            let plane = Plane::from_fn(side, side, plane);
            for outside in [Outside::Reflected, Outside::Constant(255)] {
                for degrees in [0.0, 3.0, -13.7, 30.0, -45.0, 45.0] {
                    let surface = Surface::new(&plane, Kernel::Sharp, outside);
                    let rotated = surface.rotated(Angle::from_degrees(degrees));
                    for (y, row) in (0..).zip(rotated.rows()) {
                        for (x, sample) in (0..).zip(row) {
                            let sample = f64::from(*sample) / 64.0 + 128.0;
                            let expected = sheared(&plane, outside, degrees, x, y);
                            // Of distances in 1/256, at the hardest edges.
                            assert!(
                                (sample - expected).abs() < 2.0,
                                "{side} {degrees}° ({x}, {y}): {sample}, {expected}"
                            );
                        }
                    }
                }
            }
        }
    }
}

#[test]
fn what_was_turned_before_changes_nothing() {
    let rotated = |degrees: f64| {
        let plane = Plane::from_fn(60, 60, noise);
        turn(&plane, Kernel::Sharp, degrees)
    };
    let alone: Vec<Plane> = ANGLES
        .map(|degrees| std::thread::spawn(move || rotated(degrees)).join().unwrap())
        .into();
    turn(&Plane::from_fn(90, 90, |_, _| 255), Kernel::Sharp, 45.0);
    assert_eq!(ANGLES.map(rotated).to_vec(), alone);
}

#[test]
fn samples_are_rounded_without_a_drift() {
    let plane = Plane::from_fn(100, 100, |x, y| 32 + noise(x, y) / 2 + noise(y, x) / 4);
    let before = plane
        .samples()
        .iter()
        .map(|sample| f64::from(*sample))
        .sum::<f64>()
        / 1e4;
    for kernel in Kernel::ALL {
        for degrees in [15.0, 30.0, 200.5] {
            let rotated = turn(&plane, kernel, degrees);
            let after = rotated
                .samples()
                .iter()
                .map(|sample| f64::from(*sample))
                .sum::<f64>()
                / 1e4;
            assert!(
                (after - before).abs() < 1.0,
                "{kernel} {degrees}°: {before} → {after}"
            );
        }
    }
}

#[test]
fn an_angle_of_zero_gives_the_source() {
    for side in [1, 2, 5, 40, 41] {
        let plane = Plane::from_fn(side, side, noise);
        for kernel in Kernel::ALL {
            assert_eq!(turn(&plane, kernel, 0.0), plane, "{kernel} {side}");
        }
    }
}

#[test]
fn quarters_of_a_circle_are_quarter_turns() {
    for side in [1, 2, 5, 40, 41] {
        let plane = Plane::from_fn(side, side, noise);
        for kernel in Kernel::ALL {
            let upright = turn(&plane, kernel, 0.0);
            for (quarters, degrees) in [(1, 90.0), (2, 180.0), (3, 270.0), (3, -90.0), (4, 360.0)] {
                let expected = upright.quarter_rotated(quarters);
                let all = differences(&turn(&plane, kernel, degrees), &expected, f64::MAX);
                assert!(
                    largest(&all) <= 1.0,
                    "{kernel} {side} {degrees}°: {}",
                    largest(&all)
                );
            }
        }
    }
}

#[test]
fn a_quarter_turn_moves_the_top_to_the_right() {
    let side = 41;
    let dot = Plane::from_fn(side, side, |x, y| if (x, y) == (20, 5) { 255 } else { 0 });
    for kernel in Kernel::ALL {
        assert!(turn(&dot, kernel, 90.0).nearest(35, 20) > 200, "{kernel}");
        assert!(turn(&dot, kernel, 180.0).nearest(20, 35) > 200, "{kernel}");
        assert!(turn(&dot, kernel, 270.0).nearest(5, 20) > 200, "{kernel}");
    }
}

#[test]
fn outside_is_the_one_colour_that_is_set() {
    let plane = sampled(60, smooth);
    for kernel in Kernel::ALL {
        for value in [0, 77, 255] {
            let surface = Surface::new(&plane, kernel, Outside::Constant(value));
            let plane = surface.rotated(Angle::from_degrees(45.0)).to_bytes();
            for (x, y) in [(0, 0), (59, 0), (0, 59), (59, 59), (6, 3), (55, 55)] {
                assert_eq!(plane.nearest(x, y), value, "{kernel}");
            }
            let inside = errors(&plane, 25.0, rotated(smooth, 45.0));
            assert!(root_mean_square(&inside) < 4.0, "{kernel}");
        }
    }
}

#[test]
fn outside_is_the_mirror_image_at_the_middle_of_the_outermost_samples() {
    // A wave with its crests and troughs on the edges is its own mirror image.
    let wave = |x: f64, y: f64| {
        let phase = |at: f64| PI * 3.0 * (at + 30.0) / 60.0;
        128.0 + 60.0 * phase(x).cos() + 60.0 * phase(y).cos()
    };
    let plane = sampled(61, wave);
    for kernel in Kernel::ALL {
        let tolerance = match kernel {
            // Half a sample away.
            Kernel::Nearest => 10.0,
            // Sharpened, the edges are their own neighbours.
            Kernel::Sharp => 3.0,
            _ => 2.0,
        };
        for degrees in [15.0, 45.0, 100.0] {
            let all = errors(
                &turn(&plane, kernel, degrees),
                f64::MAX,
                rotated(wave, degrees),
            );
            assert!(
                largest(&all) <= tolerance,
                "{kernel} {degrees}°: {}",
                largest(&all)
            );
        }
    }
}

#[test]
fn planes_of_every_small_size_are_turned() {
    for side in 1..=19 {
        let plane = Plane::from_fn(side, side, noise);
        for kernel in Kernel::ALL {
            for outside in [Outside::Reflected, Outside::Constant(9)] {
                let surface = Surface::new(&plane, kernel, outside);
                for degrees in (-360..=720).step_by(37) {
                    let rotated = surface.rotated(Angle::from_degrees(degrees.into()));
                    assert_eq!((rotated.width(), rotated.height()), (side, side));
                }
            }
        }
    }
}

#[test]
fn of_a_plane_that_is_no_square_the_top_left_square_is_turned() {
    let square = Plane::from_fn(20, 20, noise);
    for (width, height) in [(31, 20), (20, 27)] {
        let plane = Plane::from_fn(width, height, |x, y| noise(x.min(19), y.min(19)));
        for kernel in Kernel::ALL {
            for degrees in [0.0, 30.0] {
                assert_eq!(
                    turn(&plane, kernel, degrees),
                    turn(&square, kernel, degrees),
                    "{kernel}"
                );
            }
        }
    }
}

#[test]
fn turned_there_and_back_a_picture_is_nearly_the_same() {
    let plane = sampled(101, smooth);
    for kernel in Kernel::ALL {
        let tolerance = match kernel {
            Kernel::Nearest => 8.0,
            Kernel::Bilinear => 3.0,
            Kernel::Sharp => 1.5,
            Kernel::Cubic | Kernel::Lanczos | Kernel::Spline => 1.0,
        };
        for degrees in ANGLES {
            let back = turn(&turn(&plane, kernel, degrees), kernel, -degrees);
            let rms = root_mean_square(&errors(&back, 40.0, smooth));
            assert!(rms < tolerance, "{kernel} {degrees}°: {rms}");
        }
    }
}

#[test]
fn the_better_the_kernel_the_nearer_to_the_truth() {
    let plane = sampled(121, fine);
    for degrees in [6.0, 15.0, 30.0, 45.0, 66.0] {
        let rms = |kernel| {
            root_mean_square(&errors(
                &turn(&plane, kernel, degrees),
                50.0,
                rotated(fine, degrees),
            ))
        };
        let [nearest, bilinear, sharp, cubic, lanczos, spline] = Kernel::ALL.map(rms);
        assert!(bilinear < nearest, "{degrees}°: {bilinear}, {nearest}");
        assert!(sharp < 0.6 * bilinear, "{degrees}°: {sharp}, {bilinear}");
        assert!(cubic < bilinear, "{degrees}°: {cubic}, {bilinear}");
        assert!(lanczos < cubic, "{degrees}°: {lanczos}, {cubic}");
        assert!(lanczos < sharp, "{degrees}°: {lanczos}, {sharp}");
        assert!(spline < sharp, "{degrees}°: {spline}, {sharp}");
        assert!(spline < 1.0, "{degrees}°: {spline}");
    }
}
