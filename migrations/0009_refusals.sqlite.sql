-- Refusals go on being asked after they were proved, are measured by what held
-- when the key was revoked, and are stated with a signature; drills.

-- Until when an answer of the doors may be cached that named a longer max-age.
ALTER TABLE issuers ADD COLUMN cached_until_us INTEGER NOT NULL DEFAULT 0;
-- Its keys are made to be ended for practice.
ALTER TABLE issuers ADD COLUMN drill INTEGER NOT NULL DEFAULT 0
  CHECK (drill IN (0, 1));

-- What the service states of it, signed, once every gateway has refused.
ALTER TABLE revocations ADD COLUMN statement TEXT NOT NULL DEFAULT '';
CREATE INDEX revocations_unstated ON revocations (revoke_us)
  WHERE close_us <> 0 AND statement = '';

CREATE INDEX revocations_of_leaver ON revocations (leaver, revoke_us, key);

DROP TRIGGER confirmations_are_kept;
DROP TRIGGER confirmations_stay_enforced;
CREATE TABLE confirmations_new (
  key         TEXT NOT NULL REFERENCES revocations (key),
  gateway     TEXT NOT NULL,
  state       TEXT NOT NULL CHECK (state IN ('PENDING', 'FETCHED', 'ENFORCED',
                                             'OVERDUE', 'UNREGISTERED')),
  fetch_us    INTEGER NOT NULL,
  fetched_by  TEXT NOT NULL,
  enforce_us  INTEGER NOT NULL,
  enforced_by TEXT NOT NULL,
  deadline_us INTEGER NOT NULL,
  expected_us INTEGER NOT NULL,
  latest_us   INTEGER NOT NULL,
  accept_us   INTEGER NOT NULL,
  detail      TEXT NOT NULL,
  rev         INTEGER NOT NULL,
  PRIMARY KEY (key, gateway)
) STRICT, WITHOUT ROWID;
INSERT INTO confirmations_new
  SELECT key, gateway, state, fetch_us, fetched_by, enforce_us, enforced_by,
         deadline_us, latest_us, latest_us, accept_us, detail, rev
  FROM confirmations;
DROP TABLE confirmations;
ALTER TABLE confirmations_new RENAME TO confirmations;
CREATE INDEX confirmations_overdue ON confirmations (key)
  WHERE state = 'OVERDUE';
CREATE INDEX confirmations_open_of ON confirmations (gateway)
  WHERE state NOT IN ('ENFORCED', 'UNREGISTERED');
CREATE TRIGGER confirmations_are_kept BEFORE DELETE ON confirmations
BEGIN
  SELECT RAISE(ROLLBACK, 'WRONG_STATE: confirmations are never deleted');
END;
CREATE TRIGGER confirmations_stay_enforced BEFORE UPDATE OF state ON confirmations
WHEN OLD.state = 'ENFORCED' AND NEW.state <> 'ENFORCED' AND NEW.accept_us = 0
BEGIN
  SELECT RAISE(ROLLBACK, 'WRONG_STATE: only a probe that was accepted reopens');
END;

-- One for each audience; forgotten when they have expired.
DROP TABLE canaries;
CREATE TABLE canaries (
  key      TEXT NOT NULL REFERENCES revocations (key),
  audience TEXT NOT NULL,
  from_us  INTEGER NOT NULL,
  until_us INTEGER NOT NULL,
  token    TEXT NOT NULL,
  PRIMARY KEY (key, audience, from_us)
) STRICT, WITHOUT ROWID;
CREATE INDEX canaries_by_end ON canaries (until_us);

CREATE TABLE drills (
  id         TEXT PRIMARY KEY,
  issuer     TEXT NOT NULL REFERENCES issuers (id),
  leaver     TEXT NOT NULL,
  started_by TEXT NOT NULL,
  start_us   INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX drills_by_time ON drills (start_us, id);
