import { Injectable } from '@nestjs/common';
import { ConnectedAccountsService } from '../connected-accounts/connected-accounts.service';
import { LedgerService } from '../ledger/ledger.service';
import { ApiKeysService } from '../platform/api-keys/api-keys.service';
import { Database, Tx } from '../platform/database/database';
import { Jobs } from '../platform/jobs/jobs.service';
import { Clock } from '../shared/clock';
import { idPrefixes, newId } from '../shared/ids';
import {
  CorrectionNeedsAnotherKey,
  CorrectionNotPossible,
  CorrectionNotProposed,
  CutoffInFuture,
  ReconciliationBreakNotFound,
  ReconciliationBreakNotOpen,
  ReconciliationRunNotFound,
  ReconciliationRunUnfinished,
} from './reconciliation.errors';
import { planCorrection } from './reconciliation.policy';
import { BreakFilter, ReconciliationRepository, reportPieces } from './reconciliation.repository';
import {
  CorrectionAccount,
  platformAccount,
  ReconciliationBreak,
  ReconciliationRun,
  RunAccount,
} from './reconciliation.types';

/** What a run is asked for. */
export type RunRequest = Readonly<{
  /** Null: every connected account and the platform. `platform`: only that. */
  connectedAccountId: string | null;
  /** Exclusive, by Stripe's time; null: everything known when it runs. */
  cutoff: Date | null;
}>;

const accountsShownMax = 100;

/** What finance does with reconciliation: asks for runs, reads their reports, explains and corrects breaks. */
@Injectable()
export class ReconciliationService {
  constructor(
    private readonly database: Database,
    private readonly jobs: Jobs,
    private readonly clock: Clock,
    private readonly repository: ReconciliationRepository,
    private readonly connectedAccounts: ConnectedAccountsService,
    private readonly ledger: LedgerService,
    private readonly apiKeys: ApiKeysService,
  ) {}

  /**
   * Starts a run in the caller's transaction; jobs carry it out.
   * @throws {ConnectedAccountNotFound} {CutoffInFuture}
   */
  async start(tx: Tx, request: RunRequest): Promise<ReconciliationRun> {
    if (request.connectedAccountId !== null && request.connectedAccountId !== platformAccount) {
      await this.connectedAccounts.get(request.connectedAccountId, tx);
    }
    if (request.cutoff !== null) await this.refuseFuture(tx, request.cutoff);
    const id = newId(idPrefixes.reconciliationRun);
    await this.repository.insertRun(tx, { id, ...request, scheduledFor: null, createdAt: this.clock.now() });
    await this.jobs.enqueue(tx, 'begin-reconciliation-run', { runId: id });
    return (await this.repository.findRun(tx, id))!;
  }

  /** The daily run over everything: once per day, however many replicas and retries ask. */
  async startDaily(): Promise<void> {
    const now = this.clock.now();
    await this.database.transaction(async (tx) => {
      const id = newId(idPrefixes.reconciliationRun);
      const day = now.toISOString().slice(0, 10);
      const run = { id, connectedAccountId: null, cutoff: null, scheduledFor: day, createdAt: now };
      if (await this.repository.insertRun(tx, run))
        await this.jobs.enqueue(tx, 'begin-reconciliation-run', { runId: id });
    });
  }

  /** @throws {ReconciliationRunNotFound} */
  async get(id: string): Promise<ReconciliationRun> {
    const run = await this.repository.findRun(this.database.reader, id);
    if (!run) throw new ReconciliationRunNotFound(id);
    return run;
  }

  /** What the run found per account: at most a hundred, failed ones first, then those with breaks. */
  async accountsOf(runId: string): Promise<RunAccount[]> {
    return this.repository.runAccounts(this.database.reader, runId, accountsShownMax);
  }

  /** Newest first, one more than asked for. */
  async list(limit: number, startingAfter?: string): Promise<ReconciliationRun[]> {
    return this.repository.listRuns(this.database.reader, limit, startingAfter);
  }

