import { Injectable } from '@nestjs/common';
import { accounts, credit, debit, Posting } from '../ledger/ledger-account.types';
import { LedgerService } from '../ledger/ledger.service';
import { Tx } from '../platform/database/database';
import { money } from '../shared/money';
import { StripeBalanceTransfer, StripeTransferReversal } from '../stripe/stripe-call.types';
import { StripeGateway } from '../stripe/stripe-gateway.service';
import { StripeBalanceTransaction, StripeTransfer } from '../stripe/stripe.types';
import { FundingTransferHopEntity } from './funding-transfer-hop.entity';
import { FundingTransferEntity } from './funding-transfer.entity';
import { findArrivalLine, laterOf, PlannedReversal, splitReturn, totalMinorOf } from './funding-transfer.policy';
import { FundingHopKind, MoneyPlace } from './funding-transfer.types';
import { FundingTransfersRepository } from './funding-transfers.repository';
import { Acceptance, Arrival, FundingCall, FundingOutcome, FundingRail } from './funding.rail';

/**
 * Platform balance → seller's payments balance → seller's Issuing balance, and the mirror image back. No single call does it:
 * `/v1/transfers` reaches only the payments balance, and `/v1/balance_transfers` (preview) moves between one account's balances.
 * https://docs.stripe.com/issuing/connect/funding
 *
 * Limits: Stripe gives access to balance transfers on request, in usd, eur and gbp; at once in the US, the next business day in the
 * UK and the EU. The way back ends in reversals, so no more comes back than the reference's transfers brought, and a seller's payments
 * balance that something else empties in between holds it up until it grows: payouts to the seller's bank have to be manual.
 */
@Injectable()
export class TransferRail extends FundingRail {
  readonly name = 'transfer';
  readonly route = {
    out: ['transfer', 'balance_transfer'],
    in: ['balance_transfer', 'transfer_reversal'],
  } as const;
  readonly begins = { out: 'platform', in: 'issuing' } as const;
  readonly ends = { out: 'issuing', in: 'platform' } as const;

  constructor(
    private readonly ledger: LedgerService,
    private readonly gateway: StripeGateway,
    private readonly repository: FundingTransfersRepository,
  ) {
    super();
  }

  callFor(transfer: FundingTransferEntity, kind: FundingHopKind): FundingCall {
    const amount = Number(totalMinorOf(transfer));
    const common = {
      reference: transfer.id,
      connectedAccountId: transfer.connectedAccountId,
      payoutId: transfer.reference,
    };
    if (kind === 'transfer') {
      return {
        ...common,
        kind: 'transfer.create',
        params: {
          amount,
          currency: transfer.currency,
          destination: transfer.stripeAccountId,
          transfer_group: transfer.reference,
        },
      };
    }
    if (kind === 'balance_transfer') {
      const [from, to] =
        transfer.direction === 'out' ? (['payments', 'issuing'] as const) : (['issuing', 'payments'] as const);
      return {
        ...common,
        kind: 'balance_transfer.create',
        stripeAccount: transfer.stripeAccountId,
        // A balance transfer can be neither listed nor retrieved: with one in flight per account and direction, the balance
        // transactions alone can settle an unclear one (design.md, promise 1).
        lane: `balance_transfer:${transfer.connectedAccountId}:${transfer.direction}`,
        params: {
          amount,
          currency: transfer.currency,
          source_balance: { type: from },
          destination_balance: { type: to },
        },
      };
    }
    throw new Error(`A ${kind} is no whole hop of the transfer rail.`);
  }

  /** A reversal of part of an outward transfer. https://docs.stripe.com/api/transfer_reversals/create */
  reversalCall(transfer: FundingTransferEntity, reversal: PlannedReversal): FundingCall {
    return {
      kind: 'transfer_reversal.create',
      reference: transfer.id,
      connectedAccountId: transfer.connectedAccountId,
      payoutId: transfer.reference,
      params: { transfer: reversal.stripeTransferId, amount: Number(reversal.amountMinor) },
    };
  }

