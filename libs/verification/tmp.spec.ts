import { ADA, BOB, findings, inYears, TENANT, World } from './world.fixture.js';
const tuple = (relation: string, user: string) => ({ resource: `tenant:${TENANT}`, relation, subject: `user:${user}` });
import { appendFileSync } from 'node:fs';
const log = (...a: unknown[]) =>
  appendFileSync(
    '/tmp/live.log',
    a.map((x) => (typeof x === 'string' ? x : x instanceof Error ? x.stack : JSON.stringify(x))).join(' ') + '\n',
  );
it('live', async () => {
  const world = await World.start();
  for (let times = 0; times < 25; times++) {
    log('times', times);
    await world.reset();
    await world.tenant();
    let working = true;
    const trace: string[] = [];
    const work = async (): Promise<void> => {
      for (let round = 0; round < 60; round++) {
        const member = tuple('member', round % 2 === 0 ? ADA : BOB);
        const change = round % 3 === 0 ? { endTuple: member } : { want: member, source: 'x', until: inYears(round) };
        const put = { group: 'a', id: round % 5, size: round };
        await world.sample({ sources: [change], rows: [{ table: 'sample', put }] });
        if (round % 4 !== 0) await world.commit();
        if (round % 5 !== 0) await world.deliver();
        trace.push(`${round} ${JSON.stringify(change)}`);
      }
      working = false;
    };
    const worked = work().catch((e) => {
      log('WORK FAILED', e);
      working = false;
    });
    for (; working;) {
      const r = await world.check();
      const f = findings(r);
      if (Object.keys(f).length) {
        log(times, r.position, r.delivery, JSON.stringify(f, null, 1), trace.slice(-4));
        await worked;
        throw new Error('found');
      }
    }
    await worked;
  }
  await world.stop();
}, 300_000);
