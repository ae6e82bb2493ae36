import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fallbackFields } from '../../libs/audit-log/index.js';
import type { StoredEvent } from '../../libs/event-store/index.js';
import type { SourceChange } from '../../libs/outbox/index.js';
import { buildDomain } from '../../libs/wiring/index.js';

const folder = join(import.meta.dirname, 'events');
const samples = readdirSync(folder).map((name) => JSON.parse(readFileSync(join(folder, name), 'utf8')) as StoredEvent);
const domain = buildDomain();

test('every event type that can be stored has a golden sample', () => {
  const types = new Set(samples.map(({ type }) => type));
  expect(domain.registry.types.filter((type) => !types.has(type))).toEqual([]);
});

test.each<[string, string, (data: Record<string, unknown>) => SourceChange[]]>([
  ['TW-017', 'api-key-revoked.v1', () => []],
  ['TW-019', 'tenant-created.v1', () => []],
  [
    'TW-022',
    'tenant-deletion-started.v1',
    ({ tenantId }) => [{ closeTenant: String(tenantId) }, { endObject: `tenant:${String(tenantId)}` }],
  ],
  ['TW-026 TW-027', 'workspace-deleted.v1', ({ workspaceId }) => [{ endObject: `workspace:${String(workspaceId)}` }]],
])('%s what %s does to relationships', (_case, type, expected) => {
  const sample = samples.find((one) => one.type === type)!;
  expect(domain.relationships(domain.registry.decode(sample))).toEqual(expected(sample.data));
});

test.each(samples.map((sample) => [sample.type, sample] as const))(
  'a stored %s is understood by audit, relationships, read models and processes',
  (_type, sample) => {
    const event = domain.registry.decode(sample);
    expect(domain.audit(sample)).not.toEqual(fallbackFields(sample));
    expect(domain.relationships(event)).toBeInstanceOf(Array);
    for (const model of domain.readModels) expect(model.changes[event.type]?.(event) ?? []).toBeInstanceOf(Array);
    for (const { followUps } of domain.processes) {
      const followUp = followUps[event.type as never] as ((given: typeof event) => unknown[]) | undefined;
      expect(followUp?.(event) ?? []).toBeInstanceOf(Array);
    }
  },
);
