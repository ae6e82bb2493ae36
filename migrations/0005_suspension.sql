alter table relationship_source add column withdrawn boolean not null default false;

-- Nothing of these is wanted in SpiceDB, whatever wants it.
create table suspended_subject (
  subject text primary key
);

alter table app_user add column status text not null default 'active'
  check (status in ('active', 'suspended', 'deactivated'));
update app_user set status = 'deactivated' where not active;
alter table app_user alter column status drop default;