  async accepted(
    tx: Tx,
    transfer: FundingTransferEntity,
    hop: FundingTransferHopEntity,
    call: FundingOutcome & { status: 'done' },
  ): Promise<Acceptance> {
    switch (call.kind) {
      case 'transfer.create':
        return this.transferAccepted(tx, transfer, call.result);
      case 'balance_transfer.create':
        return this.balanceTransferAccepted(tx, transfer, call.result);
      case 'transfer_reversal.create':
        return this.reversalAccepted(tx, transfer, hop, call.result);
      default:
        throw new Error(`${call.kind} is no call of the transfer rail.`);
    }
  }

  async findArrival(transfer: FundingTransferEntity, hop: FundingTransferHopEntity): Promise<Arrival> {
    const line = await this.findArrivalLine(transfer, hop);
    // Stripe's clock decides: its line says so, whatever day we think it is.
    if (line?.status !== 'available') return { how: 'on_its_way', expectedAt: line?.availableOn ?? null };
    return {
      how: 'arrived',
      at: laterOf(line.availableOn, hop.stripeCreatedAt ?? line.createdAt, transfer.createdAt),
      balanceTransactionId: line.balanceTransactionId,
    };
  }

  async arrived(
    tx: Tx,
    transfer: FundingTransferEntity,
    _hop: FundingTransferHopEntity,
    arrival: Arrival & { how: 'arrived' },
  ): Promise<MoneyPlace> {
    const { connectedAccountId, currency } = transfer;
    const total = money(totalMinorOf(transfer), currency);
    const postings =
      transfer.direction === 'out'
        ? [
            debit(accounts.issuingAvailable(connectedAccountId, currency), total),
            credit(accounts.fundsInTransit(connectedAccountId, currency), total),
          ]
        : [
            debit(accounts.sellerPayments(connectedAccountId, currency), total),
            credit(accounts.reclaimInTransit(connectedAccountId, currency), total),
          ];
    await this.ledger.post(tx, {
      kind: transfer.direction === 'out' ? 'funding_available' : 'reclaim_available',
      sourceId: `${transfer.id}:available`,
      connectedAccountId,
      payoutId: transfer.reference,
      occurredAt: arrival.at,
      postings,
      balanceTransactionIds: arrival.balanceTransactionId ? [arrival.balanceTransactionId] : [],
    });
    return transfer.direction === 'out' ? 'issuing' : 'seller_payments';
  }

  bounced(): Promise<void> {
    throw new Error('A balance transfer is refused at once or arrives.');
  }

  private async transferAccepted(tx: Tx, transfer: FundingTransferEntity, result: StripeTransfer): Promise<Acceptance> {
    const { connectedAccountId, currency, reference, bufferMinor } = transfer;
    const total = money(totalMinorOf(transfer), currency);
    const postings: Posting[] = [
      debit(accounts.sellerPayments(connectedAccountId, currency), total),
      credit(accounts.platformPayments(currency), total),
    ];
    if (bufferMinor > 0n) {
      const buffer = money(bufferMinor, currency);
      postings.push(
        debit(accounts.marketplaceFunds(currency), buffer),
        credit(accounts.probeBuffer(reference, currency), buffer),
      );
    }
    await this.ledger.post(tx, {
      kind: 'funding_transfer',
      sourceId: result.stripeTransferId,
      connectedAccountId,
      payoutId: reference,
      occurredAt: laterOf(result.createdAt, transfer.createdAt),
      postings,
      balanceTransactionIds: result.balanceTransactionId ? [result.balanceTransactionId] : [],
    });
    return {
      status: 'done',
      moneyAt: 'seller_payments',
      stripeObjectId: result.stripeTransferId,
      stripeCreatedAt: result.createdAt,
      counterpartId: result.destinationPaymentId,
    };
  }

