import { Injectable } from '@nestjs/common';
import { RateLimiterPostgres } from 'rate-limiter-flexible';
import { Clock } from '../../shared/clock';
import { Database } from '../database/database';
import { RateLimit } from './rate-limit.types';

@Injectable()
export class RateLimitsRepository {
  constructor(
    private readonly database: Database,
    private readonly clock: Clock,
  ) {}

  /** One limiter a quota; all share one table and the service's own pool. */
  makeLimiter({ name, points, windowSeconds }: RateLimit): RateLimiterPostgres {
    return new RateLimiterPostgres({
      storeClient: this.database.dataSource,
      storeType: 'typeorm',
      tableName: 'rate_limits',
      tableCreated: true,
      clearExpiredByTimeout: false,
      keyPrefix: name,
      points,
      duration: windowSeconds,
      // Once a caller is over, this replica refuses it from memory until the window ends: a flood costs no statement.
      inMemoryBlockOnConsumed: points + 1,
    });
  }

  /** Forgets windows that ended; answers how many. */
  async purge(): Promise<number> {
    const [row] = await this.database.query<{ count: number }>(
      `with purged as (delete from rate_limits where expire < $1 returning 1) select count(*)::int as count from purged`,
      [this.clock.now().getTime() - 3_600_000],
    );
    return row?.count ?? 0;
  }
}
