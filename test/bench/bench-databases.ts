import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { Client } from 'pg';
import { projectPath } from '../../libs/embedded/index.js';

export async function inDatabase(url: string, sql: string): Promise<Record<string, unknown>[]> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query<Record<string, unknown>>(sql)).rows;
  } finally {
    await client.end();
  }
}

/** A fresh database on the server; it goes when the server's folder goes. */
export async function createDatabase(serverUrl: string): Promise<string> {
  const name = `bench_${randomBytes(8).toString('hex')}`;
  await inDatabase(serverUrl, `CREATE DATABASE ${name}`);
  const url = new URL(serverUrl);
  url.pathname = `/${name}`;
  return url.href;
}

export async function migrateEventLog(url: string): Promise<void> {
  await inDatabase(url, await readFile(projectPath('migrations/0001_event_log.sql'), 'utf8'));
}

/** What the measurement before left to be written is not for this one to pay. */
export async function quietly<T>(serverUrl: string, measure: () => Promise<T>): Promise<T> {
  await inDatabase(serverUrl, 'CHECKPOINT');
  return measure();
}

export async function countRows(url: string, table: string): Promise<number> {
  const [row] = await inDatabase(url, `SELECT count(*)::int AS rows FROM ${table}`);
  return Number(row?.['rows']);
}
