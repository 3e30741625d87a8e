-- The first schema: owners, issuers, keys, who was exposed to them, requests
-- answered, departures, and the audit log.
--
-- Times are integer microseconds since 1970 UTC; 0 means "not yet".
-- A key without an owner in state ACTIVE and a deputy cannot exist: triggers at
-- the end refuse every statement that would leave one.

CREATE TABLE owners (
  id           TEXT PRIMARY KEY,
  display_name TEXT NOT NULL,
  contact      TEXT NOT NULL,
  deputy       TEXT NOT NULL,
  state        TEXT NOT NULL CHECK (state IN ('ACTIVE', 'DEPARTED')),
  create_us    INTEGER NOT NULL,
  update_us    INTEGER NOT NULL,
  depart_us    INTEGER NOT NULL,
  rev          INTEGER NOT NULL
) STRICT;

CREATE TABLE issuers (
  id            TEXT PRIMARY KEY,
  issuer_uri    TEXT NOT NULL,
  display_name  TEXT NOT NULL,
  state         TEXT NOT NULL CHECK (state IN ('ACTIVE', 'ORPHANED')),
  owner         TEXT NOT NULL REFERENCES owners (id),
  deputy_vacant INTEGER NOT NULL CHECK (deputy_vacant IN (0, 1)),
  policy        TEXT NOT NULL,
  grants        TEXT NOT NULL,
  tombstone_jwk TEXT NOT NULL,
  revision      INTEGER NOT NULL,
  rev           INTEGER NOT NULL,
  create_us     INTEGER NOT NULL,
  update_us     INTEGER NOT NULL,
  next_due_us   INTEGER NOT NULL
) STRICT;
CREATE INDEX issuers_by_owner ON issuers (owner);
CREATE INDEX issuers_by_next_due ON issuers (next_due_us);

CREATE TABLE issuer_deputies (
  issuer   TEXT NOT NULL REFERENCES issuers (id),
  position INTEGER NOT NULL,
  owner    TEXT NOT NULL REFERENCES owners (id),
  PRIMARY KEY (issuer, position)
) STRICT, WITHOUT ROWID;
CREATE INDEX issuer_deputies_by_owner ON issuer_deputies (owner);

CREATE TABLE keys (
  issuer         TEXT NOT NULL REFERENCES issuers (id),
  id             TEXT NOT NULL,
  algorithm      TEXT NOT NULL,
  state          TEXT NOT NULL CHECK (state IN ('PENDING', 'ACTIVE', 'RETIRING',
                                                'RETIRED', 'SUSPENDED',
                                                'REVOKED')),
  owner          TEXT NOT NULL REFERENCES owners (id),
  public_jwk     TEXT NOT NULL,
  sealed         TEXT NOT NULL,
  create_us      INTEGER NOT NULL,
  publish_us     INTEGER NOT NULL,
  activate_us    INTEGER NOT NULL,
  retire_us      INTEGER NOT NULL,
  until_us       INTEGER NOT NULL,
  suspend_us     INTEGER NOT NULL,
  suspended_by   TEXT NOT NULL,
  suspended_from TEXT NOT NULL,
  revoke_us      INTEGER NOT NULL,
  reason         TEXT NOT NULL,
  revoked_by     TEXT NOT NULL,
  rev            INTEGER NOT NULL,
  PRIMARY KEY (issuer, id),
  -- A private half does not outlive its last signature.
  CHECK (sealed = '' OR state IN ('PENDING', 'ACTIVE', 'SUSPENDED')),
  CHECK (state <> 'REVOKED' OR revoke_us > 0)
) STRICT, WITHOUT ROWID;
CREATE INDEX keys_by_owner ON keys (owner);
CREATE INDEX keys_by_state ON keys (state);
CREATE UNIQUE INDEX keys_one_active ON keys (issuer, algorithm)
  WHERE state = 'ACTIVE';

