import { createHash } from 'node:crypto';
import { Injectable, Logger } from '@nestjs/common';
import { AuthorizationsService } from '../authorizations/authorizations.service';
import { CardTransactionsService } from '../card-transactions/card-transactions.service';
import { DisputesService } from '../disputes/disputes.service';
import { ConnectedAccountsService } from '../connected-accounts/connected-accounts.service';
import { Database, queryRows, Tx } from '../platform/database/database';
import { Jobs } from '../platform/jobs/jobs.service';
import { Clock } from '../shared/clock';
import { Currency } from '../shared/money';
import { StripeGateway } from '../stripe/stripe-gateway.service';
import { StripeRefused, StripeUnavailable } from '../stripe/stripe.errors';
import { StripeBalance } from '../stripe/stripe.types';
import { OutboxService } from '../webhook-outbox/outbox.service';
import { toReconciliationBreakView } from './reconciliation.dto';
import { AccountFigures, ReconciliationChecksRepository } from './reconciliation-checks.repository';
import { Comparison, ReconciliationCompareRepository } from './reconciliation-compare.repository';
import { judgeBalances } from './reconciliation.policy';
import { Healed, ReconciliationRepository, reportPieces, RunPart } from './reconciliation.repository';
import { BreakType, platformAccount } from './reconciliation.types';
import { StripeMirrorService } from './stripe-mirror.service';

/** What Stripe said about one account, as far as it is not in tables by now. */
export type Look = Readonly<{
  /** Null for the platform, whose balance has other uses. */
  balance: StripeBalance | null;
  /** No line came while the balance was read: the two are of one moment. */
  isStill: boolean;
  /** The database's time before Stripe's lines were asked for the last time. */
  mirroredFrom: string;
  listedFrom: Date;
  listingId: string;
  healed: readonly Healed[];
}>;

const pageSize = 100;
const partsPerPage = 500;
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
const statusBreaks: readonly BreakType[] = ['orphan_card', 'status_differs'];
const balanceBreaks: readonly BreakType[] = ['balance_differs', 'payments_drained', 'negative_balance'];

