import { Injectable } from '@nestjs/common';
import { accounts, credit, debit, Posting } from '../ledger/ledger-account.types';
import { LedgerService } from '../ledger/ledger.service';
import { Tx } from '../platform/database/database';
import { money } from '../shared/money';
import { StripeBankPayout } from '../stripe/stripe-call.types';
import { StripeGateway } from '../stripe/stripe-gateway.service';
import { StripeEventRecord, StripeTopup } from '../stripe/stripe.types';
import { FundingTransferHopEntity } from './funding-transfer-hop.entity';
import { FundingTransferEntity } from './funding-transfer.entity';
import { laterOf, totalMinorOf } from './funding-transfer.policy';
import { FundingHopKind, MoneyPlace } from './funding-transfer.types';
import { Acceptance, Arrival, FundingCall, FundingOutcome, FundingRail, reclaimDone } from './funding.rail';

/**
 * The seller's bank → its Issuing balance by a top-up (up to five business days), and back by a bank payout from the Issuing balance.
 * https://docs.stripe.com/issuing/connect/funding
 *
 * Limits: Stripe pulls only from banks in the US, and up to five business days pass before a payout has its card. The money is the
 * seller's bank's, and goes back there, not to the platform. The bank may take a top-up back after it succeeded: a break for a person.
 */
@Injectable()
export class TopupRail extends FundingRail {
  readonly name = 'topup';
  readonly route = { out: ['topup'], in: ['bank_payout'] } as const;
  readonly begins = { out: 'bank', in: 'issuing' } as const;
  readonly ends = { out: 'issuing', in: 'bank' } as const;

  constructor(
    private readonly ledger: LedgerService,
    private readonly gateway: StripeGateway,
  ) {
    super();
  }

  callFor(transfer: FundingTransferEntity, kind: FundingHopKind): FundingCall {
    const common = {
      reference: transfer.id,
      connectedAccountId: transfer.connectedAccountId,
      payoutId: transfer.reference,
      stripeAccount: transfer.stripeAccountId,
    };
    const amount = Number(totalMinorOf(transfer));
    if (kind === 'topup') {
      return {
        ...common,
        kind: 'topup.create',
        params: {
          amount,
          currency: transfer.currency,
          destination_balance: 'issuing',
          transfer_group: transfer.reference,
        },
      };
    }
    if (kind === 'bank_payout') {
      return {
        ...common,
        kind: 'payout.create',
        params: { amount, currency: transfer.currency, source_balance: 'issuing' },
      };
    }
    throw new Error(`A ${kind} is no hop of the topup rail.`);
  }

  async accepted(
    tx: Tx,
    transfer: FundingTransferEntity,
    _hop: FundingTransferHopEntity,
    call: FundingOutcome & { status: 'done' },
  ): Promise<Acceptance> {
    if (call.kind === 'topup.create') return this.topupAccepted(tx, transfer, call.result);
    if (call.kind === 'payout.create') return this.bankPayoutAccepted(tx, transfer, call.result);
    throw new Error(`${call.kind} is no call of the topup rail.`);
  }

  async findArrival(transfer: FundingTransferEntity, hop: FundingTransferHopEntity): Promise<Arrival> {
    if (!hop.stripeObjectId) return { how: 'on_its_way', expectedAt: null };
    return hop.kind === 'topup'
      ? this.findTopupArrival(transfer, hop, hop.stripeObjectId)
      : this.findBankPayoutArrival(transfer, hop, hop.stripeObjectId);
  }

  async arrived(
    tx: Tx,
    transfer: FundingTransferEntity,
    hop: FundingTransferHopEntity,
    arrival: Arrival & { how: 'arrived' },
  ): Promise<MoneyPlace> {
    const { connectedAccountId, currency, reference } = transfer;
    const total = money(totalMinorOf(transfer), currency);
    const common = {
      connectedAccountId,
      payoutId: reference,
      occurredAt: arrival.at,
      balanceTransactionIds: arrival.balanceTransactionId ? [arrival.balanceTransactionId] : [],
    };
    if (hop.kind === 'topup') {
      await this.ledger.post(tx, {
        ...common,
        kind: 'topup_available',
        sourceId: hop.stripeObjectId!,
        postings: [
          debit(accounts.issuingAvailable(connectedAccountId, currency), total),
          credit(accounts.fundsInTransit(connectedAccountId, currency), total),
        ],
      });
      return 'issuing';
    }
    const postings: Posting[] = [
      debit(accounts.externalBank(connectedAccountId, currency), total),
      credit(accounts.reclaimInTransit(connectedAccountId, currency), total),
      ...reclaimDone(transfer, accounts.marketplaceFunds(currency), total),
    ];
    await this.ledger.post(tx, { ...common, kind: 'reclaim_done', sourceId: transfer.id, postings });
    return 'bank';
  }

