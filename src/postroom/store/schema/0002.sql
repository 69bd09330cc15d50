-- Rooms, profiles, visibility, presence; and numbers that say nothing about what others do out of sight.

ALTER TABLE agent ADD COLUMN visibility TEXT NOT NULL DEFAULT 'visible' CHECK (visibility IN ('visible', 'hidden', 'ghost'));
ALTER TABLE agent ADD COLUMN harness TEXT NOT NULL DEFAULT '';          -- the program that the agent lives in
ALTER TABLE agent ADD COLUMN directory TEXT NOT NULL DEFAULT '';        -- where it works
ALTER TABLE agent ADD COLUMN capabilities TEXT NOT NULL DEFAULT '[]';   -- JSON list of texts
ALTER TABLE agent ADD COLUMN announced TEXT NOT NULL DEFAULT 'offline'; -- the status that its rooms were told last
ALTER TABLE agent ADD COLUMN archived_ms INTEGER;                       -- since when it is left out of listings and broadcasts
ALTER TABLE agent ADD COLUMN paused TEXT;                               -- why a human holds what it sends
ALTER TABLE agent ADD COLUMN events INTEGER NOT NULL DEFAULT 0;         -- up to this one it has seen its events
ALTER TABLE agent ADD COLUMN known_as TEXT;                             -- the name that others saw last, of a ghost

CREATE TABLE tag (
    tag   TEXT    NOT NULL,
    agent INTEGER NOT NULL REFERENCES agent,
    PRIMARY KEY (tag, agent)
) STRICT, WITHOUT ROWID;
CREATE INDEX tag_of_agent ON tag (agent);

CREATE TABLE room (
    id          INTEGER PRIMARY KEY,
    name        TEXT    NOT NULL UNIQUE,    -- a secret room reserves no name: it gets another one when somebody takes its own
    policy      TEXT    NOT NULL CHECK (policy IN ('public', 'private', 'secret')),
    owner       INTEGER NOT NULL REFERENCES agent,
    description TEXT    NOT NULL DEFAULT '',
    topic       TEXT    NOT NULL DEFAULT '',
    created_ms  INTEGER NOT NULL
) STRICT;

CREATE TABLE member (
    room      INTEGER NOT NULL REFERENCES room,
    agent     INTEGER NOT NULL REFERENCES agent,
    joined_ms INTEGER NOT NULL,
    after_seq INTEGER NOT NULL,             -- messages after this one are for it, in rooms that are not public
    after_event INTEGER NOT NULL,           -- and events after this one
    muted     INTEGER NOT NULL DEFAULT 0 CHECK (muted IN (0, 1)),
    PRIMARY KEY (room, agent)
) STRICT, WITHOUT ROWID;
CREATE INDEX member_of ON member (agent);

CREATE TABLE invitation (
    room       INTEGER NOT NULL REFERENCES room,
    agent      INTEGER NOT NULL REFERENCES agent,
    by         INTEGER NOT NULL REFERENCES agent,
    invited_ms INTEGER NOT NULL,
    PRIMARY KEY (room, agent)
) STRICT, WITHOUT ROWID;
CREATE INDEX invitation_of ON invitation (agent);

CREATE TABLE event (                        -- what agents are told besides messages: who came and went, what was read
    id      INTEGER PRIMARY KEY,
    at_ms   INTEGER NOT NULL,
    what    TEXT    NOT NULL,
    room    INTEGER,                        -- for all of its members but `agent`, unless there is a target
    target  INTEGER,                        -- for this agent only
    agent   INTEGER NOT NULL REFERENCES agent,  -- who did it, or whom it is about
    message INTEGER,
    text    TEXT    NOT NULL DEFAULT ''
) STRICT;
CREATE INDEX event_for ON event (target) WHERE target IS NOT NULL;
CREATE INDEX event_in ON event (room) WHERE target IS NULL;

ALTER TABLE message ADD COLUMN room INTEGER;                            -- where it was said
ALTER TABLE message ADD COLUMN hidden INTEGER NOT NULL DEFAULT 0;       -- 1: in a secret room, or of a ghost; it has no number
ALTER TABLE message ADD COLUMN number INTEGER NOT NULL DEFAULT 0;       -- how many messages up to this one are not hidden
UPDATE message SET number = seq;
ALTER TABLE message ADD COLUMN withheld INTEGER NOT NULL DEFAULT 0;     -- 1: held, or discarded while it was: only its sender may see it
UPDATE message SET withheld = 1 WHERE seq IN (SELECT message FROM delivery WHERE state = 'held' OR reason GLOB 'discarded:*');
CREATE INDEX message_room ON message (room) WHERE room IS NOT NULL;

ALTER TABLE delivery ADD COLUMN urgency TEXT;                           -- for this recipient: mentioned, or the room is muted; else NULL
