const BLOCKS = 2 ** 17;
/** A line of the processor's cache: looking at four bits all over 8 MB took twice as long. */
const BLOCK_BITS = 512;
const BLOCK_WORDS = BLOCK_BITS / 32;
const PROBES = 4;

/** Which keys a table may have: never wrong when it says no; at 5 million keys, of 175 new ones it takes one for known. */
export class KnownKeys {
  private readonly words = new Uint32Array(BLOCKS * BLOCK_WORDS);

  /** @returns whether the key may have been added before */
  add(key: string): boolean {
    return this.probe(key, true);
  }

  mayHave(key: string): boolean {
    return this.probe(key, false);
  }

  private probe(key: string, adding: boolean): boolean {
    const hash = fnv1a(key);
    const block = (hash & (BLOCKS - 1)) * BLOCK_WORDS;
    const within = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
    // Odd, so that the probes of a key differ.
    const step = (within >>> 18) | 1;
    let known = true;
    for (let probe = 0; probe < PROBES; probe++) {
      const bit = ((within >>> 7) + probe * step) & (BLOCK_BITS - 1);
      const index = block + (bit >>> 5);
      const mask = 1 << (bit & 31);
      const word = this.words[index]!;
      if ((word & mask) !== 0) continue;
      known = false;
      if (adding) this.words[index] = word | mask;
    }
    return known;
  }
}

function fnv1a(text: string): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < text.length; index++) hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193);
  return hash ^ (hash >>> 15);
}
