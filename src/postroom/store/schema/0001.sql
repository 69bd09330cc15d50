-- The first schema. Integer keys; `seq` is the one append order of this store; times are milliseconds since 1970 (UTC).
-- A column is NULL exactly when the thing does not exist. Numbers that are counted often live in `meter`, everything else is derived.

CREATE TABLE store (                -- one row: whose post room this is
    id         INTEGER PRIMARY KEY CHECK (id = 1),
    identity   TEXT    NOT NULL,    -- new at creation and at restore: makes "id unique at its origin" true after a roll-back
    created_ms INTEGER NOT NULL,
    boot       TEXT    NOT NULL,    -- the run of the kernel that used it last: after another one, what was shown is uncertain
    indexed    INTEGER NOT NULL DEFAULT 0   -- messages up to this seq are in `search` and `participant`
) STRICT;

CREATE TABLE node (                 -- origins of messages; 1 is this node, peers follow with links
    id   INTEGER PRIMARY KEY,
    name TEXT    NOT NULL UNIQUE
) STRICT;

CREATE TABLE agent (
    id          INTEGER PRIMARY KEY,
    name        TEXT    NOT NULL UNIQUE,
    kind        TEXT    NOT NULL CHECK (kind IN ('agent', 'human', 'system')),
    status      TEXT    NOT NULL DEFAULT 'active' CHECK (status IN ('active', 'idle', 'busy')),   -- declared; offline is derived
    description TEXT    NOT NULL DEFAULT '',
    auto_accept INTEGER NOT NULL DEFAULT 0 CHECK (auto_accept IN (0, 1)),
    created_ms  INTEGER NOT NULL,
    seen_ms     INTEGER             -- last attached, detached or spoke through a new connection; NULL: never
) STRICT;

CREATE TABLE provenance (           -- one row per connection that sent or read; its id is also the holder of leases
    id        INTEGER PRIMARY KEY,
    agent     INTEGER NOT NULL REFERENCES agent,
    interface TEXT    NOT NULL,
    pid       INTEGER NOT NULL,
    program   TEXT    NOT NULL,
    since_ms  INTEGER NOT NULL
) STRICT;

CREATE TABLE attached (             -- processes that want to be woken
    agent       INTEGER NOT NULL REFERENCES agent,
    id          INTEGER NOT NULL REFERENCES provenance,
    pid         INTEGER NOT NULL,
    started     TEXT    NOT NULL,   -- the kernel's start time of the process: tells a reused pid
    socket      TEXT,               -- NULL: this platform has no datagram sockets, the process polls
    attached_ms INTEGER NOT NULL,
    PRIMARY KEY (agent, id)
) STRICT, WITHOUT ROWID;

CREATE TABLE message (
    seq         INTEGER PRIMARY KEY,
    id          TEXT,               -- the sender's own id; NULL: the message is called by its seq
    origin      INTEGER NOT NULL REFERENCES node,
    sender      INTEGER NOT NULL REFERENCES agent,
    provenance  INTEGER NOT NULL REFERENCES provenance,
    recipients  TEXT    NOT NULL,   -- as addressed, separated by blanks
    sent_ms     INTEGER NOT NULL,
    kind        TEXT    NOT NULL,
    urgency     TEXT    NOT NULL,
    thread      INTEGER,            -- seq of the first message of the thread; NULL: this one is the first
    reply_to    INTEGER,
    subject     TEXT    NOT NULL,
    body        TEXT    NOT NULL,
    reply_by_ms INTEGER,            -- an answer is expected until then
    expires_ms  INTEGER,
    hops        INTEGER NOT NULL,   -- answers between this message and the first of its chain, since a human released the thread
    followed    INTEGER NOT NULL,   -- 1: the sender is woken when a delivery changes its state
    files       INTEGER NOT NULL,   -- how many attachments
    delivery    INTEGER NOT NULL,   -- its deliveries have the ids from this one on,
    fan_out     INTEGER NOT NULL    -- that many
) STRICT;
CREATE UNIQUE INDEX message_id ON message (id, sender) WHERE id IS NOT NULL;
CREATE INDEX message_thread ON message (thread) WHERE thread IS NOT NULL;
CREATE INDEX session_control ON message (thread) WHERE kind IN ('syn-ack', 'syn-nack', 'fin', 'fin-ack', 'lapse');
CREATE INDEX session_offer ON message (kind) WHERE kind = 'syn';

