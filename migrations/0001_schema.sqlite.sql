-- The first schema: owners, issuers, keys, who was exposed to them, requests
-- answered, departures, and the audit log.
--
-- Times are integer microseconds since 1970 UTC; 0 means "not yet".
-- SQLite builds a table for every IN of more than two values each time a
-- statement runs; a living key is therefore one NOT IN ('RETIRED', 'REVOKED').
-- A key without an owner in state ACTIVE and a deputy cannot exist: triggers at
-- the end refuse every statement that would leave one, REPLACE included.

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
  state          TEXT NOT NULL CHECK (state = 'PENDING' OR state = 'ACTIVE'
                                      OR state = 'RETIRING'
                                      OR state = 'RETIRED'
                                      OR state = 'SUSPENDED'
                                      OR state = 'REVOKED'),
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
  CHECK (sealed = '' OR state = 'PENDING' OR state = 'ACTIVE'
         OR state = 'SUSPENDED'),
  CHECK (state <> 'REVOKED' OR revoke_us > 0)
) STRICT, WITHOUT ROWID;
CREATE INDEX keys_by_owner ON keys (owner);
CREATE INDEX keys_suspended ON keys (issuer, id) WHERE state = 'SUSPENDED';

-- How many keys are in each state, in one row that triggers keep: an index by
-- state would be written in five places for every key that ends.
CREATE TABLE key_counts (
  id        INTEGER PRIMARY KEY CHECK (id = 1),
  pending   INTEGER NOT NULL,
  active    INTEGER NOT NULL,
  retiring  INTEGER NOT NULL,
  retired   INTEGER NOT NULL,
  suspended INTEGER NOT NULL,
  revoked   INTEGER NOT NULL
) STRICT;
INSERT INTO key_counts VALUES (1, 0, 0, 0, 0, 0, 0);

CREATE TRIGGER keys_count_insert AFTER INSERT ON keys
BEGIN
  UPDATE key_counts SET
    pending   = pending   + (NEW.state = 'PENDING'),
    active    = active    + (NEW.state = 'ACTIVE'),
    retiring  = retiring  + (NEW.state = 'RETIRING'),
    retired   = retired   + (NEW.state = 'RETIRED'),
    suspended = suspended + (NEW.state = 'SUSPENDED'),
    revoked   = revoked   + (NEW.state = 'REVOKED');
END;

CREATE TRIGGER keys_count_update AFTER UPDATE OF state ON keys
WHEN OLD.state <> NEW.state
BEGIN
  UPDATE key_counts SET
    pending   = pending   + (NEW.state = 'PENDING')   - (OLD.state = 'PENDING'),
    active    = active    + (NEW.state = 'ACTIVE')    - (OLD.state = 'ACTIVE'),
    retiring  = retiring  + (NEW.state = 'RETIRING')  - (OLD.state = 'RETIRING'),
    retired   = retired   + (NEW.state = 'RETIRED')   - (OLD.state = 'RETIRED'),
    suspended = suspended + (NEW.state = 'SUSPENDED')
                          - (OLD.state = 'SUSPENDED'),
    revoked   = revoked   + (NEW.state = 'REVOKED')   - (OLD.state = 'REVOKED');
END;

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
  kind     TEXT NOT NULL CHECK (kind = 'CREATED' OR kind = 'COULD_SIGN'
                                OR kind = 'OWNED'),
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

-- RAISE's text begins with the reason the service reports.

-- REPLACE deletes without firing a trigger; these come before it.
CREATE TRIGGER owners_are_not_replaced BEFORE INSERT ON owners
WHEN EXISTS (SELECT 1 FROM owners WHERE id = NEW.id)
BEGIN
  SELECT RAISE(ROLLBACK, 'ALREADY_EXISTS: an owner of that ID');
END;
CREATE TRIGGER issuers_are_not_replaced BEFORE INSERT ON issuers
WHEN EXISTS (SELECT 1 FROM issuers WHERE id = NEW.id)
BEGIN
  SELECT RAISE(ROLLBACK, 'ALREADY_EXISTS: an issuer of that ID');
END;
CREATE TRIGGER keys_are_not_replaced BEFORE INSERT ON keys
WHEN EXISTS (SELECT 1 FROM keys WHERE issuer = NEW.issuer
                                  AND (id = NEW.id OR
                                       (state = 'ACTIVE' AND
                                        NEW.state = 'ACTIVE' AND
                                        algorithm = NEW.algorithm)))
BEGIN
  SELECT RAISE(ROLLBACK, 'ALREADY_EXISTS: a key of that ID, or an ACTIVE one');
END;
CREATE TRIGGER events_are_not_replaced BEFORE INSERT ON events
WHEN EXISTS (SELECT 1 FROM events WHERE sequence = NEW.sequence)
BEGIN
  SELECT RAISE(ROLLBACK, 'ALREADY_EXISTS: an event of that sequence');
