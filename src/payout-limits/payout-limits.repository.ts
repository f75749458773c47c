import { Injectable } from '@nestjs/common';
import { queryRows, Tx } from '../platform/database/database';
import { Money } from '../shared/money';
import { PayoutLabelEntity } from './payout-label.entity';
import { PayoutLabel } from './payout-limit.types';

/** Whose day it is, and in how many slots it is cut: as many as may write at the same time. */
export interface DailyLimit {
  readonly scope: 'seller' | 'key' | 'label';
  readonly subject: string;
  readonly slots: number;
  readonly limitMinor: bigint;
  /** `2026-11-21` */
  readonly day: string;
}

@Injectable()
export class PayoutLimitsRepository {
  /** Null when the amount was taken; what is left when it is too little. */
  async take(tx: Tx, { scope, subject, slots, limitMinor, day }: DailyLimit, amount: Money): Promise<bigint | null> {
    const [row] = await queryRows<{ remaining: string | null }>(
      tx,
      `select take_from_daily_limit($1, $2, $3, $4::date, $5, $6, $7) as remaining`,
      [scope, subject, amount.currency, day, slots, limitMinor.toString(), amount.amountMinor.toString()],
    );
    return row?.remaining == null ? null : BigInt(row.remaining);
  }

  async forgetBefore(tx: Tx, day: string): Promise<void> {
    await tx.query(`delete from daily_limit_slots where day < $1::date`, [day]);
  }

  /** The label's row, made when it is new. Held against being retired or limited until the transaction ends. */
  async lockLabel(tx: Tx, label: string, now: Date): Promise<PayoutLabel> {
    await tx.query(
      `insert into payout_labels (label, created_at, updated_at) values ($1, $2, $2) on conflict do nothing`,
      [label, now],
    );
    return tx.getRepository(PayoutLabelEntity).findOneOrFail({ where: { label }, lock: { mode: 'pessimistic_read' } });
  }

  /** As `lockLabel`, and payouts of the label come one after the other. */
  async lockLabelAlone(tx: Tx, label: string, now: Date): Promise<PayoutLabel> {
    await tx.query(
      `insert into payout_labels (label, created_at, updated_at) values ($1, $2, $2) on conflict do nothing`,
      [label, now],
    );
    return tx.getRepository(PayoutLabelEntity).findOneOrFail({ where: { label }, lock: { mode: 'pessimistic_write' } });
  }

  async findLabel(tx: Tx, label: string): Promise<PayoutLabel | null> {
    return tx.getRepository(PayoutLabelEntity).findOneBy({ label });
  }

  /** In alphabetical order, one more than `limit` when there are more. */
  async listLabels(tx: Tx, limit: number, startingAfter?: string): Promise<PayoutLabel[]> {
    const query = tx.getRepository(PayoutLabelEntity).createQueryBuilder('payout_label');
    if (startingAfter) query.where('payout_label.label > :startingAfter', { startingAfter });
    return query
      .orderBy('payout_label.label', 'ASC')
      .limit(limit + 1)
      .getMany();
  }

  async updateLabel(tx: Tx, label: string, changes: Partial<PayoutLabelEntity>): Promise<void> {
    await tx.getRepository(PayoutLabelEntity).update({ label }, changes);
  }
}
