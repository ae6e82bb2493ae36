/** From 0 to below 1; spreads pauses, never decides anything that is stored. */
export const systemRandom: () => number = Math.random;
