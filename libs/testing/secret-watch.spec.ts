import { loadConfig } from '../platform/core.js';
import { SecretWatch } from './secret-watch.js';

const env = { TOKEN_PEPPER: `${'p'.repeat(40)}, ${'q'.repeat(40)}`, SIGNING_KEY: 's'.repeat(40) };

function watch(): SecretWatch {
  return new SecretWatch(loadConfig({ ADMIN_TOKEN: 'admin-for-tests', ...env }, { mode: 'standalone' }), env);
}

const logged = (text: string) => [{ place: 'the log', text }];

describe('the watch over secrets', () => {
  it.each([
    ['configured', 'admin-for-tests'],
    ['a pepper', 'q'.repeat(40)],
    ['the signing key', 's'.repeat(40)],
  ])('finds one that is %s', (_, secret) => {
    expect(watch().faults(logged(`{"x":"${secret}"}`))).toHaveLength(1);
  });

  it('finds one that an answer gave, in the log and in refusals, and does not repeat it', () => {
    const secrets = watch();
    secrets.answered(201, '', { items: [{ secret: 'csn_pat_minted' }] });
    secrets.answered(422, '{"detail":"csn_pat_minted"}', undefined);
    const faults = secrets.faults(logged('at "csn_pat_minted"'));
    expect(faults).toHaveLength(2);
    expect(faults.join()).not.toContain('csn_pat_minted');
  });

  it('finds one that is written as JSON', () => {
    const secrets = watch();
    secrets.knows('with"quote"and\\');
    expect(secrets.faults(logged(JSON.stringify({ x: 'with"quote"and\\' })))).toHaveLength(1);
  });

  it('says nothing of what holds none', () => {
    expect(watch().faults(logged('{"msg":"answered","status":200}'))).toEqual([]);
  });
});
