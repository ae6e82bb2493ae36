-- Set when an operator has accepted that an earlier key is lost: what it sealed can't be opened by anybody any more.
alter table subject_key add column earlier_lost_at timestamptz;
