import { Injectable, Logger } from '@nestjs/common';
import { RateLimiterMemory, RateLimiterPostgres, RateLimiterRes } from 'rate-limiter-flexible';
import { RateLimit, RateLimitVerdict } from './rate-limit.types';
import { RateLimitsRepository } from './rate-limits.repository';

interface Limiters {
  readonly shared: RateLimiterPostgres;
  readonly own: RateLimiterMemory;
}

const secondsBetweenWarnings = 10;

/**
 * Counts calls over all replicas, in PostgreSQL. When the table cannot be reached, it counts in this process instead and lets
 * callers pass up to the same limit: a limit that fails must not close the service, and one replica alone is still protected.
 */
@Injectable()
export class RateLimitsService {
  private readonly logger = new Logger('rate-limits');
  private readonly limiters = new Map<string, Limiters>();
  private readonly warnings = new RateLimiterMemory({ points: 1, duration: secondsBetweenWarnings });

  constructor(private readonly repository: RateLimitsRepository) {}

  /**
   * Counts `points` more for `key` under `limit` and tells where the key stands. Never throws. `key`: an id, or a hash of whatever
   * is personal (an IP address); it is stored until its window has ended.
   */
  async consume(limit: RateLimit, key: string, points = 1): Promise<RateLimitVerdict> {
    const { shared, own } = this.limitersOf(limit);
    try {
      return await ask(limit, () => shared.consume(key, points));
    } catch (error) {
      await this.warn(error);
      return ask(limit, () => own.consume(key, points));
    }
  }

  /** Where the key stands, without counting. Undefined when nothing was counted in this window, or nobody can tell. */
  async look(limit: RateLimit, key: string): Promise<RateLimitVerdict | undefined> {
    try {
      const result = await this.limitersOf(limit).shared.get(key);
      return result ? toVerdict(limit, result, result.consumedPoints < limit.points) : undefined;
    } catch (error) {
      await this.warn(error);
      return undefined;
    }
  }

  /** Forgets what was counted for the key. Never throws. */
  async forget(limit: RateLimit, key: string): Promise<void> {
    const { shared, own } = this.limitersOf(limit);
    await own.delete(key);
    await shared.delete(key).catch((error: unknown) => this.warn(error));
  }

  private limitersOf(limit: RateLimit): Limiters {
    const id = `${limit.name}:${limit.points}:${limit.windowSeconds}`;
    const known = this.limiters.get(id);
    if (known) return known;
    const made = {
      shared: this.repository.makeLimiter(limit),
      own: new RateLimiterMemory({ keyPrefix: limit.name, points: limit.points, duration: limit.windowSeconds }),
    };
    this.limiters.set(id, made);
    return made;
  }

  private async warn(error: unknown): Promise<void> {
    const isTime = await this.warnings.consume('warning').then(
      () => true,
      () => false,
    );
    if (isTime)
      this.logger.warn({ err: error }, 'Rate limits cannot be shared at the moment; this process counts alone.');
  }
}

async function ask(limit: RateLimit, consume: () => Promise<RateLimiterRes>): Promise<RateLimitVerdict> {
  try {
    return toVerdict(limit, await consume(), true);
  } catch (refusal) {
    // The library refuses by throwing where it stands; anything else is trouble.
    if (refusal instanceof RateLimiterRes) return toVerdict(limit, refusal, false);
    throw refusal;
  }
}

function toVerdict(limit: RateLimit, result: RateLimiterRes, isAllowed: boolean): RateLimitVerdict {
  return {
    isAllowed,
    remaining: isAllowed ? Math.min(result.remainingPoints, limit.points) : 0,
    resetSeconds: Math.max(1, Math.ceil(result.msBeforeNext / 1_000)),
  };
}
