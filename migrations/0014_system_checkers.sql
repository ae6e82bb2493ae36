create table system_checker (
  subject_type text not null,
  subject_id text not null,
  since timestamptz not null,
  revision integer not null,
  primary key (subject_type, subject_id)
);
create index system_checker_by_id on system_checker (subject_id);
