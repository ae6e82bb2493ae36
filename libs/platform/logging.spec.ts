import { existsSync } from 'node:fs';
import { createLogger, NestLogger, openDestination, withoutSecrets } from './logging.js';
import { runInContext } from './request-context.js';

interface Line {
  level: string;
  [field: string]: unknown;
}

function recorder(level = 'info') {
  const texts: string[] = [];
  const logger = createLogger({ level, name: 'spec', destination: { write: (text) => void texts.push(text) } });
  return { logger, texts, lines: () => texts.map((text) => JSON.parse(text) as Line) };
}

const FULL = '/dev/full';

describe('the log', () => {
  (existsSync(FULL) ? it : it.skip)('costs lines, and not the process, where the disk is full', () => {
    const logger = createLogger({
      level: 'info',
      name: 'spec',
      destination: openDestination({ dest: FULL, sync: true }),
    });
    for (const line of ['lost', 'lost as well']) expect(() => logger.info({}, line)).not.toThrow();
  });

  it('is one JSON object a line with level, time and process', () => {
    const { logger, texts, lines } = recorder();
    logger.info({ position: 7 }, 'delivered\nmore');
    expect(texts[0]?.trimEnd()).not.toContain('\n');
    expect(lines()).toEqual([
      {
        level: 'info',
        time: expect.stringMatching(/^\d{4}-.*Z$/),
        name: 'spec',
        pid: process.pid,
        position: 7,
        msg: 'delivered\nmore',
      },
    ]);
  });

  it('names the correlation id of what is under way, however deep', async () => {
    const { logger, lines } = recorder();
    await runInContext({ correlationId: 'c-1', clientAddress: null }, async () => {
      await Promise.resolve();
      logger.info('inside');
    });
    logger.info('outside');
    expect(lines().map(({ correlationId }) => correlationId)).toEqual(['c-1', undefined]);
  });

  it.each([
    ['a token of ours', 'csn_pat_01JQ0000000000000000000ABC_abcdef_123456'],
    ['a bearer token', 'Authorization: Bearer abc.def-ghi'],
    ['a password in an address', 'postgres://user:hunter2@db/x'],
  ])('holds no %s in a message', (_, text) => {
    const { logger, texts } = recorder();
    logger.info(text);
    logger.error(new Error(text));
    expect(texts.join('')).not.toMatch(/abcdef|abc\.def|hunter2/);
    expect(texts.join('')).toContain('[redacted]');
  });

  it('holds no secret in a field, at any depth', () => {
    const { logger, texts, lines } = recorder();
    const secrets = {
      authorization: 'x1',
      'x-api-key': 'x2',
      tokenPepper: 'x3',
      presharedKey: 'x"4',
      adminToken: 'x5',
    };
    logger.info({
      headers: secrets,
      deep: { er: [{ password: 'x6', client_secret: 'x7', cookie: 'x8', signingKey: 'x9' }] },
    });
    expect(texts.join('')).not.toMatch(/x\\?"?\d/);
    expect(lines()).toHaveLength(1);
  });

  it('keeps what is no secret', () => {
    const line = '{"tokens":3,"code":"not-yet","path":"/v1/me/tokens","at":"2026-01-01T00:00:00Z"}';
    expect(withoutSecrets(line)).toBe(line);
  });
});

describe('what Nest logs', () => {
  it('has the same form, and is quiet about each route', () => {
    const { logger, lines } = recorder();
    const nest = new NestLogger(logger);
    nest.log('Mapped {/v1/things, GET} route', 'RouterExplorer');
    nest.log('started', 'NestApplication');
    nest.error('broken', 'the stack', 'SomeService');
    nest.warn(new Error('odd'), 'SomeService');
    nest.fatal({ any: 'object' });
    expect(lines()).toMatchObject([
      { level: 'info', msg: 'started', context: 'NestApplication' },
      { level: 'error', msg: 'broken', details: ['the stack'], context: 'SomeService' },
      { level: 'warn', msg: 'odd', context: 'SomeService' },
      { level: 'fatal', message: { any: 'object' } },
    ]);
  });
});
