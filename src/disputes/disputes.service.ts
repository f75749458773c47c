import { Injectable, Logger } from '@nestjs/common';
import { CardTransaction, Share } from '../card-transactions/card-transaction.types';
import { CardTransactionsService } from '../card-transactions/card-transactions.service';
import { ConnectedAccountsService } from '../connected-accounts/connected-accounts.service';
import { accounts, credit, debit, Posting } from '../ledger/ledger-account.types';
import { LedgerService } from '../ledger/ledger.service';
import { EntryKind } from '../ledger/ledger.types';
import { PayoutsService } from '../payouts/payouts.service';
import { Payout } from '../payouts/payout.types';
import { Database, Tx } from '../platform/database/database';
import { Clock } from '../shared/clock';
import { newId } from '../shared/ids';
import { money, toCurrency } from '../shared/money';
import { StripeGateway } from '../stripe/stripe-gateway.service';
import type { StripeBalanceTransaction, StripeDispute } from '../stripe/stripe.types';
import { OutboxService } from '../webhook-outbox/outbox.service';
import { toDisputeView } from './dispute.dto';
import { DisputeEntity } from './dispute.entity';
import { DisputeNotFound } from './dispute.errors';
import { inOrder, isFinal, nextDisputeStatus, shareDisputeLine } from './dispute.policy';
import { Dispute } from './dispute.types';
import { DisputeFilter, DisputesRepository } from './disputes.repository';

const noShare: Share = { paidMinor: 0n, overspentMinor: 0n, aftercareMinor: 0n };

/** Follows the disputes that the marketplace opens at Stripe, and books what they bring back. The only writer of its table. */
@Injectable()
export class DisputesService {
  private readonly logger = new Logger('disputes');

  constructor(
    private readonly repository: DisputesRepository,
    private readonly cardTransactions: CardTransactionsService,
    private readonly database: Database,
    private readonly clock: Clock,
    private readonly ledger: LedgerService,
    private readonly payouts: PayoutsService,
    private readonly connectedAccounts: ConnectedAccountsService,
    private readonly stripe: StripeGateway,
    private readonly outbox: OutboxService,
  ) {}

  /** @throws {DisputeNotFound} */
  async get(id: string): Promise<Dispute> {
    const row = await this.repository.find(this.database.reader, id);
    if (!row) throw new DisputeNotFound(id);
    return row;
  }

  /** Newest first, one more than the limit when there are more. */
  async list(filter: DisputeFilter): Promise<Dispute[]> {
    return this.repository.list(this.database.reader, filter);
  }

  /**
   * Asks Stripe for the dispute and books what is new: once by dispute, and once by balance transaction. Safe to repeat; does nothing
   * for a capture that is not ours.
   */
  async sync(stripeDisputeId: string, stripeAccount: string | null): Promise<void> {
    const account = stripeAccount ?? (await this.findStripeAccount(stripeDisputeId));
    const fact =
      account !== null && (await this.connectedAccounts.findByStripeAccountId(account))
        ? await this.stripe.retrieveDispute(account, stripeDisputeId)
        : null;
    // The disputed capture's own event may be late or lost.
    const capture = fact && (await this.cardTransactions.findOrSync(fact.stripeCardTransactionId, account));
    if (!fact || !capture) {
      this.logger.log({ stripe_dispute_id: stripeDisputeId }, 'Ignored a dispute of a card that is not ours.');
      return;
    }
    await this.database.transaction((tx) => this.book(tx, fact, capture));
  }

  private async book(tx: Tx, fact: StripeDispute, capture: CardTransaction): Promise<void> {
    const payout = await this.payouts.lock(tx, capture.payoutId);
    const known = await this.repository.findByStripeId(tx, fact.stripeDisputeId);
    const row = known ?? this.open(fact, capture);
    const wasFinal = known !== null && isFinal(known.status);
    Object.assign(row, {
      status: nextDisputeStatus(known?.status ?? null, fact.status),
      reason: fact.reason,
      lossReason: fact.lossReason ?? row.lossReason,
      amountMinor: fact.amountMinor,
      updatedAt: this.clock.now(),
    });
    if (!known) await this.tell(tx, 'dispute.opened', row);

    const matched = await this.ledger.findMatched(
      tx,
      row.connectedAccountId,
      fact.balanceTransactions.map((line) => line.balanceTransactionId),
    );
    for (const line of inOrder(fact.balanceTransactions)) {
      if (!matched.has(line.balanceTransactionId) && line.netMinor !== 0n) await this.bookLine(tx, row, line, payout);
    }
    // What was provisional is ours now; Stripe moves nothing for it.
    if (row.status === 'won' && row.provisionalMinor > 0n) await this.keepProvisional(tx, row, payout);

    if (isFinal(row.status) && !wasFinal) {
      row.closedAt = this.clock.now();
      await this.tell(tx, 'dispute.closed', row);
    }
    await this.repository.save(tx, row);
    await this.payouts.captured(tx, row.payoutId);
  }

