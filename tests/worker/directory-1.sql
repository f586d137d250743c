-- The directory's tables as version 1 has stored them.
create table schema (version integer primary key);
insert into schema values (1);

create table accounts (
    id text primary key,
    created_at integer not null
) without rowid;
create table totals (
    id integer primary key check (id = 1),
    accounts integer not null
);
insert into totals values (1, 0);
create trigger account_created after insert on accounts
when new.id <> 'default'
begin
    update totals set accounts = accounts + 1;
end;
create trigger account_deleted after delete on accounts
when old.id <> 'default'
begin
    update totals set accounts = accounts - 1;
end;
insert into accounts values ('baaaaaaaaaaaaaaaaaaaaaaaaa', 1939291200000);

create table identities (
    network text not null,
    subject text not null,
    account text not null references accounts (id) on delete cascade,
    primary key (network, subject),
    unique (account, network)
) without rowid;
insert into identities values ('mastodon', 'https://social.example 7', 'baaaaaaaaaaaaaaaaaaaaaaaaa');

create table apps (
    id integer primary key,
    network text not null,
    server text not null,
    app text not null,
    unique (network, server)
);
insert into apps values (1, 'mastodon', 'https://social.example', '{"network":"mastodon","server":"https://social.example","client_id":"client","client_secret":"key.iv.secret","scopes":"profile","uses_pkce":true,"redirect_uri":"https://icons.example/sign-in/mastodon/callback"}');

create table sessions (
    token_hash text primary key,
    account text not null references accounts (id) on delete cascade,
    created_at integer not null,
    expires_at integer not null
) without rowid;
create index sessions_by_account on sessions (account, created_at);
create index sessions_by_expiry on sessions (expires_at);
insert into sessions values ('token', 'baaaaaaaaaaaaaaaaaaaaaaaaa', 1939291200000, 1947067200000);

create table sign_ins (
    id integer primary key,
    state_hash text not null unique,
    account text references accounts (id) on delete cascade,
    expires_at integer not null,
    sign_in text not null
);
create index sign_ins_by_account on sign_ins (account) where account is not null;
insert into sign_ins values (1, 'state', null, 1939291800000, '{"state_hash":"state","browser_hash":"browser","network":"mastodon","server":"https://social.example","verifier":"key.iv.verifier","account":null,"expires_at":1939291800000,"moves":false}');

create table pauses (
    id integer primary key,
    server text not null unique,
    until integer not null
);
insert into pauses values (1, 'https://social.example', 1939291260000);

create table slice (
    id integer primary key check (id = 1),
    account text not null
);
insert into slice values (1, '');
