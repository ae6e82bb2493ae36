create table audit_entry (
  chain text not null,
  sequence bigint not null,
  position bigint not null,
  event_id uuid not null unique,
  tenant_id text,
  action text not null,
  resource_type text not null,
  resource_id text not null,
  actor_type text not null,
  actor_id text not null,
  at timestamptz not null,
  old_values jsonb,
  new_values jsonb,
  personal jsonb,
  correlation_id text not null,
  command_id text not null,
  -- The canonical form of the stored event: what the hash covers.
  event text not null,
  hash text not null,
  primary key (chain, sequence)
);
create index audit_entry_by_time on audit_entry (chain, at desc, sequence desc);
create index audit_entry_by_resource on audit_entry (chain, resource_type, resource_id, sequence desc);
create index audit_entry_by_actor on audit_entry (chain, actor_id, sequence desc);
create index audit_entry_by_action on audit_entry (chain, action, sequence desc);
create index audit_entry_by_correlation on audit_entry (chain, correlation_id, sequence);
create index audit_entry_by_position on audit_entry (position);
