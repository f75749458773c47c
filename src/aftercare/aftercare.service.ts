import { Injectable } from '@nestjs/common';
import { FundingTransfersService } from '../funding-transfers/funding-transfers.service';
import { accounts, credit, debit } from '../ledger/ledger-account.types';
import { LedgerService } from '../ledger/ledger.service';
import { PayoutsService } from '../payouts/payouts.service';
import { Database, Tx } from '../platform/database/database';
import { Clock } from '../shared/clock';
import { minMinor, money } from '../shared/money';
import { AftercareSettlementEntity } from './aftercare-settlement.entity';
import {
  AftercareItemAlreadySettled,
  AftercareItemNotFound,
  NothingToSettle,
  OverspendNotCoveredYet,
} from './aftercare.errors';
import { AftercareFilter, AftercareRepository } from './aftercare.repository';
import { AftercareItem, AftercareSettlement, SettleAction } from './aftercare.types';

/** Shows finance what came beyond or after a payout, and ends what a seller owes for an overspend. The only writer of its table. docs/decisions/0011-settling-a-receivable.md */
@Injectable()
export class AftercareService {
  constructor(
    private readonly repository: AftercareRepository,
    private readonly database: Database,
    private readonly clock: Clock,
    private readonly ledger: LedgerService,
    private readonly payouts: PayoutsService,
    private readonly fundingTransfers: FundingTransfersService,
  ) {}

  /** Newest first, one more than the limit when there are more. */
  async list(filter: AftercareFilter): Promise<AftercareItem[]> {
    return this.repository.list(this.database.reader, filter);
  }

  /** What became of these, by item. */
  async settlementsOf(itemIds: readonly string[]): Promise<ReadonlyMap<string, AftercareSettlement>> {
    const rows = await this.repository.findSettlements(this.database.reader, itemIds);
    return new Map(rows.map((row) => [row.itemId, row]));
  }

  /**
   * Settles what the seller still owes for one item: a refund may have made good part of it.
   * @throws {AftercareItemNotFound | AftercareItemAlreadySettled | NothingToSettle | OverspendNotCoveredYet}
   */
  async settle(
    tx: Tx,
    id: string,
    how: { action: SettleAction; note: string; apiKeyId: string },
  ): Promise<{ item: AftercareItem; settlement: AftercareSettlement }> {
    const item = await this.repository.find(tx, id);
    if (!item) throw new AftercareItemNotFound(id);
    const { payoutId, connectedAccountId, currency } = item;
    await this.payouts.lock(tx, payoutId);
    const settled = await this.repository.findSettlements(tx, [id]);
    if (settled.length > 0) throw new AftercareItemAlreadySettled(id);
    const terms = await this.ledger.payoutTerms(tx, payoutId);
    const amountMinor = minMinor(item.overspentMinor, terms.overspentMinor);
    if (amountMinor <= 0n) throw new NothingToSettle(id);
    // Money on its way, in either direction, counts on what is beside the payout: it must not be gone when it arrives.
    const isUnderWay = (await this.fundingTransfers.getUnsettled(payoutId, tx)).length > 0;
    const coverMinor = terms.probeBufferMinor - (terms.networkHeldMinor - terms.heldMinor);
    if (isUnderWay || coverMinor < amountMinor) throw new OverspendNotCoveredYet(id);

    const settlement: AftercareSettlementEntity = {
      itemId: id,
      connectedAccountId,
      payoutId,
      action: how.action,
      amountMinor,
      currency,
      note: how.note,
      settledBy: how.apiKeyId,
      settledAt: this.clock.now(),
    };
    await this.repository.insertSettlement(tx, settlement);
    const amount = money(amountMinor, currency);
    await this.ledger.post(tx, {
      kind: 'receivable_settled',
      sourceId: id,
      connectedAccountId,
      payoutId,
      occurredAt: settlement.settledAt,
      postings: [
        debit(accounts.probeBuffer(payoutId, currency), amount),
        credit(accounts.sellerReceivable(connectedAccountId, currency), amount),
        // Where the money that covered it is now.
        debit(
          how.action === 'collected' ? accounts.externalBank(connectedAccountId, currency) : accounts.losses(currency),
          amount,
        ),
        credit(accounts.marketplaceFunds(currency), amount),
      ],
    });
    await this.payouts.note(tx, payoutId, 'payout.receivable_settled', {
      card_transaction: item.cardTransactionId,
      ...(item.stripeDisputeId === null ? {} : { dispute: id }),
      action: how.action,
      amount: Number(amountMinor),
      currency,
      note: how.note,
    });
    await this.payouts.wake(tx, payoutId);
    return { item, settlement };
  }
}
