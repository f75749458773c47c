import { Injectable } from '@nestjs/common';
import { Tx } from '../platform/database/database';
import { DisputeEntity } from './dispute.entity';
import { DisputeStatus } from './dispute.types';

export interface DisputeFilter {
  readonly payoutId?: string | undefined;
  readonly connectedAccountId?: string | undefined;
  readonly status?: DisputeStatus | undefined;
  readonly startingAfter?: string | undefined;
  readonly limit: number;
}

@Injectable()
export class DisputesRepository {
  async find(tx: Tx, id: string): Promise<DisputeEntity | null> {
    return tx.findOneBy(DisputeEntity, { id });
  }

  async findByStripeId(tx: Tx, stripeDisputeId: string): Promise<DisputeEntity | null> {
    return tx.findOneBy(DisputeEntity, { stripeDisputeId });
  }

  /** The whole row, new or known: the caller holds the payout's lock. */
  async save(tx: Tx, dispute: DisputeEntity): Promise<void> {
    await tx.upsert(DisputeEntity, dispute, ['id']);
  }

  /** Newest first, one more than asked for, so that the caller sees whether there are more. */
  async list(tx: Tx, filter: DisputeFilter): Promise<DisputeEntity[]> {
    const query = tx.createQueryBuilder(DisputeEntity, 'row');
    if (filter.payoutId) query.andWhere('row.payoutId = :payoutId', filter);
    if (filter.connectedAccountId) query.andWhere('row.connectedAccountId = :connectedAccountId', filter);
    if (filter.status) query.andWhere('row.status = :status', filter);
    if (filter.startingAfter) query.andWhere('row.id < :startingAfter', filter);
    return query
      .orderBy('row.id', 'DESC')
      .limit(filter.limit + 1)
      .getMany();
  }
}
