-- Who is told of audit events, what is still to be told, and who is believed.
CREATE TABLE subscriptions (
  id              TEXT PRIMARY KEY,
  url             TEXT NOT NULL,
  format          TEXT NOT NULL CHECK (format IN ('WEBHOOK', 'SECURITY_EVENT')),
  actions         TEXT NOT NULL,
  issuer          TEXT NOT NULL,
  audience        TEXT NOT NULL,
  secret          TEXT NOT NULL,
  former_secret   TEXT NOT NULL,
  former_until_us INTEGER NOT NULL,
  authorization   TEXT NOT NULL,
  cursor          INTEGER NOT NULL,
  created_by      TEXT NOT NULL,
  create_us       INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE deliveries (
  subscription TEXT NOT NULL REFERENCES subscriptions (id) ON DELETE CASCADE,
  sequence     INTEGER NOT NULL,
  subject      TEXT NOT NULL,
  attempts     INTEGER NOT NULL,
  create_us    INTEGER NOT NULL,
  next_us      INTEGER NOT NULL,
  error        TEXT NOT NULL,
  refused_us   INTEGER NOT NULL,
  dead         INTEGER NOT NULL CHECK (dead IN (0, 1)),
  PRIMARY KEY (subscription, sequence)
) STRICT, WITHOUT ROWID;
CREATE INDEX deliveries_dead ON deliveries (subscription, sequence)
  WHERE dead = 1;

CREATE TABLE transmitters (
  feed       TEXT PRIMARY KEY,
  issuer     TEXT NOT NULL,
  audience   TEXT NOT NULL,
  jwks_url   TEXT NOT NULL,
  jwks       TEXT NOT NULL,
  fetch_us   INTEGER NOT NULL,
  created_by TEXT NOT NULL,
  create_us  INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
