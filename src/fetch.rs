//! HTTP requests: answers what needs no account, and passes the rest on to the account's object.

use worker::{Context, Env, Request, Response, Result, event};

use crate::account;
use crate::host::Host;
use crate::http::{request_from, response_from};
use crate::settings::settings;
use crate::upload::IncomingPicture;
use rotate_icon_core::web::{Handled, guarded, respond};

#[event(fetch)]
async fn fetch(request: Request, env: Env, _context: Context) -> Result<Response> {
    let asked = match request_from(&request) {
        Ok(asked) => asked,
        Err(problem) => return response_from(guarded(Err(problem))),
    };
    let picture = IncomingPicture(request.inner());
    let host = Host::new(env);
    if let Handled::Answer(answer) = respond(&asked, &picture, || settings(&host.env), &host).await
    {
        return response_from(answer);
    }
    let answer = account::pass_on(&host.env, &asked).await;
    answer.or_else(|error| response_from(guarded(Err(account::unreachable(error)))))
}
