import { RateLimit, RateLimitVerdict } from './rate-limit.types';

/** What may be asked for how often, per minute; zero: without limit. */
export interface ApiRateLimits {
  readonly readsPerMinute: number;
  readonly writesPerMinute: number;
  readonly reportsPerMinute: number;
}

// What reads or compares a whole period at once.
const reportRoutes = /^\/v1\/(reports|reconciliation|analytics|audit-log)\b/;

/** The quota a route draws on, or none. `route` is the pattern: `/v1/payouts/:id`. */
export function limitOf(method: string, route: string, limits: ApiRateLimits): RateLimit | undefined {
  if (!route.startsWith('/v1/')) return undefined;
  const [name, points] = reportRoutes.test(route)
    ? (['reports', limits.reportsPerMinute] as const)
    : method === 'GET' || method === 'HEAD'
      ? (['reads', limits.readsPerMinute] as const)
      : (['writes', limits.writesPerMinute] as const);
  return points === 0 ? undefined : { name, points, windowSeconds: 60 };
}

/** `RateLimit-Policy` and `RateLimit` as draft-ietf-httpapi-ratelimit-headers-10 writes them: structured fields, one quota. */
export function rateLimitHeaders(limit: RateLimit, verdict: RateLimitVerdict): Record<string, string> {
  return {
    'ratelimit-policy': `"${limit.name}";q=${limit.points};w=${limit.windowSeconds}`,
    ratelimit: `"${limit.name}";r=${verdict.remaining};t=${verdict.resetSeconds}`,
  };
}
