import { Injectable } from '@nestjs/common';
import { In } from 'typeorm';
import { FundingRailName } from '../connected-accounts/connected-account.types';
import { Database, queryRows, Tx } from '../platform/database/database';
import { Clock } from '../shared/clock';
import { assertLegalMove } from '../shared/transitions';
import { FundingTransferHopEntity } from './funding-transfer-hop.entity';
import { FundingTransferEntity } from './funding-transfer.entity';
import { drainedCode, ReversibleTransfer } from './funding-transfer.policy';
import { fundingTransferTransitions } from './funding-transfer.transitions';
import { FundingTransferStatus } from './funding-transfer.types';
import { SellerFloatEntity } from './seller-float.entity';

type NewTransfer = Pick<
  FundingTransferEntity,
  | 'id'
  | 'connectedAccountId'
  | 'stripeAccountId'
  | 'reference'
  | 'direction'
  | 'rail'
  | 'moneyAt'
  | 'amountMinor'
  | 'bufferMinor'
  | 'aftercareMinor'
  | 'currency'
>;
type TransferPatch = Partial<
  Pick<
    FundingTransferEntity,
    'moneyAt' | 'returnedMinor' | 'failureCode' | 'failureDetail' | 'attempts' | 'nextCheckAt' | 'settledAt'
  >
>;
type NewHop = Pick<
  FundingTransferHopEntity,
  'fundingTransferId' | 'connectedAccountId' | 'kind' | 'amountMinor' | 'reversesFundingTransferId' | 'stripeCallId'
>;
type HopPatch = Partial<
  Pick<
    FundingTransferHopEntity,
    | 'status'
    | 'stripeObjectId'
    | 'stripeCreatedAt'
    | 'arrivalBalanceTransactionId'
    | 'counterpartId'
    | 'counterpartLinkedAt'
    | 'failureCode'
    | 'failureDetail'
  >
>;

export type FloatAccount = Pick<SellerFloatEntity, 'connectedAccountId' | 'stripeAccountId' | 'currency'>;

@Injectable()
export class FundingTransfersRepository {
  constructor(
    private readonly database: Database,
    private readonly clock: Clock,
  ) {}

  /** False when another one of that reference and direction is on its way: the unique index decides, not a read before. */
  async insert(tx: Tx, transfer: NewTransfer): Promise<boolean> {
    const now = this.clock.now();
    const rows = await queryRows<{ id: string }>(
      tx,
      `insert into funding_transfers
         (id, connected_account_id, stripe_account_id, reference, direction, rail, status, money_at, amount_minor, buffer_minor,
          aftercare_minor, currency, created_at, updated_at)
       values ($1, $2, $12, $3, $4, $5, 'pending', $6, $7, $8, $9, $10, $11, $11)
       on conflict (reference, direction) where is_unsettled do nothing
       returning id`,
      [
        transfer.id,
        transfer.connectedAccountId,
        transfer.reference,
        transfer.direction,
        transfer.rail,
        transfer.moneyAt,
        transfer.amountMinor.toString(),
        transfer.bufferMinor.toString(),
        transfer.aftercareMinor.toString(),
        transfer.currency,
        now,
        transfer.stripeAccountId,
      ],
    );
    return rows.length === 1;
  }

  async find(tx: Tx, id: string): Promise<FundingTransferEntity | null> {
    return tx.getRepository(FundingTransferEntity).findOneBy({ id });
  }

  /** The row, held until the transaction ends: whoever moves a funding transfer holds it first. */
  async lock(tx: Tx, id: string): Promise<FundingTransferEntity | null> {
    return tx.getRepository(FundingTransferEntity).findOne({ where: { id }, lock: { mode: 'pessimistic_write' } });
  }

  /** @throws {IllegalMove} @throws when somebody else moved it in between */
  async move(
    tx: Tx,
    transfer: FundingTransferEntity,
    to: FundingTransferStatus,
    patch: TransferPatch = {},
  ): Promise<void> {
    assertLegalMove(fundingTransferTransitions, `Funding transfer ${transfer.id}`, transfer.status, to);
    const changes = { ...patch, status: to, updatedAt: this.clock.now() };
    const { affected } = await tx
      .getRepository(FundingTransferEntity)
      .update({ id: transfer.id, status: transfer.status }, changes);
    if (affected !== 1) throw new Error(`Funding transfer ${transfer.id} is no longer ${transfer.status}.`);
    Object.assign(transfer, changes);
  }

