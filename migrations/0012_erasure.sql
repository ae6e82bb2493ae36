-- Whose the note is, as user:01…: it goes with them.
alter table request add column revocation_noted_by text;
