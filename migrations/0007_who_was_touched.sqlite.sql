-- Who released a departure that the brake had held; what was said of an owner; and
-- who was ever given a certificate: he departs like an owner when HR says so.
ALTER TABLE departures ADD COLUMN released_by TEXT NOT NULL DEFAULT '';

CREATE INDEX events_about_owners ON events (resource)
  WHERE resource GLOB 'owners/*';
CREATE INDEX events_of_certificates ON events (resource)
  WHERE action = 'certificate.issued';

-- Users without the value that a rule compares are compared by their user name.
INSERT OR IGNORE INTO user_names (kind, name, user)
SELECT 'external_id', lower(user_name), id FROM users WHERE external_id = '';
INSERT OR IGNORE INTO user_names (kind, name, user)
SELECT 'email', lower(user_name), id FROM users WHERE emails = '[]';
