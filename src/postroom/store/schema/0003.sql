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
    what       TEXT    NOT NULL,            -- JSON list: which messages and changes of state
    created_ms INTEGER NOT NULL,
    position   INTEGER NOT NULL,            -- up to this one it was told
    paused     TEXT                         -- why it is told nothing any more
) STRICT;
CREATE INDEX webhook_of_agent ON webhook (agent);

CREATE TABLE webhook_call (                 -- what could not be told yet, or was given up
    webhook    INTEGER NOT NULL REFERENCES webhook,
    id         INTEGER NOT NULL,            -- in the order in which it happened
    body       TEXT    NOT NULL,
    attempts   INTEGER NOT NULL,
    next_ms    INTEGER,                     -- NULL: given up
    reason     TEXT    NOT NULL,            -- of the last failure
    PRIMARY KEY (webhook, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX webhook_call_due ON webhook_call (next_ms) WHERE next_ms IS NOT NULL;
