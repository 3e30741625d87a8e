-- Who verifies our tokens, what each is known to hold of a key set, and what is
-- known of each refusing each revoked key.
-- The first revision of the key set with the key: who holds that, holds it.
ALTER TABLE keys ADD COLUMN publish_revision INTEGER NOT NULL DEFAULT 0;

CREATE TABLE gateways (
  id            TEXT PRIMARY KEY,
  display_name  TEXT NOT NULL,
  contact       TEXT NOT NULL,
  consumer      TEXT NOT NULL,
  version       TEXT NOT NULL,
  reach         TEXT NOT NULL CHECK (reach IN ('STREAM', 'POLL', 'MANUAL')),
  issuers       TEXT NOT NULL,
  cache_us      INTEGER NOT NULL,  -- -1: the consumer's default
  fetch_sources TEXT NOT NULL,
  probe         TEXT NOT NULL,
  created_by    TEXT NOT NULL,
  create_us     INTEGER NOT NULL,
  update_us     INTEGER NOT NULL,
  rev           INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE gateway_issuers (
  issuer  TEXT NOT NULL REFERENCES issuers (id),
  gateway TEXT NOT NULL REFERENCES gateways (id) ON DELETE CASCADE,
  PRIMARY KEY (issuer, gateway)
) STRICT, WITHOUT ROWID;
CREATE INDEX gateway_issuers_by_gateway ON gateway_issuers (gateway);

CREATE TABLE gateway_views (
  gateway      TEXT NOT NULL REFERENCES gateways (id) ON DELETE CASCADE,
  issuer       TEXT NOT NULL,
  revision     INTEGER NOT NULL,
  time_us      INTEGER NOT NULL,
  source       TEXT NOT NULL,
  acknowledged INTEGER NOT NULL CHECK (acknowledged IN (0, 1)),
  heard_us     INTEGER NOT NULL,
  PRIMARY KEY (gateway, issuer)
) STRICT, WITHOUT ROWID;
CREATE INDEX gateway_views_by_issuer ON gateway_views (issuer);

CREATE TABLE gateway_instances (
  gateway      TEXT NOT NULL REFERENCES gateways (id) ON DELETE CASCADE,
  name         TEXT NOT NULL,
  staleness_us INTEGER NOT NULL,
  heard_us     INTEGER NOT NULL,
  PRIMARY KEY (gateway, name)
) STRICT, WITHOUT ROWID;

-- A key is revoked once, so its ID names the revocation.
CREATE TABLE revocations (
  key       TEXT PRIMARY KEY,
  issuer    TEXT NOT NULL,
  reason    TEXT NOT NULL,
  revision  INTEGER NOT NULL,
  revoke_us INTEGER NOT NULL,
  leaver    TEXT NOT NULL,
  close_us  INTEGER NOT NULL,
  next_us   INTEGER NOT NULL,
  rev       INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX revocations_by_time ON revocations (revoke_us, key);
CREATE INDEX revocations_open ON revocations (next_us) WHERE close_us = 0;
CREATE INDEX revocations_open_of ON revocations (issuer) WHERE close_us = 0;

-- Kept when the gateway is deleted: what was known stays known.
CREATE TABLE confirmations (
  key         TEXT NOT NULL REFERENCES revocations (key),
  gateway     TEXT NOT NULL,
  state       TEXT NOT NULL CHECK (state IN ('PENDING', 'FETCHED', 'ENFORCED',
                                             'OVERDUE')),
  fetch_us    INTEGER NOT NULL,
  fetched_by  TEXT NOT NULL,
  enforce_us  INTEGER NOT NULL,
  enforced_by TEXT NOT NULL,
  deadline_us INTEGER NOT NULL,
  latest_us   INTEGER NOT NULL,
  accept_us   INTEGER NOT NULL,
  detail      TEXT NOT NULL,
  rev         INTEGER NOT NULL,
  PRIMARY KEY (key, gateway)
) STRICT, WITHOUT ROWID;

-- Forgotten when the last gateway has refused.
CREATE TABLE canaries (
  key      TEXT NOT NULL REFERENCES revocations (key),
  from_us  INTEGER NOT NULL,
  until_us INTEGER NOT NULL,
  token    TEXT NOT NULL,
  PRIMARY KEY (key, from_us)
) STRICT, WITHOUT ROWID;

CREATE TRIGGER revocations_are_kept BEFORE DELETE ON revocations
BEGIN
  SELECT RAISE(ROLLBACK, 'WRONG_STATE: revocations are never deleted');
END;
CREATE TRIGGER confirmations_are_kept BEFORE DELETE ON confirmations
BEGIN
  SELECT RAISE(ROLLBACK, 'WRONG_STATE: confirmations are never deleted');
END;
CREATE TRIGGER confirmations_stay_enforced BEFORE UPDATE OF state ON confirmations
WHEN OLD.state = 'ENFORCED' AND NEW.state <> 'ENFORCED' AND NEW.accept_us = 0
BEGIN
  SELECT RAISE(ROLLBACK, 'WRONG_STATE: only a probe that was accepted reopens');
END;
