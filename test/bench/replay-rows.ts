import type { RoleEnded, RoleGranted } from '../../libs/assignments/index.js';
import type { Recorded } from '../../libs/event-store/index.js';

export type Happened = Pick<RoleGranted | RoleEnded, 'type' | 'data'> & Pick<Recorded, 'metadata'>;
export type Row = readonly (string | null)[];
/** What an event puts under a key; without `rest` it takes away what is there. */
export interface KeyChange {
  key: Row;
  rest?: Row;
}

export const KEY = ['target_type', 'target_id', 'subject_type', 'subject_id', 'role', 'source'];
export const REST = ['id', 'tenant_id', 'decided_in', 'until', 'granted_at', 'granted_by'];
export const COLUMNS = [...KEY, ...REST];

export const typeOf = (column: string): string => (/^(until|granted_at)$/.test(column) ? 'timestamptz' : 'text');
export const CONFLICT = `on conflict (${KEY.join(', ')}) do update set ${REST.map((name) => `${name} = excluded.${name}`).join(', ')}`;

/** The columns of the read model with its primary key, and no other index. */
export function createRows(table: string): string {
  const columns = COLUMNS.map((column) => `${column} ${typeOf(column)}`);
  return `drop table if exists ${table}; create table ${table} (${columns.join(', ')}, primary key (${KEY.join(', ')}));`;
}

/** The read model of assignments once more, by hand, so that the figures compared come from the same rows. */
export function changesOf({ type, data, metadata }: Happened, stream: string): KeyChange[] {
  const { subject, target, role } = data;
  const keyOf = (name: string, source: string): Row => [
    ...[target.type, target.id, subject.type, subject.id],
    ...[name, source],
  ];
  if (type === 'role-ended.v1')
    return (data as RoleEnded['data']).sources.map((source) => ({ key: keyOf(role, source) }));
  const { replaced, source, until, tenantId } = data as RoleGranted['data'];
  const ended = replaced.flatMap((old) => old.sources.map((name) => ({ key: keyOf(old.role, name) })));
  const id = `${stream.slice('assignment-'.length)}-${role}`;
  const rest = [id, tenantId, 'assignment', until, metadata.at, metadata.actor.id];
  return [...ended, { key: keyOf(role, source), rest }];
}
