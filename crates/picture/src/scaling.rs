//! Scales a square of a picture, row by row.
//!
//! Uses a Lanczos kernel of radius 3, widened to scale down. Rows are scaled as they arrive,
//! columns at the end, so a picture that is decoded row by row takes no more memory than a narrow
//! strip.

use bytemuck::Pod;
use pixels::rotation::lanczos;
use resize::px::PixelFormat;
use resize::{Pixel, Resizer};

use super::{PictureError, Pixels};

/// Wraps samples as the pixels of a format.
pub(super) type Wrap = fn(Vec<u8>) -> Pixels;

/// Scales a square, given row by row.
pub(super) struct Scaler {
    steps: Box<dyn Steps>,
    wrap: Wrap,
}

impl Scaler {
    /// Creates a scaler from `from` by `from` pixels to `to` by `to`.
    pub(super) fn new(wrap: Wrap, from: usize, to: usize) -> Result<Self, PictureError> {
        if from == to {
            let steps = Box::new(AsTheyAre(Vec::new()));
            return Ok(Self { steps, wrap });
        }
        // Samples have 16 bits between the steps, so that no accuracy is lost.
        let steps: Box<dyn Steps> = match wrap(Vec::new()) {
            Pixels::Grey(_) => Box::new(TwoSteps::new(Pixel::Gray16, from, to)?),
            Pixels::Rgb(_) | Pixels::YCbCr(_) => Box::new(TwoSteps::new(Pixel::RGB16, from, to)?),
            // Weights colours by alpha.
            Pixels::Rgba(_) => Box::new(TwoSteps::new(Pixel::RGBA16P, from, to)?),
            Pixels::Cmyk(_) => Box::new(TwoSteps::new(Pixel::RGBA16, from, to)?),
        };
        Ok(Self { steps, wrap })
    }

    /// Adds the next row of the square.
    pub(super) fn push(&mut self, row: &[u8]) -> Result<(), PictureError> {
        self.steps.push(row)
    }

    /// Returns the scaled square after all rows were added.
    pub(super) fn finish(mut self) -> Result<Pixels, PictureError> {
        Ok((self.wrap)(self.steps.finish()?))
    }
}

/// The memory that scaling takes, in bytes: the rows between the steps, and the columns that are
/// scaled together.
pub(super) fn memory(from: usize, to: usize, channels: usize) -> usize {
    const BYTES: usize = size_of::<u16>();
    let strip = from.saturating_mul(to).saturating_mul(BYTES);
    let columns = from
        .saturating_mul(COLUMNS)
        .saturating_mul(size_of::<f32>());
    strip.saturating_add(columns).saturating_mul(channels)
}

/// The number of columns that are scaled together.
const COLUMNS: usize = 32;

/// [`TwoSteps`] for any format.
trait Steps {
    fn push(&mut self, row: &[u8]) -> Result<(), PictureError>;
    fn finish(&mut self) -> Result<Vec<u8>, PictureError>;
}

/// A square that needs no scaling, as most icons. Scaling it would take as long as all frames.
struct AsTheyAre(Vec<u8>);

impl Steps for AsTheyAre {
    fn push(&mut self, row: &[u8]) -> Result<(), PictureError> {
        self.0.extend_from_slice(row);
        Ok(())
    }

    fn finish(&mut self) -> Result<Vec<u8>, PictureError> {
        Ok(std::mem::take(&mut self.0))
    }
}

struct TwoSteps<F: PixelFormat> {
    format: F,
    /// The number of rows in the square.
    from: usize,
    to: usize,
    /// Scales one row.
    row: Resizer<F>,
    /// The rows so far, `to` pixels each.
    narrow: Vec<F::OutputPixel>,
}

impl<F, P> TwoSteps<F>
where
    F: PixelFormat<InputPixel = P, OutputPixel = P> + Copy,
    P: Pod + Default,
{
    fn new(format: F, from: usize, to: usize) -> Result<Self, PictureError> {
        Ok(Self {
            format,
            from,
            to,
            row: resizer(format, (from, 1), (to, 1))?,
            narrow: Vec::with_capacity(from.saturating_mul(to)),
        })
    }
}

impl<F, P> Steps for TwoSteps<F>
where
    F: PixelFormat<InputPixel = P, OutputPixel = P> + Copy,
    P: Pod + Default,
{
    fn push(&mut self, row: &[u8]) -> Result<(), PictureError> {
        let samples: Vec<u16> = row.iter().map(|sample| u16::from(*sample) * 257).collect();
        let start = self.narrow.len();
        self.narrow
            .resize(start.saturating_add(self.to), P::default());
        let narrow = self.narrow.get_mut(start..).unwrap_or_default();
        let row = bytemuck::try_cast_slice(&samples).map_err(|_| PictureError::Empty)?;
        self.row
            .resize(row, narrow)
            .map_err(|_| PictureError::Empty)
    }

    fn finish(&mut self) -> Result<Vec<u8>, PictureError> {
        let to = self.to;
        let columns = to.min(COLUMNS);
        let mut resizer = resizer(self.format, (columns, self.from), (columns, to))?;
        let mut strip = vec![P::default(); columns.saturating_mul(to)];
        let mut scaled = vec![P::default(); to.saturating_mul(to)];
        for start in (0..to).step_by(columns) {
            // The last strip overlaps the one before if the columns do not divide evenly.
            let start = start.min(to.saturating_sub(columns));
            let from = self.narrow.get(start..).unwrap_or_default();
            resizer
                .resize_stride(from, to, &mut strip)
                .map_err(|_| PictureError::Empty)?;
            for (row, strip) in scaled.chunks_mut(to).zip(strip.chunks(columns)) {
                let places = row.iter_mut().skip(start);
                places.zip(strip).for_each(|(to, pixel)| *to = *pixel);
            }
        }
        let samples: &[u16] = bytemuck::cast_slice(&scaled);
        // 16 bits divided by 257 are 8 bits.
        #[allow(clippy::cast_possible_truncation)]
        let byte = |sample: &u16| (sample.saturating_add(128) / 257) as u8;
        Ok(samples.iter().map(byte).collect())
    }
}

fn resizer<F: PixelFormat>(
    format: F,
    from: (usize, usize),
    to: (usize, usize),
) -> Result<Resizer<F>, PictureError> {
    // The kernel of `resize` uses the system's sine, whose last bit differs between systems.
    #[allow(clippy::cast_possible_truncation)]
    let filter = resize::Filter::new(Box::new(|x| lanczos::<3>(f64::from(x)) as f32), 3.0);
    let filter = resize::Type::Custom(filter);
    Resizer::new(from.0, from.1, to.0, to.1, format, filter).map_err(|_| PictureError::Empty)
}
