-- Owners whom the last whole roster did not name, and since when.
CREATE TABLE absences (
  owner    TEXT PRIMARY KEY REFERENCES owners (id),
  since_us INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
