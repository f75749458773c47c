import { createHash } from 'node:crypto';
import { Injectable, Logger } from '@nestjs/common';
import { AuthorizationsService } from '../authorizations/authorizations.service';
import { CardTransactionsService } from '../card-transactions/card-transactions.service';
import { DisputesService } from '../disputes/disputes.service';
import { ConnectedAccountsService } from '../connected-accounts/connected-accounts.service';
import { LedgerService } from '../ledger/ledger.service';
import { Database, queryRows, Tx } from '../platform/database/database';
import { Jobs } from '../platform/jobs/jobs.service';
import { Clock } from '../shared/clock';
import { idPrefixes, newId } from '../shared/ids';
import { Currency } from '../shared/money';
import { StripeGateway } from '../stripe/stripe-gateway.service';
import { StripeBalance, StripeCard } from '../stripe/stripe.types';
import { OutboxService } from '../webhook-outbox/outbox.service';
import { toReconciliationBreakView } from './reconciliation.dto';
import { Comparison, ReconciliationCompareRepository } from './reconciliation-compare.repository';
import { AccountFigures, ReconciliationChecksRepository } from './reconciliation-checks.repository';
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
import { judgeBalances, planCorrection } from './reconciliation.policy';
import { BreakFilter, ReconciliationRepository } from './reconciliation.repository';
import {
  BreakType,
  CorrectionAccount,
  platformAccount,
  ReconciliationBreak,
  ReconciliationRun,
  RunAccount,
} from './reconciliation.types';
import { StripeMirrorService } from './stripe-mirror.service';

/** What a run is asked for. */
export type RunRequest = Readonly<{
  /** Null: every connected account and the platform. `platform`: only that. */
  connectedAccountId: string | null;
  /** Exclusive, by Stripe's time; null: everything known when it runs. */
  cutoff: Date | null;
}>;

type Snapshot = Readonly<{ mirroredFrom: string; balance: StripeBalance | null; isStill: boolean }>;

const pageSize = 100;
const partsPerPage = 500;
const accountsShownMax = 100;
const looksMax = 4;
const attemptsMax = 8;

const lineBreaks: readonly BreakType[] = [
  'missing_in_ledger',
  'missing_at_stripe',
  'amount_differs',
  'currency_differs',
  'duplicate',
  'orphan_transfer',
];
const stageBreaks: readonly BreakType[] = ['stuck_payout', 'unreclaimed', 'unknown_outcome'];
const cardBreaks: readonly BreakType[] = ['orphan_card', 'status_differs'];
const balanceBreaks: readonly BreakType[] = ['balance_differs', 'payments_drained', 'negative_balance'];

/** Compares what Stripe says with what we say, per account, and keeps the list of what nobody has explained. */
@Injectable()
export class ReconciliationService {
  private readonly logger = new Logger('reconciliation');

