//! HTTP requests: answers what needs no account, and passes the rest on to an account's object.

use worker::{Context, Env, Request, Response, Result, event};

use crate::account;
use crate::host::Host;
use crate::http::{request_from, response_from};
use crate::settings::{service_settings, settings};
use crate::upload::IncomingBody;
use rotate_icon_core::web::{Handled, Next, guarded, respond, respond_to_browser};

#[event(fetch)]
async fn fetch(request: Request, env: Env, _context: Context) -> Result<Response> {
    let asked = match request_from(&request) {
        Ok(asked) => asked,
        Err(problem) => return response_from(guarded(Err(problem))),
    };
    let body = IncomingBody(request.inner());
    let host = Host::new(env);
    let owners = || settings(&host.env);
    let next = match respond(&asked, &body, owners, &host).await {
        Handled::Answer(answer) => Next::Answer(answer),
        Handled::Owner => Next::Owner,
        Handled::Browser => {
            let service = service_settings(&host.env);
            respond_to_browser(&asked, &body, owners, &service, &host).await
        }
    };
    let answer = match next {
        Next::Answer(answer) => return response_from(answer),
        Next::Owner => account::pass_on(&host.env, &asked).await,
        Next::PassOn { account, target } => {
            account::pass_on_to(&host.env, &account, &target, &asked, &request).await
        }
    };
    answer.or_else(|error| response_from(guarded(Err(account::unreachable(error)))))
}
