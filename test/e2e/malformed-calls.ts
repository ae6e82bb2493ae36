import fc from 'fast-check';
import type { Conformance, DocumentedOperation, JsonSchema, Parameter } from './conformance.js';

/** A call as it goes over the wire. */
export interface RawCall {
  method: string;
  path: string;
  headers: Record<string, string>;
  body?: string | Buffer;
}
/** One way to spoil a good call. */
type Fault = (call: RawCall) => RawCall;
type Json = null | boolean | number | string | Json[] | { [name: string]: Json };
/** Where a member stands, and what it may be. */
interface Field {
  path: string[];
  schema: JsonSchema;
}

const ULID = '^[0-7][0-9A-HJKMNP-TV-Za-hjkmnp-tv-z]{25}$';
const ID = '01JQ0000000000000000000ABC';
const BODY_LIMIT = 64 * 1024;
const DEEPEST = 20;
const CALL_FOR_NAMES = ['__proto__', 'constructor', 'toString', 'prototype', 'then', '', ' ', 'a.b', '$where'];
const ANY_JSON: readonly Json[] = [null, true, 0, -1, 1.5, 1e308, 'word', '', [], ['x'], [[]], {}, { a: 1 }];
const NOT_JSON = ['{', '[1,', '{"a":}', "{'a':1}", 'undefined', 'NaN', '{"a":1}x', '\u0000', '<a/>', '\ufeff\ufeff{}'];
const MEDIA_TYPES = [
  'text/plain',
  'application/x-www-form-urlencoded',
  'multipart/form-data',
  'application/xml',
  'json',
];
const MALFORMED_IDS = ['7', 'x', ID.slice(1), `${ID}0`, `8${ID.slice(1)}`, `U${ID.slice(1)}`, ID.replace('A', 'L')];
const ENCODED = ['%00', '%zz', '%', '%ff', '%c3%28', '%ed%a0%80', '%F0%9F%98%80', '..%2f..', '%2e%2e', '%0d%0a', '*'];
const BEARERS = [
  '',
  'Bearer',
  'Bearer ',
  'Basic eA==',
  'Bearer x',
  'bearer \u00e9',
  `Bearer ${ID}`,
  'Bearer a b c',
  '{}',
];
const KEYS = ['', 'a b', '\u00e9', 'x'.repeat(256), 'a\tb'];
const ETAGS = ['', 'abc', '3', '"-1"', '"9999999999"', '"1", "2"', 'W/3', '""', '"1.5"', '\u00ff'];
const PREFERENCES = ['', 'wait', 'wait=', 'wait=-1', 'wait=999999', 'wait=99999999', ';;,=', 'wait="', '\u00ff'];
const TOKENS = ['', 'forged', 'a.b', 'a.b.c', '{}', 'eyJpIjoxfQ.x', '\u00e9', 'x'.repeat(3_000)];

const anyOf = <Value>(...values: Value[]): fc.Arbitrary<Value> => fc.constantFrom(...values);

/** Makes calls of one operation, good ones and spoilt ones. */
export class Calls {
  private readonly body: JsonSchema | undefined;

  constructor(
    readonly operation: DocumentedOperation,
    private readonly conformance: Conformance,
    private readonly ids: Record<string, string>,
    private readonly bearer: string,
  ) {
    this.body = operation.requestBody?.content['application/json']?.schema;
  }

  /** What the document allows, for things that are there. */
  good(): RawCall {
    const { method, path, security } = this.operation;
    const headers: Record<string, string> = security?.length === 0 ? {} : { authorization: this.bearer };
    const call = {
      method: method.toUpperCase(),
      path: path.replace(/\{(\w+)\}/g, (_, name) => this.ids[name] ?? ID),
      headers,
    };
    return this.body ? withBody(call, this.sample(this.body)) : call;
  }

  /** For each field of the body that takes an id: good calls but for that. */
  withIdInBody(): { field: string; naming(id: string): RawCall }[] {
    const fields = this.fields().filter(({ schema }) => schema.pattern === ULID);
    return fields.map((field) => ({
      field: field.path.join('.'),
      naming: (id) => this.replaced(this.good(), field, id),
    }));
  }

