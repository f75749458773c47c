import { Injectable } from '@nestjs/common';
import { queryRows, Tx } from '../platform/database/database';
import { PayoutEntity } from './payout.entity';
import { cancelableStatuses } from './payout.transitions';
import {
  Approval,
  Payout,
  PayoutFilter,
  PayoutOutcome,
  PayoutStatus,
  TimelineEntry,
  WaitingReason,
} from './payout.types';

/** What changes with a move. */
export interface PayoutMove {
  readonly from: PayoutStatus;
  readonly to: PayoutStatus;
  readonly outcome: PayoutOutcome | null;
  readonly waitingOn: WaitingReason | null;
  readonly retryAt: Date | null;
  readonly cardId?: string;
  readonly failure?: Readonly<{ code: string; detail: string }>;
  readonly at: Date;
}

/** All SQL of payouts, locks included. */
@Injectable()
export class PayoutsRepository {
  /** Answers the ids of those that were inserted: not of those whose reference is taken. */
  async insert(tx: Tx, payouts: readonly Payout[]): Promise<ReadonlySet<string>> {
    const rows = payouts.map((payout) => ({
      id: payout.id,
      connected_account_id: payout.connectedAccountId,
      cardholder_id: payout.cardholderId,
      amount_minor: payout.amountMinor.toString(),
      currency: payout.currency,
      status: payout.status,
      waiting_on: payout.waitingOn,
      retry_at: payout.retryAt,
      reference: payout.reference,
      description: payout.description,
      controls: payout.controls,
      metadata: payout.metadata,
      expires_at: payout.expiresAt,
      created_at: payout.createdAt,
      label: payout.label,
      purpose: payout.purpose,
      requested_by_api_key_id: payout.requestedByApiKeyId,
    }));
    const inserted = await queryRows<{ id: string }>(
      tx,
      `insert into payouts (id, connected_account_id, cardholder_id, amount_minor, currency, status, waiting_on, retry_at, reference,
                            description, controls, metadata, expires_at, created_at, updated_at, label, purpose,
                            requested_by_api_key_id)
       select id, connected_account_id, cardholder_id, amount_minor, currency, status, waiting_on, retry_at, reference,
              description, controls, metadata, expires_at, created_at, created_at, label, purpose, requested_by_api_key_id
       from jsonb_to_recordset($1::jsonb) as payout (id text, connected_account_id text, cardholder_id text, amount_minor bigint,
              currency text, status text, waiting_on text, retry_at timestamptz, reference text, description text, controls jsonb, metadata jsonb,
              expires_at timestamptz, created_at timestamptz, label text, purpose text, requested_by_api_key_id text)
       on conflict on constraint payouts_reference_once do nothing returning id`,
      [JSON.stringify(rows)],
    );
    return new Set(inserted.map(({ id }) => id));
  }

  /** Which of these references some payout has. */
  async findTakenReferences(tx: Tx, references: readonly string[]): Promise<ReadonlySet<string>> {
    const rows = await queryRows<{ reference: string }>(
      tx,
      `select reference from payouts where reference = any($1::text[])`,
      [references],
    );
    return new Set(rows.map(({ reference }) => reference));
  }

  async find(tx: Tx, id: string): Promise<Payout | null> {
    const entity = await tx.getRepository(PayoutEntity).findOneBy({ id });
    return entity && toPayout(entity);
  }

  /** Locks the row until the transaction ends: cancel, expiry and an incoming authorization have one winner. */
  async lock(tx: Tx, id: string): Promise<Payout | null> {
    const entity = await tx.getRepository(PayoutEntity).findOne({ where: { id }, lock: { mode: 'pessimistic_write' } });
    return entity && toPayout(entity);
  }

  /** Newest first; fetches `limit + 1`. */
  async list(tx: Tx, filter: PayoutFilter, limit: number, startingAfter?: string): Promise<Payout[]> {
    const query = tx.getRepository(PayoutEntity).createQueryBuilder('payout');
    if (filter.status) query.andWhere('payout.status = :status', { status: filter.status });
    if (filter.connectedAccountId) {
      query.andWhere('payout.connected_account_id = :account', { account: filter.connectedAccountId });
    }
    if (filter.reference) query.andWhere('payout.reference = :reference', { reference: filter.reference });
    if (filter.label) query.andWhere('payout.label = :label', { label: filter.label });
    if (filter.purpose) query.andWhere('payout.purpose = :purpose', { purpose: filter.purpose });
    if (filter.waitingOn) query.andWhere('payout.waiting_on = :waitingOn', { waitingOn: filter.waitingOn });
    if (filter.createdFrom) query.andWhere('payout.created_at >= :from', { from: filter.createdFrom });
    if (filter.createdTo) query.andWhere('payout.created_at < :to', { to: filter.createdTo });
    if (startingAfter) query.andWhere('payout.id < :startingAfter', { startingAfter });
    const entities = await query
      .orderBy('payout.id', 'DESC')
      .limit(limit + 1)
      .getMany();
    return entities.map(toPayout);
  }

