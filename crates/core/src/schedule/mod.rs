//! The schedule: time → frame number.
//!
//! The default is the hour hand: 12 frames in 12 hours, clockwise, so that the frame at h o'clock
//! is h mod 12.

pub mod cron;
pub mod settings;
mod slots;
pub mod time_zone;
mod zone_name;

pub use self::slots::{
    Direction, FrameCount, InvalidDirection, InvalidFrameCount, InvalidPeriod, Period, Schedule,
};
