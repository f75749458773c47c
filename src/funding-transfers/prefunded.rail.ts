import { Injectable } from '@nestjs/common';
import { accounts, credit, debit, Posting } from '../ledger/ledger-account.types';
import { LedgerService } from '../ledger/ledger.service';
import { Database, Tx } from '../platform/database/database';
import { Events } from '../platform/events/events.service';
import { Clock } from '../shared/clock';
import { formatMoney, money } from '../shared/money';
import { StripeGateway } from '../stripe/stripe-gateway.service';
import { StripeBalanceTransaction } from '../stripe/stripe.types';
import { FundingTransferEntity } from './funding-transfer.entity';
import { FloatObserved } from './funding-transfer.events';
import { floatInsufficientCode, isFunding, laterOf, totalMinorOf } from './funding-transfer.policy';
import { FloatAccount, FundingTransfersRepository } from './funding-transfers.repository';
import { Acceptance, Arrival, FundingCall, FundingRail, reclaimDone, Refusal } from './funding.rail';
import { MoneyPlace } from './funding-transfer.types';

/** How often a float is looked at without Stripe having said anything. */
const floatCheckMs = 3_600_000;

/** Every object that this service creates at Stripe carries the id of its call here. */
const callMetadataKey = 'disburse_call';

/**
 * The Issuing balance holds float already: funding a payout reserves part of it, a reclaim gives it back, and nothing travels.
 *
 * Limits: float is what arrived from a bank by top-up or bank transfer; money moved into the balance in any other way is a break until a
 * person explains it. What a reclaim gives back stays in the Issuing balance as float: taking it out is the account's own business.
 */
@Injectable()
export class PrefundedRail extends FundingRail {
  readonly name = 'prefunded';
  readonly route = { out: [], in: [] } as const;
  readonly begins = { out: 'issuing', in: 'issuing' } as const;
  readonly ends = { out: 'issuing', in: 'issuing' } as const;

  constructor(
    private readonly ledger: LedgerService,
    private readonly repository: FundingTransfersRepository,
    private readonly clock: Clock,
    private readonly database: Database,
    private readonly gateway: StripeGateway,
    private readonly events: Events,
  ) {
    super();
  }

  /** Reserves the float, never more than is free: whoever reserves holds the account's row, so two never count the same money. */
  override async settle(tx: Tx, transfer: FundingTransferEntity): Promise<Refusal | null> {
    const { connectedAccountId, currency, reference, amountMinor, bufferMinor } = transfer;
    const total = money(totalMinorOf(transfer), currency);
    const float = accounts.sellerFloat(connectedAccountId, currency);
    const common = {
      sourceId: transfer.id,
      connectedAccountId,
      payoutId: reference,
      occurredAt: this.clock.now(),
    };
    if (transfer.direction === 'in') {
      await this.ledger.post(tx, { ...common, kind: 'reclaim_done', postings: reclaimDone(transfer, float, total) });
      // Free again: payouts that wait for float may try.
      await this.events.announce(tx, new FloatObserved(connectedAccountId));
      return null;
    }

    await this.repository.lockFloat(tx, transfer);
    const freeMinor = -(await this.ledger.accountBalance(tx, connectedAccountId, float));
    if (freeMinor < total.amountMinor) {
      return {
        code: floatInsufficientCode,
        detail: `${formatMoney(total)} is needed, ${formatMoney(money(freeMinor, currency))} of the float is free.`,
      };
    }
    const postings: Posting[] = [debit(float, total)];
    if (amountMinor > 0n) postings.push(credit(accounts.marketplaceFunds(currency), money(amountMinor, currency)));
    if (bufferMinor > 0n)
      postings.push(credit(accounts.probeBuffer(reference, currency), money(bufferMinor, currency)));
    await this.ledger.post(tx, { ...common, kind: 'float_reserved', postings });
    return null;
  }

