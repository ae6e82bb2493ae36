import { hostOf, isLoopback } from './client-address.js';
import { configurationFaults } from './config-rules.js';
import { settings } from './config-settings.js';
import type { Mode, SettingValues } from './config-settings.js';
import { pepperOf } from './secret-token.js';
import type { Pepper } from './secret-token.js';
import { describeFound, NotAccepted } from './setting.js';
import type { ConfigurationFault, Setting } from './setting.js';

export interface Config extends Readonly<Omit<SettingValues, 'tokenPepper' | 'spicedbTls'>> {
  readonly mode: Mode;
  readonly production: boolean;
  readonly spicedbTls: boolean;
  /** The first makes new HMACs, all are tried on stored ones. */
  readonly tokenPeppers: readonly [Pepper, ...Pepper[]];
}

export class ConfigurationRefused extends Error {
  override readonly name = 'ConfigurationRefused';
  constructor(readonly faults: readonly ConfigurationFault[]) {
    const lines = faults.map(({ variable, found, accepted }) => `  ${variable}: found ${found}; accepted: ${accepted}`);
    super(`the configuration can't be used:\n${lines.join('\n')}`);
  }
}

export type { ConfigurationFault, Mode };

type Environment = { readonly [name: string]: string | undefined };

/** An empty variable counts as one that isn't set, as compose files and shells leave them. */
function given(env: Environment, name: string): string | undefined {
  return env[name]?.trim() || undefined;
}

function readAll(env: Environment): { values: SettingValues; faults: ConfigurationFault[] } {
  const values: Record<string, unknown> = {};
  const faults: ConfigurationFault[] = [];
  const production = given(env, 'NODE_ENV') === 'production';
  for (const [key, setting] of Object.entries<Setting<unknown>>(settings)) {
    const found = given(env, setting.name);
    values[key] = setting.fallback(production);
    if (found === undefined) continue;
    try {
      values[key] = setting.read(found);
    } catch (error) {
      if (!(error instanceof NotAccepted)) throw error;
      const { name, secret, accepted } = setting;
      faults.push({ variable: name, found: describeFound(found, secret), accepted });
    }
  }
  return { values: values as SettingValues, faults };
}

/**
 * The whole configuration, read once at start-up.
 * @throws ConfigurationRefused naming every fault
 */
export function loadConfig(env: Environment, { mode }: { mode: Mode }): Config {
  const { values, faults } = readAll(env);
  const alreadyNamed = new Set(faults.map(({ variable }) => variable));
  const further = configurationFaults(values, mode).filter(({ variable }) => !alreadyNamed.has(variable));
  if (faults.length + further.length > 0) throw new ConfigurationRefused([...faults, ...further]);
  const { tokenPepper, spicedbTls, ...rest } = values;
  return Object.freeze({
    ...rest,
    mode,
    production: values.nodeEnv === 'production',
    spicedbTls: spicedbTls ?? !isLoopback(hostOf(values.spicedbEndpoint ?? 'localhost:0')),
    tokenPeppers: tokenPepper.split(',').map((pepper) => pepperOf(pepper.trim())) as [Pepper, ...Pepper[]],
  });
}

export interface DocumentedVariable {
  name: string;
  default: string;
  meaning: string;
  accepted: string;
}

/** Every variable in the order it is documented. */
export function configurationTable(): DocumentedVariable[] {
  return Object.values<Setting<unknown>>(settings).map(({ name, shownDefault, meaning, accepted, secret }) => ({
    name,
    default: secret && shownDefault !== '' ? 'a public development key, refused in production' : shownDefault,
    meaning,
    accepted,
  }));
}
