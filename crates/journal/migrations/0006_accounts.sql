-- Who may look and act: people with accounts, programs with tokens. Whatever proves somebody is kept as a hash only.

CREATE TABLE account (
    -- Folded: nobody shall be two people by a capital letter.
    name TEXT NOT NULL PRIMARY KEY,
    role TEXT NOT NULL,
    -- Argon2id as a PHC text; null where somebody else says who it is.
    password TEXT NULL,
    -- Issuer and subject of single sign-on.
    subject TEXT NULL,
    made_ms BIGINT NOT NULL,
    made_by TEXT NOT NULL,
    disabled_ms BIGINT NULL,
    login_ms BIGINT NULL
);
CREATE UNIQUE INDEX account_subject ON account (subject) WHERE subject IS NOT NULL;

CREATE TABLE session (
    hash TEXT NOT NULL PRIMARY KEY,
    account TEXT NOT NULL REFERENCES account (name),
    made_ms BIGINT NOT NULL,
    seen_ms BIGINT NOT NULL,
    expires_ms BIGINT NOT NULL
);
CREATE INDEX session_of_account ON session (account);
CREATE INDEX session_by_end ON session (expires_ms);

-- A link that logs somebody in, once.
CREATE TABLE login_link (
    hash TEXT NOT NULL PRIMARY KEY,
    account TEXT NOT NULL REFERENCES account (name),
    expires_ms BIGINT NOT NULL
);

-- Logins that failed, by the account's name and by the address; whether such an account exists is not asked.
CREATE TABLE login_try (
    id {serial},
    subject TEXT NOT NULL,
    at_ms BIGINT NOT NULL
);
CREATE INDEX login_try_newest ON login_try (subject, at_ms);
CREATE INDEX login_try_by_time ON login_try (at_ms);

CREATE TABLE api_token (
    id {serial},
    name TEXT NOT NULL,
    hash TEXT NOT NULL UNIQUE,
    -- Words with blanks between them.
    scope TEXT NOT NULL,
    made_ms BIGINT NOT NULL,
    made_by TEXT NOT NULL,
    expires_ms BIGINT NOT NULL,
    revoked_ms BIGINT NULL,
    used_ms BIGINT NULL
);

-- A chart over years adds up days: it reads only this.
CREATE INDEX run_of_flow ON run (flow, started_ms);
CREATE INDEX plan_waiting ON plan (id) WHERE state = 'blocked';