  private open(fact: StripeDispute, capture: CardTransaction): DisputeEntity {
    const now = this.clock.now();
    return {
      id: newId('dispute'),
      stripeDisputeId: fact.stripeDisputeId,
      connectedAccountId: capture.connectedAccountId,
      payoutId: capture.payoutId,
      cardId: capture.cardId,
      cardTransactionId: capture.id,
      status: 'unsubmitted',
      reason: fact.reason,
      lossReason: null,
      amountMinor: fact.amountMinor,
      provisionalMinor: 0n,
      returnedMinor: 0n,
      ...noShare,
      currency: toCurrency(fact.currency),
      openedAt: fact.createdAt,
      closedAt: null,
      createdAt: now,
      updatedAt: now,
    };
  }

  private async bookLine(tx: Tx, row: DisputeEntity, line: StripeBalanceTransaction, payout: Payout): Promise<void> {
    if (line.currency !== row.currency) throw new Error(`${line.balanceTransactionId} is not in ${row.currency}.`);
    const { provisionalMinor, returnedMinor } = shareDisputeLine(line, row.provisionalMinor);
    const { share, postings } = await this.shareOf(tx, returnedMinor, payout);
    await this.post(tx, row, postings, {
      kind: kindOfLine(line.netMinor, returnedMinor),
      sourceId: line.balanceTransactionId,
      occurredAt: line.createdAt,
      availableMinor: line.netMinor,
      provisionalMinor,
      balanceTransactionIds: [line.balanceTransactionId],
    });
    addUp(row, provisionalMinor, returnedMinor, share);
    await this.payouts.note(tx, row.payoutId, line.netMinor > 0n ? 'dispute.credited' : 'dispute.credit_taken_back', {
      dispute: row.id,
      amount: Number(line.netMinor),
      currency: row.currency,
      provisional: returnedMinor === 0n,
      stripe_balance_transaction: line.balanceTransactionId,
    });
  }

  private async keepProvisional(tx: Tx, row: DisputeEntity, payout: Payout): Promise<void> {
    const amountMinor = row.provisionalMinor;
    const { share, postings } = await this.shareOf(tx, amountMinor, payout);
    await this.post(tx, row, postings, {
      kind: 'dispute_won',
      sourceId: row.stripeDisputeId,
      occurredAt: this.clock.now(),
      availableMinor: 0n,
      provisionalMinor: -amountMinor,
      balanceTransactionIds: [],
    });
    addUp(row, -amountMinor, amountMinor, share);
  }

  /** What comes back for good goes where a refund goes; what is taken from it, where a refund's reversal does. */
  private async shareOf(tx: Tx, returnedMinor: bigint, payout: Payout): Promise<{ share: Share; postings: Posting[] }> {
    return returnedMinor === 0n
      ? { share: noShare, postings: [] }
      : this.cardTransactions.shareReturn(tx, payout, returnedMinor);
  }

  private async post(
    tx: Tx,
    { stripeDisputeId, connectedAccountId, payoutId, id, currency }: DisputeEntity,
    sharePostings: readonly Posting[],
    entry: Readonly<{
      kind: EntryKind;
      sourceId: string;
      occurredAt: Date;
      availableMinor: bigint;
      provisionalMinor: bigint;
      balanceTransactionIds: readonly string[];
    }>,
  ): Promise<void> {
    const { availableMinor, provisionalMinor, ...fact } = entry;
    const { posted } = await this.ledger.post(tx, {
      ...fact,
      connectedAccountId,
      payoutId,
      postings: [
        ...signed(accounts.issuingAvailable(connectedAccountId, currency), availableMinor, currency),
        ...signed(accounts.disputeProvisional(id, currency), -provisionalMinor, currency),
        ...sharePostings,
      ],
    });
    if (!posted)
      throw new Error(`${entry.sourceId} of ${stripeDisputeId} was posted before, though we did not know it.`);
  }

  private async tell(tx: Tx, type: 'dispute.opened' | 'dispute.closed', row: DisputeEntity): Promise<void> {
    const { id, ...view } = toDisputeView(row);
    const data = { dispute: id, ...view };
    await this.payouts.note(tx, row.payoutId, type, data);
    await this.outbox.append(tx, { type, connectedAccountId: row.connectedAccountId, payoutId: row.payoutId, data });
  }

  /** For events that do not say whose it is: we know it only if we booked it. */
  private async findStripeAccount(stripeDisputeId: string): Promise<string | null> {
    const row = await this.repository.findByStripeId(this.database.reader, stripeDisputeId);
    return row && (await this.connectedAccounts.get(row.connectedAccountId)).stripeAccountId;
  }
}

function kindOfLine(netMinor: bigint, returnedMinor: bigint): EntryKind {
  if (returnedMinor > 0n) return 'dispute_won';
  if (returnedMinor < 0n) return 'dispute_won_reversed';
  return netMinor > 0n ? 'dispute_credit' : 'dispute_credit_reversed';
}

function signed(account: string, amountMinor: bigint, currency: DisputeEntity['currency']): Posting[] {
  if (amountMinor === 0n) return [];
  return amountMinor > 0n
    ? [debit(account, money(amountMinor, currency))]
    : [credit(account, money(-amountMinor, currency))];
}

function addUp(row: DisputeEntity, provisionalMinor: bigint, returnedMinor: bigint, share: Share): void {
  row.provisionalMinor += provisionalMinor;
  row.returnedMinor += returnedMinor;
  row.paidMinor += share.paidMinor;
  row.overspentMinor += share.overspentMinor;
  row.aftercareMinor += share.aftercareMinor;
}
