import { Injectable } from '@nestjs/common';
import { Not } from 'typeorm';
import type { AuthorizationVerdict } from '../authorization-decisions/authorization-reason.types';
import { queryRows, Tx } from '../platform/database/database';
import { AuthorizationRequestEntity } from './authorization-request.entity';
import { AuthorizationEntity } from './authorization.entity';

export interface AuthorizationFilter {
  readonly payoutId?: string | undefined;
  readonly cardId?: string | undefined;
  readonly connectedAccountId?: string | undefined;
  readonly approved?: boolean | undefined;
  readonly createdFrom?: Date | undefined;
  readonly createdTo?: Date | undefined;
  readonly startingAfter?: string | undefined;
  readonly limit: number;
}

/** All SQL of authorizations but the decision's. */
@Injectable()
export class AuthorizationsRepository {
  /** The Stripe account of an authorization we know, for events that do not say. */
  async findStripeAccountOf(tx: Tx, stripeAuthorizationId: string): Promise<string | null> {
    const [row] = await queryRows<{ stripe_account_id: string }>(
      tx,
      `select account.stripe_account_id from authorizations
       join connected_accounts account on account.id = authorizations.connected_account_id
       where authorizations.stripe_authorization_id = $1`,
      [stripeAuthorizationId],
    );
    return row?.stripe_account_id ?? null;
  }

  async find(tx: Tx, id: string): Promise<AuthorizationEntity | null> {
    return tx.findOneBy(AuthorizationEntity, { id });
  }

  async findByStripeId(tx: Tx, stripeAuthorizationId: string): Promise<AuthorizationEntity | null> {
    return tx.findOneBy(AuthorizationEntity, { stripeAuthorizationId });
  }

  /** The newest approved purchase on a card: its use. */
  async findUseOfCard(tx: Tx, cardId: string): Promise<AuthorizationEntity | null> {
    return tx.findOne(AuthorizationEntity, {
      where: { cardId, kind: 'purchase', approved: true },
      order: { id: 'DESC' },
    });
  }

  /** An approved purchase of a payout, on any of its cards, that the merchant did not let go of. */
  async findUseOfPayout(tx: Tx, payoutId: string): Promise<AuthorizationEntity | null> {
    return tx.findOne(AuthorizationEntity, {
      where: { payoutId, kind: 'purchase', approved: true, status: Not('reversed') },
      order: { id: 'DESC' },
    });
  }

  async insert(tx: Tx, authorization: AuthorizationEntity): Promise<void> {
    await tx.insert(AuthorizationEntity, authorization);
  }

  async update(tx: Tx, id: string, change: Partial<AuthorizationEntity>): Promise<void> {
    await tx.update(AuthorizationEntity, { id }, change);
  }

  async listRequests(tx: Tx, authorizationId: string): Promise<AuthorizationRequestEntity[]> {
    return tx.find(AuthorizationRequestEntity, { where: { authorizationId }, order: { sequence: 'ASC' } });
  }

  async insertRequest(tx: Tx, request: AuthorizationRequestEntity): Promise<void> {
    await tx.insert(AuthorizationRequestEntity, request);
  }

  async updateRequest(
    tx: Tx,
    id: string,
    change: Partial<Omit<AuthorizationRequestEntity, 'inputs' | 'stages'>>,
  ): Promise<void> {
    await tx.update(AuthorizationRequestEntity, { id }, change);
  }

  /** Newest first, one more than asked for, so that the caller sees whether there are more. */
  async list(tx: Tx, filter: AuthorizationFilter): Promise<AuthorizationEntity[]> {
    const query = tx.createQueryBuilder(AuthorizationEntity, 'authorization');
    if (filter.payoutId) query.andWhere('authorization.payoutId = :payoutId', filter);
    if (filter.cardId) query.andWhere('authorization.cardId = :cardId', filter);
    if (filter.connectedAccountId) query.andWhere('authorization.connectedAccountId = :connectedAccountId', filter);
    if (filter.approved !== undefined) query.andWhere('authorization.approved = :approved', filter);
    if (filter.createdFrom) query.andWhere('authorization.createdAt >= :createdFrom', filter);
    if (filter.createdTo) query.andWhere('authorization.createdAt < :createdTo', filter);
    if (filter.startingAfter) query.andWhere('authorization.id < :startingAfter', filter);
    return query
      .orderBy('authorization.id', 'DESC')
      .limit(filter.limit + 1)
      .getMany();
  }

  /** Runs the ladder on stored inputs, without effect. */
  async evaluate(tx: Tx, inputs: { request: object; facts: object }): Promise<AuthorizationVerdict> {
    const [row] = await queryRows<{ verdict: AuthorizationVerdict }>(
      tx,
      `select evaluate_authorization($1::jsonb, $2::jsonb) as verdict`,
      [JSON.stringify(inputs.request), JSON.stringify(inputs.facts)],
    );
    return row!.verdict;
  }
}
