-- The key of each person's fields in events, wrapped by one of PERSONAL_DATA_KEYS. Not to be rebuilt from anything.
create table subject_key (
  subject text primary key,
  wrapped_key bytea,
  wrapping_key_id text,
  created_at timestamptz not null default clock_timestamp(),
  -- Set when the key was destroyed: what it sealed can't be opened by anybody any more.
  erased_at timestamptz,
  check ((wrapped_key is null) = (erased_at is not null) and (wrapped_key is null) = (wrapping_key_id is null))
);
create index subject_key_by_wrapping_key on subject_key (wrapping_key_id, subject) where wrapped_key is not null;
