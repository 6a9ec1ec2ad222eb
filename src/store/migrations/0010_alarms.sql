-- Alarms. Text and integers only, so that PostgreSQL takes the same tables. Times are milliseconds
-- since 1970.

CREATE TABLE alarms (
    name TEXT NOT NULL,
    object TEXT NOT NULL,
    severity TEXT NOT NULL,
    since INTEGER NOT NULL,
    document TEXT NOT NULL,
    PRIMARY KEY (name, object)
) STRICT, WITHOUT ROWID;

CREATE TABLE alarm_history (
    identifier INTEGER PRIMARY KEY,
    at INTEGER NOT NULL,
    name TEXT NOT NULL,
    object TEXT NOT NULL,
    kind TEXT NOT NULL,
    severity TEXT NOT NULL,
    document TEXT NOT NULL
) STRICT;

CREATE INDEX alarm_history_of ON alarm_history (name, object, identifier);

CREATE TABLE alarm_outbox (
    sink TEXT NOT NULL,
    identifier INTEGER NOT NULL,
    attempts INTEGER NOT NULL,
    next_try INTEGER NOT NULL,
    last_error TEXT,
    delivered_at INTEGER,
    PRIMARY KEY (sink, identifier)
) STRICT, WITHOUT ROWID;

CREATE INDEX alarm_outbox_waiting ON alarm_outbox (identifier) WHERE delivered_at IS NULL;
CREATE INDEX alarm_outbox_of ON alarm_outbox (identifier);

CREATE TABLE alarm_silences (
    id INTEGER PRIMARY KEY,
    document TEXT NOT NULL
) STRICT;

-- What one node knows of itself: counters that must not go back.
CREATE TABLE node_state (
    key TEXT PRIMARY KEY,
    value TEXT NOT NULL
) STRICT, WITHOUT ROWID;
