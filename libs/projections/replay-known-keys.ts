const BITS = 2 ** 26;
const PROBES = 4;

/** Which keys a table may have: never wrong when it says no; at 5 million keys, of 200 new ones it takes one for known. */
export class KnownKeys {
  private readonly words = new Uint32Array(BITS / 32);

  /** @returns whether the key may have been added before */
  add(key: string): boolean {
    return this.probe(key, true);
  }

  mayHave(key: string): boolean {
    return this.probe(key, false);
  }

  private probe(key: string, adding: boolean): boolean {
    const hash = fnv1a(key);
    // Odd, so that the probes of a key differ.
    const step = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b) | 1;
    let known = true;
    for (let probe = 0; probe < PROBES; probe++) {
      const bit = (hash + Math.imul(probe, step)) & (BITS - 1);
      const mask = 1 << (bit & 31);
      const word = this.words[bit >>> 5]!;
      if ((word & mask) !== 0) continue;
      known = false;
      if (adding) this.words[bit >>> 5] = word | mask;
    }
    return known;
  }
}

function fnv1a(text: string): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < text.length; index++) hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193);
  return hash ^ (hash >>> 15);
}
