-- Who is deactivated or deleted has nothing in SpiceDB, also where it is given to them after that.
insert into suspended_subject (subject)
select distinct case action when 'user.deactivated' then 'user:' else 'service_account:' end || resource_id
from audit_entry
where (chain = 'system' and action = 'user.deactivated') or action = 'service-account.deleted'
on conflict do nothing;