  private async balanceTransferAccepted(
    tx: Tx,
    transfer: FundingTransferEntity,
    result: StripeBalanceTransfer,
  ): Promise<Acceptance> {
    const { connectedAccountId, currency } = transfer;
    const total = money(totalMinorOf(transfer), currency);
    const isOut = transfer.direction === 'out';
    const postings = isOut
      ? [
          debit(accounts.fundsInTransit(connectedAccountId, currency), total),
          credit(accounts.sellerPayments(connectedAccountId, currency), total),
        ]
      : [
          debit(accounts.reclaimInTransit(connectedAccountId, currency), total),
          credit(accounts.issuingAvailable(connectedAccountId, currency), total),
        ];
    await this.ledger.post(tx, {
      kind: isOut ? 'funding_sent' : 'reclaim_sent',
      sourceId: `${transfer.id}:sent`,
      connectedAccountId,
      payoutId: transfer.reference,
      occurredAt: laterOf(result.createdAt, transfer.createdAt),
      postings,
      balanceTransactionIds: result.sourceBalanceTransactionId ? [result.sourceBalanceTransactionId] : [],
    });
    return {
      status: 'accepted',
      moneyAt: isOut ? 'funds_in_transit' : 'reclaim_in_transit',
      stripeObjectId: result.stripeBalanceTransferId,
      stripeCreatedAt: result.createdAt,
      arrivalBalanceTransactionId: result.destinationBalanceTransactionId,
      counterpartId: result.sourceBalanceTransactionId ? null : result.stripeBalanceTransferId,
    };
  }

  /**
   * One entry per reversal, so that each line at Stripe has its entry even when a reclaim comes back in pieces: the piece leaves the
   * seller's payments balance and what it was owed for ends in the same entry.
   */
  private async reversalAccepted(
    tx: Tx,
    transfer: FundingTransferEntity,
    hop: FundingTransferHopEntity,
    result: StripeTransferReversal,
  ): Promise<Acceptance> {
    const { connectedAccountId, currency, reference } = transfer;
    const piece = money(hop.amountMinor, currency);
    const isReclaim = transfer.direction === 'in';
    const parts = splitReturn(transfer, transfer.returnedMinor, hop.amountMinor);
    // An outward transfer that goes back leaves the promise as it was: only its probe buffer had been taken from the marketplace.
    const freed = isReclaim ? totalMinorOf(parts) : parts.bufferMinor;

    const postings: Posting[] = [
      debit(accounts.platformPayments(currency), piece),
      credit(accounts.sellerPayments(connectedAccountId, currency), piece),
    ];
    const take = (account: string, amountMinor: bigint) => {
      if (amountMinor > 0n) postings.push(debit(account, money(amountMinor, currency)));
    };
    if (isReclaim) {
      take(accounts.payoutReclaiming(reference, currency), parts.amountMinor);
      take(accounts.aftercare(reference, currency), parts.aftercareMinor);
    }
    take(accounts.probeBuffer(reference, currency), parts.bufferMinor);
    if (freed > 0n) postings.push(credit(accounts.marketplaceFunds(currency), money(freed, currency)));

    await this.ledger.post(tx, {
      kind: isReclaim ? 'reclaim_done' : 'funding_returned',
      sourceId: result.stripeTransferReversalId,
      connectedAccountId,
      payoutId: reference,
      occurredAt: laterOf(result.createdAt, transfer.createdAt),
      postings,
      balanceTransactionIds: result.balanceTransactionId ? [result.balanceTransactionId] : [],
    });
    const isLast = transfer.returnedMinor + hop.amountMinor === totalMinorOf(transfer);
    return {
      status: 'done',
      moneyAt: isLast ? 'platform' : 'seller_payments',
      stripeObjectId: result.stripeTransferReversalId,
      stripeCreatedAt: result.createdAt,
      counterpartId: result.destinationPaymentRefundId,
    };
  }

  private async findArrivalLine(
    transfer: FundingTransferEntity,
    hop: FundingTransferHopEntity,
  ): Promise<StripeBalanceTransaction | null> {
    if (hop.arrivalBalanceTransactionId) {
      return this.gateway.retrieveBalanceTransaction(transfer.stripeAccountId, hop.arrivalBalanceTransactionId);
    }
    // Stripe had not written the far line yet when it answered.
    const lines: StripeBalanceTransaction[] = [];
    const since = hop.stripeCreatedAt ?? hop.createdAt;
    for await (const line of this.gateway.listBalanceTransactions(transfer.stripeAccountId, { createdFrom: since })) {
      lines.push(line);
    }
    const claimed = await this.repository.claimedArrivals(lines.map((line) => line.balanceTransactionId));
    const free = lines.filter((line) => !claimed.has(line.balanceTransactionId));
    return findArrivalLine(free, {
      balanceType: transfer.direction === 'out' ? 'issuing' : 'payments',
      amountMinor: totalMinorOf(transfer),
      sourceId: hop.stripeObjectId,
    });
  }
}
