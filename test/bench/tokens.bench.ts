import { deterministicIds, matchesHmac, mintToken, parseToken, pepperOf } from '../../libs/platform/index.js';
import { type BenchRow, median, rounded, spread } from './bench-row.js';

const ROUNDS = 5;
const TOKENS = 1_000;
const VERIFICATIONS = 50_000;
const WANTED = 10_000;

/** What a call's token costs besides its lookup: the checksum and the HMAC, on one core. */
export async function benchTokens(): Promise<BenchRow[]> {
  const ids = deterministicIds('tokens');
  const peppers = [pepperOf('a-pepper-for-benchmarks-0000000000')] as const;
  const minted = Array.from({ length: TOKENS }, () => mintToken('pat', ids.ulid(new Date()), ids, peppers[0]));
  const verified: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const startedAt = performance.now();
    for (let number = 0; number < VERIFICATIONS; number++) {
      const { token, hmac } = minted[number % TOKENS]!;
      if (!matchesHmac(parseToken(token)!.secret, hmac, peppers)) throw new Error('a genuine token was refused');
    }
    verified.push(VERIFICATIONS / ((performance.now() - startedAt) / 1_000));
  }
  const row = { ours: rounded(median(verified)), peer: WANTED, unit: 'tokens/s', target: 1, note: spread(verified) };
  return [{ name: 'token verification: 10,000 a second and core', ...row, ratio: rounded(median(verified) / WANTED) }];
}
