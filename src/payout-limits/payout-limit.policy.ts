const dayMs = 24 * 60 * 60_000;

/** The UTC day of a moment, and when the next one begins. */
export function dayOf(now: Date): { day: string; renewsAt: Date } {
  const start = Math.floor(now.getTime() / dayMs) * dayMs;
  return { day: new Date(start).toISOString().slice(0, 10), renewsAt: new Date(start + dayMs) };
}
