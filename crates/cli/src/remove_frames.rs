//! `rotate-icon remove-frames`: removes the frames that turns have stored on networks.

use std::process::ExitCode;

use anyhow::Result;
use clap::Args;
use rotate_icon_core::account::settings::Settings;

use crate::settings_source::{SettingsArgs, prepared};
use crate::status::Status;
use crate::{complain, say, time_zones};

/// Remove the frames that turns keep on Bluesky.
///
/// They are in the record app.rotate-icon.frames of the account's repository, which is
/// public. The picture that is shown stays. The next turn stores frames there again, so
/// stop turning first if you want them gone for good.
///
/// Exit status: 0 if no frames are kept any more, 75 if a network cannot do it now, 78 if
/// a setting is missing or wrong, 1 if a network refuses.
#[derive(Args)]
pub(crate) struct RemoveFrames {
    #[command(flatten)]
    settings: SettingsArgs,
}

pub(crate) async fn run(options: &RemoveFrames) -> Result<ExitCode> {
    let (sources, https) = match prepared(options.settings.read()) {
        Ok(both) => both,
        Err(status) => return Ok(status),
    };
    sources.warn();
    let settings = Settings::read(&time_zones::machine(), |name| sources.look_up(name));
    let mut worst = Status::Well;
    let mut is_any = false;
    for one in &settings.networks {
        let title = one.definition.title;
        let network = match &one.network {
            Ok(network) => network,
            Err(errors) => {
                complain(&format!("{title}: {errors}."));
                worst = worst.max(Status::Settings);
                continue;
            }
        };
        if !network.keeps_frames() {
            continue;
        }
        is_any = true;
        let mut saved_session = None;
        let removed = network.remove_frames(&mut saved_session, &https).await;
        network.end(&mut saved_session, &https).await;
        match removed {
            Ok(()) => say(&format!("{title}: no frames are kept there any more.")),
            Err(diagnosis) => {
                complain(&format!("{title}: {}", diagnosis.in_words()));
                worst = worst.max(Status::of_diagnosis(&diagnosis));
            }
        }
    }
    if !is_any && worst == Status::Well {
        say("No network that is set up keeps frames.");
    }
    Ok(worst.into())
}
