//! A directory in memory.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;

use chrono::{DateTime, Utc};

use crate::account::commands::{Command, Reply};
use crate::account::id::AccountId;
use crate::account::open::{self, Account};
use crate::service::accounts::{Accounts, Unreachable};
use crate::service::directory::{
    Connected, Directory, Identity, Limit, Listing, PendingSignIn, Session, SignedIn, StoredApp,
    StoredClientKey,
};
use crate::testing::Host;

/// What a directory keeps.
#[derive(Default)]
pub(crate) struct Memory {
    apps: RefCell<BTreeMap<(String, String), StoredApp>>,
    sign_ins: RefCell<BTreeMap<String, PendingSignIn>>,
    /// The accounts of identities.
    identities: RefCell<BTreeMap<Identity, AccountId>>,
    accounts: RefCell<BTreeMap<AccountId, DateTime<Utc>>>,
    sessions: RefCell<BTreeMap<String, Session>>,
    /// Newest first.
    pub(crate) client_keys: RefCell<Vec<StoredClientKey>>,
    pauses: RefCell<BTreeMap<String, DateTime<Utc>>>,
    /// What accounts were asked.
    pub(crate) asked: RefCell<Vec<(AccountId, Command)>>,
    /// The accounts that carry out what they are asked.
    pub(crate) people: RefCell<BTreeMap<AccountId, Rc<Person>>>,
    /// Whether it cannot be reached.
    pub(crate) is_away: Cell<bool>,
    /// How many times it and the accounts are reached before nothing is.
    pub(crate) ends_after: Cell<Option<u32>>,
}

/// An account with a host of its own.
pub(crate) struct Person {
    pub(crate) host: Host,
    pub(crate) memory: open::Memory,
}

impl Memory {
    fn reached(&self) -> Result<&Self, Unreachable> {
        let left = self.ends_after.get();
        if self.is_away.get() || left == Some(0) {
            return Err(Unreachable("it is away".to_owned()));
        }
        self.ends_after.set(left.map(|left| left - 1));
        Ok(self)
    }
}

fn app_key(app: &StoredApp) -> (String, String) {
    (app.network.clone(), app.server.clone())
}

impl Directory for Host {
    async fn app(&self, network: &str, server: &str) -> Result<Option<StoredApp>, Unreachable> {
        let apps = self.directory.reached()?.apps.borrow();
        Ok(apps.get(&(network.to_owned(), server.to_owned())).cloned())
    }

    async fn keep_app(&self, app: &StoredApp) -> Result<(), Unreachable> {
        let mut apps = self.directory.reached()?.apps.borrow_mut();
        apps.insert(app_key(app), app.clone());
        Ok(())
    }

    async fn apps_after(
        &self,
        after: (&str, &str),
        limit: u16,
    ) -> Result<Vec<StoredApp>, Unreachable> {
        let apps = self.directory.reached()?.apps.borrow();
        let after = (after.0.to_owned(), after.1.to_owned());
        let apps = apps.values().filter(|app| app_key(app) > after);
        Ok(apps.take(limit.into()).cloned().collect())
    }

    async fn keep_sign_in(&self, sign_in: &PendingSignIn) -> Result<(), Unreachable> {
        let mut sign_ins = self.directory.reached()?.sign_ins.borrow_mut();
        sign_ins.insert(sign_in.state_hash.clone(), sign_in.clone());
        Ok(())
    }

    async fn take_sign_in(
        &self,
        state_hash: &str,
        browser_hash: &str,
        now: DateTime<Utc>,
    ) -> Result<Option<PendingSignIn>, Unreachable> {
        let taken = (self.directory.reached()?.sign_ins.borrow_mut()).remove(state_hash);
        Ok(taken.filter(|one| one.browser_hash == browser_hash && now < one.expires_at))
    }

    async fn sign_in(
        &self,
        identity: &Identity,
        new: &AccountId,
        limit: Limit,
        now: DateTime<Utc>,
    ) -> Result<SignedIn, Unreachable> {
        let directory = self.directory.reached()?;
        if let Some(account) = directory.identities.borrow().get(identity) {
            return Ok(SignedIn::Known(account.clone()));
        }
        let mut accounts = directory.accounts.borrow_mut();
        match limit {
            Limit::Closed => return Ok(SignedIn::Closed),
            Limit::AtMost(most) if accounts.len() >= most as usize => return Ok(SignedIn::Full),
            Limit::AtMost(_) => {}
        }
        accounts.insert(new.clone(), now);
        let mut identities = directory.identities.borrow_mut();
        identities.insert(identity.clone(), new.clone());
        Ok(SignedIn::Created(new.clone()))
    }

    async fn connect(
        &self,
        identity: &Identity,
        account: &AccountId,
        move_it: bool,
        _: DateTime<Utc>,
    ) -> Result<Connected, Unreachable> {
        let mut identities = self.directory.reached()?.identities.borrow_mut();
        let before = identities.get(identity).filter(|one| *one != account);
        match before.cloned() {
            Some(other) if !move_it => Ok(Connected::Taken(other)),
            moved_from => {
                identities.retain(|one, of| of != account || one.network != identity.network);
                identities.insert(identity.clone(), account.clone());
                Ok(Connected::Done { moved_from })
            }
        }
    }