  /** Calls that have to be refused. */
  malformed(): fc.Arbitrary<RawCall> {
    const faults = [...this.ofBody(), ...this.ofTransport(), ...this.ofHeaders(), ...this.ofPath(), ...this.ofQuery()];
    return fc.oneof(...faults).map((fault) => fault(this.good()));
  }

  /** Whether anything of the call is text of the caller's own. */
  get takesTexts(): boolean {
    return [...this.fields(), ...this.parameters('query')].some(({ schema }) => isFreeText(schema));
  }

  /** Calls with whatever text where there is room for text; they may be accepted. */
  withOddTexts(): fc.Arbitrary<RawCall> {
    const text = fc.oneof(fc.string({ unit: 'binary' }), fc.string({ unit: 'grapheme', maxLength: 300 }));
    const fields = this.fields().filter(({ schema }) => isFreeText(schema));
    const parameters = this.parameters('query').filter(({ schema }) => isFreeText(schema));
    const inBody = fields.map((field) =>
      text.map(
        (odd): Fault =>
          (call) =>
            this.replaced(call, field, odd),
      ),
    );
    const inQuery = parameters.map(({ name }) => {
      return text.map(
        (odd): Fault =>
          (call) =>
            withQuery(call, `${name}=${encodeURIComponent(odd)}`),
      );
    });
    return fc.oneof(...inBody, ...inQuery).map((fault) => fault(withHeader(this.good(), 'prefer', 'wait=0')));
  }

  private ofBody(): fc.Arbitrary<Fault>[] {
    if (!this.body) return [];
    const fields = this.fields();
    const required = fields.filter(({ path, schema }) => this.isRequired(path) && schema !== undefined);
    const spoilt = fields.flatMap((field) => this.wrongValues(field.schema).map((value) => ({ field, value })));
    const extra = fc.tuple(
      fc.oneof(
        anyOf(...CALL_FOR_NAMES),
        fc.string().map((name) => `x${name}`),
      ),
      anyOf(...ANY_JSON),
    );
    const deep = fc.integer({ min: DEEPEST, max: 10_000 });
    return [
      anyOf<Json>(null, [], [[]], 'text', 7, true).map(
        (body): Fault =>
          (call) =>
            withBody(call, body),
      ),
      extra.map(
        (member): Fault =>
          (call) =>
            withText(call, withMember(String(call.body), member)),
      ),
      deep.map(
        (depth): Fault =>
          (call) =>
            withText(call, withMember(String(call.body), ['deep', nested(depth)])),
      ),
      anyOf<Fault>(
        (call) => withText(call, `{"x":1e999}`),
        (call) => withText(call, '{"x":"\\ud800"}'),
      ),
      ...(spoilt.length > 0
        ? [
            anyOf(...spoilt).map(
              ({ field, value }): Fault =>
                (call) =>
                  this.replaced(call, field, value),
            ),
          ]
        : []),
      ...(required.length > 0
        ? [
            anyOf(...required).map(
              (field): Fault =>
                (call) =>
                  this.replaced(call, field, undefined),
            ),
          ]
        : []),
    ];
  }

  private ofTransport(): fc.Arbitrary<Fault>[] {
    if (this.operation.method === 'get') return [];
    return [
      anyOf(...NOT_JSON).map(
        (text): Fault =>
          (call) =>
            withText(call, text),
      ),
      anyOf<Fault>(
        (call) => withText(call, Buffer.from([0x22, 0xff, 0xfe, 0x22])),
        (call) => withText(call, `{"x":"${'y'.repeat(BODY_LIMIT)}"}`),
        (call) => withHeader(withText(call, '{}'), 'content-type', 'application/json; charset=utf-16'),
        (call) => withHeader(withText(call, '{}'), 'content-encoding', 'gzip'),
      ),
      anyOf(...MEDIA_TYPES).map(
        (type): Fault =>
          (call) =>
            withHeader(withText(call, 'a=b'), 'content-type', type),
      ),
    ];
  }

