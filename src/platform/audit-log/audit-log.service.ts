import { userInfo } from 'node:os';
import { Injectable, Logger } from '@nestjs/common';
import { Clock } from '../../shared/clock';
import { newId } from '../../shared/ids';
import { Config } from '../config/config';
import { Database, Tx } from '../database/database';
import type { MarkedRequest } from '../http/request.types';
import { Metrics } from '../metrics/metrics.service';
import { AuditEntry } from './audit-entry.entity';
import { AuditLogRepository } from './audit-log.repository';
import type { AuditedAct, AuditFilter, AuditOrigin } from './audit-log.types';
import { actOf } from './audited-objects.policy';
import { originOf } from './audit-origin.policy';
import { RefusalBudget } from './refusal-budget';

const exportPage = 1_000;

/**
 * Who did what, to what, before and after, and from where. A change is logged in its own transaction: there is no change without its
 * entry and no entry without its change. Refusals are logged after the fact, and only so many a minute.
 */
@Injectable()
export class AuditLog {
  private readonly logger = new Logger('audit-log');
  private readonly refusals: RefusalBudget;
  private readonly unlogged;

  constructor(
    private readonly config: Config,
    private readonly clock: Clock,
    private readonly database: Database,
    private readonly repository: AuditLogRepository,
    metrics: Metrics,
  ) {
    this.refusals = new RefusalBudget(clock);
    this.unlogged = metrics.counter(
      'disburse_audit_refusals_unlogged_total',
      'Refused requests that were not written to the audit log because there were too many.',
    );
  }

  /** Does the work of a request and logs it in the same transaction. The object is the one in the path, or else the one in the answer. */
  async recordingWork<Answer extends object>(
    tx: Tx,
    request: MarkedRequest,
    work: (tx: Tx) => Promise<Answer>,
  ): Promise<Answer> {
    const act = actOfRequest(request);
    const before = act.objectId === null ? null : await this.repository.snapshot(tx, act.noun, act.objectId);
    const answer = await work(tx);
    await this.write(tx, { ...act, objectId: act.objectId ?? idIn(answer) }, this.originOf(request), { before });
    request.isAudited = true;
    return answer;
  }

  /** Logs what a request is about to do, where the work itself is no transaction of ours (a reveal at Stripe). */
  async recordIntent(tx: Tx, request: MarkedRequest, shown: object): Promise<void> {
    const act = { ...actOfRequest(request), noun: undefined };
    await this.write(tx, act, this.originOf(request), { after: shown });
    request.isAudited = true;
  }

  /** Logs what somebody did on the command line, in the transaction that does it. */
  async recordCommand(tx: Tx, act: AuditedAct): Promise<void> {
    await this.write(tx, act, { ...nowhere, actorType: 'command', actorId: systemUser() });
  }

  /** Logs what the service did by itself: first keys, retention. */
  async recordSystem(tx: Tx, act: AuditedAct): Promise<void> {
    await this.write(tx, act, { ...nowhere, actorType: 'system', actorId: null });
  }

  /**
   * Logs how a request ended that no transaction has logged: refused, or done without one. Never throws: the answer is decided.
   * Of refusals only a few a minute and caller: whoever knocks on every door must not fill the disk.
   */
  async recordEnd(request: MarkedRequest, refusalCode: string | null): Promise<void> {
    if (refusalCode !== null && !this.refusals.take(request.apiKey?.id ?? request.ip)) {
      this.unlogged.inc();
      return;
    }
    try {
      await this.write(this.database.reader, actOfRequest(request), this.originOf(request), { refusalCode });
    } catch (error) {
      this.logger.error({ err: error, refusal: refusalCode }, 'An audit entry could not be written.');
    }
  }

  async list(filter: AuditFilter, limit: number, startingAfter?: string): Promise<AuditEntry[]> {
    return this.repository.list(filter, limit, startingAfter);
  }

  /** Everything that matches, newest first, page by page. Entries made meanwhile are not in it. */
  async *pages(filter: AuditFilter): AsyncGenerator<AuditEntry[], void, undefined> {
    for (let before: string | undefined; ;) {
      const page = await this.repository.list(filter, exportPage, before);
      if (page.length > 0) yield page;
      before = page.at(-1)?.id;
      if (page.length < exportPage) return;
    }
  }

  private async write(
    tx: Tx,
    act: AuditedAct & { noun?: string | undefined },
    origin: AuditOrigin,
    rest: { before?: object | null; after?: object; refusalCode?: string | null } = {},
  ): Promise<void> {
    await this.repository.insert(tx, {
      ...act,
      ...origin,
      id: newId('audit'),
      occurredAt: this.clock.now(),
      noun: act.noun ?? null,
      before: rest.before ?? null,
      after: rest.after ?? null,
      refusalCode: rest.refusalCode ?? null,
    });
  }

  private originOf(request: MarkedRequest): AuditOrigin {
    return originOf(request, this.config.auditIp);
  }
}

const nowhere = { actorRole: null, ip: null, userAgent: null, requestId: null } as const;

function actOfRequest(request: MarkedRequest): AuditedAct & { noun: string } {
  const parameters = (request.params ?? {}) as Record<string, unknown>;
  return actOf(request.method, request.routeOptions?.url ?? request.url.split('?', 1)[0]!, parameters);
}

function idIn(answer: object): string | null {
  const { id } = answer as { id?: unknown };
  return typeof id === 'string' ? id : null;
}

function systemUser(): string {
  try {
    return userInfo().username;
  } catch {
    // A container may run as a number that has no name.
    return `uid ${process.getuid?.() ?? 'unknown'}`;
  }
}
