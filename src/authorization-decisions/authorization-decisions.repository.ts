import { performance } from 'node:perf_hooks';
import { Injectable, Logger, OnApplicationShutdown } from '@nestjs/common';
import { Pool } from 'pg';
import { Config } from '../platform/config/config';
import { Database } from '../platform/database/database';
import { AuthorizationQuestion } from './authorization-question.policy';
import { UndecidedReason } from './authorization-reason.types';

/** What decide_authorization is asked beyond the question itself. */
export type DecisionRequest = AuthorizationQuestion &
  Readonly<{
    /** Ids for the rows it may write. */
    authorization_id: string;
    request_id: string;
    /** Milliseconds spent before the database was asked, by stage. */
    stages: Readonly<Record<string, number>>;
    /** Set to record a refusal that was already sent: nothing is approved any more. */
    gave_up?: UndecidedReason;
  }>;

/** Amounts are minor units, as JSON numbers. */
export type Decision = Readonly<{
  is_known: boolean;
  approved: boolean;
  reason: string;
  /** The same question was answered before; this is that answer. */
  is_repeated?: boolean;
  amount_minor?: number;
  is_partial?: boolean;
  authorization_id?: string;
  payout_id?: string;
}>;

// A question waits for the one before it on the same payout, and for nothing else: few connections serve many decisions.
export const decisionConnectionsMax = 8;

/**
 * The one round trip of a decision. Its own connections, so that no list, job or report can keep an authorization waiting, with the
 * deadline as their statement timeout: a decision nobody waits for any more must not commit.
 */
@Injectable()
export class AuthorizationDecisionsRepository implements OnApplicationShutdown {
  private readonly logger = new Logger('authorizations');
  private pool: Pool | undefined;

  constructor(
    private readonly database: Database,
    private readonly config: Config,
  ) {}

  /**
   * @param deadlineAt on the clock of `performance.now()`: a decision that is not made by then is undone, not made late
   * @throws when the database is away, or did not decide in time
   */
  async decide(request: DecisionRequest, now: Date, deadlineAt?: number): Promise<Decision> {
    const client = await this.connections().connect();
    try {
      const budget = deadlineAt === undefined ? {} : { budget_ms: Math.floor(deadlineAt - performance.now()) };
      const { rows } = await client.query<{ decision: Decision }>({
        name: 'decide-authorization',
        text: 'select decide_authorization($1::jsonb, $2::timestamptz) as decision',
        values: [JSON.stringify({ ...request, ...budget }), now.toISOString()],
      });
      client.release();
      return rows[0]!.decision;
    } catch (error) {
      // A refused statement leaves the connection in order; anything else does not.
      client.release(!isSqlError(error));
      throw error;
    }
  }

  async onApplicationShutdown(): Promise<void> {
    await this.pool?.end();
  }

  private connections(): Pool {
    if (this.pool) return this.pool;
    const options = this.database.dataSource.options;
    this.pool = new Pool({
      connectionString: options.type === 'postgres' ? options.url : undefined,
      application_name: 'disburse-decisions',
      max: decisionConnectionsMax,
      idleTimeoutMillis: 0,
      keepAlive: true,
      connectionTimeoutMillis: this.config.authorizationDeadlineMs,
      statement_timeout: this.config.authorizationDeadlineMs,
    });
    // A connection that breaks while idle is replaced by the next question.
    this.pool.on('error', (error) => this.logger.warn({ err: error }, 'An idle database connection broke.'));
    return this.pool;
  }
}

function isSqlError(error: unknown): boolean {
  const { code, severity } = error as { code?: unknown; severity?: unknown };
  return typeof code === 'string' && severity === 'ERROR';
}
