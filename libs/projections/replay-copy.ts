import pg from 'pg';
import type { ClientBase } from 'pg';
import type { Row, Table, Value } from './read-model.js';
import { quote } from './row-writer.js';

/** The content of a COPY. */
export function copyContent({ columns }: Table, rows: readonly Row[]): Buffer {
  const names = Object.keys(columns);
  let content = '';
  for (const row of rows) {
    for (let index = 0; index < names.length; index++) {
      content += index === 0 ? copyField(row[names[index]!]) : `\t${copyField(row[names[index]!])}`;
    }
    content += '\n';
  }
  return Buffer.from(content);
}

/** Puts rows into a table that has none with their keys: half the server's work of an upsert of arrays. */
export async function copyRows(
  client: ClientBase,
  { columns }: Table,
  physicalName: string,
  content: Buffer,
): Promise<void> {
  const text = `copy ${quote(physicalName)} (${Object.keys(columns).map(quote).join(', ')}) from stdin`;
  await new Promise<void>((resolve, reject) => {
    const done = (error?: Error): void => (error ? reject(error) : resolve());
    client.query(new CopyIn(text, content, done));
  });
}

interface CopyConnection {
  sendCopyFromChunk(chunk: Buffer): void;
  endCopyFrom(): void;
}

/** The driver has COPY in its protocol, but no query of its own that uses it. */
class CopyIn extends pg.Query {
  constructor(
    text: string,
    private readonly content: Buffer,
    done: (error?: Error) => void,
  ) {
    super(text, done);
  }

  handleCopyInResponse(connection: CopyConnection): void {
    connection.sendCopyFromChunk(this.content);
    connection.endCopyFrom();
  }
}

const ANY_SPECIAL = /[\\\n\r\t]/;
const SPECIAL = /[\\\n\r\t]/g;
const ESCAPED: Readonly<Record<string, string>> = { '\\': '\\\\', '\n': '\\n', '\r': '\\r', '\t': '\\t' };

function copyField(value: Value | undefined): string {
  if (value === null || value === undefined) return '\\N';
  const text = typeof value === 'object' ? JSON.stringify(value) : String(value);
  return !ANY_SPECIAL.test(text) ? text : text.replace(SPECIAL, (character) => ESCAPED[character]!);
}
