import { type CursorPosition, decodeCursor, encodeCursor, ListQuery } from '../platform/index.js';

/** Query parameters of every list. */
export class PageQuery extends ListQuery {}

export interface Page<Item> {
  items: Item[];
  /** Asks for what comes after; null at the end. */
  nextCursor: string | null;
}

/** One list with its filters, whose cursors serve no other. */
export class Paging {
  constructor(
    private readonly key: string,
    private readonly list: string,
    private readonly query: PageQuery,
  ) {}

  get limit(): number {
    return this.query.limit;
  }

  /** Sort values of the last row of the page before; undefined on the first. */
  get after(): CursorPosition | undefined {
    return this.query.cursor === undefined ? undefined : decodeCursor(this.query.cursor, this.purpose, this.key);
  }

  /** @param rows up to one more than the limit: the extra one tells that there is a next page */
  page<Row, Item>(
    rows: readonly Row[],
    toItem: (row: Row) => Item,
    positionOf: (row: Row) => CursorPosition,
  ): Page<Item> {
    const shown = rows.slice(0, this.limit);
    const more = rows.length > this.limit;
    const nextCursor = more ? encodeCursor(positionOf(shown.at(-1)!), this.purpose, this.key) : null;
    return { items: shown.map(toItem), nextCursor };
  }

  private get purpose() {
    const { limit: _limit, cursor: _cursor, ...filters } = this.query;
    return { list: this.list, filters };
  }
}
