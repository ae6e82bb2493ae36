/** One environment variable: how it is read and how it is documented. */
export interface Setting<T> {
  name: string;
  meaning: string;
  /** Completes "accepted: …". */
  accepted: string;
  /** The default as it is shown; empty when there is none. */
  shownDefault: string;
  secret: boolean;
  fallback: (production: boolean) => T;
  /** @throws NotAccepted */
  read: (text: string) => T;
}

export class NotAccepted extends Error {
  override readonly name = 'NotAccepted';
}

export interface ConfigurationFault {
  variable: string;
  /** What stands there; never the value of a secret. */
  found: string;
  accepted: string;
}

export function describeFound(value: string | undefined, secret: boolean): string {
  if (value === undefined) return 'nothing';
  if (secret) return `a value of ${value.length} characters (not shown)`;
  return JSON.stringify(value.length > 80 ? `${value.slice(0, 80)}…` : value);
}

export type ValuesOf<Settings> = {
  -readonly [Key in keyof Settings]: Settings[Key] extends Setting<infer Value> ? Value : never;
};

/** @throws NotAccepted */
export function readInteger(text: string, min: number, max: number): number {
  const value = /^-?\d{1,15}$/.test(text) ? Number(text) : NaN;
  if (!(value >= min && value <= max)) throw new NotAccepted();
  return value;
}

export function integer(
  name: string,
  { min, max, byDefault, meaning }: { min: number; max: number; byDefault: number; meaning: string },
): Setting<number> {
  return {
    name,
    meaning,
    accepted: `a whole number from ${min} to ${max}`,
    shownDefault: String(byDefault),
    secret: false,
    fallback: () => byDefault,
    read: (text) => readInteger(text, min, max),
  };
}

export function choice<const Value extends string>(
  name: string,
  { values, byDefault, meaning }: { values: readonly Value[]; byDefault: Value; meaning: string },
): Setting<Value> {
  return {
    name,
    meaning,
    accepted: `one of ${values.join(', ')}`,
    shownDefault: byDefault,
    secret: false,
    fallback: () => byDefault,
    read: (text) => {
      const value = values.find((known) => known === text);
      if (value === undefined) throw new NotAccepted();
      return value;
    },
  };
}

export interface TextRules {
  meaning: string;
  accepted: string;
  secret?: boolean;
  accepts: (text: string) => boolean;
}

export function text(name: string, rules: TextRules & { byDefault: string }): Setting<string> {
  const { byDefault, ...rest } = rules;
  return { ...optional(name, rest), shownDefault: byDefault, fallback: () => byDefault } as Setting<string>;
}

export function optional(name: string, { meaning, accepted, secret = false, accepts }: TextRules) {
  return optionalOf(name, { meaning, accepted, secret }, (value) => {
    if (!accepts(value)) throw new NotAccepted();
    return value;
  });
}

export function optionalOf<Value>(
  name: string,
  described: { meaning: string; accepted: string; secret?: boolean; shownDefault?: string },
  read: (text: string) => Value,
): Setting<Value | undefined> {
  return { name, secret: false, shownDefault: '', fallback: () => undefined, read, ...described };
}

const SWITCH = new Map(['true', 'on', '1'].map((word) => [word, true]));
for (const word of ['false', 'off', '0']) SWITCH.set(word, false);

export function optionalSwitch(
  name: string,
  described: { meaning: string; shownDefault: string },
): Setting<boolean | undefined> {
  return optionalOf(name, { ...described, accepted: 'true or false' }, (word) => {
    const value = SWITCH.get(word.toLowerCase());
    if (value === undefined) throw new NotAccepted();
    return value;
  });
}
