CREATE SCHEMA event_log;

CREATE TABLE event_log.head (
  only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
  last_position bigint NOT NULL DEFAULT -1,
  incarnation uuid NOT NULL DEFAULT gen_random_uuid()
) WITH (fillfactor = 10);

INSERT INTO event_log.head DEFAULT VALUES;

CREATE TABLE event_log.stream (
  name text COLLATE "C" PRIMARY KEY,
  revision bigint NOT NULL
) WITH (fillfactor = 80);

CREATE TABLE event_log.event (
  position bigint PRIMARY KEY,
  stream text COLLATE "C" NOT NULL,
  revision bigint NOT NULL,
  id uuid NOT NULL,
  type text COLLATE "C" NOT NULL,
  data jsonb NOT NULL,
  personal jsonb,
  metadata jsonb NOT NULL,
  recorded_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  UNIQUE (stream, revision),
  UNIQUE (stream, id)
);

-- One call is one commit for many appends, at most one per stream:
--   [{"stream", "expected", "events": [{"id", "type", "data", "personal"?, "metadata"}]}]
-- The lock on the head is held until the commit, so positions are gapless and visible in their order.
-- plpgsql, because the second statement needs a snapshot taken after the lock.
-- Without enable_seqscan = off the cached plan of an empty log would scan a full one.
CREATE FUNCTION event_log.append(appends jsonb)
RETURNS TABLE (append_no integer, outcome text, revision bigint, "position" bigint)
LANGUAGE plpgsql
SET enable_seqscan = off
SET jit = off
SET search_path = pg_catalog
AS $$
#variable_conflict use_column
DECLARE
  head bigint;
BEGIN
  IF current_setting('synchronous_commit') = 'off' THEN
    PERFORM set_config('synchronous_commit', 'on', true);
  END IF;

  SELECT last_position INTO STRICT head FROM event_log.head FOR UPDATE;

  RETURN QUERY
  WITH asked AS MATERIALIZED (
    SELECT
      a.no::integer AS no,
      a.append ->> 'stream' AS stream,
      (a.append ->> 'expected')::bigint AS expected,
      a.append -> 'events' AS events,
      coalesce((SELECT s.revision FROM event_log.stream s WHERE s.name = a.append ->> 'stream'), -1) AS actual
    FROM jsonb_array_elements(appends) WITH ORDINALITY AS a (append, no)
  ),
  new_event AS MATERIALIZED (
    SELECT
      asked.no,
      head + row_number() OVER (ORDER BY asked.no, e.no) AS position,
      asked.stream,
      asked.expected + e.no AS revision,
      e.event
    FROM asked, jsonb_array_elements(asked.events) WITH ORDINALITY AS e (event, no)
    WHERE asked.actual = asked.expected
  ),
  stored AS (
    INSERT INTO event_log.event (position, stream, revision, id, type, data, personal, metadata)
    SELECT
      position, stream, revision,
      (event ->> 'id')::uuid, event ->> 'type', event -> 'data', event -> 'personal', event -> 'metadata'
    FROM new_event
  ),
  accepted AS MATERIALIZED (
    SELECT no, stream, max(revision) AS revision, max(position) AS position FROM new_event GROUP BY no, stream
  ),
  moved_streams AS (
    INSERT INTO event_log.stream AS s (name, revision)
    SELECT stream, revision FROM accepted
    ON CONFLICT (name) DO UPDATE SET revision = excluded.revision
  ),
  moved_head AS (
    UPDATE event_log.head SET last_position = (SELECT max(position) FROM accepted)
    WHERE EXISTS (SELECT FROM accepted)
  ),
  original AS (
    SELECT asked.no, max(before.revision) AS revision, max(before.position) AS position
    FROM asked, jsonb_array_elements(asked.events) WITH ORDINALITY AS e (event, no)
    LEFT JOIN LATERAL (
      SELECT o.revision, o.position FROM event_log.event o
      WHERE o.stream = asked.stream AND o.revision = asked.expected + e.no AND o.id = (e.event ->> 'id')::uuid
    ) before ON true
    WHERE asked.actual > asked.expected
    GROUP BY asked.no
    HAVING count(*) = count(before.position)
  )
  SELECT no, 'appended', revision, position FROM accepted
  UNION ALL
  SELECT no, 'repeated', revision, position FROM original
  UNION ALL
  SELECT no, 'conflict', actual, NULL::bigint FROM asked
  WHERE actual <> expected AND NOT EXISTS (SELECT FROM original WHERE original.no = asked.no);
END
$$;
