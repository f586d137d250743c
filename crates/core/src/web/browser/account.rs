//! The page of an account, and what its person does there.

use http::StatusCode;
use http::header::CONTENT_DISPOSITION;

use crate::account::commands::{AccountView, Command, Reply};
use crate::account::id::AccountId;
use crate::ports::{Form, Upload};
use crate::schedule::FrameCount;
use crate::schedule::settings::TIME_ZONE;
use crate::schedule::time_zone::TimeZone;
use crate::service::directory::Listing;
use crate::service::limits::Limited;
use crate::web::answer::{guarded, insert, json_answer};
use crate::web::browser::cookies::{self, SESSION};
use crate::web::browser::form::Fields;
use crate::web::browser::host::{ServiceHost, unreachable};
use crate::web::browser::next::Next;
use crate::web::browser::visit::{SignedIn, Visit, offers, see_other, told};
use crate::web::problem::{Problem, status_of};
use crate::web::routes::Action;
use crate::web::site::{self, AccountPage, FailedSignIn, Mood};
use crate::web::{frame, icon, visitor};

/// The field that a box for the old picture has.
const PUT_BACK: &str = "put_back";

/// The account's page; for whoever is signed out, the page to sign in.
pub(super) async fn show<H: ServiceHost>(visit: &Visit<'_, H>) -> Result<Next, Problem> {
    visit.service()?;
    match visit.signed_in().await? {
        Some(signed_in) => page(visit, &signed_in, None).await,
        None => Ok(see_other("/sign-in").into()),
    }
}

/// The account's page, which may tell of a sign-in that did not begin.
pub(super) async fn page<H: ServiceHost>(
    visit: &Visit<'_, H>,
    signed_in: &SignedIn,
    failed: Option<FailedSignIn<'_>>,
) -> Result<Next, Problem> {
    let shown = Shown {
        failed,
        ..Shown::default()
    };
    write(visit, signed_in, &shown).await
}

/// What the page shows beside the account.
#[derive(Default)]
struct Shown<'a> {
    failed: Option<FailedSignIn<'a>>,
    refused: Option<String>,
    typed: &'a [(String, String)],
    cannot_keep_picture: bool,
}

/// Writes the account's page.
async fn write<H: ServiceHost>(
    visit: &Visit<'_, H>,
    signed_in: &SignedIn,
    shown: &Shown<'_>,
) -> Result<Next, Problem> {
    let view = view(visit, signed_in).await?;
    let mut settings = view.settings.iter();
    let zone = settings.find(|setting| setting.name == TIME_ZONE.name);
    let zone = zone.and_then(|setting| TimeZone::named(&setting.text, visit.host).ok());
    let is_owner = signed_in.session.account.is_owner();
    let before = visit.notice();
    let refused = shown.refused.as_ref();
    let notice = refused
        .map(|text| (text.clone(), Mood::Bad))
        .or_else(|| before.clone());
    let mut answer = site::account_page(&AccountPage {
        view: &view,
        zone: zone.as_ref(),
        csrf: signed_in.form_token().expose(),
        is_owner,
        max_frames: if is_owner {
            FrameCount::MAX
        } else {
            visitor::MAX_FRAMES
        },
        offers: &offers(),
        notice: told(notice.as_ref()),
        failed: shown.failed,
        typed: shown.typed,
        cannot_keep_picture: shown.cannot_keep_picture,
    });
    if before.is_some() {
        cookies::forget_notice(&mut answer);
    }
    Ok(answer.into())
}

/// Asks whether the account is really to be deleted.
pub(super) async fn ask_to_delete<H: ServiceHost>(visit: &Visit<'_, H>) -> Result<Next, Problem> {
    visit.service()?;
    let Some(signed_in) = visit.signed_in().await? else {
        return Ok(see_other("/sign-in").into());
    };
    let view = view(visit, &signed_in).await?;
    let notice = visit.notice();
    let mut answer = site::delete_page(
        &view,
        signed_in.form_token().expose(),
        told(notice.as_ref()),
    );
    if notice.is_some() {
        cookies::forget_notice(&mut answer);
    }
    Ok(answer.into())
}

/// Everything that is kept of the account, as a file.
pub(super) async fn export<H: ServiceHost>(visit: &Visit<'_, H>) -> Result<Next, Problem> {
    let signed_in = visit.required_session().await?;
    let account = &signed_in.session.account;
    let Reply::Exported { export } = ask(visit, account, &Command::Export).await? else {
        return Err(unexpected());
    };
    let listing = visit.host.listing(account).await;
    let listing: Listing = listing.map_err(|error| unreachable(&error))?;
    // The hash of a token lets nobody in, but is nobody's business either.
    let sessions: Vec<_> = listing
        .sessions
        .iter()
        .map(|session| {
            serde_json::json!({
                "created_at": session.created_at,
                "expires_at": session.expires_at,
            })
        })
        .collect();
    let mut answer = json_answer(&serde_json::json!({
        "account": export,
        "created_at": listing.created_at,
        "identities": listing.identities,
        "sessions": sessions,
    }));
    let name = "attachment; filename=\"rotate-icon.json\"";
    insert(&mut answer, CONTENT_DISPOSITION, name);
    Ok(answer.into())
}

