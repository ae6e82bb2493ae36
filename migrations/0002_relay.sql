create table relay_lease (
  partition integer primary key,
  owner text not null,
  epoch bigint not null,
  expires_at timestamptz not null
);

create table relay_checkpoint (
  partition integer primary key,
  incarnation text not null,
  position bigint not null,
  event_id uuid,
  moved_at timestamptz not null default clock_timestamp()
);

create table delivery_mark (
  partition integer primary key,
  position bigint not null,
  zed_token text,
  moved_at timestamptz not null default clock_timestamp()
);

create table process_checkpoint (
  partition integer primary key,
  position bigint not null
);

-- One row per (tuple, what wants it). A tuple is wanted while it has a row.
create table relationship_source (
  tuple text not null,
  source text not null,
  resource text not null,
  subject text not null,
  tenant_id text,
  until timestamptz,
  position bigint not null,
  primary key (tuple, source)
);
create index relationship_source_by_resource on relationship_source (resource);
create index relationship_source_by_subject on relationship_source (tenant_id, subject);
create index relationship_source_by_subject_object on relationship_source (split_part(subject, '#', 1));

create table closed_tenant (
  tenant_id text primary key,
  position bigint not null
);

-- The outbox of SpiceDB: effective changes in the order of the log.
create table relationship_change (
  partition integer not null,
  position bigint not null,
  sequence integer not null,
  event_id uuid not null,
  tuple text not null,
  operation text not null check (operation in ('touch', 'delete')),
  expires_at timestamptz,
  primary key (partition, position, sequence)
);

create table parked (
  id text primary key,
  partition integer not null,
  position bigint not null,
  event_id uuid not null,
  event_type text not null,
  tenant_id text,
  correlation_id text,
  stage text not null check (stage in ('event', 'delivery', 'process')),
  tuple text,
  expires_at timestamptz,
  error text not null,
  status text not null default 'parked' check (status in ('parked', 'retried', 'discarded')),
  parked_at timestamptz not null default clock_timestamp(),
  resolved_at timestamptz,
  resolved_by text
);
create index parked_open on parked (position) where status = 'parked';

create table command_claim (
  tenant text not null,
  principal text not null,
  key text not null,
  body_hash text not null,
  command_id uuid not null,
  at timestamptz not null,
  correlation_id text not null,
  primary key (tenant, principal, key)
);

create table replay_run (
  model text primary key,
  version integer not null,
  position bigint not null,
  started_at timestamptz not null default clock_timestamp()
);

create table read_model_version (
  model text primary key,
  version integer not null
);
