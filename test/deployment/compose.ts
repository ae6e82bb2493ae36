import { readFileSync } from 'node:fs';
import { parse } from 'yaml';
import { projectPath } from '../../libs/embedded/index.js';

export interface Service {
  image?: string;
  build?: { context: string; target: string };
  command?: string[];
  environment?: Record<string, string>;
  healthcheck?: { test: string[] };
  depends_on?: Record<string, { condition: string }>;
  read_only?: boolean;
  cap_drop?: string[];
  logging?: { driver: string };
}
export interface Compose {
  services: Record<string, Service>;
}

export function readProjectFile(name: string): string {
  return readFileSync(projectPath(name), 'utf8');
}

/** The compose file as it is written, its merges done. */
export function writtenCompose(): Compose {
  return parse(readProjectFile('docker-compose.yml'), { merge: true }) as Compose;
}

/**
 * The compose file with its variables filled in as docker compose does.
 * @throws naming the variable, where one that is asked for is missing
 */
export function composeWith(env: Record<string, string>): Compose {
  return filledIn(writtenCompose(), env) as Compose;
}

function filledIn(value: unknown, env: Record<string, string>): unknown {
  if (typeof value === 'string') return interpolate(value, env);
  if (Array.isArray(value)) return value.map((item) => filledIn(item, env));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, filledIn(item, env)]));
}

function interpolate(text: string, env: Record<string, string>): string {
  return text.replace(/\$\$|\$\{(\w+)(:[-?])?([^}]*)\}/g, (found, name?: string, kind?: string, rest = '') => {
    if (name === undefined) return '$';
    const value = env[name];
    if (value) return value;
    if (kind === ':-') return rest;
    throw new Error(`${name}: ${kind === ':?' ? rest : `${found} has neither a value nor a message`}`);
  });
}

export interface Stage {
  base: string;
  lines: string[];
}

/** The stages of the Dockerfile, by name. */
export function stages(): Map<string, Stage> {
  const found = new Map<string, Stage>();
  let current: Stage | undefined;
  for (const line of readProjectFile('Dockerfile').split('\n')) {
    const from = /^FROM (\S+) AS (\S+)$/.exec(line);
    if (from) found.set(from[2]!, (current = { base: from[1]!, lines: [] }));
    else if (line && !line.startsWith('#')) current?.lines.push(line);
  }
  return found;
}

/** What a stage's image runs: its entry point with `command`, or with its own where there is none. */
export function commandOf(target: string, command?: readonly string[]): string[] {
  const { lines } = stages().get(target)!;
  const listed = (instruction: string): string[] => {
    const line = lines.find((line) => line.startsWith(`${instruction} `));
    return line ? (JSON.parse(line.slice(instruction.length)) as string[]) : [];
  };
  return [...listed('ENTRYPOINT'), ...(command ?? listed('CMD'))];
}
