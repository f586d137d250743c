use super::*;
use pixels::plane::Plane;

fn noisy(side: usize) -> Planes {
    let plane = |seed: usize| {
        Plane::from_fn(side, side, |x, y| {
            (((x * 31 + y * 57 + seed) * 0x9e37) >> 4).to_le_bytes()[0]
        })
    };
    Planes {
        luma: plane(1),
        blue: plane(2),
        red: plane(3),
    }
}

fn pixels(file: &[u8]) -> image::RgbaImage {
    let picture = image::load_from_memory_with_format(file, image::ImageFormat::Png).unwrap();
    assert_eq!(picture.color(), image::ColorType::Rgba8);
    picture.into_rgba8()
}

#[test]
fn what_is_inside_of_the_circle_is_shown_as_it_is() {
    for side in [1, 2, 15, 100] {
        let planes = noisy(side);
        let picture = pixels(&circle(&planes).unwrap());
        assert_eq!(
            (picture.width() as usize, picture.height() as usize),
            (side, side)
        );
        for (pixel, colour) in picture.pixels().zip(planes.to_rgb()) {
            let [rgb @ .., alpha] = pixel.0;
            assert_eq!(rgb, if alpha == 0 { [0; 3] } else { colour });
        }
    }
}

#[test]
fn the_edge_of_the_circle_is_smooth() {
    let side = 100;
    let picture = pixels(&circle(&noisy(side)).unwrap());
    let mut covered = 0.0;
    for (x, y, pixel) in picture.enumerate_pixels() {
        let alpha = pixel.0[3];
        let distance = (f64::from(x) - 49.5).hypot(f64::from(y) - 49.5);
        match distance {
            ..49.4 => assert_eq!(alpha, 255),
            50.6.. => assert_eq!(alpha, 0),
            _ => {}
        }
        covered += f64::from(alpha) / 255.0;
        // The same in all quarters.
        assert_eq!(alpha, picture.get_pixel(99 - y, x).0[3]);
    }
    assert!(
        (covered - std::f64::consts::PI * 2500.0).abs() < 3.0,
        "{covered}"
    );
}
