//! What can be done about a refusal. The owner of a host has settings and a command; who signed in
//! with a browser has a page.

/// What can be done about each kind of refusal, in a sentence or two that can follow a message.
#[derive(Debug, PartialEq, Eq)]
pub struct Advice {
    /// The server does not answer.
    pub(super) no_answer: &'static str,
    /// The server or the token is not of the form that it has to be.
    pub(super) invalid_request: &'static str,
    /// Something else than the API answers.
    pub(super) no_account: &'static str,
    /// The token is not accepted.
    pub(super) token: &'static str,
    /// The token may not change the account.
    pub(super) scopes: &'static str,
    /// The token may not read the account.
    pub(super) may_not_read: &'static str,
    /// A change is refused without a word.
    pub(super) no_reason_to_write: &'static str,
    /// Reading is refused without a word.
    pub(super) no_reason_to_read: &'static str,
    /// The picture is not accepted.
    pub(super) picture: &'static str,
    /// A firewall answers.
    pub(super) firewall: &'static str,
    /// The reply is none that such a server gives.
    pub(super) unexpected: &'static str,
}

impl Advice {
    /// For the owner of a host, who has put the token into the settings.
    pub const OF_SETTINGS: Self = Self {
        no_answer: "Nothing to do if it passes. If it stays, check MASTODON_SERVER and see whether \
            Mastodon reports a problem.",
        invalid_request: "Check MASTODON_SERVER and MASTODON_ACCESS_TOKEN.",
        no_account: "Check MASTODON_SERVER: something other than Mastodon's API answers there.",
        token: "Check MASTODON_ACCESS_TOKEN: complete, of an account on MASTODON_SERVER, and not \
            revoked since. There, under Preferences, Development, your application shows it; its \
            scope has to include write:accounts.",
        scopes: "Give the application the scope write:accounts (all of write, for Pixelfed) under \
            Preferences, Development, then regenerate its access token and store that as \
            MASTODON_ACCESS_TOKEN.",
        may_not_read: "It may not read the account, so the server does not tell whose it is; only \
            `doctor` asks for that. To see it here, give the application the scope read:accounts \
            too (all of read, for Pixelfed), regenerate its access token and store that as \
            MASTODON_ACCESS_TOKEN.",
        no_reason_to_write: "The server does not say why. Most likely the token lacks the scope \
            write:accounts, or all of write, which Pixelfed asks for: give the application that \
            scope, regenerate its access token and store that as MASTODON_ACCESS_TOKEN. Else sign \
            in there in a browser: the account may be disabled or not confirmed.",
        no_reason_to_read: "The server does not say why. Most likely the token lacks the scope \
            read:accounts, or all of read, which Pixelfed asks for; only `doctor` needs it. Else \
            sign in there in a browser: the account may be disabled or not confirmed.",
        picture: "The server does not accept the picture: it may have limits of its own. Publish \
            the icon again, under another --quality.",
        firewall: "A firewall in front of the server refused the call, as it may do to calls from \
            Workers. Wait, or ask who runs the server.",
        unexpected: "Mastodon is not known to give this reply. Check MASTODON_SERVER: the address \
            at which you sign in.",
    };

    /// For whoever has signed in with a browser.
    pub const OF_SIGN_IN: Self = Self {
        no_answer: "Nothing to do if it passes. If it stays, see whether your server reports a \
            problem.",
        invalid_request: "Sign in again on your page.",
        no_account: "Something other than Mastodon's API answers at your server. Nothing to do if \
            it passes; if your server has moved, sign in again on your page.",
        token: "Sign in again on your page. Nothing else is lost.",
        scopes: "Sign in again on your page, and allow it to change your profile.",
        may_not_read: "Sign in again on your page, and allow it to read your profile.",
        no_reason_to_write: "The server does not say why. Sign in there: the account may be \
            disabled or not confirmed. If all is well there, sign in again on your page.",
        no_reason_to_read: "The server does not say why. Sign in there: the account may be \
            disabled or not confirmed. If all is well there, sign in again on your page.",
        picture: "The server does not accept the picture: it may have limits of its own. Choose \
            another picture on your page.",
        firewall: "A firewall in front of your server refused the call. Wait, or ask who runs the \
            server.",
        unexpected: "Mastodon is not known to give this reply. Nothing to do if it passes; if your \
            server has moved, sign in again on your page.",
    };
}
