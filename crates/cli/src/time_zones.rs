//! Time zones as the machine knows them, which its updates keep current. A zone that the machine
//! does not have comes from the database that is built in: some systems have no database, some
//! leave out the old names, and some are older than a new name.

use std::rc::Rc;

use jiff::Timestamp;
use jiff::tz::TimeZoneDatabase;
use rotate_icon_core::ports::{OffsetAt, TimeZones};

/// The databases, in the order in which they are asked.
pub(crate) struct Databases([TimeZoneDatabase; 2]);

/// Opens the database that `TZDIR` names or that lies in the usual folders, such as
/// `/usr/share/zoneinfo`, and the one that is built in.
pub(crate) fn machine() -> Databases {
    Databases([TimeZoneDatabase::from_env(), TimeZoneDatabase::bundled()])
}

impl TimeZones for Databases {
    fn open(&self, name: &str) -> Option<OffsetAt> {
        let zone = self.0.iter().find_map(|database| database.get(name).ok())?;
        Some(Rc::new(move |unix_seconds| {
            let (first, last) = (Timestamp::MIN, Timestamp::MAX);
            let at = Timestamp::from_second(unix_seconds);
            let at = at.unwrap_or(if unix_seconds < 0 { first } else { last });
            zone.to_offset(at).seconds()
        }))
    }
}