    async fn disconnect(&self, account: &AccountId, network: &str) -> Result<(), Unreachable> {
        let mut identities = self.directory.reached()?.identities.borrow_mut();
        identities.retain(|one, of| of != account || one.network != network);
        Ok(())
    }

    async fn keep_session(&self, session: &Session) -> Result<(), Unreachable> {
        let mut sessions = self.directory.reached()?.sessions.borrow_mut();
        sessions.insert(session.token_hash.clone(), session.clone());
        Ok(())
    }

    async fn session(
        &self,
        token_hash: &str,
        now: DateTime<Utc>,
    ) -> Result<Option<Session>, Unreachable> {
        let sessions = self.directory.reached()?.sessions.borrow();
        let session = sessions.get(token_hash);
        Ok(session.filter(|one| now < one.expires_at).cloned())
    }

    async fn end_session(&self, token_hash: &str) -> Result<(), Unreachable> {
        self.directory
            .reached()?
            .sessions
            .borrow_mut()
            .remove(token_hash);
        Ok(())
    }

    async fn listing(&self, account: &AccountId) -> Result<Listing, Unreachable> {
        let directory = self.directory.reached()?;
        let identities = directory.identities.borrow();
        let identities = identities.iter().filter(|(_, of)| *of == account);
        let sessions = directory.sessions.borrow();
        let sessions = sessions.values().filter(|one| one.account == *account);
        Ok(Listing {
            created_at: directory.accounts.borrow().get(account).copied(),
            identities: identities.map(|(one, _)| one.clone()).collect(),
            sessions: sessions.cloned().collect(),
        })
    }

    async fn delete(&self, account: &AccountId) -> Result<(), Unreachable> {
        let directory = self.directory.reached()?;
        directory.accounts.borrow_mut().remove(account);
        let mut identities = directory.identities.borrow_mut();
        identities.retain(|_, of| of != account);
        let mut sessions = directory.sessions.borrow_mut();
        sessions.retain(|_, one| one.account != *account);
        Ok(())
    }

    async fn next_slice(&self, limit: u16) -> Result<Vec<AccountId>, Unreachable> {
        self.accounts_after(None, limit).await
    }

    async fn accounts_after(
        &self,
        after: Option<&AccountId>,
        limit: u16,
    ) -> Result<Vec<AccountId>, Unreachable> {
        let accounts = self.directory.reached()?.accounts.borrow();
        let later = accounts
            .keys()
            .filter(|id| after.is_none_or(|after| id > &after));
        Ok(later.take(limit.into()).cloned().collect())
    }

    async fn client_keys(&self) -> Result<Vec<StoredClientKey>, Unreachable> {
        let directory = self.directory.reached()?;
        // Others that ask at the same time get the same answer.
        crate::testing::wait_once().await;
        Ok(directory.client_keys.borrow().clone())
    }

    async fn keep_client_key(
        &self,
        key: &StoredClientKey,
        only_beside: Option<&[String]>,
    ) -> Result<(), Unreachable> {
        let mut keys = self.directory.reached()?.client_keys.borrow_mut();
        let is_other =
            |one: &StoredClientKey| only_beside.is_some_and(|ids| !ids.contains(&one.id));
        if keys.iter().any(is_other) {
            return Ok(());
        }
        keys.retain(|one| one.id != key.id);
        keys.push(key.clone());
        keys.sort_by(|a, b| b.created_at.cmp(&a.created_at).then(a.id.cmp(&b.id)));
        Ok(())
    }

    async fn delete_client_key(&self, id: &str) -> Result<(), Unreachable> {
        let mut keys = self.directory.reached()?.client_keys.borrow_mut();
        keys.retain(|key| key.id != id);
        Ok(())
    }

    async fn pause(&self, server: &str, until: DateTime<Utc>) -> Result<(), Unreachable> {
        let mut pauses = self.directory.reached()?.pauses.borrow_mut();
        pauses.insert(server.to_owned(), until);
        Ok(())
    }

    async fn paused_until(
        &self,
        server: &str,
        now: DateTime<Utc>,
    ) -> Result<Option<DateTime<Utc>>, Unreachable> {
        let pauses = self.directory.reached()?.pauses.borrow();
        Ok(pauses.get(server).copied().filter(|until| *until > now))
    }
}

/// Accounts that do what they are asked. The reply of one may be lost.
impl Accounts for Host {
    async fn ask(&self, account: &AccountId, command: &Command) -> Result<Reply, Unreachable> {
        let directory = self.directory.reached()?;
        let asked = (account.clone(), command.clone());
        directory.asked.borrow_mut().push(asked);
        let person = directory.people.borrow().get(account).cloned();
        let Some(person) = person else {
            return Ok(Reply::Done { notes: Vec::new() });
        };
        let opened = Account {
            id: account,
            host: &person.host,
            ledger: &person.host.ledger,
            memory: &person.memory,
        };
        let reply = opened.carry_out(command).await;
        directory.reached()?;
        Ok(reply)
    }
}
