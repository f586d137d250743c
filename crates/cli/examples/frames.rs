//! Our side of `benches/opencv/bench.py`: renders frames as it is told to, and
//! says how long that took.
#![allow(clippy::arithmetic_side_effects, clippy::print_stdout)]
#![allow(missing_docs)]

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::io::BufRead;
use std::path::Path;
use std::time::Instant;
use std::{env, fs, hint};

use anyhow::{Context, Result, bail};
use picture::Limits;
use rayon::{ThreadPool, ThreadPoolBuilder};
use rotate_icon_core::frames::options::Shape;
use rotate_icon_core::frames::render::{Frame, Icon, Recipe, bases};
use rotate_icon_core::schedule::FrameCount;

/// As in the command.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> Result<()> {
    let path = env::args()
        .skip(1)
        .find(|argument| !argument.starts_with('-'));
    // `cargo bench` runs every benchmark, this one without anything to do.
    let Some(path) = path else { return Ok(()) };
    let file = fs::read(path)?;
    // As OpenCV does, threads are kept from one command to the next.
    let mut pools = HashMap::<usize, ThreadPool>::new();
    for line in std::io::stdin().lock().lines() {
        let line = line?;
        let words: Vec<&str> = line.split(' ').collect();
        match *words.as_slice() {
            ["pipeline", threads, times] => {
                let pool = match pools.entry(threads.parse()?) {
                    Entry::Occupied(pool) => pool.into_mut(),
                    Entry::Vacant(place) => {
                        let threads = ThreadPoolBuilder::new().num_threads(*place.key());
                        place.insert(threads.build()?)
                    }
                };
                let times = times.parse()?;
                println!(
                    "{}",
                    pool.install(|| nanoseconds(times, || all_frames(&file)))?
                );
            }
            ["turn-needed", times] => println!("{}", turning(&file, times.parse()?, turn_needed)?),
            ["turn", times] => println!("{}", turning(&file, times.parse()?, turn_all)?),
            ["frames", folder, ref options @ ..] => write(&file, folder, options)?,
            ["frames-of", path, folder, ref options @ ..] => {
                write(&fs::read(path)?, folder, options)?;
            }
            ["quit"] => return Ok(()),
            _ => bail!("no such command: {line}"),
        }
    }
    Ok(())
}

fn nanoseconds<T>(times: u32, mut work: impl FnMut() -> Result<T>) -> Result<u128> {
    let start = Instant::now();
    for _ in 0..times {
        hint::black_box(work()?);
    }
    Ok(start.elapsed().as_nanos())
}

fn all_frames(file: &[u8]) -> Result<Vec<Frame>> {
    let icon = Icon::read(file, &Recipe::default(), Limits::COMPUTER)?;
    Ok(icon.all_frames(FrameCount::TWELVE, || {})?)
}

/// How long `turn` takes with an icon that has not been turned yet.
fn turning(file: &[u8], times: u32, turn: impl Fn(&Icon)) -> Result<u128> {
    let stored = Icon::read(file, &Recipe::default(), Limits::COMPUTER)?.to_stored();
    let mut sum = 0;
    for _ in 0..times {
        let icon = Icon::from_stored(&stored, Recipe::default().rendering).context("an icon")?;
        let start = Instant::now();
        turn(&icon);
        sum += start.elapsed().as_nanos();
    }
    Ok(sum)
}

/// The turned samples that the encoder needs: it makes the others by turning
/// coefficients.
fn turn_needed(icon: &Icon) {
    for n in bases(FrameCount::TWELVE) {
        hint::black_box(icon.planes(n, FrameCount::TWELVE));
    }
}

/// The turned samples of all frames.
fn turn_all(icon: &Icon) {
    for base in bases(FrameCount::TWELVE) {
        let rotated = icon.planes(base, FrameCount::TWELVE);
        for quarters in 0..4 {
            hint::black_box(rotated.quarter_rotated(quarters));
        }
    }
}

fn write(file: &[u8], folder: &str, options: &[&str]) -> Result<()> {
    let mut recipe = Recipe::default();
    if let Some(kernel) = options.first() {
        recipe.rendering.kernel = kernel.parse()?;
    }
    match options.get(1) {
        // The one kind of frame that loses nothing.
        Some(&"lossless") => recipe.rendering.shape = Shape::Circle,
        Some(quality) => recipe.rendering.quality = quality.parse()?,
        None => {}
    }
    let icon = Icon::read(file, &recipe, Limits::COMPUTER)?;
    for frame in icon.all_frames(FrameCount::TWELVE, || {})? {
        let extension = recipe.rendering.media_type().extension();
        let path = Path::new(folder).join(format!("{}.{extension}", frame.number));
        fs::write(path, &frame.file)?;
    }
    println!("ok");
    Ok(())
}
