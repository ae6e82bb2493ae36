import type { Change } from './history.js';
import { membershipKey } from './plan-changes.js';

const MOST_LINES = 1_000;

/**
 * Changes that are carried out together and recorded together. What is not recorded yet is repeated by the next import:
 * commands that appended something are recognised, but one that found nothing to do is decided anew. No two changes of a
 * window touch the same person of an organisation, so a repeat meets nothing but what its own change did.
 */
export class Window {
  readonly changes: Change[] = [];
  private readonly touched = new Set<string>();
  private lines = 0;

  /** Whether the change is in now; false where it has to wait for the next window. */
  take(change: Change): boolean {
    const persons = change.lines.map(membershipKey);
    const full = this.lines > 0 && this.lines + change.lines.length > MOST_LINES;
    if (full || persons.some((person) => this.touched.has(person))) return false;
    this.changes.push(change);
    this.lines += change.lines.length;
    for (const person of persons) this.touched.add(person);
    return true;
  }
}