  private ofHeaders(): fc.Arbitrary<Fault>[] {
    if (this.operation.security?.length === 0) return [];
    const names = this.parameters('header').map(({ name }) => name);
    const spoilt = (name: string, values: string[]): fc.Arbitrary<Fault> =>
      anyOf(...values).map(
        (value): Fault =>
          (call) =>
            withHeader(call, name, value),
      );
    const badKey = spoilt('idempotency-key', KEYS);
    return [
      spoilt('authorization', BEARERS),
      spoilt('consistency-token', TOKENS),
      ...(names.includes('Idempotency-Key') ? [badKey] : []),
      ...(names.includes('If-Match') ? [spoilt('if-match', ETAGS)] : []),
      // A preference is a wish: one that makes no sense is passed over.
      ...(names.includes('Prefer')
        ? [
            fc.tuple(badKey, spoilt('prefer', PREFERENCES)).map(
              ([first, second]): Fault =>
                (call) =>
                  second(first(call)),
            ),
          ]
        : []),
    ];
  }

  private ofPath(): fc.Arbitrary<Fault>[] {
    return this.parameters('path').map(({ name }) => {
      const spoilt = fc.oneof(
        anyOf(...MALFORMED_IDS, ...ENCODED, 'x'.repeat(3_000)),
        fc.string().map((text) => `-${encodeURIComponent(text)}`),
      );
      return spoilt.map((value): Fault => (call) => ({
        ...call,
        path: call.path.replace(this.ids[name] ?? ID, value),
      }));
    });
  }

  private ofQuery(): fc.Arbitrary<Fault>[] {
    const spoilt = this.parameters('query').flatMap(({ name, schema }) => {
      return [...wrongTexts(schema), ...(name === 'cursor' ? TOKENS.map(encodeURIComponent) : [])].map(
        (text) => `${name}=${text}`,
      );
    });
    const repeated = this.parameters('query').map(({ name, schema }) => {
      return `${name}=${String(this.sample(schema))}&${name}=${String(this.sample(schema))}`;
    });
    const strays = [
      'x=1',
      '__proto__=1',
      'constructor=1',
      '=1',
      '%=1',
      'x=%zz',
      'x=%ff',
      'x=%00',
      'x[]=1',
      'limit[a]=1',
    ];
    return [
      anyOf(...strays, ...spoilt, ...repeated).map(
        (query): Fault =>
          (call) =>
            withQuery(call, query),
      ),
    ];
  }

  private parameters(place: Parameter['in']): Parameter[] {
    return (this.operation.parameters ?? []).filter((parameter) => parameter.in === place);
  }

  /** All members of the body, at any depth; of lists, of the first item. */
  private fields(schema = this.body, path: string[] = []): Field[] {
    if (!schema) return [];
    const { properties = {}, items } = this.objectOf(schema);
    const own = Object.entries(properties).flatMap(([name, property]) => {
      const field = { path: [...path, name], schema: this.conformance.resolve(property) };
      return [field, ...this.fields(property, field.path)];
    });
    return [...own, ...(items ? this.fields(items, [...path, '0']) : [])];
  }

  /** The object in a schema that may be null too. */
  private objectOf(schema: JsonSchema): JsonSchema {
    const resolved = this.conformance.resolve(schema);
    const [first] = resolved.anyOf ?? [];
    return first ? this.conformance.resolve(first) : resolved;
  }

  private isRequired([...path]: string[]): boolean {
    const name = path.pop()!;
    const parent = path.reduce((schema, step) => {
      const { properties = {}, items } = this.objectOf(schema);
      return step === '0' ? items! : properties[step]!;
    }, this.body!);
    return this.objectOf(parent).required?.includes(name) ?? false;
  }

  private sample(given: JsonSchema): Json {
    const schema = this.objectOf(given);
    const { properties = {}, required = [], minimum = 0, format } = schema;
    const [type] = [schema.type].flat();
    if (schema.enum) return schema.enum[0] as Json;
    if (type === 'object') return Object.fromEntries(required.map((name) => [name, this.sample(properties[name]!)]));
    if (type === 'array') return schema.items ? [this.sample(schema.items)] : [];
    if (type === 'integer') return minimum;
    if (type === 'boolean') return true;
    if (format === 'date-time') return '2090-01-01T00:00:00Z';
    if (format === 'email') return 'somebody@example.com';
    return schema.pattern === undefined ? 'text' : ID;
  }

