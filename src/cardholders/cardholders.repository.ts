import { Injectable } from '@nestjs/common';
import { In, IsNull, LessThan } from 'typeorm';
import { queryRows, Tx } from '../platform/database/database';
import { CardholderEntity } from './cardholder.entity';
import { CardholderStatus } from './cardholder.types';

export interface CardholderFilter {
  readonly connectedAccountId?: string | undefined;
  readonly status?: CardholderStatus | undefined;
  readonly startingAfter?: string | undefined;
  readonly limit: number;
}

// A postponed check waits a tenth of the cardholder's age, from two minutes to a day: one that nobody completes stays cheap.
const dueForCheck = `
  select id from cardholders
  where stripe_cardholder_id is not null and (status <> 'active' or requirements ->> 'disabledReason' is not null)
    and (stripe_checked_at is null
         or stripe_checked_at < $1::timestamptz
              - least(interval '1 day', greatest(interval '2 minutes', ($1::timestamptz - updated_at) / 10)))
  order by stripe_checked_at nulls first
  limit $2`;

@Injectable()
export class CardholdersRepository {
  async insert(tx: Tx, cardholder: CardholderEntity): Promise<void> {
    await tx.insert(CardholderEntity, cardholder);
  }

  async update(tx: Tx, id: string, changes: Partial<CardholderEntity>): Promise<void> {
    await tx.update(CardholderEntity, { id }, changes);
  }

  async find(tx: Tx, id: string): Promise<CardholderEntity | null> {
    return tx.findOneBy(CardholderEntity, { id });
  }

  async findMany(tx: Tx, ids: readonly string[]): Promise<CardholderEntity[]> {
    return tx.findBy(CardholderEntity, { id: In([...ids]) });
  }

  /** Nobody else changes the row until the transaction ends. */
  async findForUpdate(tx: Tx, id: string): Promise<CardholderEntity | null> {
    return tx.findOne(CardholderEntity, { where: { id }, lock: { mode: 'pessimistic_write' } });
  }

  /** Others may read and share it, nobody may change it until the transaction ends. */
  async findForShare(tx: Tx, id: string): Promise<CardholderEntity | null> {
    return tx.findOne(CardholderEntity, { where: { id }, lock: { mode: 'pessimistic_read' } });
  }

  async findByStripeCardholderId(tx: Tx, stripeCardholderId: string): Promise<CardholderEntity | null> {
    return tx.findOneBy(CardholderEntity, { stripeCardholderId });
  }

  /** Cardholders that wait for their account before Stripe can make them, locked. */
  async listWaitingForUpdate(tx: Tx, connectedAccountId: string): Promise<CardholderEntity[]> {
    return tx.find(CardholderEntity, {
      where: { connectedAccountId, status: 'requested', stripeCallId: IsNull() },
      order: { id: 'ASC' },
      lock: { mode: 'pessimistic_write' },
    });
  }

  /** Newest first, one more than asked for, so that the caller sees whether there are more. */
  async list(tx: Tx, filter: CardholderFilter): Promise<CardholderEntity[]> {
    return tx.find(CardholderEntity, {
      where: {
        ...(filter.connectedAccountId === undefined ? {} : { connectedAccountId: filter.connectedAccountId }),
        ...(filter.status === undefined ? {} : { status: filter.status }),
        ...(filter.startingAfter === undefined ? {} : { id: LessThan(filter.startingAfter) }),
      },
      order: { id: 'DESC' },
      take: filter.limit + 1,
    });
  }

  /** Cardholders that wait for Stripe and were not looked at for a while. */
  async listDueForCheck(tx: Tx, now: Date, limit: number): Promise<string[]> {
    const rows = await queryRows<{ id: string }>(tx, dueForCheck, [now, limit]);
    return rows.map((row) => row.id);
  }
}
