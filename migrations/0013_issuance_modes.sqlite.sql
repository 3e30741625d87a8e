-- What a gateway asks of the ledger before it accepts a token, by issuer.
ALTER TABLE gateways ADD COLUMN issuance_modes TEXT NOT NULL DEFAULT '{}';
