/** The machine's time. Simulated time is this plus an offset that each platform's control API moves. */
export function realNowMs(): number {
  return Date.now();
}

export function toSeconds(ms: number): number {
  return Math.floor(ms / 1000);
}

export const secondMs = 1000;
export const dayMs = 24 * 60 * 60 * secondMs;

/** Midnight UTC that begins the next day which is not a Saturday or a Sunday: Stripe's "next business day". */
export function nextBusinessDayMs(fromMs: number, count = 1): number {
  let day = Math.floor(fromMs / dayMs) * dayMs;
  for (let left = count; left > 0;) {
    day += dayMs;
    if (isBusinessDay(day)) left -= 1;
  }
  return day;
}

function isBusinessDay(ms: number): boolean {
  const weekday = new Date(ms).getUTCDay();
  return weekday !== 0 && weekday !== 6;
}

export type Window = 'daily' | 'weekly' | 'monthly' | 'yearly';

/** Where a spending limit's window began: midnight UTC, weeks on Sunday. */
export function windowStartMs(window: Window, nowMs: number): number {
  const now = new Date(nowMs);
  const year = now.getUTCFullYear();
  switch (window) {
    case 'daily':
      return Date.UTC(year, now.getUTCMonth(), now.getUTCDate());
    case 'weekly':
      return Date.UTC(year, now.getUTCMonth(), now.getUTCDate() - now.getUTCDay());
    case 'monthly':
      return Date.UTC(year, now.getUTCMonth(), 1);
    case 'yearly':
      return Date.UTC(year, 0, 1);
  }
}

export function isoDate(ms: number): string {
  return new Date(ms).toISOString().slice(0, 10);
}
