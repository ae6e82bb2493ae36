import { AsyncLocalStorage } from 'node:async_hooks';

/** A timer of a simulated process, as `setTimeout` answers with it. */
export interface FlowTimer {
  cancel(): void;
}

/** A simulated process, as far as the code that runs in it can tell. */
export interface Flow {
  /** Milliseconds that only go forward. */
  monotonic(): number;
  startTimer(run: () => void, milliseconds: number, repeated: boolean): FlowTimer;
}

const flows = new AsyncLocalStorage<Flow | undefined>();

export function currentFlow(): Flow | undefined {
  return flows.getStore();
}

export function inFlow<T>(flow: Flow, work: () => T): T {
  return flows.run(flow, work);
}

/** For what the simulation itself does, in real time. */
export function outsideOfFlows<T>(work: () => T): T {
  return flows.run(undefined, work);
}

class Handle {
  constructor(readonly timer: FlowTimer) {}
  readonly ref = (): this => this;
  readonly unref = (): this => this;
  readonly hasRef = (): boolean => true;
}

type Timer = (run: (...args: unknown[]) => void, milliseconds?: number, ...args: unknown[]) => unknown;
type Clear = (handle?: unknown) => void;

let installed: (() => void) | undefined;

/**
 * Gives code that runs in a simulated process the timers and the monotonic clock of that process; all other code keeps
 * the real ones.
 * @returns takes that back
 */
export function installSimulatedTime(): () => void {
  installed ??= install();
  return installed;
}

function install(): () => void {
  const { setTimeout, setInterval, clearTimeout, clearInterval } = globalThis;
  const now = performance.now.bind(performance);
  const simulated =
    (real: Timer, repeated: boolean): Timer =>
    (run, milliseconds = 0, ...args) => {
      const flow = flows.getStore();
      if (!flow) return real(run, milliseconds, ...args);
      return new Handle(flow.startTimer(() => run(...args), milliseconds, repeated));
    };
  const clear =
    (real: Clear): Clear =>
    (handle) =>
      handle instanceof Handle ? handle.timer.cancel() : real(handle);
  const replaced = {
    setTimeout: simulated(setTimeout as Timer, false),
    setInterval: simulated(setInterval as Timer, true),
    clearTimeout: clear(clearTimeout as Clear),
    clearInterval: clear(clearInterval as Clear),
  };
  Object.assign(globalThis, replaced);
  performance.now = () => flows.getStore()?.monotonic() ?? now();
  return () => {
    Object.assign(globalThis, { setTimeout, setInterval, clearTimeout, clearInterval });
    performance.now = now;
    installed = undefined;
  };
}