  async bounced(
    tx: Tx,
    transfer: FundingTransferEntity,
    hop: FundingTransferHopEntity,
    arrival: Arrival & { how: 'bounced' },
  ): Promise<void> {
    const { connectedAccountId, currency, reference, bufferMinor } = transfer;
    const total = money(totalMinorOf(transfer), currency);
    const common = {
      connectedAccountId,
      payoutId: reference,
      occurredAt: arrival.at,
      sourceId: hop.stripeObjectId!,
      balanceTransactionIds: arrival.balanceTransactionId ? [arrival.balanceTransactionId] : [],
    };
    if (hop.kind === 'topup') {
      const postings: Posting[] = [
        debit(accounts.externalBank(connectedAccountId, currency), total),
        credit(accounts.fundsInTransit(connectedAccountId, currency), total),
      ];
      if (bufferMinor > 0n) {
        const buffer = money(bufferMinor, currency);
        postings.push(
          debit(accounts.probeBuffer(reference, currency), buffer),
          credit(accounts.marketplaceFunds(currency), buffer),
        );
      }
      await this.ledger.post(tx, { ...common, kind: 'topup_failed', postings });
      return;
    }
    await this.ledger.post(tx, {
      ...common,
      kind: 'reclaim_returned',
      postings: [
        debit(accounts.issuingAvailable(connectedAccountId, currency), total),
        credit(accounts.reclaimInTransit(connectedAccountId, currency), total),
      ],
    });
  }

  /**
   * A bank payout that was paid can still come back days later. The reclaim was done and its payout may be closed, so the money is
   * aftercare now: in the Issuing balance, owed to the marketplace.
   */
  async returnedByBank(
    tx: Tx,
    transfer: FundingTransferEntity,
    hop: FundingTransferHopEntity,
    arrival: Arrival & { how: 'bounced' },
  ): Promise<void> {
    const { connectedAccountId, currency, reference } = transfer;
    const total = money(totalMinorOf(transfer), currency);
    await this.ledger.post(tx, {
      kind: 'reclaim_returned',
      sourceId: hop.stripeObjectId!,
      connectedAccountId,
      payoutId: reference,
      occurredAt: arrival.at,
      postings: [
        debit(accounts.issuingAvailable(connectedAccountId, currency), total),
        credit(accounts.externalBank(connectedAccountId, currency), total),
        debit(accounts.marketplaceFunds(currency), total),
        credit(accounts.aftercare(reference, currency), total),
      ],
      balanceTransactionIds: arrival.balanceTransactionId ? [arrival.balanceTransactionId] : [],
    });
  }

  private async topupAccepted(tx: Tx, transfer: FundingTransferEntity, result: StripeTopup): Promise<Acceptance> {
    const { connectedAccountId, currency, reference, bufferMinor } = transfer;
    const total = money(totalMinorOf(transfer), currency);
    const postings: Posting[] = [
      debit(accounts.fundsInTransit(connectedAccountId, currency), total),
      credit(accounts.externalBank(connectedAccountId, currency), total),
    ];
    if (bufferMinor > 0n) {
      const buffer = money(bufferMinor, currency);
      postings.push(
        debit(accounts.marketplaceFunds(currency), buffer),
        credit(accounts.probeBuffer(reference, currency), buffer),
      );
    }
    // No line at Stripe yet: a pending top-up has moved no balance.
    await this.ledger.post(tx, {
      kind: 'topup_created',
      sourceId: result.stripeTopupId,
      connectedAccountId,
      payoutId: reference,
      occurredAt: laterOf(result.createdAt, transfer.createdAt),
      postings,
    });
    return {
      status: 'accepted',
      moneyAt: 'funds_in_transit',
      stripeObjectId: result.stripeTopupId,
      stripeCreatedAt: result.createdAt,
    };
  }

