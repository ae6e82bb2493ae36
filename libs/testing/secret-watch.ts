import { Client } from 'pg';
import type { Config } from '../platform/index.js';

interface Text {
  /** Where it was found. */
  place: string;
  text: string;
}

/** Shorter ones would be found in what has nothing to do with them. */
const SHORTEST = 8;
const SECRET_MEMBERS = new Set(['secret', 'clientSecret', 'apiKey']);

/** Knows every secret that a test configures, presents or is given, and looks for them where none may be. */
export class SecretWatch {
  private readonly secrets = new Set<string>();
  private readonly answers: Text[] = [];

  constructor(config: Config, env: Record<string, string> = {}) {
    const { adminToken, databaseUrl, eventstoreUrl, spicedbPresharedKey, signingKey } = config;
    const passwords = [databaseUrl, eventstoreUrl].map((url) => (url === undefined ? '' : new URL(url).password));
    const given = Object.entries(env).filter(([name]) => /TOKEN|PEPPER|KEY|SECRET|PASSWORD/.test(name));
    const peppers = given.flatMap(([, value]) => value.split(',').map((part) => part.trim()));
    for (const secret of [adminToken, spicedbPresharedKey, signingKey, ...passwords, ...peppers]) this.knows(secret);
  }

  knows(secret: string | undefined): void {
    if (secret !== undefined && secret.length >= SHORTEST && !secret.includes('-----BEGIN CERT'))
      this.secrets.add(secret);
  }

  /** Of an answer: its secrets are known from now on; a refusal may hold none. */
  answered(status: number, text: string, body: unknown): void {
    if (status >= 400) this.answers.push({ place: `a problem document (${status})`, text });
    else this.knowMembers(body);
  }

  /** Where a secret shows, in words that don't repeat it. */
  faults(texts: readonly Text[]): string[] {
    return [...this.answers, ...texts].flatMap(({ place, text }) =>
      [...this.secrets]
        .filter((secret) => text.includes(secret) || text.includes(JSON.stringify(secret).slice(1, -1)))
        .map((secret) => `${place} holds a secret that begins with ${secret.slice(0, 6)}…: ${around(text, secret)}`),
    );
  }

  private knowMembers(body: unknown): void {
    if (typeof body !== 'object' || body === null) return;
    for (const [name, value] of Object.entries(body)) {
      if (typeof value === 'string' && SECRET_MEMBERS.has(name)) this.knows(value);
      else this.knowMembers(value);
    }
  }
}

function around(text: string, secret: string): string {
  const at = Math.max(0, text.indexOf(secret));
  return text.slice(Math.max(0, at - 120), at + secret.length + 40).replaceAll(secret, '<secret>');
}

/** Every row of every table, as text: the audit log, events, read models, deliveries. */
export async function databaseAsText(url: string): Promise<Text[]> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    const { rows } = await client.query<{ name: string }>(
      `select format('%I.%I', schemaname, tablename) as name from pg_tables
       where schemaname not in ('pg_catalog', 'information_schema')`,
    );
    const texts: Text[] = [];
    for (const { name } of rows) {
      const { rows: found } = await client.query<{ text: string | null }>(
        `select string_agg(t::text, chr(10)) as text from ${name} t`,
      );
      texts.push({ place: `the table ${name}`, text: found[0]?.text ?? '' });
    }
    return texts;
  } finally {
    await client.end();
  }
}
