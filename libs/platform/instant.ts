const ISO_INSTANT = /^(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d)(?::(\d\d)(?:\.\d{1,9})?)?(?:Z|[+-](?:0\d|1[0-4]):[0-5]\d)$/;

function daysIn(year: number, month: number): number {
  return new Date(Date.UTC(year, month, 0)).getUTCDate();
}

/**
 * ISO 8601 with a zone as UTC with milliseconds (`2026-01-01T00:00:00.000Z`), `undefined` for anything else.
 * JavaScript alone would take the 30th of February for the 2nd of March.
 */
export function instantOf(text: string): string | undefined {
  const match = ISO_INSTANT.exec(text);
  if (!match) return undefined;
  const [year = 0, month = 0, day = 0, hour = 0] = match.slice(1).map(Number);
  if (year < 1970 || hour > 23 || month < 1 || month > 12 || day < 1 || day > daysIn(year, month)) return undefined;
  const milliseconds = Date.parse(text);
  return milliseconds >= 0 && milliseconds < Date.UTC(10_000, 0) ? new Date(milliseconds).toISOString() : undefined;
}
