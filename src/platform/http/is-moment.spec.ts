import { isMoment } from './is-moment.decorator';

describe('a moment', () => {
  it.each([
    '2026-12-24T18:00:00Z',
    '2026-12-24T18:00Z',
    '2026-12-24T18:00:00.123456+05:30',
    '2028-02-29T00:00:00Z',
    '0001-01-01T00:00:00Z',
  ])('%s is one, and Date reads it', (text) => {
    expect(isMoment(text)).toBe(true);
    expect(new Date(text).getTime()).not.toBeNaN();
  });

  it.each([
    '2026-12-24',
    '2026-12-24T18:00:00',
    '2026-W52-4',
    '2026-358',
    '2026-11-31T00:00:00Z',
    '2027-02-29T00:00:00Z',
    '2026-13-01T00:00:00Z',
    '2026-12-24T24:00:00Z',
    '2026-12-24T18:00:00+99:00',
    '0000-01-01T00:00:00Z',
    '+275760-09-13T00:00:00Z',
    'tomorrow',
    '',
    null,
    1_766_599_200,
    ['2026-12-24T18:00:00Z'],
  ])('%j is none', (value) => {
    expect(isMoment(value)).toBe(false);
  });
});