/** Carries runs out: asks Stripe, heals what can be healed, compares, and merges what differs into the list of breaks. */
@Injectable()
export class ReconciliationRunnerService {
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
    private readonly outbox: OutboxService,
  ) {}

  /** Lists the run's accounts and enqueues a job for each, a page per transaction. Safe to repeat. */
  async begin(runId: string): Promise<void> {
    const run = await this.repository.findRun(this.database.reader, runId);
    if (run?.status !== 'running') return;
    for (let after = ''; ;) {
      const accounts = await this.database.transaction(async (tx) => {
        const now = this.clock.now();
        const page = await this.repository.insertParts(tx, runId, run.connectedAccountId, after, partsPerPage, now);
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

  /**
   * One account of a run. A failing one is tried again, and in the end fails by itself, not the others; one that Stripe does not let
   * us read is a break with a name, and the run goes on.
   */
  async reconcileAccount(runId: string, account: string): Promise<void> {
    const part = await this.repository.findPart(this.database.reader, runId, account);
    if (!part) return;
    if (part.status === 'running') await this.attempt(runId, account, part);
    await this.finish(runId);
  }

  private async attempt(runId: string, account: string, part: RunPart): Promise<void> {
    const attempt = await this.repository.countAttempt(this.database.reader, runId, account);
    const isLast = attempt >= attemptsMax;
    try {
      const stripeAccount =
        account === platformAccount ? null : (await this.connectedAccounts.get(account)).stripeAccountId;
      await this.checks.forget(this.database.reader, runId, account);
      const look = await this.look(`${runId}:${attempt}`, account, stripeAccount);
      await this.conclude(runId, account, part.cutoff, look);
    } catch (error) {
      const isUnreadable = error instanceof StripeRefused || (isLast && error instanceof StripeUnavailable);
      // Without the platform itself there is nothing to reconcile: that run has failed.
      if (isUnreadable && account !== platformAccount) await this.concludeUnread(runId, account, part.cutoff, error);
      else if (!isLast) throw error;
      else {
        const failure = error instanceof Error ? error.message : 'unknown';
        await this.repository.failPart(this.database.reader, runId, account, failure, this.clock.now());
      }
    }
    await this.checks.forget(this.database.reader, runId, account);
  }

  /** Everything that is asked of Stripe, and what follows from it for rows that events should have brought up to date. */
  private async look(listingId: string, account: string, stripeAccount: string | null): Promise<Look> {
    const listedFrom = this.clock.now();
    if (stripeAccount === null) {
      const mirroredFrom = await this.mirror.refresh(account, null);
      return { balance: null, isStill: false, mirroredFrom, listedFrom, listingId, healed: [] };
    }
    // Before the lines: what is captured after this listing is seen as pending here, as it was with us.
    await this.listAuthorizations(listingId, account, stripeAccount);
    await this.mirror.refresh(account, stripeAccount);
    const healed = [
      ...(await this.healLines(account, stripeAccount)),
      ...(await this.healAuthorizations(listingId, account, stripeAccount, listedFrom)),
    ];
    await this.listCards(listingId, account, stripeAccount);
    return { ...(await this.readBalance(account, stripeAccount)), listedFrom, listingId, healed };
  }

  /** Compares what is in tables by now, in one transaction, and asks nobody. */
  async conclude(runId: string, account: string, cutoff: Date | null, look: Look): Promise<void> {
    const { balance, isStill, healed, mirroredFrom } = look;
    const isSeller = account !== platformAccount;
    await this.database.transaction(async (tx) => {
      // One moment for all of the ledger, while Stripe's lines stand still in the mirror.
      await queryRows(tx, 'set transaction isolation level repeatable read');
      const now = this.clock.now();
      const comparison: Comparison = { runId, account, cutoff, now, mirroredFrom };
      await this.compare.compareLines(tx, comparison);
      const counts = await this.compare.counts(tx, comparison);
      await this.compare.findLineDifferences(tx, comparison);
      await this.findOverdue(tx, runId, account, now);
      const checked: BreakType[] = [...lineBreaks, ...stageBreaks, 'account_unreadable'];
      if (isSeller) {
        await this.checks.findCardDifferences(tx, runId, look.listingId, account, look.listedFrom);
        await this.checks.findAuthorizationDifferences(tx, runId, look.listingId, account, look.listedFrom);
        checked.push(...statusBreaks);
      }
      const figures = await this.checks.figures(tx);
      if (balance && isStill) {
        for (const finding of judgeBalances(figures, balance)) {
          await this.checks.add(tx, runId, account, now, finding);
        }
        checked.push(...balanceBreaks);
      }
      await this.repository.recordHealed(tx, runId, account, healed, now);
      await this.mergeFindings(tx, runId, account, checked, now);
      const own = isSeller ? await this.mainFigures(account, figures) : undefined;
      await this.repository.completePart(
        tx,
        runId,
        account,
        cutoff,
        {
          ...counts,
          currency: own?.currency ?? null,
          stripeIssuingMinor: own ? (balance?.issuingAvailable?.get(own.currency) ?? null) : null,
          ledgerIssuingMinor: own?.issuingLedgerMinor ?? null,
        },
        now,
      );
    });
  }

  /** What can be said of an account without Stripe, and that it could not be read. Its lines' breaks stay as they are. */
  private async concludeUnread(runId: string, account: string, cutoff: Date | null, error: Error): Promise<void> {
    await this.database.transaction(async (tx) => {
      const now = this.clock.now();
      await this.checks.add(tx, runId, account, now, {
        type: 'account_unreadable',
        key: 'account',
        differenceMinor: null,
        currency: null,
        evidence: { refusal: error.message, code: error instanceof StripeRefused ? error.stripeCode : 'unavailable' },
        proposedAction:
          'See at Stripe whether the account still exists and is still connected to the platform; then run again.',
      });
      await this.findOverdue(tx, runId, account, now);
      await this.mergeFindings(tx, runId, account, stageBreaks, now);
      await this.repository.leavePartUnread(tx, runId, account, cutoff, error.message, now);
    });
  }

  private async findOverdue(tx: Tx, runId: string, account: string, now: Date): Promise<void> {
    await this.checks.findStuckPayouts(tx, runId, account, now);
    await this.checks.findUnreclaimed(tx, runId, account, now);
    await this.checks.findUnknownOutcomes(tx, runId, account, now);
  }

  /** Closes the breaks of the checked types that were not found again, opens new ones, and tells the marketplace. */
  private async mergeFindings(
    tx: Tx,
    runId: string,
    account: string,
    checked: readonly BreakType[],
    now: Date,
  ): Promise<void> {
    await this.repository.healVanished(tx, runId, account, checked, now);
    for (const opened of await this.repository.openBreaks(tx, runId, account, now)) {
      await this.outbox.append(tx, {
        type: 'reconciliation_break.opened',
        ...(account === platformAccount ? {} : { connectedAccountId: account }),
        ...(opened.payoutId === null ? {} : { payoutId: opened.payoutId }),
        data: toReconciliationBreakView(opened, now),
      });
    }
  }

  /** Books what events should have told us. Answers the lines that are explained now and were not before. */
  private async healLines(account: string, stripeAccount: string): Promise<Healed[]> {
    const healed: Healed[] = [];
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
      const matched = await this.compare.matchedAmong(this.database.reader, account, ids);
      healed.push(...matched.map((id): Healed => ({ type: 'missing_in_ledger', key: id })));
      if (lines.length < pageSize) return healed;
      after = ids.at(-1)!;
    }
  }

  /** Takes over Stripe's word on authorizations that are pending on one side only. Answers those that were so for longer. */
  private async healAuthorizations(
    listingId: string,
    account: string,
    stripeAccount: string,
    listedFrom: Date,
  ): Promise<Healed[]> {
    const healed: Healed[] = [];
    const differing = (after: string, only?: readonly string[]) =>
      this.checks.differingAuthorizations(this.database.reader, listingId, account, listedFrom, after, pageSize, only);
    for (let after = ''; ;) {
      const page = await differing(after);
      for (const { stripeAuthorizationId: id } of page) {
        await this.tryToBook(id, () => this.authorizations.sync(id, stripeAccount));
      }
      const overdue = page.filter((one) => one.isOverdue).map((one) => one.stripeAuthorizationId);
      const still = new Set((await differing(after, overdue)).map((one) => one.stripeAuthorizationId));
      for (const id of overdue) if (!still.has(id)) healed.push({ type: 'status_differs', key: `authorization:${id}` });
      if (page.length < pageSize) return healed;
      after = page.at(-1)!.stripeAuthorizationId;
    }
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

  /** Only where there is a card of ours: Stripe refuses to list what an account without Issuing cannot have. */
  private async listCards(listingId: string, account: string, stripeAccount: string): Promise<void> {
    if (!(await this.checks.hasCards(this.database.reader, account))) return;
    for (const status of ['active', 'inactive'] as const) {
      for await (const page of inPages(this.gateway.listCards(stripeAccount, { status }))) {
        await this.checks.seeCards(this.database.reader, listingId, account, page);
      }
    }
  }

  private async listAuthorizations(listingId: string, account: string, stripeAccount: string): Promise<void> {
    if (!(await this.checks.hasCards(this.database.reader, account))) return;
    for await (const page of inPages(this.gateway.listAuthorizations(stripeAccount, { status: 'pending' }))) {
      await this.checks.seeAuthorizations(this.database.reader, listingId, account, page);
    }
  }

  /**
   * Stripe's balance and Stripe's lines of the same moment: if a line came while the balance was read, look again. On an account that
   * never stands still the balance is left for the next run; its lines are compared all the same.
   */
  private async readBalance(
    account: string,
    stripeAccount: string,
  ): Promise<Pick<Look, 'balance' | 'isStill' | 'mirroredFrom'>> {
    await this.mirror.refresh(account, stripeAccount);
    for (let looks = 1; ; looks += 1) {
      const before = await this.checks.linesFingerprint(this.database.reader, account);
      const balance = await this.gateway.retrieveBalance(stripeAccount);
      const mirroredFrom = await this.mirror.refresh(account, stripeAccount);
      const isStill = before === (await this.checks.linesFingerprint(this.database.reader, account));
      if (isStill || looks === looksMax) return { mirroredFrom, balance, isStill };
    }
  }

  private async mainFigures(account: string, figures: readonly AccountFigures[]): Promise<AccountFigures> {
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
      const sha256 = run.failed > 0 ? null : await this.hashReport(tx, runId);
      await this.repository.finishRun(tx, runId, sha256, this.clock.now());
    });
  }

  private async hashReport(tx: Tx, runId: string): Promise<string> {
    const hash = createHash('sha256');
    for await (const piece of reportPieces(this.repository, tx, runId)) hash.update(piece, 'utf8');
    return hash.digest('hex');
  }
}

async function* inPages<Item>(items: AsyncIterable<Item>): AsyncGenerator<Item[], void, undefined> {
  let page: Item[] = [];
  for await (const item of items) {
    page.push(item);
    if (page.length < pageSize) continue;
    yield page;
    page = [];
  }
  if (page.length > 0) yield page;
}
