import type { Decider, Decision, DomainEvent } from '../event-store/index.js';

/** Reads as a rule: given what happened, when this is decided, then that follows. */
export function given<State, E extends DomainEvent>(decider: Decider<State, E>, events: readonly NoInfer<E>[] = []) {
  const state = events.reduce((folded, event, position) => decider.evolve(folded, event, position), decider.initial);
  return { state, when: (decide: (state: State) => Decision<E>) => decided(decide(state)) };
}

function decided<E extends DomainEvent>(decision: Decision<E>) {
  return {
    then: (expected: readonly E[]): void => expect(decision).toStrictEqual(expected),
    thenNothing: (): void => expect(decision).toStrictEqual([]),
    /** @param more members of the refusal, such as its field */
    thenRefused: (code: string, more: object = {}): void => expect(decision).toMatchObject({ refused: code, ...more }),
  };
}
