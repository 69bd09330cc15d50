-- Access from elsewhere: tokens by which programs come in over HTTP, and webhooks by which they are told.

CREATE TABLE token (
    id         INTEGER PRIMARY KEY,
    sha256     TEXT    NOT NULL UNIQUE,     -- of the secret, which is kept nowhere
    agent      INTEGER NOT NULL REFERENCES agent,
    scope      TEXT    NOT NULL CHECK (scope IN ('agent', 'read', 'admin')),
    note       TEXT    NOT NULL,
    created_ms INTEGER NOT NULL,
    expires_ms INTEGER,                     -- NULL: never
    used_ms    INTEGER,                     -- last use, to the minute
    revoked_ms INTEGER                      -- kept, so that no later token has its number
) STRICT;
CREATE INDEX token_of_agent ON token (agent);

CREATE TABLE webhook (
    id         INTEGER PRIMARY KEY,
    agent      INTEGER NOT NULL REFERENCES agent,   -- it is told what this agent may see
    url        TEXT    NOT NULL,
    secret     TEXT    NOT NULL,            -- signs what is sent, so it must be readable
    kinds      TEXT    NOT NULL,            -- of what it is told, separated by blanks
    note       TEXT    NOT NULL,
    created_ms INTEGER NOT NULL,
    message    INTEGER NOT NULL,            -- up to this one (seq) messages have become calls
    event      INTEGER NOT NULL,            -- from this position on events have not
    failures   INTEGER NOT NULL DEFAULT 0,  -- calls in a row that failed
    worked_ms  INTEGER,                     -- the last one that did not
    paused     TEXT                         -- why it is called no more
) STRICT;
CREATE INDEX webhook_of_agent ON webhook (agent);

CREATE TABLE webhook_call (                 -- what is to be told, or was given up
    id         INTEGER PRIMARY KEY,         -- in the order in which it happened
    webhook    INTEGER NOT NULL REFERENCES webhook,
    name       TEXT    NOT NULL,            -- by which the receiver knows it again
    body       TEXT    NOT NULL,
    made_ms    INTEGER NOT NULL,
    attempts   INTEGER NOT NULL DEFAULT 0,
    next_ms    INTEGER,                     -- NULL: given up
    reason     TEXT    NOT NULL DEFAULT ''  -- of the last failure
) STRICT;
CREATE INDEX webhook_call_of ON webhook_call (webhook, next_ms);

CREATE TABLE webhook_held (                 -- messages passed over, as they were held: they are told when they are released
    webhook INTEGER NOT NULL REFERENCES webhook,
    message INTEGER NOT NULL,
    PRIMARY KEY (webhook, message)
) STRICT, WITHOUT ROWID;

CREATE TABLE alerted (                      -- what waits for the human, and has been told by an alert
    delivery INTEGER PRIMARY KEY
) STRICT;
