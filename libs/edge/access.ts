import { Inject, Injectable } from '@nestjs/common';
import { type Freshness, SpiceDb } from '../authorization/index.js';
import type { EventLog } from '../event-store/index.js';
import { Refused } from '../platform/index.js';
import { Progress } from '../projections/index.js';
import { EVENT_LOG, SPICEDB } from './injection-tokens.js';

export const INSTALLATION = 'system:installation';
const FRESH_WAIT_MS = 5_000;

export interface AccessQuestion {
  /** `user:…` */
  subject: string;
  /** `workspace:…` */
  resource: string;
  permission: string;
  seenWith?: string;
  too?: string;
  fresh?: boolean;
  /** `tenant:…` that it is asked for in: in another it isn't there, even for who may see it where it is. */
  within?: string;
}

/** Asks SpiceDB on behalf of routes. */
@Injectable()
export class Access {
  constructor(
    @Inject(SPICEDB) private readonly spicedb: SpiceDb,
    @Inject(EVENT_LOG) private readonly log: EventLog,
    private readonly progress: Progress,
  ) {}

  /**
   * @returns whether what is asked for too is held
   * @throws Refused `forbidden` to who may see the resource, else `not-found`; `not-yet` when it can't be asked freshly
   */
  async require({ fresh = false, within, ...question }: AccessQuestion): Promise<boolean> {
    const { subject, resource, permission, seenWith, too } = question;
    const asked = [...new Set([permission, seenWith, too])].filter((one) => one !== undefined);
    const answers = await this.spicedb.checkAll(
      asked.map((one) => ({ resource, permission: one, subject })),
      fresh ? await this.freshAtHead() : this.freshAsKnown(),
    );
    const isHeld = (one: string | undefined): boolean => one !== undefined && answers[asked.indexOf(one)] === true;
    if (isHeld(permission)) return isHeld(too);
    const mayKnow = resource === INSTALLATION || (isHeld(seenWith) && (await this.isWithin(resource, within)));
    throw new Refused(mayKnow ? 'forbidden' : 'not-found');
  }

  private async isWithin(resource: string, tenant: string | undefined): Promise<boolean> {
    if (tenant === undefined || tenant === resource) return true;
    return this.spicedb.check({ resource, permission: 'tenant', subject: tenant }, this.freshAsKnown());
  }

  /** As of what this process knows. @throws Refused `dependency-unavailable` while SpiceDB can't be trusted */
  async allows(question: Pick<AccessQuestion, 'subject' | 'resource' | 'permission'>): Promise<boolean> {
    return this.spicedb.check(question, this.freshAsKnown());
  }

  /** One answer per permission, as of the head of the log. */
  async allowsEach(asked: { subject: string; resource: string; permissions: readonly string[] }): Promise<boolean[]> {
    const { subject, resource, permissions } = asked;
    const checks = permissions.map((permission) => ({ resource, permission, subject }));
    return this.spicedb.checkAll(checks, await this.freshAtHead());
  }

  /**
   * At least all that this process knows to be delivered.
   * @throws Refused `dependency-unavailable` while SpiceDB can't be trusted
   */
  freshAsKnown(): Freshness {
    this.progress.requireSound();
    const { zedToken } = this.progress;
    return zedToken ? { atLeast: zedToken } : { full: true };
  }

  private async freshAtHead(): Promise<Freshness> {
    const head = await this.log.head();
    if (!(await this.progress.waitFor('delivered', head, FRESH_WAIT_MS))) throw new Refused('not-yet');
    return this.freshAsKnown();
  }
}
