import type { Recorded, StoredEvent } from '../event-store/index.js';
import { buildDomain } from '../wiring/index.js';
import { Domain } from './domain.js';
import type { DomainPart, Noun } from './noun.js';

const noun = (change: Partial<Noun> = {}): Noun => ({
  name: 'things',
  types: { 'happened.v1': 'Something happened.' },
  relationships: { 'happened.v1': () => [{ closeTenant: 'T' }] },
  audit: {
    'happened.v1': ({ data }: Recorded) => ({
      action: 'thing.happened',
      resource: { type: 'thing', id: (data as { id: string }).id },
    }),
  },
  ...change,
});
const part = (change: Partial<DomainPart> = {}): DomainPart => ({
  nouns: [noun()],
  readModels: [],
  processes: [],
  ...change,
});
const happened = { type: 'happened.v1', data: { id: 'a' } } as unknown as StoredEvent;

describe('TW-029 the domain', () => {
  it('of the product is complete', () => {
    expect(buildDomain().registry.types.length).toBeGreaterThan(20);
  });

  it('answers with the relationships and the audit fields of an event', () => {
    const domain = new Domain([part()]);
    expect(domain.relationships(domain.registry.decode(happened))).toEqual([{ closeTenant: 'T' }]);
    expect(domain.audit(happened)).toEqual({ action: 'thing.happened', resource: { type: 'thing', id: 'a' } });
  });

  it.each<[string, Partial<Noun>]>([
    ['relationships', { relationships: {} }],
    ['audit', { audit: {} }],
  ])('does not start where an event type has no handler: %s', (_what, change) => {
    expect(() => new Domain([part({ nouns: [noun(change)] })])).toThrow('event types without a handler: happened.v1');
  });

  it('does not start where a read model or a process reads an event type that there is not', () => {
    const changes = { 'hapened.v1': () => [] };
    const readModels = [{ name: 'm', version: 1, tables: [], changes }];
    expect(() => new Domain([part({ readModels })])).toThrow('handlers of unknown event types: hapened.v1');
    const processes = [{ name: 'p', followUps: { 'hapened.v1': () => [] } as never }];
    expect(() => new Domain([part({ processes })])).toThrow('handlers of unknown event types: hapened.v1');
  });

  it('does not start where a read model has personal fields and forgets nobody', () => {
    const types = { 'happened.v1': 'Something happened.', 'erased.v1': 'Somebody is gone.' };
    const nobody = () => ({ action: 'thing.happened', resource: { type: 'thing', id: 'a' } });
    const both = {
      relationships: { 'happened.v1': () => [], 'erased.v1': () => [] },
      audit: { 'happened.v1': nobody, 'erased.v1': nobody },
      subjects: { 'happened.v1': () => 'user:a' },
      erases: { 'erased.v1': () => 'user:a' },
    };
    const nouns = [noun({ types, ...both } as Partial<Noun>)];
    const readModels = [{ name: 'm', version: 1, tables: [], changes: { 'happened.v1': () => [] } }];
    expect(() => new Domain([part({ nouns, readModels })])).toThrow('do not forget who is erased: m');
  });

  it('does not start where an event type is there twice', () => {
    expect(() => new Domain([part(), part({ nouns: [noun({ name: 'others' })] })])).toThrow('registered twice');
  });
});
