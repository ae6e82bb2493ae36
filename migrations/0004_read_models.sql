create table tenant (
  id text primary key,
  name text not null,
  root_workspace_id text not null,
  requestable jsonb not null,
  created_at timestamptz not null,
  updated_at timestamptz not null,
  revision integer not null
);

create table workspace (
  id text primary key,
  tenant_id text not null,
  name text not null,
  parent_id text,
  created_at timestamptz not null,
  updated_at timestamptz not null,
  revision integer not null
);
create index workspace_by_tenant on workspace (tenant_id, id);

create table assignment (
  id text not null,
  tenant_id text not null,
  subject_type text not null,
  subject_id text not null,
  target_type text not null,
  target_id text not null,
  role text not null,
  source text not null,
  -- 'tenant' where the tenant's own stream decides (its admins), else 'assignment'.
  decided_in text not null,
  until timestamptz,
  granted_at timestamptz not null,
  granted_by text not null,
  primary key (target_type, target_id, subject_type, subject_id, role, source)
);
create index assignment_by_tenant_subject on assignment (tenant_id, subject_id);
create index assignment_by_subject on assignment (subject_id);
create index assignment_by_id on assignment (id);
create index assignment_by_end on assignment (until) where until is not null;

create table request (
  id text primary key,
  tenant_id text not null,
  kind text not null,
  requester_type text not null,
  requester_id text not null,
  requester_name text,
  role text not null,
  target_type text not null,
  target_id text not null,
  until timestamptz,
  reason text,
  status text not null,
  close_reason text,
  revocation_note text,
  reviewer_type text,
  reviewer_id text,
  reviewer_name text,
  review_note text,
  reviewed_at timestamptz,
  created_at timestamptz not null,
  updated_at timestamptz not null,
  revision integer not null
);
create index request_by_tenant on request (tenant_id, id desc);
create index request_by_status on request (tenant_id, status, id desc);
create index request_by_requester on request (tenant_id, requester_id, id desc);
create index request_open_by_requester on request (requester_id) where status in ('pending', 'approved');
create index request_open_by_target on request (target_id) where status in ('pending', 'approved');

create table app_user (
  id text primary key,
  display_name text,
  email text,
  issuer text,
  external_subject text,
  active boolean not null,
  built_in boolean not null,
  created_at timestamptz not null,
  updated_at timestamptz not null,
  revision integer not null
);
create unique index app_user_by_identity on app_user (issuer, external_subject);
create unique index app_user_built_in on app_user (built_in) where built_in;
create index app_user_by_email on app_user (email, id);

create table system_admin (
  user_id text primary key,
  since timestamptz not null
);

create table token (
  id text primary key,
  user_id text not null,
  name text not null,
  hmac text not null,
  created_at timestamptz not null,
  created_by text not null,
  expires_at timestamptz,
  revoked_at timestamptz,
  revision integer not null
);
create index token_by_user on token (user_id, id);