  constructor(
    private readonly database: Database,
    private readonly jobs: Jobs,
    private readonly clock: Clock,
    private readonly mirror: StripeMirrorService,
    private readonly gateway: StripeGateway,
    private readonly repository: ReconciliationRepository,
    private readonly compare: ReconciliationCompareRepository,
    private readonly checks: ReconciliationChecksRepository,
    private readonly connectedAccounts: ConnectedAccountsService,
    private readonly authorizations: AuthorizationsService,
    private readonly cardTransactions: CardTransactionsService,
    private readonly disputes: DisputesService,
    private readonly ledger: LedgerService,
    private readonly outbox: OutboxService,
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
    return this.reportPieces(this.database.reader, id);
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
    if (correction.proposedBy === apiKeyId) throw new CorrectionNeedsAnotherKey(id);
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

  /** Lists the run's accounts and enqueues a job for each, a page per transaction. Safe to repeat. */
  async begin(runId: string): Promise<void> {
    const run = await this.get(runId);
    if (run.status !== 'running') return;
    for (let after = ''; ;) {
      const accounts = await this.database.transaction(async (tx) => {
        const page = await this.repository.insertParts(
          tx,
          runId,
          run.connectedAccountId,
          after,
          partsPerPage,
          this.clock.now(),
        );
        for (const account of page) {
          await this.jobs.enqueue(tx, 'reconcile-account', { runId, account }, { singletonKey: `${runId}:${account}` });
        }
        return page.filter((account) => account !== platformAccount);
      });
      if (accounts.length < partsPerPage) break;
      after = accounts.at(-1)!;
    }
    await this.repository.setAccountsTotal(this.database.reader, runId);
    await this.finish(runId);
  }

  /** One account of a run. A failing one is tried again; in the end it fails by itself, not the others. */
  async reconcileAccount(runId: string, account: string): Promise<void> {
    const part = await this.repository.findPart(this.database.reader, runId, account);
    if (!part) return;
    if (part.status === 'running') {
      const attempt = await this.repository.countAttempt(this.database.reader, runId, account);
      try {
        await this.work(runId, account, part.cutoff, `${runId}:${attempt}`);
      } catch (error) {
        if (attempt < attemptsMax) throw error;
        const failure = error instanceof Error ? error.message : 'unknown';
        await this.repository.failPart(this.database.reader, runId, account, failure, this.clock.now());
      }
    }
    await this.finish(runId);
  }

  private async work(runId: string, account: string, cutoff: Date | null, listingId: string): Promise<void> {
    const stripeAccount =
      account === platformAccount ? null : (await this.connectedAccounts.get(account)).stripeAccountId;
    await this.checks.clearFindings(this.database.reader, runId, account);
    await this.mirror.refresh(account, stripeAccount);

    const healed = stripeAccount === null ? [] : await this.heal(account, stripeAccount);
    const cardsListedFrom = this.clock.now();
    if (stripeAccount !== null) await this.listCards(listingId, account, stripeAccount);
    const snapshot = await this.look(account, stripeAccount);

    await this.database.transaction(async (tx) => {
      // One moment for all of the ledger, while Stripe's lines stand still in the mirror.
      await queryRows(tx, 'set transaction isolation level repeatable read');
      const now = this.clock.now();
      const comparison: Comparison = { runId, account, cutoff, now, mirroredFrom: snapshot.mirroredFrom };
      await this.compare.compareLines(tx, comparison);
      const counts = await this.compare.counts(tx, comparison);
      await this.compare.findLineDifferences(tx, comparison);
      const checked: BreakType[] = [...lineBreaks, ...stageBreaks];
      await this.checks.findStuckPayouts(tx, runId, account, now);
      await this.checks.findUnreclaimed(tx, runId, account, now);
      await this.checks.findUnknownOutcomes(tx, runId, account, now);
      if (stripeAccount !== null) {
        await this.checks.findCardDifferences(tx, runId, listingId, account, cardsListedFrom);
        checked.push(...cardBreaks);
      }
      const figures = await this.checks.figures(tx, account);
      if (snapshot.balance && snapshot.isStill) {
        for (const finding of judgeBalances(figures, snapshot.balance)) {
          await this.checks.add(tx, runId, account, now, finding);
        }
        checked.push(...balanceBreaks);
      }

      await this.repository.recordHealed(tx, runId, account, healed, now);
      await this.repository.healVanished(tx, runId, account, checked, now);
      for (const opened of await this.repository.openBreaks(tx, runId, account, now)) {
        await this.outbox.append(tx, {
          type: 'reconciliation_break.opened',
          ...(account === platformAccount ? {} : { connectedAccountId: account }),
          ...(opened.payoutId === null ? {} : { payoutId: opened.payoutId }),
          data: toReconciliationBreakView(opened, now),
        });
      }
      const own = await this.mainFigures(account, figures);
      await this.repository.completePart(
        tx,
        runId,
        account,
        cutoff,
        {
          ...counts,
          currency: own?.currency ?? null,
          stripeIssuingMinor: own ? (snapshot.balance?.issuingAvailable?.get(own.currency) ?? null) : null,
          ledgerIssuingMinor: own?.issuingLedgerMinor ?? null,
        },
        now,
      );
    });
    await this.checks.clearFindings(this.database.reader, runId, account);
    await this.checks.clearSeenCards(this.database.reader, runId, account);
  }

  /** Books what events should have told us. Answers the lines that are explained now and were not before. */
  private async heal(account: string, stripeAccount: string): Promise<string[]> {
    const healed: string[] = [];
    for (let after = ''; ;) {
      const lines = await this.compare.healable(this.database.reader, account, after, pageSize);
      // A capture books its authorization's releases before itself: several lines, one object.
      for (const { type, sourceId } of lines) {
        const owner = type.startsWith('issuing_dispute')
          ? this.disputes
          : type === 'issuing_transaction'
            ? this.cardTransactions
            : this.authorizations;
        await this.tryToBook(sourceId, () => owner.sync(sourceId, stripeAccount));
      }
      const ids = lines.map((line) => line.lineId);
      healed.push(...(await this.compare.matchedAmong(this.database.reader, account, ids)));
      if (lines.length < pageSize) break;
      after = ids.at(-1)!;
    }
    for (let after = ''; ;) {
      const open = await this.compare.authorizationsToCheck(this.database.reader, account, after, pageSize);
      for (const { stripeId } of open) {
        await this.tryToBook(stripeId, () => this.authorizations.sync(stripeId, stripeAccount));
      }
      if (open.length < pageSize) break;
      after = open.at(-1)!.id;
    }
    return healed;
  }

  /** What cannot be booked stays a line without an entry, which becomes a break: one odd object must not stop the rest. */
  private async tryToBook(stripeObjectId: string, book: () => Promise<void>): Promise<void> {
    try {
      await book();
    } catch (error) {
      this.logger.warn(
        { err: error, stripe_object: stripeObjectId },
        'Could not book what Stripe has and we have not.',
      );
    }
  }

  private async listCards(listingId: string, account: string, stripeAccount: string): Promise<void> {
    for (const status of ['active', 'inactive'] as const) {
      let page: StripeCard[] = [];
      for await (const card of this.gateway.listCards(stripeAccount, { status })) {
        page.push(card);
        if (page.length < pageSize) continue;
        await this.checks.seeCards(this.database.reader, listingId, account, page);
        page = [];
      }
      if (page.length > 0) await this.checks.seeCards(this.database.reader, listingId, account, page);
    }
  }

  /**
   * Stripe's balance and Stripe's lines of the same moment: if a line came while the balance was read, look again. On an account that
   * never stands still the balance is left for the next run; its lines are compared all the same.
   */
  private async look(account: string, stripeAccount: string | null): Promise<Snapshot> {
    let mirroredFrom = await this.mirror.refresh(account, stripeAccount);
    if (stripeAccount === null) return { mirroredFrom, balance: null, isStill: false };
    for (let looks = 1; ; looks += 1) {
      const before = await this.checks.linesFingerprint(this.database.reader, account);
      const balance = await this.gateway.retrieveBalance(stripeAccount);
      mirroredFrom = await this.mirror.refresh(account, stripeAccount);
      const isStill = before === (await this.checks.linesFingerprint(this.database.reader, account));
      if (isStill || looks === looksMax) return { mirroredFrom, balance, isStill };
    }
  }

  private async mainFigures(account: string, figures: readonly AccountFigures[]): Promise<AccountFigures | undefined> {
    if (account === platformAccount) return undefined;
    const currency: Currency = (await this.connectedAccounts.get(account)).currency;
    return (
      figures.find((one) => one.currency === currency) ?? {
        currency,
        issuingLedgerMinor: 0n,
        paymentsLedgerMinor: 0n,
        issuingLinesMinor: 0n,
        paymentsExpectedMinor: 0n,
      }
    );
  }

  /** Completes the run once its last part is done; whoever comes last does it. */
  private async finish(runId: string): Promise<void> {
    await this.database.transaction(async (tx) => {
      const run = await this.repository.lockRun(tx, runId);
      if (!run || run.status !== 'running' || !run.isListed || run.running > 0) return;
      await this.repository.finishRun(
        tx,
        runId,
        run.failed > 0 ? null : await this.hashReport(tx, runId),
        this.clock.now(),
      );
    });
  }

  private async hashReport(tx: Tx, runId: string): Promise<string> {
    const hash = createHash('sha256');
    for await (const piece of this.reportPieces(tx, runId)) hash.update(piece, 'utf8');
    return hash.digest('hex');
  }

  private async *reportPieces(tx: Tx, runId: string): AsyncGenerator<string> {
    for (let after = ''; ;) {
      const pieces = await this.repository.reportPieces(tx, runId, after, pageSize);
      for (const { report } of pieces) yield report;
      if (pieces.length < pageSize) return;
      after = pieces.at(-1)!.account;
    }
  }

  private async refuseFuture(tx: Tx, cutoff: Date): Promise<void> {
    if (cutoff <= this.clock.now()) return;
    // Stripe's clock may be ahead of ours (a test clock): what its lines have reached is past.
    const newest = await this.repository.newestLineAt(tx);
    if (newest === null || cutoff.getTime() > newest.getTime() + 1_000) throw new CutoffInFuture();
  }
}