  /** Begins to follow an account's float. Nothing happens for an account that is followed already. */
  async follow(tx: Tx, account: FloatAccount): Promise<void> {
    await this.repository.addFloat(tx, account);
  }

  /** Posts the unpromised money that came into the account's Issuing balance, each of Stripe's lines once. Asks Stripe. */
  async observe(connectedAccountId: string): Promise<void> {
    const float = await this.repository.findFloat(this.database.reader, connectedAccountId);
    if (!float) return;
    const arrived: StripeBalanceTransaction[] = [];
    let pendingFrom: Date | null = null;
    let seenUntil = float.observedFrom;
    const filter = float.observedFrom ? { createdFrom: float.observedFrom } : {};
    for await (const line of this.gateway.listBalanceTransactions(float.stripeAccountId, filter)) {
      if (seenUntil === null || line.createdAt > seenUntil) seenUntil = line.createdAt;
      if (line.currency !== float.currency || !isFunding(line)) continue;
      if (line.status === 'available') arrived.push(line);
      else if (pendingFrom === null || line.createdAt < pendingFrom) pendingFrom = line.createdAt;
    }

    const ids = arrived.map((line) => line.balanceTransactionId);
    const known = await this.ledger.findMatched(this.database.reader, connectedAccountId, ids);
    const fresh: StripeBalanceTransaction[] = [];
    for (const line of arrived) {
      if (known.has(line.balanceTransactionId) || (await this.isOurTopup(float.stripeAccountId, line))) continue;
      fresh.push(line);
    }
    await this.database.transaction(async (tx) => {
      // Held, so that two observations of one account do not both announce what one of them posted.
      await this.repository.lockFloat(tx, float);
      let hasGrown = false;
      for (const line of fresh) hasGrown = (await this.postFloat(tx, float, line)) || hasGrown;
      // The next look begins at the oldest line that is not available yet; what was seen posts nothing a second time.
      const nextCheckAt = new Date(this.clock.now().getTime() + floatCheckMs);
      await this.repository.floatObserved(tx, connectedAccountId, pendingFrom ?? seenUntil, nextCheckAt);
      if (hasGrown) await this.events.announce(tx, new FloatObserved(connectedAccountId));
    });
  }

  private async postFloat(tx: Tx, float: FloatAccount, line: StripeBalanceTransaction): Promise<boolean> {
    const { connectedAccountId, currency } = float;
    const amount = money(line.netMinor, currency);
    const { posted } = await this.ledger.post(tx, {
      kind: 'float_observed',
      sourceId: line.balanceTransactionId,
      connectedAccountId,
      occurredAt: laterOf(line.createdAt, line.availableOn),
      postings: [
        debit(accounts.issuingAvailable(connectedAccountId, currency), amount),
        credit(accounts.sellerFloat(connectedAccountId, currency), amount),
      ],
    });
    if (!posted) return false;
    const link = { connectedAccountId, balanceTransactionId: line.balanceTransactionId };
    await this.ledger.linkBalanceTransaction(tx, {
      ...link,
      kind: 'float_observed',
      sourceId: line.balanceTransactionId,
    });
    return true;
  }

  /** A top-up that this service made is on its way to a payout, though its outcome may not be recorded yet. */
  private async isOurTopup(stripeAccountId: string, line: StripeBalanceTransaction): Promise<boolean> {
    if (line.type !== 'topup' || line.sourceId === null) return false;
    const topup = await this.gateway.retrieveTopup(stripeAccountId, line.sourceId);
    return topup?.metadata[callMetadataKey] !== undefined;
  }

  callFor(): FundingCall {
    throw nothingTravels();
  }

  accepted(): Promise<Acceptance> {
    throw nothingTravels();
  }

  findArrival(): Promise<Arrival> {
    throw nothingTravels();
  }

  arrived(): Promise<MoneyPlace> {
    throw nothingTravels();
  }

  bounced(): Promise<void> {
    throw nothingTravels();
  }
}

function nothingTravels(): Error {
  return new Error('The prefunded rail has no hops.');
}