  private async bankPayoutAccepted(
    tx: Tx,
    transfer: FundingTransferEntity,
    result: StripeBankPayout,
  ): Promise<Acceptance> {
    const { connectedAccountId, currency } = transfer;
    const total = money(totalMinorOf(transfer), currency);
    await this.ledger.post(tx, {
      kind: 'reclaim_sent',
      sourceId: `${transfer.id}:sent`,
      connectedAccountId,
      payoutId: transfer.reference,
      occurredAt: laterOf(result.createdAt, transfer.createdAt),
      postings: [
        debit(accounts.reclaimInTransit(connectedAccountId, currency), total),
        credit(accounts.issuingAvailable(connectedAccountId, currency), total),
      ],
      balanceTransactionIds: result.balanceTransactionId ? [result.balanceTransactionId] : [],
    });
    return {
      status: 'accepted',
      moneyAt: 'reclaim_in_transit',
      stripeObjectId: result.stripePayoutId,
      stripeCreatedAt: result.createdAt,
      counterpartId: result.balanceTransactionId ? null : result.stripePayoutId,
    };
  }

  private async findTopupArrival(
    transfer: FundingTransferEntity,
    hop: FundingTransferHopEntity,
    stripeTopupId: string,
  ): Promise<Arrival> {
    const topup = await this.gateway.retrieveTopup(transfer.stripeAccountId, stripeTopupId);
    if (topup === null || topup.status === 'pending') {
      return { how: 'on_its_way', expectedAt: topup?.expectedAvailabilityAt ?? null };
    }
    const since = laterOf(topup.createdAt, transfer.createdAt);
    if (topup.status === 'succeeded') {
      const line = topup.balanceTransactionId
        ? await this.gateway.retrieveBalanceTransaction(transfer.stripeAccountId, topup.balanceTransactionId)
        : null;
      if (line?.status === 'pending') return { how: 'on_its_way', expectedAt: line.availableOn };
      return {
        how: 'arrived',
        at: laterOf(line?.availableOn ?? since, since),
        balanceTransactionId: topup.balanceTransactionId,
      };
    }
    return {
      how: 'bounced',
      at: since,
      code: topup.failureCode ?? `topup_${topup.status}`,
      detail: `Stripe reports the top-up ${stripeTopupId} as ${topup.status}.`,
      balanceTransactionId: null,
    };
  }

  /** By its newest event: what Stripe said last about a bank payout's end. A paid one may fail days later. */
  private async findBankPayoutArrival(
    transfer: FundingTransferEntity,
    hop: FundingTransferHopEntity,
    stripePayoutId: string,
  ): Promise<Arrival> {
    const newest = await this.findNewestEnd(
      transfer.stripeAccountId,
      stripePayoutId,
      hop.stripeCreatedAt ?? hop.createdAt,
    );
    if (!newest) return { how: 'on_its_way', expectedAt: null };
    const at = laterOf(newest.createdAt, transfer.createdAt);
    // Its line was linked when the bank payout left the Issuing balance.
    if (newest.type === 'payout.paid') return { how: 'arrived', at, balanceTransactionId: null };
    const code = newest.object['failure_code'];
    return {
      how: 'bounced',
      at,
      code: typeof code === 'string' ? code : newest.type.replace('.', '_'),
      detail: `Stripe reports the bank payout ${stripePayoutId} as ${newest.type.slice('payout.'.length)}.`,
      balanceTransactionId: await this.findReturnLine(transfer, stripePayoutId),
    };
  }

  private async findNewestEnd(
    stripeAccountId: string,
    stripePayoutId: string,
    createdFrom: Date,
  ): Promise<StripeEventRecord | null> {
    const types = ['payout.paid', 'payout.failed', 'payout.canceled'];
    // Newest first, so a look that an event caused ends on the first page.
    for await (const event of this.gateway.listEvents(stripeAccountId, { types, createdFrom })) {
      if (event.objectId === stripePayoutId) return event;
    }
    return null;
  }

  private async findReturnLine(transfer: FundingTransferEntity, stripePayoutId: string): Promise<string | null> {
    const filter = { sourceId: stripePayoutId };
    for await (const line of this.gateway.listBalanceTransactions(transfer.stripeAccountId, filter)) {
      if (line.netMinor > 0n) return line.balanceTransactionId;
    }
    return null;
  }
}