  private wrongValues(given: JsonSchema): Json[] {
    const schema = this.objectOf(given);
    const isNullable = given.anyOf !== undefined || [given.type].flat().includes('null');
    const [type] = [schema.type].flat();
    const others = ANY_JSON.filter((value) => (value === null ? !isNullable : typeOf(value) !== type));
    const { maxLength, minLength, minimum, maximum, maxItems, minItems, items } = schema;
    return [
      ...others.filter((value) => !(type === 'integer' && typeof value === 'number' && Number.isInteger(value))),
      ...(schema.enum || schema.pattern || schema.format ? ['word', ''] : []),
      ...(maxLength === undefined ? [] : ['x'.repeat(maxLength + 1), '\u{1F600}'.repeat(maxLength + 1)]),
      ...(minLength === undefined ? [] : ['']),
      ...(minimum === undefined ? [] : [minimum - 1, -1e300]),
      ...(maximum === undefined ? [] : [maximum + 1, 1e300, Number.MAX_SAFE_INTEGER]),
      ...(minItems === undefined ? [] : [[]]),
      ...(maxItems === undefined || !items ? [] : [Array.from({ length: maxItems + 1 }, () => this.sample(items))]),
    ];
  }

  private replaced(call: RawCall, { path }: Field, value: Json | undefined): RawCall {
    const body = JSON.parse(String(call.body)) as Record<string, Json>;
    let place = body as Record<string, Json | undefined>;
    let schema = this.body!;
    for (const step of path.slice(0, -1)) {
      const { properties = {}, items } = this.objectOf(schema);
      schema = step === '0' ? items! : properties[step]!;
      place = (place[step] ??= this.sample(schema)) as Record<string, Json | undefined>;
    }
    place[path.at(-1)!] = value;
    return withBody(call, body);
  }
}

function typeOf(value: Json): string {
  if (Array.isArray(value)) return 'array';
  return typeof value === 'number' && Number.isInteger(value) ? 'integer' : typeof value;
}

function isFreeText({ type, enum: values, format, pattern }: JsonSchema): boolean {
  return [type].flat().includes('string') && !values && pattern === undefined && format !== 'date-time';
}

/** Texts of a query parameter that don't fit its schema, percent-encoded. */
function wrongTexts({ type, enum: values, pattern, format, minLength, maxLength }: JsonSchema): string[] {
  if (type === 'integer')
    return ['0', '-1', '201', 'x', '', '1.5', '1e2', '%EF%BC%91', '9'.repeat(30), '0x10', 'NaN', '%201'];
  if (type === 'boolean') return ['1', 'yes', '', 'TRUE'];
  return [
    ...(values || pattern || format ? ['', 'word', '%F0%9F%98%80', ID.slice(1)] : []),
    ...(minLength === undefined ? [] : ['', '%20', '%E2%80%8B']),
    ...(maxLength === undefined ? [] : ['x'.repeat(maxLength + 1)]),
  ];
}

function nested(depth: number): string {
  return `${'['.repeat(depth)}${']'.repeat(depth)}`;
}

/** @param member its name, and its value as such or, where it is text, as JSON */
function withMember(body: string, [name, value]: [string, Json]): string {
  const json = name === 'deep' ? String(value) : JSON.stringify(value);
  const rest = body.slice(1);
  return `{${JSON.stringify(name)}:${json}${rest === '}' ? '' : ','}${rest}`;
}

function withBody(call: RawCall, body: Json): RawCall {
  return withText(call, JSON.stringify(body));
}

function withText(call: RawCall, body: string | Buffer): RawCall {
  return withHeader({ ...call, body }, 'content-type', 'application/json');
}

function withHeader(call: RawCall, name: string, value: string): RawCall {
  return { ...call, headers: { ...call.headers, [name]: value } };
}

function withQuery(call: RawCall, query: string): RawCall {
  return { ...call, path: `${call.path}?${query}` };
}