END;

-- One ACTIVE key of each algorithm. No unique index: it would be written in a
-- place of its own for every key that begins or ends to sign.
CREATE TRIGGER keys_active_is_not_replaced BEFORE UPDATE OF state ON keys
WHEN NEW.state = 'ACTIVE' AND OLD.state <> 'ACTIVE'
 AND EXISTS (SELECT 1 FROM keys WHERE issuer = NEW.issuer
                                  AND algorithm = NEW.algorithm
                                  AND state = 'ACTIVE')
BEGIN
  SELECT RAISE(ROLLBACK, 'ALREADY_EXISTS: an ACTIVE key of the algorithm');
END;
CREATE TRIGGER owners_stay_themselves BEFORE UPDATE OF id ON owners
BEGIN
  SELECT RAISE(ROLLBACK, 'WRONG_STATE: an owner keeps the ID');
END;
CREATE TRIGGER issuers_stay_themselves BEFORE UPDATE OF id ON issuers
BEGIN
  SELECT RAISE(ROLLBACK, 'WRONG_STATE: an issuer keeps the ID');
END;

-- The orphan rules.

-- Issuers whose keys nobody could take over. One row here is one too many.
CREATE VIEW issuers_without_deputy AS
SELECT i.id AS issuer FROM issuers i
 WHERE i.deputy_vacant = 0
   AND EXISTS (SELECT 1 FROM keys k
                WHERE k.issuer = i.id
                  AND k.state NOT IN ('RETIRED', 'REVOKED'))
   AND NOT EXISTS (SELECT 1 FROM issuer_deputies d
                     JOIN owners o ON o.id = d.owner
                    WHERE d.issuer = i.id AND o.state = 'ACTIVE');

CREATE TRIGGER keys_insert_needs_people AFTER INSERT ON keys
WHEN NEW.state NOT IN ('RETIRED', 'REVOKED')
BEGIN
  SELECT RAISE(ROLLBACK, 'OWNER_NOT_ACTIVE: a key needs an ACTIVE owner')
   WHERE NOT EXISTS (SELECT 1 FROM owners
                      WHERE id = NEW.owner AND state = 'ACTIVE');
  SELECT RAISE(ROLLBACK, 'DEPUTY_REQUIRED: a key needs an issuer with a deputy')
   WHERE NOT EXISTS (SELECT 1 FROM issuers
                      WHERE id = NEW.issuer AND state = 'ACTIVE')
      OR EXISTS (SELECT 1 FROM issuers_without_deputy
                  WHERE issuer = NEW.issuer);
END;

CREATE TRIGGER keys_update_needs_people AFTER UPDATE OF state, owner ON keys
WHEN NEW.state NOT IN ('RETIRED', 'REVOKED')
BEGIN
  SELECT RAISE(ROLLBACK, 'OWNER_NOT_ACTIVE: a key needs an ACTIVE owner')
   WHERE NOT EXISTS (SELECT 1 FROM owners
                      WHERE id = NEW.owner AND state = 'ACTIVE');
  SELECT RAISE(ROLLBACK, 'WRONG_STATE: an ended key does not come back')
   WHERE OLD.state IN ('RETIRED', 'REVOKED');
END;

CREATE TRIGGER keys_revoked_stay_revoked BEFORE UPDATE ON keys
WHEN OLD.state = 'REVOKED' AND (NEW.state <> 'REVOKED'
                                OR NEW.revoke_us <> OLD.revoke_us
                                OR NEW.reason <> OLD.reason)
BEGIN
  SELECT RAISE(ROLLBACK, 'WRONG_STATE: a revoked key stays revoked');
END;

CREATE TRIGGER keys_stay_themselves
BEFORE UPDATE OF issuer, id, algorithm, public_jwk, create_us ON keys
BEGIN
  SELECT RAISE(ROLLBACK, 'WRONG_STATE: a key keeps issuer, ID and public half');
END;

CREATE TRIGGER keys_are_kept BEFORE DELETE ON keys
BEGIN
  SELECT RAISE(ROLLBACK, 'WRONG_STATE: keys are never deleted');
END;

CREATE TRIGGER exposures_are_kept BEFORE DELETE ON exposures
BEGIN
  SELECT RAISE(ROLLBACK, 'WRONG_STATE: exposures are never deleted');
END;

CREATE TRIGGER exposures_do_not_change
BEFORE UPDATE OF issuer, key, person, kind, from_us ON exposures
BEGIN
  SELECT RAISE(ROLLBACK, 'WRONG_STATE: an exposure may end and nothing else');
END;

