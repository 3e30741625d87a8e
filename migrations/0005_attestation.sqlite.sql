-- When somebody last said that a person is still here, and what followed when
-- nobody did for too long: warned (overdue), then suspended.
ALTER TABLE owners ADD COLUMN confirm_us INTEGER NOT NULL DEFAULT 0;
ALTER TABLE owners ADD COLUMN overdue_us INTEGER NOT NULL DEFAULT 0;
ALTER TABLE owners ADD COLUMN suspend_us INTEGER NOT NULL DEFAULT 0;
ALTER TABLE owners ADD COLUMN suspended_by TEXT NOT NULL DEFAULT '';
UPDATE owners SET confirm_us = create_us;

CREATE INDEX owners_by_confirm ON owners (confirm_us)
  WHERE state = 'ACTIVE' AND kind = 'PERSON' AND overdue_us = 0;
CREATE INDEX owners_by_overdue ON owners (overdue_us)
  WHERE state = 'ACTIVE' AND overdue_us > 0;
CREATE INDEX owners_by_suspend ON owners (suspend_us) WHERE suspend_us > 0;
