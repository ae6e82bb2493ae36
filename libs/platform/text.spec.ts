import fc from 'fast-check';
import { codePoints, hasVisibleCharacter, isLine, isWellFormed, normaliseFreeText, normaliseLine } from './text.js';

describe('text', () => {
  it('of one line loses control and invisible characters and the spaces at its ends', () => {
    expect(normaliseLine(' \u0000Pay\u0007ments\u200b \u202eteam\r\n')).toBe('Payments team');
  });

  it('is composed (NFC), so that two spellings of one name are the same', () => {
    expect(normaliseLine('Cafe\u0301')).toBe('Café');
    expect(normaliseLine('e\u0000\u0301')).toBe('é');
  });

  it('that is too long in any form is not put in order, which would take quadratic time', () => {
    const disordered = (marks: number) => `a${'\u0301\u0316'.repeat(marks)}`;
    expect(normaliseLine(` ${disordered(10)} `)).toBe(disordered(10).normalize('NFC'));
    for (const normalise of [normaliseLine, normaliseFreeText]) {
      expect(normalise(` ${disordered(15_000)} `)).toBe(disordered(15_000));
    }
    expect(normaliseFreeText(` ${'\u1112\u1161\u11ab'.repeat(2_000)}${' '.repeat(20_000)}`)).toBe('한'.repeat(2_000));
  });

  it('keeps what scripts and emoji need', () => {
    for (const name of ['می‌خواهم', '👩‍👩‍👧', 'Ölçü', '日本語']) expect(normaliseLine(name)).toBe(name.normalize('NFC'));
  });

  it('that is free keeps its line breaks and tabs', () => {
    expect(normaliseFreeText(' a\r\nb\rc\td\u0000\u0085 ')).toBe('a\nb\nc\td');
  });

  it('stays as it is when it is normalised again', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        expect(normaliseLine(normaliseLine(text))).toBe(normaliseLine(text));
        expect(normaliseFreeText(normaliseFreeText(text))).toBe(normaliseFreeText(text));
      }),
    );
  });

  it('is counted in code points', () => {
    expect(codePoints('a👍é')).toBe(3);
    expect(isLine('👍'.repeat(255), 255)).toBe(true);
    expect(isLine('👍'.repeat(256), 255)).toBe(false);
  });

  it('with half a surrogate pair is not well-formed', () => {
    expect(isWellFormed('a\ud800b')).toBe(false);
    expect(isWellFormed('👍')).toBe(true);
  });

  it('of nothing but blanks shows nothing', () => {
    for (const blank of ['', ' ', '\u00a0', '\u3000', '\u200d', '\u2800', '\u3164'])
      expect(hasVisibleCharacter(blank)).toBe(false);
    expect(hasVisibleCharacter('.')).toBe(true);
  });
});
