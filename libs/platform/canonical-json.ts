import canonicalizeModule from 'canonicalize';

// The package is CommonJS and its types claim a default export that Node does not make.
const canonicalize = canonicalizeModule as unknown as (value: unknown) => string | undefined;

/** The RFC 8785 form of a JSON value: the same for equal values, whatever the order of their members. */
export function canonicalJson(value: unknown): string {
  const text = canonicalize(value);
  if (text === undefined) throw new TypeError('the value has no JSON form');
  return text;
}