  /** The bytes that `reportSha256` was made of, piece by piece. @throws {ReconciliationRunNotFound} {ReconciliationRunUnfinished} */
  async report(id: string): Promise<AsyncIterable<string>> {
    const run = await this.get(id);
    if (run.status !== 'completed') throw new ReconciliationRunUnfinished(run);
    return reportPieces(this.repository, this.database.reader, id);
  }

  async listBreaks(filter: BreakFilter, limit: number, startingAfter?: string): Promise<ReconciliationBreak[]> {
    return this.repository.listBreaks(this.database.reader, filter, limit, startingAfter);
  }

  /** @throws {ReconciliationBreakNotFound} */
  async getBreak(id: string): Promise<ReconciliationBreak> {
    const found = await this.repository.findBreak(this.database.reader, id);
    if (!found) throw new ReconciliationBreakNotFound(id);
    return found;
  }

  /**
   * Closes a break with a person's explanation. It stays closed as long as the difference stays what it was.
   * @throws {ReconciliationBreakNotFound} {ReconciliationBreakNotOpen}
   */
  async resolveBreak(tx: Tx, id: string, note: string, apiKeyId: string): Promise<ReconciliationBreak> {
    const isResolved = await this.repository.resolveBreak(tx, id, apiKeyId, note, this.clock.now());
    const found = await this.repository.findBreak(tx, id);
    if (!found) throw new ReconciliationBreakNotFound(id);
    if (!isResolved) throw new ReconciliationBreakNotOpen(found);
    return found;
  }

  /**
   * Proposes the entry that corrects the difference. The break stays open until another key approves it.
   * @throws {ReconciliationBreakNotFound} {ReconciliationBreakNotOpen} {CorrectionNotPossible}
   */
  async proposeCorrection(
    tx: Tx,
    id: string,
    against: CorrectionAccount,
    note: string,
    apiKeyId: string,
  ): Promise<ReconciliationBreak> {
    const found = await this.lockOpenBreak(tx, id);
    if (planCorrection(found, against) === null) throw new CorrectionNotPossible(found);
    await this.repository.proposeCorrection(tx, id, against, note, apiKeyId, this.clock.now());
    return (await this.repository.findBreak(tx, id))!;
  }

  /**
   * Posts the proposed entry and closes the break, in one transaction: the entry's source is the break, so it posts once.
   * @throws {ReconciliationBreakNotFound} {ReconciliationBreakNotOpen} {CorrectionNotProposed} {CorrectionNeedsAnotherKey}
   */
  async approveCorrection(tx: Tx, id: string, apiKeyId: string): Promise<ReconciliationBreak> {
    const found = await this.lockOpenBreak(tx, id);
    const { correction } = found;
    if (correction === null) throw new CorrectionNotProposed(id);
    if (await this.apiKeys.isOneHand(tx, apiKeyId, correction.proposedBy)) throw new CorrectionNeedsAnotherKey(id);
    const entry = planCorrection(found, correction.against);
    if (entry === null) throw new CorrectionNotPossible(found);
    const now = this.clock.now();
    await this.ledger.post(tx, {
      ...entry,
      sourceId: id,
      connectedAccountId: found.connectedAccountId,
      occurredAt: now,
    });
    await this.repository.approveCorrection(tx, id, apiKeyId);
    await this.repository.resolveBreak(tx, id, apiKeyId, correction.note, now);
    return (await this.repository.findBreak(tx, id))!;
  }

  private async lockOpenBreak(tx: Tx, id: string): Promise<ReconciliationBreak> {
    const found = await this.repository.lockBreak(tx, id);
    if (!found) throw new ReconciliationBreakNotFound(id);
    if (found.status !== 'open') throw new ReconciliationBreakNotOpen(found);
    return found;
  }

  private async refuseFuture(tx: Tx, cutoff: Date): Promise<void> {
    if (cutoff <= this.clock.now()) return;
    // Stripe's clock may be ahead of ours (a test clock): what its lines have reached is past.
    const newest = await this.repository.newestLineAt(tx);
    if (newest === null || cutoff.getTime() > newest.getTime() + 1_000) throw new CutoffInFuture();
  }
}
