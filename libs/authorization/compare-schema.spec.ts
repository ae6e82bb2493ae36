import { readFile } from 'node:fs/promises';
import { projectPath } from '../embedded/index.js';
import { compareSchema, withForeignDefinitions } from './compare-schema.js';

const OURS = `use expiration
/** A { brace in a comment. */
definition user {}
definition doc {
  relation owner: user | user with expiration // definition nothing {}
  permission view = owner
}`;
const LIVE = `use expiration

definition doc {
	permission view = owner

	/** Who owns it. */
	relation owner: user with expiration | user
}

/** Of another service. */
definition other/thing {
	relation a: user with ok
}

definition user {}

caveat ok(x map<int>) {
	x == {"a": 1}
}`;
const same = { missing: [], unexpected: [] };

it('takes a schema in another order, with other comments and foreign definitions, for the same', () => {
  expect(compareSchema(OURS, LIVE)).toEqual(same);
});

it('tells what is missing and what is there beside it', () => {
  const live = LIVE.replace('permission view = owner', 'permission view = nil');
  expect(compareSchema(OURS, live)).toEqual({
    missing: ['definition doc: permission view = owner'],
    unexpected: ['definition doc: permission view = nil'],
  });
  expect(compareSchema(OURS, '').missing).toContain('definition user');
});

it('keeps what other services define when ours is written', () => {
  const merged = withForeignDefinitions(OURS, LIVE);
  expect(merged).toContain('definition other/thing {\n\trelation a: user with ok\n}');
  expect(merged).toContain('caveat ok(x map<int>) {\n\tx == {"a": 1}\n}');
  expect(merged.match(/definition doc/g)).toHaveLength(1);
  expect(merged.match(/use expiration/g)).toHaveLength(1);
  expect(withForeignDefinitions(OURS, OURS)).toBe(OURS);
});

it('understands schema.zed', async () => {
  const schema = await readFile(projectPath('schema.zed'), 'utf8');
  expect(compareSchema(schema, schema)).toEqual(same);
  expect(compareSchema(schema, '').missing.length).toBeGreaterThan(30);
});
