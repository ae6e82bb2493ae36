create table role (
  id text primary key,
  tenant_id text not null,
  name text not null,
  description text,
  requestable boolean not null,
  permissions jsonb not null,
  spelled_as jsonb not null,
  created_at timestamptz not null,
  updated_at timestamptz not null,
  revision integer not null
);
create index role_by_tenant on role (tenant_id, id);

-- Who holds a role of a tenant; of built-in roles there are too many.
create index assignment_by_role on assignment (role, id) where role not in ('admin', 'editor', 'member');

-- What ends with the object that it is a part of, and what ends with who holds it.
create index relationship_source_by_whole on relationship_source (split_part(split_part(resource, ':', 2), '/', 1))
  where resource like '%/%';
create index relationship_source_by_holder on relationship_source (split_part(source, ' ', 1))
  where source like '% %';
