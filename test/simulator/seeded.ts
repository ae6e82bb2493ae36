import { createHash } from 'node:crypto';

/** Random numbers from a name: the same name gives the same numbers in the same order. */
export class Seeded {
  private readonly state: Uint32Array;

  constructor(readonly name: string) {
    const digest = createHash('sha256').update(name).digest();
    this.state = Uint32Array.from([0, 4, 8, 12], (offset) => digest.readUInt32LE(offset));
  }

  /** From 0 to below 1 (sfc32). */
  next(): number {
    const s = this.state;
    const t = (s[0]! + s[1]! + s[3]!) >>> 0;
    s[3] = s[3]! + 1;
    s[0] = s[1]! ^ (s[1]! >>> 9);
    s[1] = s[2]! + (s[2]! << 3);
    s[2] = ((s[2]! << 21) | (s[2]! >>> 11)) + t;
    return t / 2 ** 32;
  }

  /** From `low` to below `high`. */
  between(low: number, high: number): number {
    return Math.floor(low + this.next() * (high - low));
  }

  chance(probability: number): boolean {
    return this.next() < probability;
  }

  pick<T>(from: readonly T[]): T {
    return from[Math.floor(this.next() * from.length)]!;
  }

  /** Numbers of their own, which do not depend on how many were taken here. */
  fork(name: string): Seeded {
    return new Seeded(`${this.name}/${name}`);
  }
}