  /** Compare-and-set: false when the payout was no longer in `from`. */
  async move(tx: Tx, id: string, move: PayoutMove): Promise<boolean> {
    const rows = await queryRows(
      tx,
      `update payouts set status = $3, outcome = $4, waiting_on = $5, retry_at = $6, card_id = coalesce($7, card_id),
              failure_code = coalesce($8, failure_code), failure_detail = coalesce($9, failure_detail), updated_at = $10
       where id = $1 and status = $2 returning id`,
      [
        id,
        move.from,
        move.to,
        move.outcome,
        move.waitingOn,
        move.retryAt,
        move.cardId ?? null,
        move.failure?.code ?? null,
        move.failure?.detail ?? null,
        move.at,
      ],
    );
    return rows.length === 1;
  }

  /**
   * Locks payouts whose time has come, except some, at most `limit`. Those that somebody holds right now are left for whoever comes next.
   */
  async lockDue(tx: Tx, now: Date, except: readonly string[], limit: number): Promise<Payout[]> {
    const due = await tx
      .getRepository(PayoutEntity)
      .createQueryBuilder('payout')
      .where('payout.status in (:...statuses)', { statuses: cancelableStatuses })
      .andWhere('payout.expires_at <= :now', { now })
      .andWhere('payout.id <> all(:except)', { except })
      .orderBy('payout.expires_at')
      .limit(limit)
      .setLock('pessimistic_write')
      .setOnLocked('skip_locked')
      .getMany();
    return due.map(toPayout);
  }

  /** Writes the expiry of payouts that the caller holds, with their timeline. */
  async expire(tx: Tx, payouts: readonly Payout[], outcomes: readonly PayoutOutcome[], now: Date): Promise<void> {
    await tx.query(
      `with moved as (select * from unnest($1::text[], $2::text[], $3::text[]) as m (payout, was, outcome)),
            kept as (update payouts p set status = 'expired', outcome = moved.outcome, waiting_on = null, retry_at = null, updated_at = $4
                       from moved where p.id = moved.payout)
       insert into payout_timeline (payout_id, occurred_at, kind, detail)
       select payout, $4, 'status.changed', jsonb_build_object('from', was, 'to', 'expired') from moved`,
      [payouts.map(({ id }) => id), payouts.map(({ status }) => status), outcomes, now],
    );
  }

  async setWaiting(tx: Tx, id: string, waitingOn: WaitingReason | null, retryAt: Date | null, at: Date): Promise<void> {
    await tx.query(
      `update payouts set waiting_on = $2, retry_at = $3, updated_at = $4 where id = $1 and status = 'pending'`,
      [id, waitingOn, retryAt, at],
    );
  }

  /** The decision of another key; an approved payout waits for nothing any more. */
  async decide(tx: Tx, id: string, approval: Approval): Promise<void> {
    await tx.query(
      `update payouts set approval_decision = $2, approval_note = $3, approval_api_key_id = $4, approval_decided_at = $5,
              waiting_on = null, updated_at = $5
       where id = $1 and status = 'pending' and waiting_on = 'approval'`,
      [id, approval.decision, approval.note, approval.apiKeyId, approval.decidedAt],
    );
  }

  /** Payouts of a label that have not ended. */
  async countOpenOfLabel(tx: Tx, label: string): Promise<number> {
    const [row] = await queryRows<{ count: number }>(
      tx,
      `select count(*)::int as count from payouts
       where label = $1 and status in ('pending', 'funding', 'issuing', 'ready', 'authorized')`,
      [label],
    );
    return row?.count ?? 0;
  }

