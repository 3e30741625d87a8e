-- People as HR's systems know them, the credentials of those systems, and
-- departures that wait because too many came at once.

ALTER TABLE owners ADD COLUMN external_id TEXT NOT NULL DEFAULT '';
CREATE INDEX owners_by_external_id ON owners (lower(external_id))
  WHERE external_id <> '';
CREATE INDEX owners_by_contact ON owners (lower(contact)) WHERE contact <> '';

CREATE TABLE users (
  seq         INTEGER PRIMARY KEY,
  id          TEXT NOT NULL UNIQUE,
  feed        TEXT NOT NULL,
  external_id TEXT NOT NULL,
  user_name   TEXT NOT NULL,
  emails      TEXT NOT NULL,
  active      INTEGER NOT NULL CHECK (active IN (0, 1)),
  leave_us    INTEGER NOT NULL,
  time_zone   TEXT NOT NULL,
  document    TEXT NOT NULL,
  owner       TEXT NOT NULL,
  deleted     INTEGER NOT NULL CHECK (deleted IN (0, 1)),
  create_us   INTEGER NOT NULL,
  update_us   INTEGER NOT NULL,
  rev         INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX users_by_name ON users (feed, lower(user_name))
  WHERE deleted = 0;
CREATE INDEX users_by_owner ON users (owner) WHERE owner <> '';

-- Every name of a user that a rule may compare, folded; of deleted users too.
CREATE TABLE user_names (
  kind TEXT NOT NULL CHECK (kind IN ('external_id', 'user_name', 'email')),
  name TEXT NOT NULL,
  user TEXT NOT NULL REFERENCES users (id),
  PRIMARY KEY (kind, name, user)
) STRICT, WITHOUT ROWID;
CREATE INDEX user_names_by_user ON user_names (user);

CREATE TABLE feeds (
  name         TEXT PRIMARY KEY,
  first_seen_us   INTEGER NOT NULL,
  last_seen_us    INTEGER NOT NULL,
  silent_since_us INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE feed_tokens (
  id         TEXT PRIMARY KEY,
  feed       TEXT NOT NULL,
  hash       TEXT NOT NULL,
  created_by TEXT NOT NULL,
  create_us  INTEGER NOT NULL,
  expire_us  INTEGER NOT NULL,
  revoke_us  INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE held_departures (
  owner       TEXT PRIMARY KEY REFERENCES owners (id),
  instant_us  INTEGER NOT NULL,
  report_us   INTEGER NOT NULL,
  reported_by TEXT NOT NULL,
  source      TEXT NOT NULL,
  time_zone   TEXT NOT NULL,
  rejected    INTEGER NOT NULL CHECK (rejected IN (0, 1))
) STRICT, WITHOUT ROWID;
CREATE INDEX departures_by_report ON departures (report_us)
  WHERE source <> 'rpc';

-- How many people there are, in one row: the brake asks for each departure.
CREATE TABLE owner_counts (
  id     INTEGER PRIMARY KEY CHECK (id = 1),
  active INTEGER NOT NULL
) STRICT;
INSERT INTO owner_counts
SELECT 1, count(*) FROM owners WHERE state = 'ACTIVE' AND kind = 'PERSON';

CREATE TRIGGER owners_count_insert AFTER INSERT ON owners
WHEN NEW.state = 'ACTIVE' AND NEW.kind = 'PERSON'
BEGIN
  UPDATE owner_counts SET active = active + 1;
END;
CREATE TRIGGER owners_count_update AFTER UPDATE OF state ON owners
WHEN OLD.state <> NEW.state AND NEW.kind = 'PERSON'
BEGIN
  UPDATE owner_counts SET active = active + (NEW.state = 'ACTIVE')
                                          - (OLD.state = 'ACTIVE');
END;

CREATE TRIGGER users_are_kept BEFORE DELETE ON users
BEGIN
  SELECT RAISE(ROLLBACK, 'WRONG_STATE: users are never deleted');
END;