CREATE TRIGGER owners_departing_leave_nothing AFTER UPDATE OF state ON owners
WHEN NEW.state = 'DEPARTED'
BEGIN
  SELECT RAISE(ROLLBACK, 'OWNER_NOT_ACTIVE: a leaver still owns keys')
   WHERE EXISTS (SELECT 1 FROM keys
                  WHERE owner = NEW.id
                    AND state NOT IN ('RETIRED', 'REVOKED'));
  SELECT RAISE(ROLLBACK, 'OWNER_NOT_ACTIVE: a leaver still owns an issuer')
   WHERE EXISTS (SELECT 1 FROM issuers
                  WHERE owner = NEW.id AND state = 'ACTIVE');
  SELECT RAISE(ROLLBACK, 'DEPUTY_REQUIRED: the last deputy of living keys')
   WHERE EXISTS (SELECT 1 FROM issuer_deputies d
                   JOIN issuers_without_deputy w ON w.issuer = d.issuer
                  WHERE d.owner = NEW.id);
END;

CREATE TRIGGER owners_departed_stay_departed BEFORE UPDATE OF state ON owners
WHEN OLD.state = 'DEPARTED' AND NEW.state <> 'DEPARTED'
BEGIN
  SELECT RAISE(ROLLBACK, 'WRONG_STATE: a departed owner stays departed');
END;

CREATE TRIGGER owners_are_kept BEFORE DELETE ON owners
BEGIN
  SELECT RAISE(ROLLBACK, 'WRONG_STATE: owners are never deleted');
END;

CREATE TRIGGER issuers_insert_needs_owner BEFORE INSERT ON issuers
WHEN NEW.state = 'ACTIVE'
BEGIN
  SELECT RAISE(ROLLBACK, 'OWNER_NOT_ACTIVE: an issuer needs an ACTIVE owner')
   WHERE NOT EXISTS (SELECT 1 FROM owners
                      WHERE id = NEW.owner AND state = 'ACTIVE');
END;

CREATE TRIGGER issuers_update_needs_owner BEFORE UPDATE OF owner, state
ON issuers WHEN NEW.state = 'ACTIVE'
BEGIN
  SELECT RAISE(ROLLBACK, 'OWNER_NOT_ACTIVE: an issuer needs an ACTIVE owner')
   WHERE NOT EXISTS (SELECT 1 FROM owners
                      WHERE id = NEW.owner AND state = 'ACTIVE');
END;

CREATE TRIGGER issuers_orphaned_have_no_keys AFTER UPDATE OF state ON issuers
WHEN NEW.state = 'ORPHANED' AND OLD.state <> 'ORPHANED'
BEGIN
  SELECT RAISE(ROLLBACK, 'OWNER_NOT_ACTIVE: an orphaned issuer has living keys')
   WHERE EXISTS (SELECT 1 FROM keys
                  WHERE issuer = NEW.id
                    AND state NOT IN ('RETIRED', 'REVOKED'));
END;

CREATE TRIGGER issuers_vacancy_needs_deputy AFTER UPDATE OF deputy_vacant
ON issuers WHEN NEW.deputy_vacant = 0 AND OLD.deputy_vacant = 1
BEGIN
  SELECT RAISE(ROLLBACK, 'DEPUTY_REQUIRED: living keys have no deputy')
   WHERE EXISTS (SELECT 1 FROM issuers_without_deputy WHERE issuer = NEW.id);
END;

CREATE TRIGGER issuers_are_kept BEFORE DELETE ON issuers
BEGIN
  SELECT RAISE(ROLLBACK, 'WRONG_STATE: issuers are never deleted');
END;

CREATE TRIGGER deputies_delete_leaves_one AFTER DELETE ON issuer_deputies
BEGIN
  SELECT RAISE(ROLLBACK, 'DEPUTY_REQUIRED: the last deputy of living keys')
   WHERE EXISTS (SELECT 1 FROM issuers_without_deputy
                  WHERE issuer = OLD.issuer);
END;

CREATE TRIGGER deputies_insert_leaves_one AFTER INSERT ON issuer_deputies
BEGIN
  SELECT RAISE(ROLLBACK, 'DEPUTY_REQUIRED: the last deputy of living keys')
   WHERE EXISTS (SELECT 1 FROM issuers_without_deputy
                  WHERE issuer = NEW.issuer);
END;

CREATE TRIGGER deputies_update_leaves_one AFTER UPDATE ON issuer_deputies
BEGIN
  SELECT RAISE(ROLLBACK, 'DEPUTY_REQUIRED: the last deputy of living keys')
   WHERE EXISTS (SELECT 1 FROM issuers_without_deputy
                  WHERE issuer IN (OLD.issuer, NEW.issuer));
END;

-- The audit log only grows.
CREATE TRIGGER events_are_kept BEFORE DELETE ON events
BEGIN
  SELECT RAISE(ROLLBACK, 'WRONG_STATE: audit events are never deleted');
END;
CREATE TRIGGER events_do_not_change BEFORE UPDATE ON events
BEGIN
  SELECT RAISE(ROLLBACK, 'WRONG_STATE: audit events never change');
END;
