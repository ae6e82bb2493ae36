-- The last mark that a delivery is known to have written to SpiceDB: one that stands before it was restored.
alter table delivery_mark add column written bigint;

-- Why SpiceDB may not be asked for now, where it does not hold what was delivered to it.
alter table delivery_mark add column doubt text;

-- Entries of events that a restored log does not have any more, once an operator has accepted that.
create table lost_audit_entry (
  lost_at timestamptz not null default clock_timestamp(),
  position bigint not null,
  entry jsonb not null
);
