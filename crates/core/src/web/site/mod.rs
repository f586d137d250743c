//! The pages of the service for people with accounts: functions from what is to be shown to HTML.
//!
//! Everything can be read without a script, and every form works without one; only a picture needs
//! a script, which crops it. Each form carries the token against forged requests. What comes from
//! people and servers is text, which is escaped.

mod account_face;
mod account_page;
mod connections;
mod delete_page;
mod landing;
mod layout;
mod leaving;
mod picture_card;
mod privacy;
mod problem_page;
mod schedule_form;
mod sign_in_form;
mod taken;
#[cfg(test)]
mod tests;

pub use self::account_page::{AccountPage, account_page};
pub use self::delete_page::delete_page;
pub use self::landing::{Landing, landing};
pub use self::layout::{Mood, Notice};
pub use self::leaving::leaving;
pub use self::privacy::{HostPrivacy, NetworkPrivacy, privacy};
pub use self::problem_page::{problem_page, wants_page};
pub use self::schedule_form::settings_in;
pub use self::sign_in_form::{FailedSignIn, Offer};
pub use self::taken::{Taken, taken};
