import { Injectable } from '@nestjs/common';
import { queryRows, Tx } from '../platform/database/database';
import { CardTransactionEntity } from './card-transaction.entity';
import { CardTransactionType } from './card-transaction.types';

export interface CardTransactionFilter {
  readonly payoutId?: string | undefined;
  readonly cardId?: string | undefined;
  readonly authorizationId?: string | undefined;
  readonly connectedAccountId?: string | undefined;
  readonly type?: CardTransactionType | undefined;
  readonly createdFrom?: Date | undefined;
  readonly createdTo?: Date | undefined;
  readonly startingAfter?: string | undefined;
  readonly limit: number;
}

@Injectable()
export class CardTransactionsRepository {
  async find(tx: Tx, id: string): Promise<CardTransactionEntity | null> {
    return tx.findOneBy(CardTransactionEntity, { id });
  }

  async findByStripeId(tx: Tx, stripeTransactionId: string): Promise<CardTransactionEntity | null> {
    return tx.findOneBy(CardTransactionEntity, { stripeTransactionId });
  }

  /** Which of these Stripe ids are not booked. */
  async findUnknown(tx: Tx, stripeTransactionIds: readonly string[]): Promise<string[]> {
    if (stripeTransactionIds.length === 0) return [];
    const rows = await queryRows<{ id: string }>(
      tx,
      `select id from unnest($1::text[]) as id
       where not exists (select 1 from card_transactions where stripe_transaction_id = id)`,
      [stripeTransactionIds],
    );
    return rows.map((row) => row.id);
  }

  async insert(tx: Tx, cardTransaction: CardTransactionEntity): Promise<void> {
    await tx.insert(CardTransactionEntity, cardTransaction);
  }

  async setBalanceTransaction(tx: Tx, id: string, balanceTransactionId: string): Promise<void> {
    await tx.update(CardTransactionEntity, { id }, { balanceTransactionId });
  }

  /** Captures on a card, newest first. */
  async listCaptures(tx: Tx, cardId: string): Promise<CardTransactionEntity[]> {
    return tx.find(CardTransactionEntity, { where: { cardId, type: 'capture' }, order: { id: 'DESC' } });
  }

  /** What was captured of an authorization so far; minor units, above zero. */
  async capturedOf(tx: Tx, authorizationId: string): Promise<bigint> {
    const [row] = await queryRows<{ captured: string }>(
      tx,
      `select coalesce(-sum(amount_minor), 0) as captured from card_transactions where authorization_id = $1 and type = 'capture'`,
      [authorizationId],
    );
    return BigInt(row!.captured);
  }

  /** Newest first, one more than asked for, so that the caller sees whether there are more. */
  async list(tx: Tx, filter: CardTransactionFilter): Promise<CardTransactionEntity[]> {
    const query = tx.createQueryBuilder(CardTransactionEntity, 'row');
    if (filter.payoutId) query.andWhere('row.payoutId = :payoutId', filter);
    if (filter.cardId) query.andWhere('row.cardId = :cardId', filter);
    if (filter.authorizationId) query.andWhere('row.authorizationId = :authorizationId', filter);
    if (filter.connectedAccountId) query.andWhere('row.connectedAccountId = :connectedAccountId', filter);
    if (filter.type) query.andWhere('row.type = :type', filter);
    if (filter.createdFrom) query.andWhere('row.occurredAt >= :createdFrom', filter);
    if (filter.createdTo) query.andWhere('row.occurredAt < :createdTo', filter);
    if (filter.startingAfter) query.andWhere('row.id < :startingAfter', filter);
    return query
      .orderBy('row.id', 'DESC')
      .limit(filter.limit + 1)
      .getMany();
  }
}
