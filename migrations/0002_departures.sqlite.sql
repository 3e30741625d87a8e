-- Departures that can be planned and called off; teams as deputies; what people
-- say of exposures that the service could not see.

ALTER TABLE owners ADD COLUMN kind TEXT NOT NULL DEFAULT 'PERSON'
  CHECK (kind IN ('PERSON', 'TEAM'));

CREATE TABLE team_members (
  team     TEXT NOT NULL REFERENCES owners (id),
  position INTEGER NOT NULL,
  member   TEXT NOT NULL REFERENCES owners (id),
  PRIMARY KEY (team, position)
) STRICT, WITHOUT ROWID;
CREATE INDEX team_members_by_member ON team_members (member);

ALTER TABLE departures ADD COLUMN source TEXT NOT NULL DEFAULT 'rpc';
ALTER TABLE departures ADD COLUMN time_zone TEXT NOT NULL DEFAULT '';
-- JSON: lines that tell how it differs from its plan, and what was done late.
ALTER TABLE departures ADD COLUMN changes TEXT NOT NULL DEFAULT '[]';
ALTER TABLE departures ADD COLUMN late TEXT NOT NULL DEFAULT '[]';
ALTER TABLE departures ADD COLUMN late_count INTEGER NOT NULL DEFAULT 0;

CREATE TABLE declared_exposures (
  issuer      TEXT NOT NULL,
  key         TEXT NOT NULL,
  person      TEXT NOT NULL,
  kind        TEXT NOT NULL CHECK (kind <> ''),
  from_us     INTEGER NOT NULL,
  until_us    INTEGER NOT NULL,
  declared_by TEXT NOT NULL CHECK (declared_by <> ''),
  note        TEXT NOT NULL,
  PRIMARY KEY (issuer, key, person, kind, from_us),
  FOREIGN KEY (issuer, key) REFERENCES keys (issuer, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX declared_exposures_by_person ON declared_exposures (person, issuer);

-- Who had the store or the key-encryption key in hand: an exposure to every key.
CREATE TABLE custodies (
  person      TEXT NOT NULL,
  kind        TEXT NOT NULL CHECK (kind IN ('STORE', 'KEY_ENCRYPTION_KEY')),
  from_us     INTEGER NOT NULL,
  until_us    INTEGER NOT NULL,
  declared_by TEXT NOT NULL,
  note        TEXT NOT NULL,
  PRIMARY KEY (person, kind, from_us)
) STRICT, WITHOUT ROWID;

CREATE TRIGGER declared_exposures_are_kept BEFORE DELETE ON declared_exposures
BEGIN
  SELECT RAISE(ROLLBACK, 'WRONG_STATE: exposures are never deleted');
END;
CREATE TRIGGER declared_exposures_do_not_change BEFORE UPDATE
ON declared_exposures
BEGIN
  SELECT RAISE(ROLLBACK, 'WRONG_STATE: a declared exposure never changes');
END;
CREATE TRIGGER custodies_are_kept BEFORE DELETE ON custodies
BEGIN
  SELECT RAISE(ROLLBACK, 'WRONG_STATE: custodies are never deleted');
END;

-- The orphan rules again, for teams: a team is as alive as its members.

DROP VIEW issuers_without_deputy;
CREATE VIEW issuers_without_deputy AS
SELECT i.id AS issuer FROM issuers i
 WHERE i.deputy_vacant = 0
   AND EXISTS (SELECT 1 FROM keys k
                WHERE k.issuer = i.id
                  AND k.state NOT IN ('RETIRED', 'REVOKED'))
   AND NOT EXISTS (SELECT 1 FROM issuer_deputies d
                     JOIN owners o ON o.id = d.owner
                    WHERE d.issuer = i.id AND o.state = 'ACTIVE'
                      AND (o.kind = 'PERSON'
                           OR EXISTS (SELECT 1 FROM team_members m
                                        JOIN owners p ON p.id = m.member
                                       WHERE m.team = o.id
                                         AND p.state = 'ACTIVE'
                                         AND p.id <> i.owner)));

CREATE TRIGGER owners_departing_leave_teams AFTER UPDATE OF state ON owners
WHEN NEW.state = 'DEPARTED'
BEGIN
  SELECT RAISE(ROLLBACK, 'DEPUTY_REQUIRED: the last of a team that is deputy')
   WHERE EXISTS (SELECT 1 FROM team_members m
                   JOIN issuer_deputies d ON d.owner = m.team
                   JOIN issuers_without_deputy w ON w.issuer = d.issuer
                  WHERE m.member = NEW.id);
END;

CREATE TRIGGER team_members_delete_leaves_one AFTER DELETE ON team_members
BEGIN
  SELECT RAISE(ROLLBACK, 'DEPUTY_REQUIRED: the last of a team that is deputy')
   WHERE EXISTS (SELECT 1 FROM issuer_deputies d
                   JOIN issuers_without_deputy w ON w.issuer = d.issuer
                  WHERE d.owner = OLD.team);
END;

CREATE TRIGGER owners_teams_stay_teams BEFORE UPDATE OF kind ON owners
BEGIN
  SELECT RAISE(ROLLBACK, 'WRONG_STATE: an owner keeps the kind');
END;

CREATE TRIGGER issuers_insert_needs_person BEFORE INSERT ON issuers
BEGIN
  SELECT RAISE(ROLLBACK, 'OWNER_NOT_ACTIVE: a team owns no issuer')
   WHERE EXISTS (SELECT 1 FROM owners WHERE id = NEW.owner AND kind = 'TEAM');
END;
CREATE TRIGGER issuers_update_needs_person BEFORE UPDATE OF owner ON issuers
WHEN NEW.owner <> OLD.owner
BEGIN
  SELECT RAISE(ROLLBACK, 'OWNER_NOT_ACTIVE: a team owns no issuer')
   WHERE EXISTS (SELECT 1 FROM owners WHERE id = NEW.owner AND kind = 'TEAM');
END;