  async patch(tx: Tx, transfer: FundingTransferEntity, patch: TransferPatch): Promise<void> {
    const changes = { ...patch, updatedAt: this.clock.now() };
    await tx.getRepository(FundingTransferEntity).update({ id: transfer.id }, changes);
    Object.assign(transfer, changes);
  }

  async listByReference(tx: Tx, reference: string): Promise<FundingTransferEntity[]> {
    return tx.getRepository(FundingTransferEntity).find({ where: { reference }, order: { id: 'asc' } });
  }

  async hopsOf(tx: Tx, fundingTransferIds: readonly string[]): Promise<FundingTransferHopEntity[]> {
    if (fundingTransferIds.length === 0) return [];
    return tx.getRepository(FundingTransferHopEntity).find({
      where: { fundingTransferId: In([...fundingTransferIds]) },
      order: { id: 'asc' },
    });
  }

  async findHopByCall(tx: Tx, stripeCallId: string): Promise<FundingTransferHopEntity | null> {
    return tx.getRepository(FundingTransferHopEntity).findOneBy({ stripeCallId });
  }

  async findHopByStripeObject(tx: Tx, stripeObjectId: string): Promise<FundingTransferHopEntity | null> {
    return tx.getRepository(FundingTransferHopEntity).findOneBy({ stripeObjectId });
  }

  async findHop(tx: Tx, id: string): Promise<FundingTransferHopEntity | null> {
    return tx.getRepository(FundingTransferHopEntity).findOneBy({ id });
  }

  /** Those of the given lines that another hop has taken for its arrival. */
  async claimedArrivals(balanceTransactionIds: readonly string[]): Promise<Set<string>> {
    const rows = await this.database.query<{ id: string }>(
      `select arrival_balance_transaction_id as id from funding_transfer_hops
       where arrival_balance_transaction_id = any($1::text[])`,
      [[...balanceTransactionIds]],
    );
    return new Set(rows.map((row) => row.id));
  }

  async insertHop(tx: Tx, hop: NewHop): Promise<void> {
    const now = this.clock.now();
    await queryRows(
      tx,
      `insert into funding_transfer_hops
         (funding_transfer_id, connected_account_id, kind, status, amount_minor, reverses_funding_transfer_id, stripe_call_id,
          created_at, updated_at)
       values ($1, $2, $3, 'intended', $4, $5, $6, $7, $7)`,
      [
        hop.fundingTransferId,
        hop.connectedAccountId,
        hop.kind,
        hop.amountMinor.toString(),
        hop.reversesFundingTransferId,
        hop.stripeCallId,
        now,
      ],
    );
  }

  async patchHop(tx: Tx, hop: FundingTransferHopEntity, patch: HopPatch): Promise<void> {
    const changes = { ...patch, updatedAt: this.clock.now() };
    await tx.getRepository(FundingTransferHopEntity).update({ id: hop.id }, changes);
    Object.assign(hop, changes);
  }

  /**
   * What `transfer` may take back, oldest first, with what is left of each: what came back and what is being brought back right now are
   * taken off. A failed outward transfer takes back itself; a reclaim those of its reference that still stand. Held until the transaction ends.
   */
  async lockReversible(tx: Tx, transfer: FundingTransferEntity): Promise<ReversibleTransfer[]> {
    const rows = await queryRows<{ id: string; stripe_transfer_id: string | null; left_minor: string }>(
      tx,
      `select outward.id,
              (select hop.stripe_object_id from funding_transfer_hops hop
               where hop.funding_transfer_id = outward.id and hop.kind = 'transfer' and hop.status = 'done'
               order by hop.id desc limit 1) as stripe_transfer_id,
              outward.amount_minor + outward.buffer_minor - outward.returned_minor - coalesce((
                select sum(hop.amount_minor) from funding_transfer_hops hop
                where hop.reverses_funding_transfer_id = outward.id and hop.status in ('intended', 'unknown')), 0) as left_minor
       from funding_transfers outward
       where outward.reference = $2 and outward.rail = $4 and outward.direction = 'out'
         and (outward.id = $1 or $3 = 'in' and outward.status in ('settled', 'partially_returned'))
       order by outward.id
       for update`,
      [transfer.id, transfer.reference, transfer.direction, transfer.rail],
    );
    return rows.map((row) => ({
      fundingTransferId: row.id,
      stripeTransferId: row.stripe_transfer_id ?? '',
      leftMinor: BigInt(row.left_minor),
    }));
  }

