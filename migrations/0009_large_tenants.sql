-- Lists of a tenant's requests by target and by role: without them a tenant with many reads them all for a rare one.
create index request_by_target on request (tenant_id, target_id, id desc);
create index request_by_role on request (tenant_id, role, id desc);
