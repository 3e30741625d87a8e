-- Issuers of whose tokens no record is deleted, whatever their age.
ALTER TABLE issuers ADD COLUMN legal_hold INTEGER NOT NULL DEFAULT 0
  CHECK (legal_hold IN (0, 1));