  /**
   * What passes through an account's payments balance for others than `transfer`: outward transfers between their hops, and reclaims
   * that have waited there longer. (A younger reclaim waits behind this one.)
   */
  async passingThroughForOthers(tx: Tx, transfer: FundingTransferEntity): Promise<bigint> {
    const [row] = await queryRows<{ total: string }>(
      tx,
      `select coalesce(sum(amount_minor + buffer_minor + aftercare_minor - returned_minor), 0) as total
       from funding_transfers
       where stripe_account_id = $1 and id <> $2 and money_at = 'seller_payments' and is_unsettled and currency = $3
         and (direction = 'out' and status <> 'failed' or id < $2)`,
      [transfer.stripeAccountId, transfer.id, transfer.currency],
    );
    return BigInt(row?.total ?? '0');
  }

  /** Whether another return of this account is held up because its payments balance was drained. */
  async isDrained(tx: Tx, transfer: FundingTransferEntity): Promise<boolean> {
    const rows = await queryRows(
      tx,
      `select 1 from funding_transfers other
       where other.stripe_account_id = $1 and other.id <> $2 and other.is_unsettled and other.money_at = 'seller_payments'
         and exists (select 1 from funding_transfer_hops hop
                     where hop.funding_transfer_id = other.id and hop.failure_code = $3)
       limit 1`,
      [transfer.stripeAccountId, transfer.id, drainedCode],
    );
    return rows.length > 0;
  }

  /** Unsettled ones whose time to look again has come, and settled ones with a line still to link. */
  async due(now: Date, limit: number): Promise<string[]> {
    const rows = await this.database.query<{ id: string }>(
      `select id from funding_transfers where is_unsettled and next_check_at <= $1 order by next_check_at limit $2`,
      [now, limit],
    );
    return rows.map((row) => row.id);
  }

  async unlinked(before: Date, limit: number): Promise<string[]> {
    const rows = await this.database.query<{ id: string }>(
      `select distinct funding_transfer_id as id from (
         select funding_transfer_id from funding_transfer_hops
         where counterpart_id is not null and counterpart_linked_at is null and updated_at < $1
         order by id limit $2
       ) unlinked`,
      [before, limit],
    );
    return rows.map((row) => row.id);
  }

  async unsettledOfStripeAccount(stripeAccountId: string, limit: number): Promise<string[]> {
    const rows = await this.database.query<{ id: string }>(
      `select id from funding_transfers
       where stripe_account_id = $1 and is_unsettled and next_check_at is not null order by created_at limit $2`,
      [stripeAccountId, limit],
    );
    return rows.map((row) => row.id);
  }

  /** The rail by which the money of a reference came, preferring what has not gone back yet; null when none ever arrived. */
  async findRailToReclaim(tx: Tx, reference: string): Promise<FundingRailName | null> {
    const [row] = await queryRows<{ rail: FundingRailName }>(
      tx,
      `select rail from funding_transfers
       where reference = $1 and direction = 'out' and (status in ('settled', 'partially_returned')
         or status = 'returned' and settled_at is not null)
       order by status = 'returned', id limit 1`,
      [reference],
    );
    return row?.rail ?? null;
  }

  /** Makes the account's float known, to be looked at at once. */
  async addFloat(tx: Tx, account: FloatAccount): Promise<void> {
    const now = this.clock.now();
    await queryRows(
      tx,
      `insert into seller_floats (connected_account_id, stripe_account_id, currency, next_check_at, created_at)
       values ($1, $2, $3, $4, $4) on conflict do nothing`,
      [account.connectedAccountId, account.stripeAccountId, account.currency, now],
    );
  }

  /** The account's float, held until the transaction ends: reservations and observations of one account happen one by one. */
  async lockFloat(tx: Tx, account: FloatAccount): Promise<SellerFloatEntity> {
    await this.addFloat(tx, account);
    return tx.getRepository(SellerFloatEntity).findOneOrFail({
      where: { connectedAccountId: account.connectedAccountId },
      lock: { mode: 'pessimistic_write' },
    });
  }

  async findFloat(tx: Tx, connectedAccountId: string): Promise<SellerFloatEntity | null> {
    return tx.getRepository(SellerFloatEntity).findOneBy({ connectedAccountId });
  }

  async floatObserved(tx: Tx, connectedAccountId: string, observedFrom: Date | null, nextCheckAt: Date): Promise<void> {
    await tx
      .getRepository(SellerFloatEntity)
      .update({ connectedAccountId }, { observedFrom, observedAt: this.clock.now(), nextCheckAt });
  }

  async dueFloats(now: Date, limit: number): Promise<string[]> {
    const rows = await this.database.query<{ connected_account_id: string }>(
      `select connected_account_id from seller_floats where next_check_at <= $1 order by next_check_at limit $2`,
      [now, limit],
    );
    return rows.map((row) => row.connected_account_id);
  }
}
