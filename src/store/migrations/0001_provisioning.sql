-- Flowthrough provisioning. Text and integers only, so that PostgreSQL takes the same tables.
--
-- What lists are searched by stands in the narrow table `users`; the JSON documents stand apart, so
-- that a search through all users reads 12 MB for 100,000 of them and not 200.

CREATE TABLE documents (
    id INTEGER PRIMARY KEY,
    wish TEXT NOT NULL,
    job TEXT
) STRICT;

CREATE TABLE users (
    cluster TEXT NOT NULL,
    user_id TEXT NOT NULL,
    id INTEGER NOT NULL,
    revision INTEGER NOT NULL,
    request TEXT NOT NULL,
    template TEXT NOT NULL,
    enterprise TEXT,
    state TEXT NOT NULL,
    since INTEGER NOT NULL,
    updated INTEGER NOT NULL,
    fault TEXT,
    email TEXT,
    PRIMARY KEY (cluster, user_id)
) STRICT, WITHOUT ROWID;

CREATE INDEX users_by_email ON users (cluster, email) WHERE email IS NOT NULL;

CREATE TABLE enterprises (
    cluster TEXT NOT NULL,
    enterprise TEXT NOT NULL,
    template TEXT NOT NULL,
    state TEXT NOT NULL,
    document TEXT NOT NULL,
    PRIMARY KEY (cluster, enterprise)
) STRICT, WITHOUT ROWID;

CREATE TABLE steps (
    id INTEGER PRIMARY KEY,
    user INTEGER NOT NULL REFERENCES documents (id),
    at INTEGER NOT NULL,
    document TEXT NOT NULL
) STRICT;

CREATE INDEX steps_of_user ON steps (user, id);
