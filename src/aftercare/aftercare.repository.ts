import { Injectable } from '@nestjs/common';
import { queryRows, Tx } from '../platform/database/database';
import { AftercareSettlementEntity } from './aftercare-settlement.entity';
import { AftercareItem } from './aftercare.types';

export interface AftercareFilter {
  readonly payoutId?: string | undefined;
  readonly connectedAccountId?: string | undefined;
  readonly startingAfter?: string | undefined;
  readonly limit: number;
}

type Row = Omit<AftercareItem, MinorField> & Record<MinorField, string>;
type MinorField = 'amountMinor' | 'paidMinor' | 'overspentMinor' | 'aftercareMinor' | 'merchantAmountMinor';

// Everything that a dispute does not say itself is said by the capture it is about.
const select = `
  select i.id, i.card_transaction_id as "cardTransactionId", i.stripe_dispute_id as "stripeDisputeId", i.type, i.kind,
    i.amount_minor as "amountMinor", i.paid_minor as "paidMinor", i.overspent_minor as "overspentMinor",
    i.aftercare_minor as "aftercareMinor", i.balance_transaction_id as "balanceTransactionId", i.is_after_close as "isAfterClose",
    i.refund_match as "refundMatch", i.refunded_card_transaction_id as "refundedCardTransactionId", i.occurred_at as "occurredAt",
    i.created_at as "createdAt", t.stripe_transaction_id as "stripeTransactionId", t.connected_account_id as "connectedAccountId",
    t.payout_id as "payoutId", t.card_id as "cardId", t.authorization_id as "authorizationId",
    t.stripe_authorization_id as "stripeAuthorizationId", t.currency, t.merchant_name as "merchantName",
    t.merchant_category as "merchantCategory", t.merchant_category_code as "merchantCategoryCode", t.merchant_city as "merchantCity",
    t.merchant_country as "merchantCountry", t.merchant_network_id as "merchantNetworkId",
    t.merchant_amount_minor as "merchantAmountMinor", t.merchant_currency as "merchantCurrency"
  from aftercare_items i join card_transactions t on t.id = i.card_transaction_id`;

/** Reads the items from their view; writes what became of them. */
@Injectable()
export class AftercareRepository {
  async find(tx: Tx, id: string): Promise<AftercareItem | null> {
    const [row] = await queryRows<Row>(tx, `${select} where i.id = $1`, [id]);
    return row ? toItem(row) : null;
  }

  /** Newest first, one more than asked for, so that the caller sees whether there are more. */
  async list(tx: Tx, filter: AftercareFilter): Promise<AftercareItem[]> {
    const rows = await queryRows<Row>(
      tx,
      `${select}
       where ($1::text is null or t.payout_id = $1) and ($2::text is null or t.connected_account_id = $2)
         and ($3::text is null or i.position < split_part($3, '_', 2))
       order by i.position desc limit $4`,
      [filter.payoutId ?? null, filter.connectedAccountId ?? null, filter.startingAfter ?? null, filter.limit + 1],
    );
    return rows.map(toItem);
  }

  async findSettlements(tx: Tx, itemIds: readonly string[]): Promise<AftercareSettlementEntity[]> {
    return tx
      .createQueryBuilder(AftercareSettlementEntity, 'row')
      .where('row.itemId = any(:itemIds)', { itemIds })
      .getMany();
  }

  async insertSettlement(tx: Tx, settlement: AftercareSettlementEntity): Promise<void> {
    await tx.insert(AftercareSettlementEntity, settlement);
  }
}

function toItem(row: Row): AftercareItem {
  return {
    ...row,
    amountMinor: BigInt(row.amountMinor),
    paidMinor: BigInt(row.paidMinor),
    overspentMinor: BigInt(row.overspentMinor),
    aftercareMinor: BigInt(row.aftercareMinor),
    merchantAmountMinor: BigInt(row.merchantAmountMinor),
  };
}
