-- The tables. A row names its owner by a digest and holds secrets as sealed values (monite_auth.stores.sealing). Moments are the
-- store's (common.sql). What changes with each renewal is in no index, so that PostgreSQL can write it beside the former row (HOT).

CREATE TABLE monite_auth.accounts (
    account text COLLATE "C" PRIMARY KEY,
    stamp text NOT NULL,  -- names the data key in force
    envelope bytea NOT NULL,  -- the data key, wrapped by each key that may open it
    ended_before timestamptz NOT NULL DEFAULT '-infinity',
    cooldown bytea,  -- of everyone
    cooldown_until timestamptz NOT NULL DEFAULT '-infinity',
    -- How far the last `end_everything` has come, which goes in small steps.
    ending_to bigint,  -- the last token that is to be taken away; null: all is done
    ending_token bigint NOT NULL DEFAULT 0,
    ending_user text COLLATE "C" NOT NULL DEFAULT '',
    ending_session text COLLATE "C" NOT NULL DEFAULT '',
    ending_memory double precision NOT NULL DEFAULT 0
) WITH (fillfactor = 50);

-- A token is one row from its mint to its end: its state says that it is superseded or must be revoked, so nothing is copied, or
-- lost between two tables, on the way there.
CREATE TABLE monite_auth.tokens (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    account text COLLATE "C" NOT NULL,
    state text COLLATE "C" NOT NULL CHECK (state IN ('live', 'superseded', 'pending')),
    slot text COLLATE "C" NOT NULL,
    user_name text COLLATE "C" NOT NULL,
    session_name text COLLATE "C",
    print text COLLATE "C" NOT NULL,
    sealed bytea NOT NULL,
    expires_at timestamptz NOT NULL,
    issued_at timestamptz NOT NULL,
    renew_at timestamptz NOT NULL,
    due_at timestamptz NOT NULL,
    pending_since timestamptz,
    attempts integer NOT NULL DEFAULT 0
);
CREATE UNIQUE INDEX tokens_live ON monite_auth.tokens (slot) WHERE state = 'live';
CREATE INDEX tokens_of_user ON monite_auth.tokens (user_name) WHERE state <> 'pending';
CREATE INDEX tokens_due ON monite_auth.tokens (account, due_at) WHERE state = 'pending';
CREATE INDEX tokens_print ON monite_auth.tokens (print);
CREATE INDEX tokens_expiry ON monite_auth.tokens (expires_at);

-- Slots that are being minted for, or cool down after a failure; both are over soon, and so are these rows.
CREATE TABLE monite_auth.mints (
    slot text COLLATE "C" PRIMARY KEY,
    account text COLLATE "C" NOT NULL,
    user_name text COLLATE "C" NOT NULL,
    session_name text COLLATE "C",
    lease text,
    owner text,
    lease_until timestamptz NOT NULL DEFAULT '-infinity',
    fenced boolean NOT NULL DEFAULT false,
    awaited boolean NOT NULL DEFAULT false,  -- a process listens for the end of it
    cooldown bytea,
    cooldown_until timestamptz NOT NULL DEFAULT '-infinity',
    until timestamptz NOT NULL
) WITH (fillfactor = 70);
CREATE INDEX mints_of_user ON monite_auth.mints (user_name);
CREATE INDEX mints_expiry ON monite_auth.mints (until);

-- Sessions that are known, and those that have ended. The index has only the day on which a row is over.
CREATE TABLE monite_auth.sessions (
    user_name text COLLATE "C" NOT NULL,
    session_name text COLLATE "C" NOT NULL,
    account text COLLATE "C" NOT NULL,
    ended boolean NOT NULL,
    until timestamptz NOT NULL,
    began timestamptz NOT NULL,
    over_on date NOT NULL GENERATED ALWAYS AS ((until AT TIME ZONE 'UTC')::date) STORED,
    PRIMARY KEY (user_name, session_name)
) WITH (fillfactor = 85);
CREATE INDEX sessions_expiry ON monite_auth.sessions (over_on);

-- Users of whom everything that began before a moment has ended.
CREATE TABLE monite_auth.endings (
    user_name text COLLATE "C" PRIMARY KEY,
    account text COLLATE "C" NOT NULL,
    ended_before timestamptz NOT NULL,
    until timestamptz NOT NULL
);
CREATE INDEX endings_expiry ON monite_auth.endings (until);

-- Values that were revoked, or are about to be, until they would have expired: Monite may give one again.
CREATE TABLE monite_auth.condemned (
    print text COLLATE "C" PRIMARY KEY,
    account text COLLATE "C" NOT NULL,
    until timestamptz NOT NULL
);
CREATE INDEX condemned_expiry ON monite_auth.condemned (until);

CREATE TABLE monite_auth.notes (
    note text COLLATE "C" PRIMARY KEY,
    account text COLLATE "C" NOT NULL,
    sealed bytea NOT NULL,
    until timestamptz NOT NULL
);
CREATE INDEX notes_expiry ON monite_auth.notes (until);

-- One row for each account, which changes with each request to Monite: a monite_auth.stores.budget.Budget.
CREATE TABLE monite_auth.budgets (
    account text COLLATE "C" PRIMARY KEY,
    free_at double precision NOT NULL DEFAULT 0,
    calls_free_at double precision NOT NULL DEFAULT 0,
    probe_next boolean NOT NULL DEFAULT false,
    held double precision NOT NULL DEFAULT 0,
    held_until double precision NOT NULL DEFAULT 0,
    renewals_until double precision NOT NULL DEFAULT 0,
    slowed_at double precision NOT NULL DEFAULT '-infinity',
    full_pace_at double precision NOT NULL DEFAULT 0,
    learned double precision NOT NULL DEFAULT 0,
    learned_until double precision NOT NULL DEFAULT 0,
    seen_at double precision NOT NULL DEFAULT 0,
    sent_at double precision[] NOT NULL DEFAULT '{}',  -- the log: when requests left,
    sent double precision[] NOT NULL DEFAULT '{}'  -- and how many did
) WITH (fillfactor = 10);

-- By how many seconds the server's clock was set in all, forward less back, as processes have seen it. No row: never.
CREATE TABLE monite_auth.clock (
    one boolean PRIMARY KEY DEFAULT true CHECK (one),
    set_by double precision NOT NULL
);

CREATE TABLE monite_auth.schema_version (
    one boolean PRIMARY KEY DEFAULT true CHECK (one),
    version integer NOT NULL
);
