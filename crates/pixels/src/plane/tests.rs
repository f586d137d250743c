use proptest::prelude::*;

use super::*;

fn any_plane(longest: usize) -> impl Strategy<Value = Plane> {
    (1..=longest, 1..=longest).prop_flat_map(|(width, height)| {
        prop::collection::vec(any::<u8>(), width * height)
            .prop_map(move |samples| Plane::new(width, height, samples).unwrap())
    })
}

#[test]
fn there_is_no_plane_without_samples_or_with_another_number() {
    assert_eq!(Plane::<u8>::new(0, 0, vec![]), None);
    assert_eq!(Plane::<u8>::new(0, 5, vec![]), None);
    assert_eq!(Plane::<u8>::new(2, 3, vec![0; 5]), None);
    assert_eq!(Plane::<u8>::new(2, 3, vec![0; 7]), None);
    assert_eq!(Plane::<u8>::new(usize::MAX, 2, vec![0; 2]), None);
    assert_eq!(
        Plane::new(2, 3, vec![0; 6]),
        Some(Plane::from_fn(2, 3, |_, _| 0))
    );
    assert_eq!(
        Plane::from_fn(0, 0, |_, _| 7),
        Plane::new(1, 1, vec![7]).unwrap()
    );
}

#[test]
fn a_quarter_turn_moves_the_top_to_the_right() {
    // 1 2 3
    // 4 5 6
    let plane = Plane::new(3, 2, vec![1, 2, 3, 4, 5, 6]).unwrap();
    for (quarters, width, samples) in [
        (0, 3, [1, 2, 3, 4, 5, 6]),
        (1, 2, [4, 1, 5, 2, 6, 3]),
        (2, 3, [6, 5, 4, 3, 2, 1]),
        (3, 2, [3, 6, 2, 5, 1, 4]),
        (4, 3, [1, 2, 3, 4, 5, 6]),
        (7, 2, [3, 6, 2, 5, 1, 4]),
    ] {
        let rotated = plane.quarter_rotated(quarters);
        assert_eq!(
            (rotated.width(), rotated.samples()),
            (width, samples.as_slice())
        );
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn quarter_turns_add_up(plane in any_plane(20), a in 0_u16..8, b in 0_u16..8) {
        let rotated = plane.quarter_rotated(a).quarter_rotated(b);
        prop_assert_eq!(rotated, plane.quarter_rotated(a + b));
    }

    #[test]
    fn each_sample_of_a_halved_plane_is_the_mean_of_four(plane in any_plane(20)) {
        let halved = plane.halved();
        prop_assert_eq!(halved.width(), plane.width().div_ceil(2));
        prop_assert_eq!(halved.height(), plane.height().div_ceil(2));
        for (y, row) in halved.rows().enumerate() {
            for (x, sample) in row.iter().enumerate() {
                let four = [(0, 0), (1, 0), (0, 1), (1, 1)]
                    .map(|(dx, dy)| plane.nearest(2 * x + dx, 2 * y + dy));
                let sum: u16 = four.into_iter().map(u16::from).sum();
                prop_assert_eq!(u16::from(*sample), (sum + 2) / 4);
            }
        }
    }

    #[test]
    fn a_halved_plane_can_be_turned_before_or_after(plane in any_plane(8), quarters in 0_u16..4) {
        let even = Plane::from_fn(2 * plane.width(), 2 * plane.height(), |x, y| {
            plane.nearest(x / 2, y / 2) / 2 + plane.nearest(y % 8, x % 8) / 2
        });
        prop_assert_eq!(
            even.halved().quarter_rotated(quarters),
            even.quarter_rotated(quarters).halved()
        );
    }

    #[test]
    fn colours_come_back_nearly_as_they_went(colours in prop::collection::vec(any::<[u8; 3]>(), 1..50)) {
        let planes = Planes::from_rgb(colours.len(), 1, &colours).unwrap();
        for (before, after) in colours.iter().zip(planes.to_rgb()) {
            for (before, after) in before.iter().zip(after) {
                prop_assert!(before.abs_diff(after) <= 2);
            }
        }
    }

    #[test]
    fn colours_become_what_the_formula_says([r, g, b] in any::<[u8; 3]>()) {
        let Planes { luma, blue, red } = Planes::from_rgb(1, 1, &[[r, g, b]]).unwrap();
        let [r, g, b] = [r, g, b].map(f64::from);
        // ITU-T T.871 §7.
        let y = 0.299 * r + 0.587 * g + 0.114 * b;
        for (plane, value) in [
            (luma, y),
            (blue, (b - y) / 1.772 + 128.0),
            (red, (r - y) / 1.402 + 128.0),
        ] {
            let difference = f64::from(plane.nearest(0, 0)) - value.min(255.0);
            prop_assert!(difference.abs() <= 0.51, "{}", difference);
        }
    }

    #[test]
    fn channels_are_taken_apart_as_they_are(pixels in prop::collection::vec(any::<[u8; 3]>(), 1..50)) {
        let planes = Planes::from_ycbcr(1, pixels.len(), &pixels).unwrap();
        for (i, pixel) in pixels.iter().enumerate() {
            let channels = [&planes.luma, &planes.blue, &planes.red].map(|plane| plane.nearest(0, i));
            prop_assert_eq!(channels, *pixel);
        }
    }
}

#[test]
fn greys_stay_the_same() {
    let greys: Vec<[u8; 3]> = (0..=255).map(|grey| [grey; 3]).collect();
    let planes = Planes::from_rgb(16, 16, &greys).unwrap();
    assert_eq!(planes.luma.samples(), (0..=255).collect::<Vec<u8>>());
    assert!(planes.blue.samples().iter().all(|sample| *sample == 128));
    assert!(planes.red.samples().iter().all(|sample| *sample == 128));
    assert_eq!(planes.to_rgb(), greys);
}

#[test]
fn chroma_at_half_the_size_is_spread_over_its_square() {
    let colours = [[200, 0, 0], [0, 200, 0], [0, 0, 200], [90, 90, 90]];
    let full: Vec<[u8; 3]> = (0..25)
        .map(|i| colours[i % 5 / 2 % 2 + 2 * (i / 10 % 2)])
        .collect();
    let planes = Planes::from_rgb(5, 5, &full).unwrap();
    let halved = Planes {
        blue: planes.blue.halved(),
        red: planes.red.halved(),
        luma: planes.luma.clone(),
    };
    assert_eq!(halved.to_rgb(), planes.to_rgb());
}

#[test]
fn another_number_of_pixels_is_refused() {
    assert_eq!(Planes::from_rgb(2, 2, &[[0; 3]; 3]), None);
    assert_eq!(Planes::from_ycbcr(2, 2, &[[0; 3]; 5]), None);
    assert_eq!(Planes::from_rgb(0, 0, &[]), None);
}
