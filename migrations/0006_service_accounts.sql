create table service_account (
  id text primary key,
  tenant_id text not null,
  name text not null,
  created_at timestamptz not null,
  updated_at timestamptz not null,
  revision integer not null
);
create index service_account_by_tenant on service_account (tenant_id, id);

create table service_account_token (
  id text primary key,
  service_account_id text not null,
  tenant_id text not null,
  name text not null,
  hmac text not null,
  created_at timestamptz not null,
  created_by text not null,
  expires_at timestamptz,
  revoked_at timestamptz,
  revision integer not null
);
create index service_account_token_by_account on service_account_token (service_account_id, id);

-- When a token or key was last used: noted by the API beside the log, so a replay neither needs nor changes it.
create table credential_use (
  id text primary key,
  last_used_at timestamptz not null
);
