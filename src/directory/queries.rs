//! What the directory does with its tables. Each function is atomic: the runtime commits together
//! what is written without anything awaited in between.

use chrono::{DateTime, Utc};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, to_value};
use worker::{Error, Result, SqlStorage, SqlStorageValue};

use super::request::Request;
use rotate_icon_core::account::id::AccountId;
use rotate_icon_core::service::directory::{
    Connected, Identity, Limit, Listing, PendingSignIn, SIGN_IN_LIFETIME, Session, SignedIn,
    StoredApp, StoredClientKey,
};

/// The most sign-ins under way, registrations and pauses: beyond these the oldest go, so that a
/// flood of sign-ins fills nothing. A person whose sign-in went begins it anew, and a server whose
/// registration went is asked for another.
const MAX_SIGN_INS: i64 = 10_000;
const MAX_APPS: i64 = 10_000;
const MAX_PAUSES: i64 = 1_000;

/// The most browsers of one account that are signed in. Beyond these the oldest go.
const MAX_SESSIONS: i64 = 100;

/// The most rows that have expired and are deleted as one is added. More than one, so that they
/// become fewer; not all, so that no request waits for a million.
const MOST_CLEANED: i64 = 20;

/// The tables of the directory.
#[derive(Debug)]
pub(super) struct Tables(SqlStorage);

#[derive(Deserialize)]
struct AppRow {
    app: String,
}

#[derive(Deserialize)]
struct KeyRow {
    key: String,
}

#[derive(Deserialize)]
struct SignInRow {
    sign_in: String,
}

#[derive(Deserialize)]
struct AccountRow {
    account: AccountId,
}

#[derive(Deserialize)]
struct CountRow {
    count: i64,
}

/// A row with an instant, in milliseconds since 1970.
#[derive(Deserialize)]
struct InstantRow {
    #[serde(with = "chrono::serde::ts_milliseconds")]
    at: DateTime<Utc>,
}

fn ms(at: DateTime<Utc>) -> SqlStorageValue {
    at.timestamp_millis().into()
}

fn to_json(answer: impl serde::Serialize) -> Result<Value> {
    Ok(to_value(answer)?)
}

impl Tables {
    pub(super) fn new(sql: SqlStorage) -> Self {
        Self(sql)
    }

    /// Does what a request asks. Returns what the function returns, as JSON.
    ///
    /// # Errors
    /// When a statement fails.
    pub(super) fn answer(&self, request: Request) -> Result<Value> {
        match request {
            Request::App { network, server } => to_json(self.app(&network, &server)?),
            Request::KeepApp { app } => to_json(self.keep_app(&app)?),
            Request::AppsAfter {
                network,
                server,
                limit,
            } => to_json(self.apps_after(&network, &server, limit)?),
            Request::KeepSignIn { sign_in } => to_json(self.keep_sign_in(&sign_in)?),
            Request::TakeSignIn {
                state_hash,
                browser_hash,
                now,
            } => to_json(self.take_sign_in(&state_hash, &browser_hash, now)?),
            Request::SignIn {
                identity,
                new,
                limit,
                now,
            } => to_json(self.sign_in(&identity, new, limit, now)?),
            Request::Connect {
                identity,
                account,
                move_it,
                now,
            } => to_json(self.connect(&identity, &account, move_it, now)?),
            Request::Disconnect { account, network } => {
                to_json(self.disconnect(&account, &network)?)
            }
            Request::KeepSession { session } => to_json(self.keep_session(&session)?),
            Request::Session { token_hash, now } => to_json(self.session(&token_hash, now)?),
            Request::EndSession { token_hash } => to_json(self.end_session(&token_hash)?),
            Request::Listing { account } => to_json(self.listing(&account)?),
            Request::Delete { account } => to_json(self.delete(&account)?),
            Request::NextSlice { limit } => to_json(self.next_slice(limit)?),
            Request::AccountsAfter { after, limit } => {
                to_json(self.accounts_after(after.as_ref(), limit)?)
            }
            Request::ClientKeys {} => to_json(self.client_keys()?),
            Request::KeepClientKey { key, only_beside } => {
                to_json(self.keep_client_key(&key, only_beside.as_deref())?)
            }
            Request::DeleteClientKey { id } => to_json(self.delete_client_key(&id)?),
            Request::Pause { server, until } => to_json(self.pause(&server, until)?),
            Request::PausedUntil { server, now } => to_json(self.paused_until(&server, now)?),
        }
    }

