import { NestFactory } from '@nestjs/core';
import { CommandBus } from '@nestjs/cqrs';
import { CommandEdge, ConsistencyTokens } from '../../libs/edge/index.js';
import { DeciderRuntime, EventRegistry } from '../../libs/event-store/index.js';
import { SubjectKeys } from '../../libs/personal-data/index.js';
import { type Config, loadConfig, Metrics } from '../../libs/platform/index.js';
import { Domain, FollowUps } from '../../libs/projections/index.js';
import { buildDomain, type Runtime, RuntimeModule } from '../../libs/wiring/index.js';
import { currentFlow, type Flow } from './flows.js';

/** What a simulated process has of its own: its ways to the stores, and what it keeps in memory. */
export interface Memory extends Pick<Runtime, 'pool' | 'log' | 'spicedb' | 'domain' | 'progress' | 'clock' | 'ids'> {
  registry: EventRegistry;
  decider: DeciderRuntime;
  followUps: FollowUps;
  tokens: ConsistencyTokens;
}

/** The product's own command handlers. They run in whichever simulated process calls them, on what that one has. */
export interface Handlers {
  bus: CommandBus;
  edge: CommandEdge;
  config: Config;
  /** Says what a process has. */
  equip(process: Flow, memory: Memory): void;
  close(): Promise<void>;
}

const ENV = {
  DATABASE_URL: 'postgres://simulated@localhost/simulated',
  SPICEDB_ENDPOINT: 'localhost:50051',
  SPICEDB_PRESHARED_KEY: 'simulated',
  SPICEDB_TLS: 'false',
};

/** Puts the product's modules together once: a process that starts again only gets another memory. */
export async function openHandlers(): Promise<Handlers> {
  const memories = new WeakMap<Flow, Memory>();
  const here = <Name extends keyof Memory>(name: Name): Memory[Name] =>
    new Proxy({} as Memory[Name], {
      get: (_target, member) => {
        const flow = currentFlow();
        const own = flow && memories.get(flow)?.[name];
        const value: unknown = own && Reflect.get(own, member);
        return typeof value === 'function' ? (value.bind(own) as unknown) : value;
      },
    });
  const config = loadConfig(ENV, { mode: 'relay' });
  const module = RuntimeModule.with({
    ...{ config, domain: buildDomain(), keys: new SubjectKeys(here('pool'), config.personalDataKeys) },
    ...{ pool: here('pool'), log: here('log'), spicedb: here('spicedb'), metrics: new Metrics() },
    ...{ progress: here('progress'), clock: here('clock'), ids: here('ids') },
  });
  const own = new Map<unknown, unknown>([
    [DeciderRuntime, here('decider')],
    [FollowUps, here('followUps')],
    [ConsistencyTokens, here('tokens')],
    [Domain, here('domain')],
    [EventRegistry, here('registry')],
  ]);
  const providers = module.providers!.map((provider) => {
    const provide = 'provide' in provider ? provider.provide : provider;
    return own.has(provide) ? { provide, useValue: own.get(provide) } : provider;
  });
  const context = await NestFactory.createApplicationContext({ ...module, providers }, { logger: false });
  return {
    ...{ bus: context.get(CommandBus), edge: context.get(CommandEdge), config },
    equip: (process, memory) => void memories.set(process, memory),
    close: () => context.close(),
  };
}
