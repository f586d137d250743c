use std::fmt::{Debug, Display};

use proptest::prelude::*;
use serde_json::json;

use super::*;

fn any_colour() -> impl Strategy<Value = Colour> {
    any::<[u8; 3]>().prop_map(Colour)
}

fn any_rendering() -> impl Strategy<Value = Rendering> {
    let fill = prop_oneof![Just(Fill::Reflect), any_colour().prop_map(Fill::Colour)];
    (
        prop::sample::select(Kernel::ALL.to_vec()),
        fill,
        prop::sample::select(vec![Shape::Square, Shape::Circle]),
        1_u8..=100,
    )
        .prop_map(|(kernel, fill, shape, quality)| Rendering {
            kernel,
            fill,
            shape,
            quality: Quality::new(quality).unwrap(),
        })
}

/// Whether a choice's name is read as that choice.
fn reads_back<T>(choice: &T) -> bool
where
    T: Display + FromStr<Err: Debug> + PartialEq,
{
    choice.to_string().parse::<T>().unwrap() == *choice
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_choice_is_read_as_it_is_shown(rendering in any_rendering()) {
        let Rendering { kernel, fill, shape, quality } = rendering;
        prop_assert!(reads_back(&kernel));
        prop_assert!(reads_back(&fill));
        prop_assert!(reads_back(&shape));
        prop_assert!(reads_back(&quality));
    }

    #[test]
    fn a_rendering_reads_back_as_it_was_stored(rendering in any_rendering()) {
        let json = serde_json::to_string(&rendering).unwrap();
        prop_assert_eq!(serde_json::from_str::<Rendering>(&json).unwrap(), rendering);
    }

    #[test]
    fn other_texts_are_no_choices(text in "[ a-z0-9]{0,4}") {
        prop_assert!(text.parse::<Kernel>().is_err());
        prop_assert!(text.parse::<Shape>().is_err());
        prop_assert!(text.parse::<Fill>().is_err());
    }
}

#[test]
fn the_default_is_sharp_reflected_square_and_of_quality_95() {
    assert_eq!(
        serde_json::to_value(Rendering::default()).unwrap(),
        json!({ "kernel": "sharp", "fill": "reflect", "shape": "square", "quality": 95 })
    );
}

#[test]
fn squares_are_jpeg_and_circles_png_files() {
    let of = |shape| {
        Rendering {
            shape,
            ..Rendering::default()
        }
        .media_type()
    };
    assert_eq!(of(Shape::Square), MediaType::Jpeg);
    assert_eq!(of(Shape::Circle), MediaType::Png);
}

#[test]
fn a_fill_is_the_mirror_image_or_a_colour() {
    for (text, fill) in [
        ("reflect", Fill::Reflect),
        ("white", Fill::Colour(Colour::WHITE)),
        ("black", Fill::Colour(Colour::BLACK)),
        ("ff8800", Fill::Colour(Colour([0xff, 0x88, 0]))),
        ("#FF8800", Fill::Colour(Colour([0xff, 0x88, 0]))),
    ] {
        assert_eq!(text.parse(), Ok(fill), "{text}");
    }
}

#[test]
fn what_is_no_choice_is_refused_with_those_there_are() {
    assert_eq!(
        "Sharp".parse::<Kernel>().unwrap_err().to_string(),
        "has to be nearest, bilinear, sharp, cubic, lanczos or spline"
    );
    assert_eq!(
        "round".parse::<Shape>().unwrap_err().to_string(),
        "has to be square or circle"
    );
    for text in [
        "",
        "red",
        "#12345",
        "1234567",
        "reflected",
        "+12345",
        "ｆｆ",
    ] {
        assert!(text.parse::<Fill>().is_err(), "{text}");
    }
    for text in ["", "0", "101", "-1", "95.0", "256", "best"] {
        assert_eq!(
            text.parse::<Quality>().unwrap_err().to_string(),
            "has to be a whole number from 1 to 100"
        );
    }
}

#[test]
fn what_was_not_stored_by_this_program_is_refused() {
    let good = json!({ "kernel": "cubic", "fill": "000000", "shape": "circle", "quality": 1 });
    assert!(serde_json::from_value::<Rendering>(good.clone()).is_ok());
    for (key, value) in [
        ("kernel", json!("x")),
        ("fill", json!("x")),
        ("shape", json!(1)),
        ("quality", json!(0)),
        ("quality", json!(101)),
        ("quality", json!("95")),
        ("quality", json!(null)),
    ] {
        let mut bad = good.clone();
        bad[key] = value;
        assert!(serde_json::from_value::<Rendering>(bad).is_err());
    }
}