    /// Runs a statement that gives no rows.
    fn run<const N: usize>(&self, statement: &str, bindings: [SqlStorageValue; N]) -> Result<()> {
        self.0.exec(statement, Vec::from(bindings)).map(|_| ())
    }

    /// Runs a statement, and reads its rows by the names of their columns.
    fn rows<T: DeserializeOwned, const N: usize>(
        &self,
        statement: &str,
        bindings: [SqlStorageValue; N],
    ) -> Result<Vec<T>> {
        self.0.exec(statement, Vec::from(bindings))?.to_array()
    }

    /// Runs a statement, and reads its first row if there is one.
    fn row<T: DeserializeOwned, const N: usize>(
        &self,
        statement: &str,
        bindings: [SqlStorageValue; N],
    ) -> Result<Option<T>> {
        Ok(self.rows(statement, bindings)?.into_iter().next())
    }

    fn app(&self, network: &str, server: &str) -> Result<Option<StoredApp>> {
        let row: Option<AppRow> = self.row(
            "select app from apps where network = ? and server = ?",
            [network.into(), server.into()],
        )?;
        // One that is not understood is as good as none: the server is asked for another.
        Ok(row.and_then(|row| serde_json::from_str(&row.app).ok()))
    }

    fn keep_app(&self, app: &StoredApp) -> Result<()> {
        self.run(
            "insert into apps (network, server, app) values (?, ?, ?)
            on conflict (network, server) do update set app = excluded.app",
            [
                app.network.as_str().into(),
                app.server.as_str().into(),
                serde_json::to_string(app)?.into(),
            ],
        )?;
        self.run(
            "delete from apps where id <= (select max(id) from apps) - ?",
            [MAX_APPS.into()],
        )
    }

    fn apps_after(&self, network: &str, server: &str, limit: u16) -> Result<Vec<StoredApp>> {
        let rows: Vec<AppRow> = self.rows(
            "select app from apps where (network, server) > (?, ?)
            order by network, server limit ?",
            [network.into(), server.into(), i64::from(limit).into()],
        )?;
        let apps = rows.iter().map(|row| serde_json::from_str(&row.app));
        Ok(apps.collect::<serde_json::Result<_>>()?)
    }

    fn keep_sign_in(&self, sign_in: &PendingSignIn) -> Result<()> {
        // It begins now.
        let now = sign_in
            .expires_at
            .checked_sub_signed(SIGN_IN_LIFETIME)
            .unwrap_or_default();
        if let Some(account) = &sign_in.account {
            self.require(account, now)?;
        }
        // All live equally long, so the oldest are those that expire first.
        self.run(
            "delete from sign_ins
            where id in (select id from sign_ins order by id limit ?) and expires_at <= ?",
            [MOST_CLEANED.into(), ms(now)],
        )?;
        self.run(
            "insert or replace into sign_ins (state_hash, account, expires_at, sign_in)
            values (?, ?, ?, ?)",
            [
                sign_in.state_hash.as_str().into(),
                sign_in.account.as_ref().map(AccountId::as_str).into(),
                ms(sign_in.expires_at),
                serde_json::to_string(sign_in)?.into(),
            ],
        )?;
        self.run(
            "delete from sign_ins where id <= (select max(id) from sign_ins) - ?",
            [MAX_SIGN_INS.into()],
        )
    }

    fn take_sign_in(
        &self,
        state_hash: &str,
        browser_hash: &str,
        now: DateTime<Utc>,
    ) -> Result<Option<PendingSignIn>> {
        let row: Option<SignInRow> = self.row(
            "delete from sign_ins where state_hash = ? returning sign_in",
            [state_hash.into()],
        )?;
        // One of another version that is not understood is begun anew.
        let taken = row.and_then(|row| serde_json::from_str::<PendingSignIn>(&row.sign_in).ok());
        Ok(
            taken
                .filter(|sign_in| sign_in.browser_hash == browser_hash && now < sign_in.expires_at),
        )
    }