CREATE TABLE spares (
  issuer     TEXT NOT NULL REFERENCES issuers (id),
  id         TEXT NOT NULL,
  algorithm  TEXT NOT NULL,
  public_jwk TEXT NOT NULL,
  sealed     TEXT NOT NULL,
  create_us  INTEGER NOT NULL,
  PRIMARY KEY (issuer, id)
) STRICT, WITHOUT ROWID;

CREATE TABLE exposures (
  issuer   TEXT NOT NULL,
  key      TEXT NOT NULL,
  person   TEXT NOT NULL,
  kind     TEXT NOT NULL CHECK (kind IN ('CREATED', 'COULD_SIGN', 'OWNED')),
  from_us  INTEGER NOT NULL,
  until_us INTEGER NOT NULL,
  PRIMARY KEY (issuer, key, person, kind, from_us),
  FOREIGN KEY (issuer, key) REFERENCES keys (issuer, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX exposures_by_person ON exposures (person, issuer);

CREATE TABLE requests (
  principal   TEXT NOT NULL,
  request_id  TEXT NOT NULL,
  method      TEXT NOT NULL,
  fingerprint TEXT NOT NULL,
  result      TEXT NOT NULL,
  create_us   INTEGER NOT NULL,
  PRIMARY KEY (principal, request_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX requests_by_create ON requests (create_us);

CREATE TABLE departures (
  owner       TEXT PRIMARY KEY REFERENCES owners (id),
  instant_us  INTEGER NOT NULL,
  report_us   INTEGER NOT NULL,
  reported_by TEXT NOT NULL,
  done        INTEGER NOT NULL CHECK (done IN (0, 1)),
  effect_us   INTEGER NOT NULL,
  outcome     TEXT NOT NULL
) STRICT;
CREATE INDEX departures_scheduled ON departures (instant_us) WHERE done = 0;

CREATE TABLE events (
  sequence      INTEGER PRIMARY KEY,
  time_us       INTEGER NOT NULL,
  actor         TEXT NOT NULL,
  action        TEXT NOT NULL,
  resource      TEXT NOT NULL,
  denied        INTEGER NOT NULL CHECK (denied IN (0, 1)),
  detail        TEXT NOT NULL,
  request_id    TEXT NOT NULL,
  previous_hash TEXT NOT NULL,
  hash          TEXT NOT NULL
) STRICT;

-- Facts about the store itself: the sealed value that tells whether a
-- key-encryption key is the right one.
CREATE TABLE meta (
  name  TEXT PRIMARY KEY,
  value TEXT NOT NULL
) STRICT;

-- The orphan rules. RAISE's text begins with the reason the service reports.

CREATE TRIGGER keys_insert_needs_people BEFORE INSERT ON keys
WHEN NEW.state IN ('PENDING', 'ACTIVE', 'RETIRING', 'SUSPENDED')
BEGIN
  SELECT RAISE(ABORT, 'OWNER_NOT_ACTIVE: a key needs an owner in state ACTIVE')
   WHERE NOT EXISTS (SELECT 1 FROM owners
                      WHERE id = NEW.owner AND state = 'ACTIVE');
  SELECT RAISE(ABORT, 'DEPUTY_REQUIRED: a key needs an issuer with a deputy')
   WHERE NOT EXISTS (SELECT 1 FROM issuers
                      WHERE id = NEW.issuer AND state = 'ACTIVE'
                        AND (deputy_vacant = 1 OR EXISTS (
                             SELECT 1 FROM issuer_deputies d
                               JOIN owners o ON o.id = d.owner
                              WHERE d.issuer = NEW.issuer
                                AND o.state = 'ACTIVE')));
END;

CREATE TRIGGER keys_update_needs_people BEFORE UPDATE OF state, owner ON keys
WHEN NEW.state IN ('PENDING', 'ACTIVE', 'RETIRING', 'SUSPENDED')
BEGIN
  SELECT RAISE(ABORT, 'OWNER_NOT_ACTIVE: a key needs an owner in state ACTIVE')
   WHERE NOT EXISTS (SELECT 1 FROM owners
                      WHERE id = NEW.owner AND state = 'ACTIVE');
END;

CREATE TRIGGER keys_revoked_stay_revoked BEFORE UPDATE ON keys
WHEN OLD.state = 'REVOKED' AND (NEW.state <> 'REVOKED'
                                OR NEW.revoke_us <> OLD.revoke_us
                                OR NEW.reason <> OLD.reason)
BEGIN
  SELECT RAISE(ABORT, 'WRONG_STATE: a revoked key stays revoked');
END;

CREATE TRIGGER owners_departing_leave_nothing BEFORE UPDATE OF state ON owners
WHEN NEW.state = 'DEPARTED'
BEGIN
  SELECT RAISE(ABORT, 'OWNER_NOT_ACTIVE: a departing owner still owns keys')
   WHERE EXISTS (SELECT 1 FROM keys
                  WHERE owner = NEW.id
                    AND state IN ('PENDING', 'ACTIVE', 'RETIRING',
                                  'SUSPENDED'));
  SELECT RAISE(ABORT, 'OWNER_NOT_ACTIVE: a departing owner still owns an issuer')
   WHERE EXISTS (SELECT 1 FROM issuers
                  WHERE owner = NEW.id AND state = 'ACTIVE');
END;

CREATE TRIGGER owners_departed_stay_departed BEFORE UPDATE OF state ON owners
WHEN OLD.state = 'DEPARTED' AND NEW.state <> 'DEPARTED'
BEGIN
  SELECT RAISE(ABORT, 'WRONG_STATE: a departed owner stays departed');
END;

CREATE TRIGGER owners_are_kept BEFORE DELETE ON owners
BEGIN
  SELECT RAISE(ABORT, 'WRONG_STATE: owners are never deleted');
END;

CREATE TRIGGER issuers_insert_needs_owner BEFORE INSERT ON issuers
WHEN NEW.state = 'ACTIVE'
BEGIN
  SELECT RAISE(ABORT, 'OWNER_NOT_ACTIVE: an issuer needs an ACTIVE owner')
   WHERE NOT EXISTS (SELECT 1 FROM owners
                      WHERE id = NEW.owner AND state = 'ACTIVE');
END;

CREATE TRIGGER issuers_update_needs_owner BEFORE UPDATE OF owner, state
ON issuers WHEN NEW.state = 'ACTIVE'
BEGIN
  SELECT RAISE(ABORT, 'OWNER_NOT_ACTIVE: an issuer needs an ACTIVE owner')
   WHERE NOT EXISTS (SELECT 1 FROM owners
                      WHERE id = NEW.owner AND state = 'ACTIVE');
END;

CREATE TRIGGER deputies_delete_leaves_one AFTER DELETE ON issuer_deputies
BEGIN
  SELECT RAISE(ABORT, 'DEPUTY_REQUIRED: the last deputy of living keys')
   WHERE EXISTS (SELECT 1 FROM keys
                  WHERE issuer = OLD.issuer
                    AND state IN ('PENDING', 'ACTIVE', 'RETIRING',
                                  'SUSPENDED'))
     AND NOT EXISTS (SELECT 1 FROM issuer_deputies d
                       JOIN owners o ON o.id = d.owner
                      WHERE d.issuer = OLD.issuer AND o.state = 'ACTIVE')
     AND EXISTS (SELECT 1 FROM issuers
                  WHERE id = OLD.issuer AND deputy_vacant = 0);
END;

-- The audit log only grows.
CREATE TRIGGER events_are_kept BEFORE DELETE ON events
BEGIN
  SELECT RAISE(ABORT, 'WRONG_STATE: audit events are never deleted');
END;
CREATE TRIGGER events_do_not_change BEFORE UPDATE ON events
BEGIN
  SELECT RAISE(ABORT, 'WRONG_STATE: audit events never change');
END;
