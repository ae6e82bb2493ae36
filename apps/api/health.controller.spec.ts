import { Logger } from '@nestjs/common';
import type { SpiceDb } from '../../libs/authorization/index.js';
import type { EventLog } from '../../libs/event-store/index.js';
import { type SubjectKeys, WrappingKeyRefused } from '../../libs/personal-data/index.js';
import type { Progress } from '../../libs/projections/index.js';
import { Draining } from './draining.js';
import { HealthController } from './health.controller.js';

let looks: number;
let draining: Draining;
let controller: HealthController;
/** Lets the event log answer. */
let letGo: () => void;
let sound: () => void;
let schema: string | undefined;
let requireUsable: () => Promise<void>;

beforeAll(() => Logger.overrideLogger(false));

beforeEach(() => {
  looks = 0;
  draining = new Draining();
  schema = 'definition user {}';
  sound = () => undefined;
  requireUsable = async () => undefined;
  const answered = new Promise<number>((resolve) => (letGo = () => resolve(0)));
  const head = (): Promise<number> => (looks++, answered);
  controller = new HealthController(
    { requireUsable: () => requireUsable() } as unknown as SubjectKeys,
    { head } as unknown as EventLog,
    { readSchema: async () => schema } as unknown as SpiceDb,
    draining,
    { requireSound: () => sound() } as unknown as Progress,
  );
});

it('looks once for all who probe at the same time', async () => {
  const probes = Array.from({ length: 200 }, () => controller.ready());
  letGo();
  for (const probe of await Promise.all(probes)) expect(probe.status).toBe('ok');
  expect(looks).toBe(1);
});

it('is unready from the moment on in which it begins to stop, whatever it found before', async () => {
  const probe = controller.ready();
  draining.begin();
  letGo();
  await expect(probe).rejects.toMatchObject({ code: 'dependency-unavailable' });
  await expect(controller.ready()).rejects.toMatchObject({ detail: 'this process is shutting down' });
  expect(looks).toBe(1);
});

it('is unready as soon as SpiceDB is in doubt, whatever it found before', async () => {
  letGo();
  await controller.ready();
  sound = () => {
    throw new Error('in doubt');
  };
  await expect(controller.ready()).rejects.toThrow('in doubt');
});

it('is unready where SpiceDB has no schema: it says no to everything then', async () => {
  letGo();
  schema = undefined;
  await expect(controller.ready()).rejects.toMatchObject({ detail: 'not answering: spicedb' });
});

it('is unready where the process lacks a key of personal data that is in use, and names no person', async () => {
  letGo();
  requireUsable = () => Promise.reject(new WrappingKeyRefused('the stored key of user:ann'));
  await expect(controller.ready()).rejects.toMatchObject({
    detail: 'PERSONAL_DATA_KEYS of this process lacks a key that is in use',
  });
});

it('takes a database that can not be asked for keys as one that does not answer', async () => {
  letGo();
  requireUsable = () => Promise.reject(new Error('away'));
  await expect(controller.ready()).rejects.toMatchObject({ detail: 'not answering: database' });
});
