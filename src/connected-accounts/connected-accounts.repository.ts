import { Injectable } from '@nestjs/common';
import { In, LessThan } from 'typeorm';
import { queryRows, Tx } from '../platform/database/database';
import { ConnectedAccountEntity } from './connected-account.entity';
import { ConnectedAccountStatus } from './connected-account.types';

export interface ConnectedAccountFilter {
  readonly status?: ConnectedAccountStatus | undefined;
  readonly externalReference?: string | undefined;
  readonly startingAfter?: string | undefined;
  readonly limit: number;
}

// A postponed check waits a tenth of the account's age, from two minutes to a day: an account nobody finishes stays cheap.
const dueForCheck = `
  select id from connected_accounts
  where status in ('onboarding', 'restricted') and stripe_account_id is not null
    and (stripe_checked_at is null
         or stripe_checked_at < $1::timestamptz
              - least(interval '1 day', greatest(interval '2 minutes', ($1::timestamptz - updated_at) / 10)))
  order by stripe_checked_at nulls first
  limit $2`;

@Injectable()
export class ConnectedAccountsRepository {
  /** Answers false when the Stripe account or the external reference is taken; nothing was written then. */
  async insert(tx: Tx, account: ConnectedAccountEntity): Promise<boolean> {
    const { raw } = (await tx
      .createQueryBuilder()
      .insert()
      .into(ConnectedAccountEntity)
      .values(account)
      .orIgnore()
      .returning(['id'])
      .execute()) as { raw: { id: string }[] };
    return raw.length > 0;
  }

  async update(tx: Tx, id: string, changes: Partial<ConnectedAccountEntity>): Promise<void> {
    await tx.update(ConnectedAccountEntity, { id }, changes);
  }

  async find(tx: Tx, id: string): Promise<ConnectedAccountEntity | null> {
    return tx.findOneBy(ConnectedAccountEntity, { id });
  }

  async findMany(tx: Tx, ids: readonly string[]): Promise<ConnectedAccountEntity[]> {
    return tx.findBy(ConnectedAccountEntity, { id: In([...ids]) });
  }

  /** Nobody else changes the row until the transaction ends. */
  async findForUpdate(tx: Tx, id: string): Promise<ConnectedAccountEntity | null> {
    return tx.findOne(ConnectedAccountEntity, { where: { id }, lock: { mode: 'pessimistic_write' } });
  }

  /** Others may read and share it, nobody may change it until the transaction ends. */
  async findForShare(tx: Tx, id: string): Promise<ConnectedAccountEntity | null> {
    return tx.findOne(ConnectedAccountEntity, { where: { id }, lock: { mode: 'pessimistic_read' } });
  }

  async findByStripeAccountId(tx: Tx, stripeAccountId: string): Promise<ConnectedAccountEntity | null> {
    return tx.findOneBy(ConnectedAccountEntity, { stripeAccountId });
  }

  /** Newest first, one more than asked for, so that the caller sees whether there are more. */
  async list(tx: Tx, filter: ConnectedAccountFilter): Promise<ConnectedAccountEntity[]> {
    return tx.find(ConnectedAccountEntity, {
      where: {
        ...(filter.status === undefined ? {} : { status: filter.status }),
        ...(filter.externalReference === undefined ? {} : { externalReference: filter.externalReference }),
        ...(filter.startingAfter === undefined ? {} : { id: LessThan(filter.startingAfter) }),
      },
      order: { id: 'DESC' },
      take: filter.limit + 1,
    });
  }

  /** Accounts that wait for Stripe and were not looked at for a while. */
  async listDueForCheck(tx: Tx, now: Date, limit: number): Promise<string[]> {
    const rows = await queryRows<{ id: string }>(tx, dueForCheck, [now, limit]);
    return rows.map((row) => row.id);
  }
}