    /// The account that has an identity.
    fn account_of(&self, identity: &Identity) -> Result<Option<AccountId>> {
        let row: Option<AccountRow> = self.row(
            "select account from identities where network = ? and subject = ?",
            [
                identity.network.as_str().into(),
                identity.subject.as_str().into(),
            ],
        )?;
        Ok(row.map(|row| row.account))
    }

    fn sign_in(
        &self,
        identity: &Identity,
        new: AccountId,
        limit: Limit,
        now: DateTime<Utc>,
    ) -> Result<SignedIn> {
        if let Some(account) = self.account_of(identity)? {
            return Ok(SignedIn::Known(account));
        }
        match limit {
            Limit::Closed => return Ok(SignedIn::Closed),
            Limit::AtMost(most) if self.number_of_accounts()? >= i64::from(most) => {
                return Ok(SignedIn::Full);
            }
            Limit::AtMost(_) => {}
        }
        self.run(
            "insert into accounts (id, created_at) values (?, ?)",
            [new.as_str().into(), ms(now)],
        )?;
        self.give(identity, &new)?;
        Ok(SignedIn::Created(new))
    }

    /// The number of accounts without the owner's.
    fn number_of_accounts(&self) -> Result<i64> {
        let row: Option<CountRow> = self.row("select accounts as count from totals", [])?;
        row.map(|row| row.count)
            .ok_or_else(|| "the directory has lost its totals".into())
    }

    /// Gives an identity to an account in place of any that it has on the network, and takes it
    /// from the account that had it.
    fn give(&self, identity: &Identity, account: &AccountId) -> Result<()> {
        self.run(
            "insert or replace into identities (network, subject, account) values (?, ?, ?)",
            [
                identity.network.as_str().into(),
                identity.subject.as_str().into(),
                account.as_str().into(),
            ],
        )
    }

    /// Checks that there is an account, and that nobody has deleted it in the meantime. The owner's
    /// is always there: it gets its row once that is needed.
    fn require(&self, account: &AccountId, now: DateTime<Utc>) -> Result<()> {
        if account.is_owner() {
            return self.run(
                "insert or ignore into accounts (id, created_at) values (?, ?)",
                [account.as_str().into(), ms(now)],
            );
        }
        let row: Option<AccountRow> = self.row(
            "select id as account from accounts where id = ?",
            [account.as_str().into()],
        )?;
        row.map(|_| ())
            .ok_or_else(|| Error::from("the account has been deleted"))
    }

    fn connect(
        &self,
        identity: &Identity,
        account: &AccountId,
        move_it: bool,
        now: DateTime<Utc>,
    ) -> Result<Connected> {
        self.require(account, now)?;
        let before = self.account_of(identity)?;
        match before {
            Some(same) if same == *account => Ok(Connected::Done { moved_from: None }),
            Some(other) if !move_it => Ok(Connected::Taken(other)),
            moved_from => {
                self.give(identity, account)?;
                Ok(Connected::Done { moved_from })
            }
        }
    }

    fn disconnect(&self, account: &AccountId, network: &str) -> Result<()> {
        self.run(
            "delete from identities where account = ? and network = ?",
            [account.as_str().into(), network.into()],
        )
    }

    fn keep_session(&self, session: &Session) -> Result<()> {
        self.require(&session.account, session.created_at)?;
        self.run(
            "delete from sessions where token_hash in
            (select token_hash from sessions where expires_at <= ? order by expires_at limit ?)",
            [ms(session.created_at), MOST_CLEANED.into()],
        )?;
        self.run(
            "insert or replace into sessions (token_hash, account, created_at, expires_at)
            values (?, ?, ?, ?)",
            [
                session.token_hash.as_str().into(),
                session.account.as_str().into(),
                ms(session.created_at),
                ms(session.expires_at),
            ],
        )?;
        self.run(
            "delete from sessions where token_hash in
            (select token_hash from sessions where account = ?
            order by created_at desc limit -1 offset ?)",
            [session.account.as_str().into(), MAX_SESSIONS.into()],
        )
    }

    fn session(&self, token_hash: &str, now: DateTime<Utc>) -> Result<Option<Session>> {
        self.row(
            "select * from sessions where token_hash = ? and expires_at > ?",
            [token_hash.into(), ms(now)],
        )
    }

