import type { FaultHook, FaultPoint } from '../../libs/wiring/index.js';

/** Kills this process when it passes a point for the given time: FAULT=after-append:5. */
export function killAt(fault = process.env['FAULT'] ?? 'never:1'): FaultHook {
  const [point, count] = fault.split(':') as [FaultPoint, string];
  let left = Number(count);
  return (passed) => {
    if (passed === point && --left === 0) process.kill(process.pid, 'SIGKILL');
  };
}
