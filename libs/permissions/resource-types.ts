import { Injectable, type OnModuleInit } from '@nestjs/common';
import { MARK_TYPE } from '../outbox/index.js';
import { ownTypes } from '../verification/index.js';

/** How roles of tenants are put together is nobody else's business: what they allow is asked of what they are held on. */
const INNER = [MARK_TYPE, 'role', 'role_binding'];

/** The object types whose permissions can be asked for: those of schema.zed. */
@Injectable()
export class ResourceTypes implements OnModuleInit {
  private types: ReadonlySet<string> = new Set();

  async onModuleInit(): Promise<void> {
    this.types = new Set((await ownTypes()).filter((type) => !INNER.includes(type)));
  }

  has(type: string): boolean {
    return this.types.has(type);
  }

  /** Whether objects of the type are named by a ULID. */
  hasUlids(type: string): boolean {
    return type !== 'system' && this.types.has(type);
  }
}
