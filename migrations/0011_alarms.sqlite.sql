-- What must not be: one row from the first event of its kind, issuer and key
-- until somebody says that it is over.
CREATE TABLE alarms (
  number          INTEGER PRIMARY KEY,
  kind            TEXT NOT NULL,
  place           TEXT NOT NULL,
  issuer          TEXT NOT NULL,
  kid             TEXT NOT NULL,
  gateway         TEXT NOT NULL,
  severity        TEXT NOT NULL CHECK (severity IN ('TICKET', 'PAGE')),
  state           TEXT NOT NULL
                  CHECK (state IN ('OPEN', 'ACKNOWLEDGED', 'CLOSED')),
  evidence        TEXT NOT NULL,
  count           INTEGER NOT NULL CHECK (count > 0),
  first_us        INTEGER NOT NULL,
  last_us         INTEGER NOT NULL,
  recent          TEXT NOT NULL,
  page_us         INTEGER NOT NULL,
  acknowledged_by TEXT NOT NULL,
  acknowledge_us  INTEGER NOT NULL,
  closed_by       TEXT NOT NULL,
  close_us        INTEGER NOT NULL,
  note            TEXT NOT NULL,
  rev             INTEGER NOT NULL,
  CHECK ((state = 'CLOSED') = (closed_by <> ''))
) STRICT;

CREATE UNIQUE INDEX alarms_living ON alarms (place) WHERE state <> 'CLOSED';
