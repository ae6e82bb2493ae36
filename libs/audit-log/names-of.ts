import { type Kysely, sql } from 'kysely';
import type { Actor } from '../event-store/index.js';

type Person = NonNullable<Actor['onBehalfOf']>;

export const personKey = ({ type, id }: Person): string => `${type}:${id}`;

/** What those are called for whom processes acted: they stay readable when they are gone, unless they were erased. */
export async function namesOf<Tables>(db: Kysely<Tables>, people: readonly Person[]): Promise<Map<string, string>> {
  if (people.length === 0) return new Map();
  const idsOf = (type: Person['type']): string[] => people.filter((one) => one.type === type).map(({ id }) => id);
  const { rows } = await sql<{ person: string; name: string }>`
    select 'user:' || id as person, coalesce(display_name, email) as name from app_user
    where id = any(${idsOf('user')}) and coalesce(display_name, email) is not null
    union all
    select 'service_account:' || id, name from service_account where id = any(${idsOf('service_account')})`.execute(db);
  return new Map(rows.map(({ person, name }) => [person, name]));
}
