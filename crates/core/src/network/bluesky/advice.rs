//! What can be done about a refusal. The owner of a host has settings and a command; who signed in
//! with a browser has a page.

/// What can be done about each kind of refusal, in a sentence or two that can follow a message.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Advice {
    /// The service does not answer.
    pub(super) no_answer: &'static str,
    /// The address of the service is not of the form that it has to be.
    pub(super) invalid_request: &'static str,
    /// A success is not what the lexicon describes.
    pub(super) no_api: &'static str,
    /// The token or the password is not accepted.
    pub(super) credentials: &'static str,
    /// The account's own password was used, and a second factor is asked for.
    pub(super) second_factor: &'static str,
    /// The call is not allowed.
    pub(super) forbidden: &'static str,
    /// The service keeps no accounts.
    pub(super) no_accounts: &'static str,
    /// A firewall answers.
    pub(super) firewall: &'static str,
    /// The picture or the request is not accepted.
    pub(super) picture: &'static str,
    /// The reply is none that such a service gives.
    pub(super) unexpected: &'static str,
    /// The account is closed by its owner, for the time being.
    pub(super) deactivated: &'static str,
    /// The account is closed by moderation, for good.
    pub(super) taken_down: &'static str,
    /// The account is closed by moderation, for a time.
    pub(super) suspended: &'static str,
    /// The account is deleted.
    pub(super) deleted: &'static str,
    /// The service accepts a session but knows nothing of its account.
    pub(super) unknown_account: &'static str,
    /// A picture may not be uploaded again.
    pub(super) moderated_picture: &'static str,
    /// A profile is refused without an explanation.
    pub(super) refused_profile: &'static str,
}

impl Advice {
    /// For the owner of a host, who has put an app password into the settings.
    pub(super) const OF_SETTINGS: Self = Self {
        no_answer: "Nothing to do if it passes. If it stays, check BLUESKY_SERVICE and see whether \
            Bluesky reports a problem.",
        invalid_request: "Check BLUESKY_SERVICE.",
        no_api: "Check BLUESKY_SERVICE: something other than the AT Protocol's API answers there.",
        credentials: "Check BLUESKY_IDENTIFIER, your handle without @, and BLUESKY_APP_PASSWORD. \
            Make a new app password at bsky.app under Settings, Privacy and security, App \
            passwords, and store it again.",
        second_factor: "Use an app password, not the account's own: make one at bsky.app under \
            Settings, Privacy and security, App passwords, and store it as BLUESKY_APP_PASSWORD.",
        forbidden: "Bluesky does not allow this call. Make a new app password and store it as \
            BLUESKY_APP_PASSWORD.",
        no_accounts: "BLUESKY_SERVICE names an AppView or something else that keeps no accounts. \
            Set it to the server where the account signs in, or leave it out for bsky.social.",
        firewall: "A firewall in front of Bluesky refused the call, as it may do to calls from \
            Workers. Wait, or make the turn from an ordinary machine.",
        picture: "Bluesky does not accept the picture or the request: a profile picture has to be \
            a JPEG or PNG of at most 1,000,000 bytes. Publish the icon again.",
        unexpected: "Bluesky is not known to give this reply. Check BLUESKY_SERVICE; if it is \
            right, see whether Bluesky reports a problem.",
        deactivated: "The account is deactivated. Sign in at bsky.app in a browser and reactivate \
            it, then turn. If you have moved it to another server, set BLUESKY_SERVICE to that \
            one and store an app password that was made there.",
        taken_down: "Bluesky's moderation has taken the account down. Sign in at bsky.app in a \
            browser: it says why, and how to appeal.",
        suspended: "Bluesky's moderation has suspended the account. Sign in at bsky.app in a \
            browser: it says why, and for how long.",
        deleted: "There is no such account here any more: it has been deleted, or moved to \
            another server. If it has moved, set BLUESKY_SERVICE to the new server. If it is \
            deleted, remove BLUESKY_IDENTIFIER and BLUESKY_APP_PASSWORD.",
        unknown_account: "The service knows nothing of the account's data. Sign in at bsky.app in \
            a browser and see whether the account is open; then check BLUESKY_SERVICE: it has to \
            be the server that the account is on.",
        moderated_picture: "Bluesky's moderation has taken this picture down. Publish another \
            icon; what Bluesky has sent to the account's e-mail address says more.",
        refused_profile: "Bluesky does not accept the profile with the picture. Edit the profile \
            once in the Bluesky app and save it, then turn. If that does not help, it is the \
            picture, a JPEG or PNG of at most 1,000,000 bytes: publish the icon again.",
    };

    /// For whoever has signed in with a browser.
    pub(super) const OF_SIGN_IN: Self = Self {
        no_answer: "Nothing to do if it passes. If it stays, see whether your server reports a \
            problem.",
        invalid_request: "Sign in again on your page.",
        no_api: "Something other than a server of Bluesky accounts answers at your server. \
            Nothing to do if it passes; if your account has moved, sign in again on your page.",
        credentials: "Sign in again on your page. Nothing else is lost.",
        second_factor: "Sign in again on your page. Nothing else is lost.",
        forbidden: "Sign in again on your page, and allow it to change your profile.",
        no_accounts: "Something other than a server of Bluesky accounts answers at your server. \
            Nothing to do if it passes; if your account has moved, sign in again on your page.",
        firewall: "A firewall in front of your server refused the call. Wait, or ask who runs the \
            server.",
        picture: "Your server does not accept the picture: choose another one on your page.",
        unexpected: "Your server is not known to give this reply. Nothing to do if it passes; if \
            it stays, ask who runs the server.",
        deactivated: "Sign in at bsky.app and reactivate the account. Turning then goes on by \
            itself, or asks you to sign in again on your page.",
        taken_down: "Sign in at bsky.app: it says why moderation has taken the account down, and \
            how to appeal.",
        suspended: "Sign in at bsky.app: it says why moderation has suspended the account, and \
            for how long.",
        deleted: "If the account is gone for good, delete the connection on your page. If you \
            have only moved it, sign in again on your page.",
        unknown_account: "Your server knows nothing of the account's data. Sign in at bsky.app \
            and see whether the account is open.",
        moderated_picture: "Moderation has taken this picture down. Choose another one on your \
            page; what was sent to the account's e-mail address says more.",
        refused_profile: "Your server does not accept the profile with the picture. Edit the \
            profile once in the Bluesky app and save it, then turn. If that does not help, choose \
            another picture on your page.",
    };
}
