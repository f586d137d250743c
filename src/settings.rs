//! The settings, from the variables and secrets of the environment.

use std::cell::OnceCell;
use std::rc::Rc;

use js_sys::{JSON, Reflect};
use worker::Env;

use crate::time_zones;
use rotate_icon_core::account::settings::Settings;
use rotate_icon_core::service::settings::ServiceSettings;

/// The settings. They are read once an isolate: to change a variable or a secret is to deploy
/// another version of the Worker, which runs in isolates of its own.
pub(crate) fn settings(env: &Env) -> Rc<Settings> {
    thread_local! {
        static SETTINGS: OnceCell<Rc<Settings>> = const { OnceCell::new() };
    }
    SETTINGS.with(|settings| {
        settings
            .get_or_init(|| Rc::new(Settings::read(&time_zones::Runtime, |name| text(env, name))))
            .clone()
    })
}

/// The settings of the service. They are read once an isolate, as those above.
pub(crate) fn service_settings(env: &Env) -> Rc<ServiceSettings> {
    thread_local! {
        static SETTINGS: OnceCell<Rc<ServiceSettings>> = const { OnceCell::new() };
    }
    SETTINGS.with(|settings| {
        settings
            .get_or_init(|| Rc::new(ServiceSettings::read(|name| text(env, name))))
            .clone()
    })
}

/// A variable or secret. One that is not text gives its JSON, which the core then refuses like any
/// other value that does not parse.
pub(crate) fn text(env: &Env, name: &str) -> Option<String> {
    let value = Reflect::get(env, &name.into()).ok()?;
    if value.is_undefined() || value.is_null() {
        return None;
    }
    let json = || JSON::stringify(&value).ok()?.as_string();
    value.as_string().or_else(json)
}