CREATE TABLE delivery (             -- one row per message and recipient; rows of one message lie side by side
    id          INTEGER PRIMARY KEY,
    message     INTEGER NOT NULL,
    recipient   INTEGER NOT NULL REFERENCES agent,
    unread      INTEGER,            -- the recipient while the message is in its mailbox, NULL before and after
    state       TEXT    NOT NULL,
    reason      TEXT,               -- why held, expired or refused
    holder      INTEGER,            -- who has it in hands (provenance), while handed
    lease_ms    INTEGER,            -- until then
    handovers   INTEGER NOT NULL DEFAULT 0,
    delivered_ms INTEGER,           -- into the mailbox; NULL while held, and when refused before
    handed_ms   INTEGER,
    read_ms     INTEGER,
    answered_ms INTEGER,
    ended_ms    INTEGER             -- expired or refused
) STRICT;
CREATE INDEX mailbox ON delivery (unread) WHERE unread IS NOT NULL;
CREATE INDEX delivery_held ON delivery (state) WHERE state = 'held';

CREATE TABLE meter (                -- every number that is checked at each send, together on few pages:
    sender    INTEGER NOT NULL,     --   (s, 0): pace of the sender     (s, r): pace from s to r     µs, see core/pace.py
    recipient INTEGER NOT NULL,     --   (0, r): messages waiting in the mailbox of r
    value     INTEGER NOT NULL,
    PRIMARY KEY (sender, recipient)
) STRICT, WITHOUT ROWID;

CREATE TABLE thread_budget (        -- only threads in which somebody answered
    thread INTEGER PRIMARY KEY,
    turns  INTEGER NOT NULL,        -- changes of speaker since a human spoke or released it
    sender INTEGER NOT NULL,        -- the last speaker
    held   TEXT                     -- why it is held; both sides and the human have been told
) STRICT;

CREATE TABLE request (              -- questions that are open
    recipient INTEGER NOT NULL,
    message   INTEGER NOT NULL,
    asker     INTEGER NOT NULL,
    told      TEXT    NOT NULL DEFAULT '',  -- the notices that the asker already has: 'offline', 'idle'
    PRIMARY KEY (recipient, message)
) STRICT, WITHOUT ROWID;
CREATE INDEX request_asker ON request (asker);

CREATE TABLE claim (                -- a process waits for these: no other reader of the mailbox gets them
    agent   INTEGER NOT NULL,
    message INTEGER NOT NULL,       -- answers to it, or its thread
    holder  INTEGER NOT NULL,
    PRIMARY KEY (agent, message)
) STRICT, WITHOUT ROWID;

CREATE TABLE timer (                -- what the warden must do, when
    at_ms   INTEGER NOT NULL,
    what    TEXT    NOT NULL,
    message INTEGER NOT NULL,
    PRIMARY KEY (at_ms, what, message)
) STRICT, WITHOUT ROWID;

CREATE TABLE attachment (           -- files of a message; the bytes lie in files/ under their hash
    message INTEGER NOT NULL,
    place   INTEGER NOT NULL,
    name    TEXT    NOT NULL,
    bytes   INTEGER NOT NULL,
    sha256  TEXT    NOT NULL,
    PRIMARY KEY (message, place)
) STRICT, WITHOUT ROWID;
CREATE INDEX attachment_sha256 ON attachment (sha256);

CREATE TABLE participant (          -- who may find a message: filled behind the send path, see store/search.py
    agent   INTEGER NOT NULL,
    message INTEGER NOT NULL,
    PRIMARY KEY (agent, message)
) STRICT, WITHOUT ROWID;
CREATE VIRTUAL TABLE search USING fts5 (
    subject, body, content = 'message', content_rowid = 'seq', tokenize = 'unicode61 remove_diacritics 2'
);
