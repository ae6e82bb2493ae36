import type { EventToAppend, StoredEvent } from '../../libs/event-store/index.js';
import { deterministicIds } from '../../libs/platform/index.js';
import { someMetadata } from '../../libs/testing/event-builders.js';
import { syntheticEvents } from './replay-events.js';

const USER_AGENT = 'Mozilla/5.0 (X11; Linux x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36';

/**
 * Persons who register, and then give and end roles. One of `oneOf` events has personal fields of its own, each of
 * another person; the others have those of who acts alone.
 */
export function personalEvents(count: number, oneOf: number): StoredEvent[] {
  const persons = Array.from({ length: Math.ceil(count / oneOf) }, (_, number) => aPerson(number));
  const others = syntheticEvents(count - persons.length);
  return Array.from({ length: count }, (_, position) => {
    const number = Math.floor(position / oneOf);
    if (position % oneOf === 0) return { ...registered(persons[number]!), position };
    const event = others[position - number - 1]!;
    const who = persons[(position * 7) % (number + 1)]!;
    return { ...event, position, metadata: { ...event.metadata, ...actingAs(who) } };
  });
}

interface Person {
  id: string;
  eventId: string;
  displayName: string;
  email: string;
  ip: string;
}

const ids = deterministicIds('personal');

function aPerson(number: number): Person {
  const id = ids.ulid(new Date(Date.UTC(2021, 0, 4, 9)));
  const displayName = `Person ${number} of the Benchmark`;
  const email = `person.${number}@example.org`;
  return { id, eventId: ids.uuid(), displayName, email, ip: `10.${(number >> 8) % 256}.${number % 256}.7` };
}

function actingAs({ id, displayName, ip }: Person): Pick<EventToAppend['metadata'], 'actor' | 'personal'> {
  return { actor: { type: 'user', id }, personal: { actorName: displayName, ip, userAgent: USER_AGENT } };
}

function registered(person: Person): Omit<StoredEvent, 'position'> {
  const { id, eventId, displayName, email } = person;
  const metadata = someMetadata({ tenantId: null, ...actingAs(person) });
  const identity = { issuer: 'https://id.example.org', subject: `subject-${id}` };
  return {
    ...{ id: eventId, stream: `user-${id}`, revision: 0, type: 'user-registered.v1', metadata },
    data: { userId: id, ...identity, builtIn: false, at: metadata.at },
    personal: { displayName, email },
  };
}
