//! The tables of the directory, and how those of an older version become them.
//!
//! A migration is never changed once it has been deployed: another follows it. Each of its
//! statements may run twice, because a migration that was broken off begins again. Tables of a newer
//! version are left as they are, and this version reads what it can.

use serde::Deserialize;
use worker::{Result, SqlStorage};

/// The migrations. The first leads from an empty database to version 1.
const MIGRATIONS: &[&[&str]] = &[
    &[
        // `default` is the owner's.
        "create table if not exists accounts (
        id text primary key,
        created_at integer not null
    ) without rowid",
        // Counting a million rows at each sign-up would cost more than all else here.
        "create table if not exists totals (
        id integer primary key check (id = 1),
        accounts integer not null
    )",
        "insert or ignore into totals (id, accounts) values (1, 0)",
        "create trigger if not exists account_created after insert on accounts
    when new.id <> 'default'
    begin
        update totals set accounts = accounts + 1;
    end",
        "create trigger if not exists account_deleted after delete on accounts
    when old.id <> 'default'
    begin
        update totals set accounts = accounts - 1;
    end",
        "create table if not exists identities (
        network text not null,
        subject text not null,
        account text not null references accounts (id) on delete cascade,
        primary key (network, subject),
        unique (account, network)
    ) without rowid",
        // `app` is a `StoredApp` as JSON.
        "create table if not exists apps (
        id integer primary key,
        network text not null,
        server text not null,
        app text not null,
        unique (network, server)
    )",
        "create table if not exists sessions (
        token_hash text primary key,
        account text not null references accounts (id) on delete cascade,
        created_at integer not null,
        expires_at integer not null
    ) without rowid",
        "create index if not exists sessions_by_account on sessions (account, created_at)",
        "create index if not exists sessions_by_expiry on sessions (expires_at)",
        // `sign_in` is a `PendingSignIn` as JSON.
        "create table if not exists sign_ins (
        id integer primary key,
        state_hash text not null unique,
        account text references accounts (id) on delete cascade,
        expires_at integer not null,
        sign_in text not null
    )",
        "create index if not exists sign_ins_by_account on sign_ins (account)
    where account is not null",
        "create table if not exists pauses (
        id integer primary key,
        server text not null unique,
        until integer not null
    )",
        // The account that was looked at last.
        "create table if not exists slice (
        id integer primary key check (id = 1),
        account text not null
    )",
        "insert or ignore into slice (id, account) values (1, '')",
    ],
    &[
        // `key` is a `StoredClientKey` as JSON.
        "create table if not exists client_keys (
        id text primary key,
        created_at integer not null,
        key text not null
    ) without rowid",
    ],
];

#[derive(Deserialize)]
struct Stored {
    version: usize,
}

/// Makes the tables of this version.
///
/// # Errors
/// When a statement fails.
pub(super) fn migrate(sql: &SqlStorage) -> Result<()> {
    // A row for each migration that was made.
    sql.exec(
        "create table if not exists schema (version integer primary key)",
        None,
    )?;
    let stored: Stored = sql
        .exec(
            "select coalesce(max(version), 0) as version from schema",
            None,
        )?
        .one()?;
    for (version, statements) in (1_i64..).zip(MIGRATIONS).skip(stored.version) {
        for statement in *statements {
            sql.exec(statement, None)?;
        }
        sql.exec(
            "insert into schema (version) values (?)",
            vec![version.into()],
        )?;
    }
    Ok(())
}