  /** Oldest first. */
  async listOpenOfLabel(tx: Tx, label: string, limit: number, after: string): Promise<Payout[]> {
    const entities = await tx
      .getRepository(PayoutEntity)
      .createQueryBuilder('payout')
      .where('payout.label = :label and payout.id > :after', { label, after })
      .andWhere(`payout.status in ('pending', 'funding', 'issuing', 'ready', 'authorized')`)
      .orderBy('payout.id', 'ASC')
      .limit(limit)
      .getMany();
    return entities.map(toPayout);
  }

  async setRetryAt(tx: Tx, id: string, retryAt: Date | null): Promise<void> {
    await tx.query(`update payouts set retry_at = $2 where id = $1`, [id, retryAt]);
  }

  async addTimeline(tx: Tx, entries: readonly (TimelineEntry & Readonly<{ payoutId: string }>)[]): Promise<void> {
    await tx.query(
      `insert into payout_timeline (payout_id, occurred_at, kind, detail)
       select "payoutId", "occurredAt", kind, detail
       from jsonb_to_recordset($1::jsonb) as entry ("payoutId" text, "occurredAt" timestamptz, kind text, detail jsonb)`,
      [JSON.stringify(entries)],
    );
  }

  async timeline(tx: Tx, payoutId: string): Promise<TimelineEntry[]> {
    const rows = await queryRows<{ occurred_at: Date; kind: string; detail: Record<string, unknown> }>(
      tx,
      `select occurred_at, kind, detail from payout_timeline where payout_id = $1 order by id`,
      [payoutId],
    );
    return rows.map((row) => ({ occurredAt: row.occurred_at, kind: row.kind, detail: row.detail }));
  }

  /** Pending payouts that wait for one of these, oldest first. */
  async findWaiting(
    tx: Tx,
    waiting: {
      reasons: readonly WaitingReason[];
      connectedAccountId?: string;
      cardholderId?: string;
      currency?: string;
    },
    limit: number,
  ): Promise<string[]> {
    const rows = await queryRows<{ id: string }>(
      tx,
      `select id from payouts where waiting_on = any($1::text[])
         and ($2::text is null or connected_account_id = $2) and ($3::text is null or cardholder_id = $3)
         and ($4::text is null or currency = $4)
       order by id limit $5`,
      [
        waiting.reasons,
        waiting.connectedAccountId ?? null,
        waiting.cardholderId ?? null,
        waiting.currency ?? null,
        limit,
      ],
    );
    return rows.map((row) => row.id);
  }

  /** Payouts of an account that wait for a card, oldest first. */
  async findIssuing(tx: Tx, connectedAccountId: string, limit: number): Promise<string[]> {
    const rows = await queryRows<{ id: string }>(
      tx,
      `select id from payouts where connected_account_id = $1 and status = 'issuing' order by id limit $2`,
      [connectedAccountId, limit],
    );
    return rows.map((row) => row.id);
  }

  /** Payouts whose time has come, and those nothing has moved for a while though they are not at rest. */
  async findOverdue(
    tx: Tx,
    now: Date,
    idleSince: Date,
    limit: number,
  ): Promise<{ id: string; status: PayoutStatus }[]> {
    return queryRows<{ id: string; status: PayoutStatus }>(
      tx,
      // One whose time has come has ended but for the writing of it, and waits with those.
      `(select id, 'expired' as status, expires_at as since from payouts
         where status in ('pending', 'funding', 'issuing', 'ready', 'authorized') and expires_at <= $1
         order by expires_at limit $3)
       union all
       (select id, status, updated_at as since from payouts
         where status not in ('closed', 'ready', 'authorized') and updated_at <= $2 and (retry_at is null or retry_at <= $1)
           -- Only a person can move these; as the oldest they would stand before all others.
           and waiting_on is distinct from 'approval'
         order by updated_at limit $3)
       union all
       (select id, status, retry_at as since from payouts
         where status in ('closed', 'authorized') and retry_at <= $1 order by retry_at limit $3)
       order by since limit $3`,
      [now, idleSince, limit],
    );
  }
}

function toPayout(entity: PayoutEntity): Payout {
  const { failureCode, failureDetail, approvalDecision, approvalNote, approvalApiKeyId, approvalDecidedAt, ...fields } =
    entity;
  return {
    ...fields,
    failure: failureCode === null ? null : { code: failureCode, detail: failureDetail ?? '' },
    approval:
      approvalDecision === null
        ? null
        : {
            decision: approvalDecision,
            note: approvalNote,
            apiKeyId: approvalApiKeyId!,
            decidedAt: approvalDecidedAt!,
          },
  };
}
