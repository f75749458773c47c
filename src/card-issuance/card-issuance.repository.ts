import { Injectable } from '@nestjs/common';
import { In, LessThan } from 'typeorm';
import { queryRows, Tx } from '../platform/database/database';
import { CardEntity } from './card.entity';
import { CardStatus, liveCardStatuses } from './card.types';

export interface CardFilter {
  readonly payoutId?: string | undefined;
  readonly connectedAccountId?: string | undefined;
  readonly status?: CardStatus | undefined;
  readonly startingAfter?: string | undefined;
  readonly limit: number;
}

// A card whose cancel is not confirmed after five minutes: the call was refused, or its event and its outcome were lost.
const overdueCancels = `
  select id from cards
  where cancel_requested_at < $1::timestamptz - interval '5 minutes' and status in ('active', 'inactive')
    and (stripe_checked_at is null or stripe_checked_at < $1::timestamptz - interval '5 minutes')
  order by cancel_requested_at
  limit $2`;

@Injectable()
export class CardIssuanceRepository {
  /** Answers false when the payout has a live card already; nothing was written then. */
  async insert(tx: Tx, card: CardEntity): Promise<boolean> {
    const { raw } = (await tx
      .createQueryBuilder()
      .insert()
      .into(CardEntity)
      .values(card)
      .orIgnore()
      .returning(['id'])
      .execute()) as { raw: { id: string }[] };
    return raw.length > 0;
  }

  async update(tx: Tx, id: string, changes: Partial<CardEntity>): Promise<void> {
    await tx.update(CardEntity, { id }, changes);
  }

  async find(tx: Tx, id: string): Promise<CardEntity | null> {
    return tx.findOneBy(CardEntity, { id });
  }

  /** Nobody else changes the row until the transaction ends. */
  async findForUpdate(tx: Tx, id: string): Promise<CardEntity | null> {
    return tx.findOne(CardEntity, { where: { id }, lock: { mode: 'pessimistic_write' } });
  }

  async findByStripeCardId(tx: Tx, stripeCardId: string): Promise<CardEntity | null> {
    return tx.findOneBy(CardEntity, { stripeCardId });
  }

  async findNewestOfPayout(tx: Tx, payoutId: string): Promise<CardEntity | null> {
    return tx.findOne(CardEntity, { where: { payoutId }, order: { id: 'DESC' } });
  }

  async findLiveOfPayout(tx: Tx, payoutId: string): Promise<CardEntity | null> {
    return tx.findOneBy(CardEntity, { payoutId, status: In([...liveCardStatuses]) });
  }

  /** Newest first, one more than asked for, so that the caller sees whether there are more. */
  async list(tx: Tx, filter: CardFilter): Promise<CardEntity[]> {
    return tx.find(CardEntity, {
      where: {
        ...(filter.payoutId === undefined ? {} : { payoutId: filter.payoutId }),
        ...(filter.connectedAccountId === undefined ? {} : { connectedAccountId: filter.connectedAccountId }),
        ...(filter.status === undefined ? {} : { status: filter.status }),
        ...(filter.startingAfter === undefined ? {} : { id: LessThan(filter.startingAfter) }),
      },
      order: { id: 'DESC' },
      take: filter.limit + 1,
    });
  }

  /** Cards of an account that Stripe was not yet asked to make what they should be: inactive while frozen or the account suspended. */
  async listToAskFor(tx: Tx, connectedAccountId: string, isSuspended: boolean, limit: number): Promise<string[]> {
    const rows = await queryRows<{ id: string }>(
      tx,
      `select id from cards
       where connected_account_id = $1 and status in ('active', 'inactive') and cancel_requested_at is null
         and asked_inactive <> (frozen or $2) order by id limit $3`,
      [connectedAccountId, isSuspended, limit],
    );
    return rows.map((row) => row.id);
  }

  async listOverdueCancels(tx: Tx, now: Date, limit: number): Promise<string[]> {
    const rows = await queryRows<{ id: string }>(tx, overdueCancels, [now, limit]);
    return rows.map((row) => row.id);
  }
}
