import { createHmac, timingSafeEqual } from 'node:crypto';

export type SignedPayload = { [key: string]: unknown };

const SIGNATURE_LENGTH = 43;

function signature(body: string, key: string): string {
  return createHmac('sha256', key).update('signed-token.v1\0').update(body).digest('base64url');
}

/** `<payload>.<signature>`, both base64url: readable by anyone, made only by who holds the key. */
export function sign(payload: SignedPayload, key: string): string {
  const body = Buffer.from(JSON.stringify(payload)).toString('base64url');
  return `${body}.${signature(body, key)}`;
}

/** The payload that was signed with this key, `undefined` for anything else. */
export function verify(text: string, key: string): SignedPayload | undefined {
  const dot = text.length - SIGNATURE_LENGTH - 1;
  if (dot < 1 || text[dot] !== '.') return undefined;
  const body = text.slice(0, dot);
  const given = Buffer.from(text.slice(dot + 1));
  const expected = Buffer.from(signature(body, key));
  if (given.length !== expected.length || !timingSafeEqual(given, expected)) return undefined;
  return JSON.parse(Buffer.from(body, 'base64url').toString()) as SignedPayload;
}
