import { runChildScript } from '../../libs/testing/child-script.js';
import { startTestApp, TEST_ADMIN_TOKEN, type TestApp } from '../../libs/testing/test-app.js';
import { aTenant, aUserWithToken, checkedApp } from './world.js';

const LIMIT = 40;

let app: TestApp;

checkedApp(
  async () =>
    (app = await startTestApp({
      env: { RATE_LIMIT_PER_MINUTE: String(LIMIT), AUTH_FAILURES_PER_MINUTE: '3' },
    })),
);

const statuses = (calls: Promise<{ status: number }>[]): Promise<number[]> =>
  Promise.all(calls.map(async (call) => (await call).status));

/** Reads the answer to its end: one that is still being sent would hold up the stop of the server. */
async function whole(address: string | URL): Promise<Response> {
  const answer = await fetch(address);
  await answer.arrayBuffer();
  return answer;
}

describe('MG-013 calls a minute', () => {
  it('are counted for each principal, before anything is asked for them', async () => {
    const [ann, bob] = [await aUserWithToken(app), await aUserWithToken(app)];
    const tenant = await aTenant(app, { owner: bob });
    const answered = await statuses(Array.from({ length: LIMIT + 5 }, () => ann.get('/v1/me')));
    expect(answered.filter((status) => status === 200)).toHaveLength(LIMIT);
    const refused = await ann.get(tenant.path);
    expect(refused).toMatchObject({ status: 429, body: { code: 'too-many-requests' } });
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThanOrEqual(1);
    expect((await bob.get(tenant.path)).status).toBe(200);
  });

  it('leave health alone', async () => {
    const answered = await statuses(Array.from({ length: LIMIT + 5 }, () => app.as().get('/healthz')));
    expect(new Set(answered)).toEqual(new Set([200]));
  });

  it('that say nothing of who calls do not count as failed authentications', async () => {
    const answered = await statuses(Array.from({ length: 4 }, () => app.as().get('/nowhere')));
    expect(answered).toEqual([404, 404, 404, 404]);
    expect((await (await aUserWithToken(app)).get('/v1/me')).status).toBe(200);
  });

  it('with tokens that are not valid are few, whoever else calls from there', async () => {
    const failed = [];
    for (const token of ['csn_pat_x', 'y', 'z', 'csn_pat_x', TEST_ADMIN_TOKEN]) {
      failed.push((await app.as(token).get('/v1/me')).status);
    }
    expect(failed).toEqual([401, 401, 401, 429, 429]);
  });
});

describe('the pages of the documentation', () => {
  // Swagger loads its pages in a way that jest can't.
  const script = runChildScript(
    ['libs/testing/test-app.js'],
    `const app = await m.startTestApp({ docs: true });
     process.once('SIGTERM', () => void app.stop().then(() => process.exit(0)));
     console.log(app.url);`,
  );

  afterAll(async () => {
    script.process.kill('SIGTERM');
    expect((await script.exited).code).toBe(0);
  });

  it('work under their content security policy', async () => {
    const url = await script.nextLine();
    const page = await fetch(`${url}/docs`);
    const html = await page.text();
    const policy = page.headers.get('content-security-policy')!;
    expect(policy).toContain("script-src 'self';");
    const scripts = [...html.matchAll(/<script([^>]*)>([^]*?)<\/script>/g)];
    expect(scripts.length).toBeGreaterThan(0);
    for (const [, attributes, inline] of scripts) {
      expect(inline!.trim()).toBe('');
      expect(attributes).toMatch(/src=/);
    }
    expect(html).not.toMatch(/\son\w+=/);
    const parts = [...html.matchAll(/(?:src|href)="([^"#]+)"/g)].map(([, path]) => new URL(path!, `${url}/docs`));
    expect(parts.length).toBeGreaterThan(2);
    for (const part of parts) {
      expect(part.origin).toBe(url);
      const { status, headers } = await whole(part);
      expect([part.pathname, status]).toEqual([part.pathname, 200]);
      expect(headers.get('content-type')).not.toContain('problem');
    }
    expect((await whole(`${url}/openapi.json`)).headers.get('content-security-policy')).toContain("default-src 'none'");
  });
});
