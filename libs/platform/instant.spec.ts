import fc from 'fast-check';
import { instantOf } from './instant.js';

describe('an instant', () => {
  it.each([
    ['2026-01-31T12:00:00Z', '2026-01-31T12:00:00.000Z'],
    ['2026-01-31T12:00Z', '2026-01-31T12:00:00.000Z'],
    ['2026-01-31T12:00:00.123456789Z', '2026-01-31T12:00:00.123Z'],
    ['2026-01-01T00:30:00+01:00', '2025-12-31T23:30:00.000Z'],
    ['2028-02-29T00:00:00-05:30', '2028-02-29T05:30:00.000Z'],
  ])('%s is %s', (text, expected) => {
    expect(instantOf(text)).toBe(expected);
  });

  it.each([
    '',
    'tomorrow',
    '2026-01-31',
    '2026-01-31T12:00:00',
    '2026-01-31 12:00:00Z',
    '2026-1-31T12:00:00Z',
    '2026-02-29T00:00:00Z',
    '2026-04-31T00:00:00Z',
    '2026-00-10T00:00:00Z',
    '2026-13-01T00:00:00Z',
    '2026-01-00T00:00:00Z',
    '2026-01-31T24:00:00Z',
    '2026-01-31T12:60:00Z',
    '2026-01-31T12:00:60Z',
    '2026-01-31T12:00:00+15:00',
    '2026-01-31T12:00:00Z\n',
    '1969-12-31T23:59:59Z',
    '1970-01-01T00:00:00+01:00',
    '+010000-01-01T00:00:00Z',
    '9999-12-31T23:59:59-01:00',
    '1767225600',
  ])('is not "%s"', (text) => {
    expect(instantOf(text)).toBeUndefined();
  });

  it('stays as it is once it is in UTC', () => {
    fc.assert(
      fc.property(
        fc.date({ min: new Date(0), max: new Date('9999-12-31T23:59:59.999Z'), noInvalidDate: true }),
        (date) => {
          expect(instantOf(date.toISOString())).toBe(date.toISOString());
        },
      ),
    );
  });
});
