create table api_key (
  id text primary key,
  tenant_id text not null,
  user_id text not null,
  name text not null,
  prefix text not null,
  hmac text not null,
  created_at timestamptz not null,
  expires_at timestamptz not null,
  revoked_at timestamptz,
  revision integer not null
);
create index api_key_by_tenant on api_key (tenant_id, id);
create index api_key_by_owner on api_key (tenant_id, user_id, id);
