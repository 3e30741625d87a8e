-- Who is told of audit events, what is still to be told, and who is believed.
CREATE TABLE subscriptions (
  id              TEXT PRIMARY KEY,
  url             TEXT NOT NULL,
  format          TEXT NOT NULL CHECK (format IN ('WEBHOOK', 'SECURITY_EVENT')),
  actions         TEXT NOT NULL,
  issuer          TEXT NOT NULL,
  audience        TEXT NOT NULL,
  sealed_secret        TEXT NOT NULL,
  former_sealed_secret TEXT NOT NULL,
  former_until_us INTEGER NOT NULL,
  sealed_authorization TEXT NOT NULL,
  cursor          INTEGER NOT NULL,
  created_by      TEXT NOT NULL,
  create_us       INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE deliveries (
  subscription TEXT NOT NULL REFERENCES subscriptions (id) ON DELETE CASCADE,
  sequence     INTEGER NOT NULL,
  ordering_key TEXT NOT NULL,
  attempts     INTEGER NOT NULL,
  create_us    INTEGER NOT NULL,
  next_us      INTEGER NOT NULL,
  error        TEXT NOT NULL,
  refused_us   INTEGER NOT NULL,
  dead_letter  INTEGER NOT NULL CHECK (dead_letter IN (0, 1)),
  PRIMARY KEY (subscription, sequence)
) STRICT, WITHOUT ROWID;
CREATE INDEX dead_letters ON deliveries (subscription, sequence)
  WHERE dead_letter = 1;

CREATE TABLE transmitters (
  id         TEXT PRIMARY KEY,
  issuer     TEXT NOT NULL,
  audience   TEXT NOT NULL,
  jwks_url   TEXT NOT NULL,
  jwks       TEXT NOT NULL,
  fetch_us   INTEGER NOT NULL,
  created_by TEXT NOT NULL,
  create_us  INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
