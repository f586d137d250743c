//! Writes the fields of the schedule, and reads what was sent with them.
//!
//! Each field goes with the value that it had, in a field whose name begins with `was_`. What has not
//! been changed is not set, so it follows the service's own settings.

use std::collections::BTreeMap;

use maud::{Markup, html};

use crate::account::commands::{AccountView, SettingView, Source, Stage};
use crate::schedule::Period;
use crate::schedule::settings::{DIRECTION, PERIOD, TIME_ZONE};
use crate::settings::reader::Variable;
use crate::web::page::words::length;
use crate::web::site::layout::csrf_field;

/// The settings that the form has.
const SETTINGS: [Variable; 3] = [TIME_ZONE, PERIOD, DIRECTION];

/// The field for a period that is not in the list.
const OTHER_PERIOD: &str = "OTHER_PERIOD";

/// The choice that stands for that field.
const OTHER: &str = "other";

/// The periods in the list.
const PERIODS: [&str; 4] = ["12h", "24h", "1h", "7d"];

/// Returns what a form sets: the names of settings, and their texts as they were typed. An empty text
/// unsets. `fields` are the names and values of the form.
pub fn settings_in(fields: &[(String, String)]) -> BTreeMap<String, String> {
    let field = |name: &str| {
        let found = fields.iter().find(|(field, _)| field == name);
        found.map(|(_, value)| value.trim())
    };
    let changed = |variable: &Variable| {
        let name = variable.name;
        let text = match field(name)? {
            OTHER if name == PERIOD.name => field(OTHER_PERIOD)?,
            text => text,
        };
        let was = field(&format!("was_{name}"));
        // A field that was emptied is not unset unasked.
        let is_meant = was.is_none_or(|was| was != text && !text.is_empty());
        is_meant.then(|| (name.to_owned(), text.to_owned()))
    };
    SETTINGS.iter().filter_map(changed).collect()
}

/// Whether nobody has chosen a time zone yet for an account that has not started.
pub(super) fn has_no_zone(view: &AccountView) -> bool {
    let mut settings = view.settings.iter();
    let zone = settings.find(|setting| setting.name == TIME_ZONE.name);
    view.stage == Stage::New && zone.is_some_and(|setting| setting.source == Source::Default)
}

/// What the fields show.
#[derive(Clone, Copy)]
pub(super) struct ScheduleForm<'a> {
    pub(super) view: &'a AccountView,
    /// The fields of a form that was refused, to be shown again.
    pub(super) typed: &'a [(String, String)],
    /// Whether the service's variables can set them too, so that it matters where a value is from.
    pub(super) is_owner: bool,
}

impl ScheduleForm<'_> {
    /// The text that a field shows: what was typed, or else the setting's value.
    fn text_of<'s>(&'s self, setting: &'s SettingView) -> &'s str {
        let named = |name: &str| {
            let typed = self.typed.iter().find(|(field, _)| field == name);
            typed.map(|(_, text)| text.as_str())
        };
        match named(&setting.name) {
            Some(OTHER) => named(OTHER_PERIOD).unwrap_or(&setting.text),
            Some(text) => text,
            None => &setting.text,
        }
    }

    /// The value that a setting has been given; empty for a time zone that nobody has chosen. The
    /// default is nobody's zone, so one has to be chosen even if it is that one.
    fn held_by<'s>(&self, setting: &'s SettingView) -> &'s str {
        if setting.name == TIME_ZONE.name && has_no_zone(self.view) {
            ""
        } else {
            &setting.text
        }
    }

    /// Writes the fields of the settings that the account has.
    pub(super) fn fields(&self) -> Markup {
        html! {
            @for setting in &self.view.settings {
                div.field {
                    @if setting.name == TIME_ZONE.name { (self.time_zone(setting)) }
                    @else if setting.name == PERIOD.name { (self.period(setting)) }
                    @else if setting.name == DIRECTION.name { (self.direction(setting)) }
                    input type="hidden" name={ "was_" (setting.name) } value=(self.held_by(setting));
                    @if self.is_owner { (where_from(setting)) }
                }
            }
        }
    }

    fn time_zone(&self, setting: &SettingView) -> Markup {
        // The script fills in the browser's zone. Without it, the person does.
        let is_open = has_no_zone(self.view) && self.typed.is_empty();
        let text = if is_open { "" } else { self.text_of(setting) };
        html! {
            label for="time-zone" { "Time zone" }
            input #time-zone name=(setting.name) type="text" required maxlength="100"
                list="zones" autocomplete="off" autocapitalize="words" spellcheck="false"
                data-from-browser[is_open] aria-describedby="time-zone-hint" value=(text);
            // The script fills this in with the zones that the browser knows.
            datalist #zones {}
            p #time-zone-hint .soft {
                "Your zone's name, such as Europe/Berlin."
                span #zones-hint hidden { " Empty the field to see the list." }
            }
        }
    }

    fn period(&self, setting: &SettingView) -> Markup {
        let text = self.text_of(setting);
        let is_other = !PERIODS.contains(&text);
        html! {
            label for="period" { "A full rotation takes" }
            select #period name=(setting.name) {
                @for period in PERIODS {
                    option value=(period) selected[period == text] { (in_words(period)) }
                }
                option value=(OTHER) selected[is_other] { "Another time" }
            }
            div #other-period {
                label for="other" { "Another time" }
                input #other name=(OTHER_PERIOD) type="text" maxlength="40" autocomplete="off"
                    autocapitalize="none" spellcheck="false" aria-describedby="other-hint"
                    value=[is_other.then_some(text)];
                p #other-hint .soft { "A part of a day that divides it, such as 6h, 1h30m or 20m." }
            }
        }
    }

    fn direction(&self, setting: &SettingView) -> Markup {
        let text = self.text_of(setting);
        html! {
            label for="direction" { "Direction" }
            select #direction name=(setting.name) {
                @for (direction, words) in [("clockwise", "Clockwise"), ("counterclockwise", "Counterclockwise")] {
                    option value=(direction) selected[direction == text] { (words) }
                }
            }
        }
    }

    /// Writes the forms by which settings are unset. The buttons among the fields belong to them.
    pub(super) fn unset_forms(&self, csrf: &str) -> Markup {
        let is_set = |one: &&SettingView| self.is_owner && one.source == Source::Page;
        html! {
            @for setting in self.view.settings.iter().filter(is_set) {
                form id={ "unset-" (setting.name) } method="post" action="/account/settings" {
                    (csrf_field(csrf))
                    input type="hidden" name=(setting.name) value="";
                }
            }
        }
    }
}

/// Says a period of the list in words.
fn in_words(period: &str) -> String {
    let parsed: Option<Period> = period.parse().ok();
    let words = parsed.map_or_else(|| period.to_owned(), length);
    match period {
        "12h" => format!("{words}, like the hour hand"),
        "24h" => format!("{words}: a day"),
        "1h" => format!("{words}, like the minute hand"),
        _ => words,
    }
}

/// Says where a setting's value is from, and lets what the page has set be unset.
fn where_from(setting: &SettingView) -> Markup {
    html! {
        p.from.soft {
            @match setting.source {
                Source::Page => {
                    "Set on this page. "
                    button.link form={ "unset-" (setting.name) } {
                        "Back to " (setting.otherwise)
                        span.unseen { " for " (setting.name) }
                    }
                }
                Source::Variables => { "From this service's variable " code { (setting.name) } ", until you set another here." }
                Source::Default => "Not set yet: this is the default.",
            }
        }
    }
}
