import { Injectable, Logger, OnApplicationShutdown } from '@nestjs/common';
import { Pool } from 'pg';
import { Config } from '../platform/config/config';
import { Database } from '../platform/database/database';
import { AuthorizationQuestion } from './authorization-question.policy';
import { UndecidedReason } from './authorization-reason.policy';

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
const connectionsMax = 8;

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

  /** @throws when the database is away, or did not decide before the deadline */
  async decide(request: DecisionRequest, now: Date): Promise<Decision> {
    const { rows } = await this.connections().query<{ decision: Decision }>({
      name: 'decide-authorization',
      text: 'select decide_authorization($1::jsonb, $2::timestamptz) as decision',
      values: [JSON.stringify(request), now.toISOString()],
    });
    return rows[0]!.decision;
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
      max: connectionsMax,
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
