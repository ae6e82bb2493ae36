import type { FastifyInstance } from 'fastify';
import { Refused } from './refusal.js';
import { isWellFormed } from './text.js';

export const DEFAULT_BODY_LIMIT = 64 * 1024;
const DEFAULT_JSON_DEPTH = 20;

const LONGEST_PATH_SHOWN = 200;
const utf8 = new TextDecoder('utf-8', { fatal: true });

interface Place {
  value: unknown;
  depth: number;
  path: string;
}

function refusal(path: string, reason: string): Refused {
  const field = path.slice(0, LONGEST_PATH_SHOWN);
  return new Refused('invalid', field === '' ? reason : `${field}: ${reason}`, field === '' ? {} : { field });
}

/** `__proto__`, `constructor`, `toString`, …: what reads them may get something else than was sent. */
export function isNameOfEveryObject(key: string): boolean {
  return Object.hasOwn(Object.prototype, key);
}

function under(path: string, key: string): string {
  return path === '' ? key : `${path}.${key}`;
}

function checkKey(key: string, path: string): void {
  if (!isWellFormed(key) || key.includes('\0')) throw refusal(path, 'a field has a name that is not text');
  if (isNameOfEveryObject(key)) throw refusal(under(path, key), 'a field may not have this name');
}

function checkScalar({ value, path }: Place): void {
  if (typeof value === 'string' && !isWellFormed(value)) throw refusal(path, 'is not text: half a surrogate pair');
  if (typeof value === 'number' && !Number.isFinite(value)) throw refusal(path, 'is a number out of range');
}

/** Parsed JSON that is too deep, or holds what can't be stored or would be taken for something else, is refused. */
function checkShape(root: unknown, maxDepth: number): void {
  const places: Place[] = [{ value: root, depth: 1, path: '' }];
  for (let place = places.pop(); place; place = places.pop()) {
    const { value, depth, path } = place;
    if (typeof value !== 'object' || value === null) {
      checkScalar(place);
      continue;
    }
    if (depth > maxDepth) throw refusal(path, `is nested deeper than ${maxDepth} levels`);
    for (const [key, child] of Object.entries(value)) {
      if (!Array.isArray(value)) checkKey(key, path);
      places.push({ value: child, depth: depth + 1, path: under(path, key) });
    }
  }
}

/**
 * @returns an empty object for an empty body
 * @throws Refused `malformed-json` for what isn't JSON in UTF-8, `invalid` for JSON that is beyond the limits
 */
function parseJson(body: Buffer, maxDepth: number = DEFAULT_JSON_DEPTH): unknown {
  let value: unknown;
  try {
    const text = utf8.decode(body);
    if (text.trim() === '') return {};
    value = JSON.parse(text);
  } catch {
    throw new Refused('malformed-json');
  }
  checkShape(value, maxDepth);
  return value;
}

function checkEncoding(headers: { [name: string]: string | string[] | undefined }): void {
  const charset = /;\s*charset\s*=\s*"?([^\s;"]+)/i.exec(String(headers['content-type']))?.[1];
  if (charset !== undefined && !/^utf-?8$/i.test(charset))
    throw new Refused('unsupported-media-type', 'the body must be encoded as UTF-8');
  if ((headers['content-encoding'] ?? 'identity') !== 'identity')
    throw new Refused('unsupported-media-type', 'the body must not be compressed');
}

/** JSON becomes the only type of body, within the limits. */
export function acceptOnlyJson(fastify: FastifyInstance, maxDepth: number = DEFAULT_JSON_DEPTH): void {
  fastify.removeAllContentTypeParsers();
  fastify.addContentTypeParser<Buffer>('application/json', { parseAs: 'buffer' }, (request, body, done) => {
    try {
      checkEncoding(request.headers);
      done(null, parseJson(body, maxDepth));
    } catch (error) {
      done(error as Error);
    }
  });
}
