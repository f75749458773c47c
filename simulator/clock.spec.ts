import { nextBusinessDayMs, windowStartMs } from './clock';

const at = (text: string) => Date.parse(text);
const iso = (ms: number) => new Date(ms).toISOString();

it.each([
  ['2026-11-18T09:00:00Z', 1, '2026-11-19T00:00:00.000Z'],
  ['2026-11-20T23:59:59Z', 1, '2026-11-23T00:00:00.000Z'],
  ['2026-11-21T00:00:00Z', 1, '2026-11-23T00:00:00.000Z'],
  ['2026-11-19T12:00:00Z', 2, '2026-11-23T00:00:00.000Z'],
])('counts business days from %s, %d on', (from, count, expected) => {
  expect(iso(nextBusinessDayMs(at(from), count))).toBe(expected);
});

it.each([
  ['daily', '2026-11-20T00:00:00.000Z'],
  ['weekly', '2026-11-15T00:00:00.000Z'],
  ['monthly', '2026-11-01T00:00:00.000Z'],
  ['yearly', '2026-01-01T00:00:00.000Z'],
] as const)('begins the %s window at midnight UTC', (window, expected) => {
  expect(iso(windowStartMs(window, at('2026-11-20T23:30:00-05:00') - 24 * 60 * 60 * 1000))).toBe(expected);
});