    fn end_session(&self, token_hash: &str) -> Result<()> {
        self.run(
            "delete from sessions where token_hash = ?",
            [token_hash.into()],
        )
    }

    fn listing(&self, account: &AccountId) -> Result<Listing> {
        let id = || [account.as_str().into()];
        let created: Option<InstantRow> =
            self.row("select created_at as at from accounts where id = ?", id())?;
        Ok(Listing {
            created_at: created.map(|row| row.at),
            identities: self.rows(
                "select network, subject from identities where account = ? order by network",
                id(),
            )?,
            sessions: self.rows(
                "select * from sessions where account = ? order by created_at desc",
                id(),
            )?,
        })
    }

    /// The identities, sessions and sign-ins go with the account's row, which they refer to.
    fn delete(&self, account: &AccountId) -> Result<()> {
        self.run(
            "update slice set account =
            coalesce((select max(id) from accounts where id < slice.account), '')
            where account = ?",
            [account.as_str().into()],
        )?;
        self.run(
            "delete from accounts where id = ?",
            [account.as_str().into()],
        )
    }

    fn next_slice(&self, limit: u16) -> Result<Vec<AccountId>> {
        // Those after the last one, then those from the beginning up to it.
        let mut slice: Vec<AccountRow> = self.rows(
            "select id as account from accounts
            where id > (select account from slice) and id <> 'default' order by id limit ?",
            [i64::from(limit).into()],
        )?;
        let missing = usize::from(limit).saturating_sub(slice.len());
        slice.extend(self.rows::<AccountRow, 1>(
            "select id as account from accounts
            where id <= (select account from slice) and id <> 'default' order by id limit ?",
            [i64::try_from(missing).unwrap_or(0).into()],
        )?);
        if let Some(last) = slice.last() {
            self.run(
                "update slice set account = ?",
                [last.account.as_str().into()],
            )?;
        }
        Ok(slice.into_iter().map(|row| row.account).collect())
    }

    fn accounts_after(&self, after: Option<&AccountId>, limit: u16) -> Result<Vec<AccountId>> {
        let rows: Vec<AccountRow> = self.rows(
            "select id as account from accounts where id > ? order by id limit ?",
            [
                after.map_or("", AccountId::as_str).into(),
                i64::from(limit).into(),
            ],
        )?;
        Ok(rows.into_iter().map(|row| row.account).collect())
    }

    fn client_keys(&self) -> Result<Vec<StoredClientKey>> {
        let rows: Vec<KeyRow> = self.rows(
            "select key from client_keys order by created_at desc, id",
            [],
        )?;
        // One of another version that is not understood is left to that.
        let keys = rows.iter();
        Ok(keys
            .filter_map(|row| serde_json::from_str(&row.key).ok())
            .collect())
    }

    fn keep_client_key(&self, key: &StoredClientKey, only_beside: Option<&[String]>) -> Result<()> {
        if let Some(ids) = only_beside
            && self.client_keys()?.iter().any(|key| !ids.contains(&key.id))
        {
            return Ok(());
        }
        self.run(
            "insert into client_keys (id, created_at, key) values (?, ?, ?)
            on conflict (id) do update set key = excluded.key",
            [
                key.id.as_str().into(),
                ms(key.created_at),
                serde_json::to_string(key)?.into(),
            ],
        )
    }

    fn delete_client_key(&self, id: &str) -> Result<()> {
        self.run("delete from client_keys where id = ?", [id.into()])
    }

    fn pause(&self, server: &str, until: DateTime<Utc>) -> Result<()> {
        self.run(
            "insert into pauses (server, until) values (?, ?)
            on conflict (server) do update set until = max(until, excluded.until)",
            [server.into(), ms(until)],
        )?;
        self.run(
            "delete from pauses where id <= (select max(id) from pauses) - ?",
            [MAX_PAUSES.into()],
        )
    }

    fn paused_until(&self, server: &str, now: DateTime<Utc>) -> Result<Option<DateTime<Utc>>> {
        self.run(
            "delete from pauses where server = ? and until <= ?",
            [server.into(), ms(now)],
        )?;
        let row: Option<InstantRow> = self.row(
            "select until as at from pauses where server = ?",
            [server.into()],
        )?;
        Ok(row.map(|row| row.at))
    }
}
