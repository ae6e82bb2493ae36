-- Where the log stood when a call with an Idempotency-Key was found to change nothing: its repeats change nothing either.
alter table command_claim add column nothing_at bigint;