/// Takes a new icon. The owner's goes into the host's store, where the owner's turns read it; any
/// other account takes its own.
pub(super) async fn icon<H: ServiceHost>(
    visit: &Visit<'_, H>,
    picture: &impl Upload,
) -> Result<Next, Problem> {
    let signed_in = visit.session_of_script().await?;
    visit.limit(Limited::Uploads).await?;
    let account = signed_in.session.account;
    if account.is_owner() {
        let taken = icon::take(visit.request, visit.query, picture, visit.host).await;
        return Ok(Next::Answer(guarded(taken)));
    }
    let query = visit.request.uri().query();
    let query = query.map(|query| format!("?{query}")).unwrap_or_default();
    let target = format!("/icon{query}");
    Ok(Next::PassOn { account, target })
}

/// Gives a frame of the account's current set, from where it is.
pub(super) async fn frame<H: ServiceHost>(visit: &Visit<'_, H>, n: u16) -> Result<Next, Problem> {
    let account = visit.required_session().await?.session.account;
    if account.is_owner() {
        let shown = frame::show(visit.request, n, visit.host).await;
        return Ok(Next::Answer(guarded(shown)));
    }
    let target = format!("/frames/{n}");
    Ok(Next::PassOn { account, target })
}

/// Does what a form of the page asks for.
pub(super) async fn act<H: ServiceHost>(
    visit: &Visit<'_, H>,
    action: Action,
    body: &impl Form,
) -> Result<Next, Problem> {
    let fields = Fields::read(visit.request, body).await?;
    let signed_in = visit.session_of_form(&fields).await?;
    let account = &signed_in.session.account;
    let notes = match carry_out(visit, account, action, &fields).await? {
        Reply::Done { notes } => notes,
        Reply::Refused { diagnosis } if action == Action::Delete => {
            let mut answer = see_other("/account/delete");
            cookies::keep_notice(&mut answer, &diagnosis.in_words(), Mood::Bad);
            return Ok(answer.into());
        }
        refused @ (Reply::Refused { .. } | Reply::PictureNotKept { .. }) => {
            let cannot_keep_picture = matches!(refused, Reply::PictureNotKept { .. });
            let (Reply::Refused { diagnosis } | Reply::PictureNotKept { diagnosis }) = refused
            else {
                return Err(unexpected());
            };
            let typed = if matches!(action, Action::Set | Action::Start) {
                fields.all()
            } else {
                &[]
            };
            let shown = Shown {
                refused: Some(diagnosis.in_words()),
                typed,
                cannot_keep_picture,
                ..Shown::default()
            };
            return write(visit, &signed_in, &shown).await;
        }
        _ => return Err(unexpected()),
    };
    let mut answer = see_other("/account");
    match action {
        Action::Delete => {
            let deleted = visit.host.delete(account).await;
            deleted.map_err(|error| unreachable(&error))?;
            answer = see_other("/");
            cookies::forget(&mut answer, SESSION);
        }
        Action::Disconnect => {
            let network = fields.text("network").unwrap_or_default();
            let gone = visit.host.disconnect(account, network).await;
            gone.map_err(|error| unreachable(&error))?;
        }
        _ => {}
    }
    if !notes.is_empty() {
        cookies::keep_notice(&mut answer, &notes.join(" "), Mood::Good);
    }
    Ok(answer.into())
}

/// Has the account carry out what a form asks for. The form of the start has the settings too, so
/// that nothing has to be saved before.
async fn carry_out<H: ServiceHost>(
    visit: &Visit<'_, H>,
    account: &AccountId,
    action: Action,
    fields: &Fields,
) -> Result<Reply, Problem> {
    if action == Action::Start {
        let settings = site::settings_in(fields.all());
        if !settings.is_empty() {
            let reply = ask(visit, account, &Command::Set { settings }).await?;
            if !matches!(reply, Reply::Done { .. }) {
                return Ok(reply);
            }
        }
    }
    ask(visit, account, &command(action, fields)).await
}

/// What an account has to do for a form.
fn command(action: Action, fields: &Fields) -> Command {
    let network = || fields.text("network").unwrap_or_default().to_owned();
    match action {
        Action::Start => Command::Start {
            without_picture: fields.is_ticked("without_picture"),
        },
        Action::Pause => Command::Pause,
        Action::Resume => Command::Resume,
        Action::Turn => Command::Turn,
        Action::PutBack => Command::PutBack { network: network() },
        Action::Disconnect => Command::Disconnect {
            network: network(),
            put_back: fields.is_ticked(PUT_BACK),
        },
        Action::Delete => Command::Delete {
            put_back: fields.is_ticked(PUT_BACK),
        },
        Action::Set => Command::Set {
            settings: site::settings_in(fields.all()),
        },
    }
}

async fn view<H: ServiceHost>(
    visit: &Visit<'_, H>,
    signed_in: &SignedIn,
) -> Result<AccountView, Problem> {
    match ask(visit, &signed_in.session.account, &Command::Show).await? {
        Reply::Shown { view } => Ok(*view),
        Reply::Refused { diagnosis } => Err(Problem::new(
            status_of(diagnosis.reason),
            diagnosis.in_words(),
        )),
        _ => Err(unexpected()),
    }
}

async fn ask<H: ServiceHost>(
    visit: &Visit<'_, H>,
    account: &AccountId,
    command: &Command,
) -> Result<Reply, Problem> {
    let reply = visit.host.ask(account, command).await;
    reply.map_err(|error| unreachable(&error))
}

/// An account of another version replies something else.
fn unexpected() -> Problem {
    let detail = "The account replied in a way that this version does not understand. Try again.";
    Problem::new(StatusCode::BAD_GATEWAY, detail)
}
