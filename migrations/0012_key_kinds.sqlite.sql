-- Keys that Warder does not sign with: those that workloads keep, and decoys.
-- Keys that are drained: gateways take only those of their tokens that are in the
-- ledger.
ALTER TABLE keys ADD COLUMN kind TEXT NOT NULL DEFAULT 'MANAGED'
  CHECK (kind = 'MANAGED' OR kind = 'EXTERNAL' OR kind = 'HONEY');
ALTER TABLE keys ADD COLUMN signer TEXT NOT NULL DEFAULT '';
ALTER TABLE keys ADD COLUMN place TEXT NOT NULL DEFAULT '';
ALTER TABLE keys ADD COLUMN lease_us INTEGER NOT NULL DEFAULT 0;
ALTER TABLE keys ADD COLUMN drain_us INTEGER NOT NULL DEFAULT 0;

CREATE TRIGGER keys_keep_their_kind
BEFORE UPDATE OF kind, signer, place ON keys
BEGIN
  SELECT RAISE(ROLLBACK, 'WRONG_STATE: a key keeps its kind, signer and place');
END;

CREATE TRIGGER keys_of_a_kind BEFORE INSERT ON keys
WHEN (NEW.kind = 'EXTERNAL') <> (NEW.signer <> '')
  OR (NEW.kind = 'EXTERNAL') <> (NEW.lease_us > 0)
  OR (NEW.kind = 'HONEY') <> (NEW.place <> '')
  OR (NEW.kind <> 'MANAGED' AND NEW.sealed <> '')
BEGIN
  SELECT RAISE(ROLLBACK, 'WRONG_STATE: an EXTERNAL key has a signer and a lease, a HONEY key a place, neither a private half');
END;

-- One ACTIVE key of each algorithm that Warder itself signs with.
DROP TRIGGER keys_are_not_replaced;
CREATE TRIGGER keys_are_not_replaced BEFORE INSERT ON keys
WHEN EXISTS (SELECT 1 FROM keys WHERE issuer = NEW.issuer
                                  AND (id = NEW.id OR
                                       (state = 'ACTIVE' AND
                                        NEW.state = 'ACTIVE' AND
                                        kind = 'MANAGED' AND
                                        NEW.kind = 'MANAGED' AND
                                        algorithm = NEW.algorithm)))
BEGIN
  SELECT RAISE(ROLLBACK, 'ALREADY_EXISTS: a key of that ID, or an ACTIVE one');
END;

DROP TRIGGER keys_active_is_not_replaced;
CREATE TRIGGER keys_active_is_not_replaced BEFORE UPDATE OF state ON keys
WHEN NEW.state = 'ACTIVE' AND OLD.state <> 'ACTIVE' AND NEW.kind = 'MANAGED'
 AND EXISTS (SELECT 1 FROM keys WHERE issuer = NEW.issuer
                                  AND algorithm = NEW.algorithm
                                  AND kind = 'MANAGED'
                                  AND state = 'ACTIVE')
BEGIN
  SELECT RAISE(ROLLBACK, 'ALREADY_EXISTS: an ACTIVE key of the algorithm');
END;

-- Of an alarm about a decoy: where that was planted.
ALTER TABLE alarms ADD COLUMN planted_at TEXT NOT NULL DEFAULT '';

-- Who has a copy of any key could register it with another issuer: verifiers take
-- no kid twice, and a revocation goes by the kid.
CREATE INDEX keys_by_id ON keys (id);
CREATE INDEX spares_by_id ON spares (id);
CREATE TRIGGER keys_outside_stand_once BEFORE INSERT ON keys
WHEN NEW.kind <> 'MANAGED'
 AND (EXISTS (SELECT 1 FROM keys WHERE id = NEW.id)
      OR EXISTS (SELECT 1 FROM spares WHERE id = NEW.id))
BEGIN
  SELECT RAISE(ROLLBACK, 'ALREADY_EXISTS: a key of that ID, of this issuer or another');
END;
