import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Client } from 'pg';
import type { Config } from '../platform/index.js';

export interface Text {
  /** Where it was found. */
  place: string;
  text: string;
  /** Of what happens, for whoever runs the product: it may not hold personal data either. */
  log?: boolean;
}

/** Shorter ones would be found in what has nothing to do with them. */
const SHORTEST = 8;
const SECRET_MEMBERS = new Set(['secret', 'clientSecret', 'apiKey']);
const PERSONAL_MEMBERS = new Set(['displayName', 'email', 'reason', 'note']);
const SHORTEST_PERSONAL = 6;

/**
 * Knows every secret that a test configures, presents or is given, and what it sent as somebody's personal data, and looks
 * for them where they may not be.
 */
export class SecretWatch {
  private readonly secrets = new Set<string>();
  private readonly personal = new Set<string>();
  private readonly answers: Text[] = [];

  constructor(config: Config, env: Record<string, string | undefined> = {}) {
    const { adminToken, databaseUrl, eventstoreUrl, spicedbPresharedKey, signingKey } = config;
    const passwords = [databaseUrl, eventstoreUrl].map((url) => (url === undefined ? '' : new URL(url).password));
    for (const secret of [adminToken, spicedbPresharedKey, signingKey, ...passwords]) this.knows(secret);
    this.knowsOf(env);
  }

  /** What an environment holds that is secret by its name. */
  knowsOf(env: Record<string, string | undefined>): void {
    const given = Object.entries(env).filter(([name]) => /TOKEN|PEPPER|KEY|SECRET|PASSWORD/.test(name));
    for (const [, value = ''] of given) for (const part of value.split(',')) this.knows(part.trim());
  }

  knows(secret: string | undefined): void {
    if (secret !== undefined && secret.length >= SHORTEST && !secret.includes('-----BEGIN CERT'))
      this.secrets.add(secret);
  }

  /** Of an answer: its secrets are known from now on, and what was sent as personal; a refusal may hold no secret. */
  answered(status: number, text: string, body: unknown, sent?: unknown): void {
    if (status >= 400) this.answers.push({ place: `a problem document (${status})`, text });
    else this.knowMembers(body);
    this.knowPersonal(sent);
  }

  /** Where a secret or, in a log, personal data show, in words that don't repeat them. */
  faults(texts: readonly Text[]): string[] {
    return [...this.answers, ...texts].flatMap(({ place, text, log }) => [
      ...within(text, this.secrets).map((secret) => {
        return `${place} holds a secret that begins with ${secret.slice(0, 6)}…: ${around(text, secret)}`;
      }),
      ...within(text, log ? this.personal : [], standsAlone).map((clear) => {
        return `${place} holds personal data: ${around(text, clear)}`;
      }),
    ]);
  }

  private knowPersonal(sent: unknown): void {
    if (typeof sent !== 'object' || sent === null) return;
    for (const [name, value] of Object.entries(sent)) {
      if (typeof value !== 'string') this.knowPersonal(value);
      else if (PERSONAL_MEMBERS.has(name) && value.length >= SHORTEST_PERSONAL) this.personal.add(value);
    }
  }

  private knowMembers(body: unknown): void {
    if (typeof body !== 'object' || body === null) return;
    for (const [name, value] of Object.entries(body)) {
      if (typeof value === 'string' && SECRET_MEMBERS.has(name)) this.knows(value);
      else this.knowMembers(value);
    }
  }
}

function within(text: string, wanted: Iterable<string>, has = holds): string[] {
  return [...wanted].filter((each) => has(text, each) || has(text, JSON.stringify(each).slice(1, -1)));
}

function holds(text: string, wanted: string): boolean {
  return text.includes(wanted);
}

const PART_OF_WORD = /[\p{L}\p{N}]/u;

/** Whether it stands for itself somewhere: "second" is also in the names of metrics. */
function standsAlone(text: string, clear: string): boolean {
  for (let at = text.indexOf(clear); at >= 0; at = text.indexOf(clear, at + 1)) {
    const around = [text[at - 1], text[at + clear.length]];
    if (around.every((letter) => letter === undefined || !PART_OF_WORD.test(letter))) return true;
  }
  return false;
}

/** @throws where something shows that may not */
export function refuseFaults(faults: readonly string[]): void {
  if (faults.length > 0) {
    throw new Error(`what is secret or personal shows:\n${[...new Set(faults)].slice(0, 10).join('\n')}`);
  }
}

function around(text: string, secret: string): string {
  const at = Math.max(0, text.indexOf(secret));
  return text.slice(Math.max(0, at - 120), at + secret.length + 40).replaceAll(secret, '<…>');
}

/** Every file of a data folder that is a log: of the product and of its PostgreSQL. */
export async function logsOf(folder: string): Promise<Text[]> {
  const files = (await readdir(folder, { recursive: true })).filter((file) => file.endsWith('.log'));
  return Promise.all(
    files.map(async (file) => ({ place: file, text: await readFile(join(folder, file), 'utf8'), log: true })),
  );
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
