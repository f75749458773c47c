import { Injectable } from '@nestjs/common';
import { queryRows, Tx } from '../platform/database/database';
import { Currency, toCurrency } from '../shared/money';
import { StripeAuthorization, StripeCard } from '../stripe/stripe.types';

export type AccountFigures = Readonly<{
  currency: Currency;
  /** What the ledger says is in the two balances. */
  issuingLedgerMinor: bigint;
  paymentsLedgerMinor: bigint;
  /** The sum of every available line of the Issuing balance in the mirror. */
  issuingLinesMinor: bigint;
  /** What the payments balance should hold of ours, lines on their way counted as Stripe has them. */
  paymentsExpectedMinor: bigint;
}>;

export type Finding = Readonly<{
  type: string;
  key: string;
  differenceMinor: bigint | null;
  currency: string | null;
  evidence: object;
  proposedAction: string;
}>;

// A step that takes longer than this is stuck, whoever is at fault. A payout that waits says so itself and is not.
const stuckAfter = `case p.status
  when 'pending' then interval '1 hour'
  when 'funding' then interval '7 days'
  when 'issuing' then interval '1 hour'
  else interval '32 days' end`;
const reclaimDueAfter = `interval '6 hours'`;
const unsettledCallAfter = `interval '1 hour'`;
// Stripe and we may disagree about a card or an authorization for as long as a call or an event takes.
const settlesWithin = `interval '2 minutes'`;

/** $1 listing, $2 account, $3 when the listing began: what changed since may rightly differ. */
const differingAuthorizationsSql = `
  select coalesce(a.stripe_authorization_id, s.stripe_authorization_id) as "stripeAuthorizationId", a.id, a.payout_id,
         a.status as ours, case when s.run_id is null then 'not pending' else 'pending' end as stripe,
         coalesce(a.updated_at, $3::timestamptz) as since,
         coalesce(a.updated_at, '-infinity') < $3::timestamptz - ${settlesWithin} as is_overdue
    from (select * from authorizations where connected_account_id = $2) as a
    full join (select * from reconciliation_seen_authorizations
                where run_id = $1 and connected_account_id = $2) as s using (stripe_authorization_id)
   where (s.run_id is null and a.status = 'pending'
          -- Of a card that is not ours we keep nothing.
          or s.run_id is not null and a.status is distinct from 'pending'
             and exists (select from cards c where c.stripe_card_id = s.stripe_card_id))
     and coalesce(a.updated_at, '-infinity') <= $3::timestamptz`;

/** Checks of the present: stages, outcomes, cards, balances. Each writes its findings. */
@Injectable()
export class ReconciliationChecksRepository {
  /** Forgets what any try of this run has listed or found for the account. */
  async forget(tx: Tx, runId: string, account: string): Promise<void> {
    await queryRows(tx, `delete from reconciliation_findings where run_id = $1 and connected_account_id = $2`, [
      runId,
      account,
    ]);
    for (const seen of ['reconciliation_seen_cards', 'reconciliation_seen_authorizations']) {
      await queryRows(tx, `delete from ${seen} where starts_with(run_id, $1) and connected_account_id = $2`, [
        `${runId}:`,
        account,
      ]);
    }
  }

  async add(tx: Tx, runId: string, account: string, now: Date, finding: Finding): Promise<void> {
    await queryRows(
      tx,
      `insert into reconciliation_findings (run_id, connected_account_id, type, key, difference_minor, currency, evidence,
         proposed_action, occurred_at)
       values ($1, $2, $3, $4, $5, $6, $7, $8, $9) on conflict do nothing`,
      [
        runId,
        account,
        finding.type,
        finding.key,
        finding.differenceMinor?.toString() ?? null,
        finding.currency,
        JSON.stringify(finding.evidence),
        finding.proposedAction,
        now,
      ],
    );
  }

  async findStuckPayouts(tx: Tx, runId: string, account: string, now: Date): Promise<void> {
    await queryRows(
      tx,
      `insert into reconciliation_findings (run_id, connected_account_id, type, key, payout_id, evidence, proposed_action, occurred_at)
       select $1, $2, 'stuck_payout', p.id || ':' || p.status, p.id,
              jsonb_strip_nulls(jsonb_build_object('status', p.status, 'since', p.updated_at, 'failure_code', p.failure_code)),
              'Read the payout''s timeline: its last attempt says what it waits for.', p.updated_at
         from payouts p
        where p.connected_account_id = $2 and p.waiting_on is null
          and p.status in ('pending', 'funding', 'issuing', 'settled', 'expired', 'canceled', 'failed')
          -- A row of a batch has its moment to begin.
          and (p.status <> 'pending' or p.retry_at is null or p.retry_at < $3::timestamptz)
          and p.updated_at < $3::timestamptz - ${stuckAfter}
       on conflict do nothing`,
      [runId, account, now],
    );
  }

  /** Money that should be on its way back and is not: its payout has ended, nothing holds it, nothing moves it. */
  async findUnreclaimed(tx: Tx, runId: string, account: string, now: Date): Promise<void> {
    await queryRows(
      tx,
      `insert into reconciliation_findings (run_id, connected_account_id, type, key, payout_id, difference_minor, currency, evidence,
         proposed_action, occurred_at)
       select $1, $2, 'unreclaimed', p.id, p.id, b.owed_minor + b.reclaiming_minor + greatest(b.probe_buffer_minor - b.overspent_minor, 0), b.currency,
              jsonb_build_object('status', p.status, 'owed_minor', b.owed_minor, 'reclaiming_minor', b.reclaiming_minor,
                'probe_buffer_minor', b.probe_buffer_minor, 'since', p.updated_at),
              'Look at the payout''s last reclaim; retry it, or bring the money back by hand and say so here.', p.updated_at
         from payouts p join payout_balances b on b.payout_id = p.id
        where p.connected_account_id = $2 and b.is_funded
          and p.status in ('settled', 'expired', 'canceled', 'failed', 'closed')
          -- What covers an overspend stays where it is.
          and b.owed_minor + b.reclaiming_minor + greatest(b.probe_buffer_minor - b.overspent_minor, 0) > 0 and b.held_minor = 0
          and p.updated_at < $3::timestamptz - ${reclaimDueAfter}
          and not exists (select from funding_transfers f
                           where f.reference = p.id and f.is_unsettled and f.created_at > $3::timestamptz - interval '10 days')
          and not exists (select from authorizations a where a.payout_id = p.id and a.status = 'pending' and a.held_minor > 0)
       on conflict do nothing`,
      [runId, account, now],
    );
  }

  async findUnknownOutcomes(tx: Tx, runId: string, account: string, now: Date): Promise<void> {
    await queryRows(
      tx,
      `insert into reconciliation_findings (run_id, connected_account_id, type, key, payout_id, evidence, proposed_action, occurred_at)
       select $1, $2, 'unknown_outcome', c.id, c.payout_id,
              jsonb_strip_nulls(jsonb_build_object('kind', c.kind, 'status', c.status, 'reference', c.reference,
                'attempts', c.attempts, 'intended_at', c.intended_at, 'sent_at', c.sent_at)),
              'Ask Stripe with the call''s id (metadata disburse_call) what became of it.', c.intended_at
         from stripe_calls c
        where c.connected_account_id = $2
          and (c.status = 'unknown' or (c.status = 'sent' and c.sent_at < $3::timestamptz - ${unsettledCallAfter}))
       on conflict do nothing`,
      [runId, account, now],
    );
  }

  /** `listingId`: one try of a run, so that a try given up for dead cannot take away what another has listed. */
  async seeCards(tx: Tx, listingId: string, account: string, cards: readonly StripeCard[]): Promise<void> {
    await queryRows(
      tx,
      `insert into reconciliation_seen_cards (run_id, connected_account_id, stripe_card_id, status, is_ours, created_at)
       select $1, $2, card.* from unnest($3::text[], $4::text[], $5::boolean[], $6::timestamptz[]) as card
       on conflict do nothing`,
      [
        listingId,
        account,
        cards.map((card) => card.stripeCardId),
        cards.map((card) => card.status),
        cards.map((card) => card.metadata['disburse_call'] !== undefined),
        cards.map((card) => card.createdAt.toISOString()),
      ],
    );
  }

  /** `listedFrom`: when the listing began; what changed since may rightly differ. */
  async findCardDifferences(
    tx: Tx,
    runId: string,
    listingId: string,
    account: string,
    listedFrom: Date,
  ): Promise<void> {
    await queryRows(
      tx,
      `insert into reconciliation_findings (run_id, connected_account_id, type, key, evidence, proposed_action, occurred_at)
       select $1, $2, 'orphan_card', s.stripe_card_id,
              jsonb_build_object('status', s.status, 'created_at', s.created_at),
              'A usable card of ours is in none of our payouts: cancel it at Stripe.', s.created_at
         from reconciliation_seen_cards s
        where s.run_id = $4 and s.connected_account_id = $2 and s.is_ours
          and s.created_at < $3::timestamptz - ${settlesWithin}
          and not exists (select from cards c where c.stripe_card_id = s.stripe_card_id)
       on conflict do nothing`,
      [runId, account, listedFrom, listingId],
    );
    await queryRows(
      tx,
      `insert into reconciliation_findings (run_id, connected_account_id, type, key, payout_id, evidence, proposed_action, occurred_at)
       select $1, $2, 'status_differs', 'card:' || c.id, c.payout_id,
              jsonb_build_object('card', c.id, 'stripe_card', c.stripe_card_id, 'ours', c.status,
                'stripe', coalesce(s.status, 'canceled')),
              case when s.status = 'active' then 'Stripe would take this card, we do not: cancel it at Stripe.'
                   else 'Fetch the card from Stripe and take over its status.' end,
              c.updated_at
         from cards c
         left join reconciliation_seen_cards s
           on s.run_id = $4 and s.connected_account_id = $2 and s.stripe_card_id = c.stripe_card_id
        where c.connected_account_id = $2 and c.stripe_card_id is not null
          and c.updated_at < $3::timestamptz - ${settlesWithin}
          -- A freeze and a cancel are calls on their way.
          and (c.cancel_requested_at is null or c.cancel_requested_at < $3::timestamptz - interval '1 day')
          and not exists (select from stripe_calls k where k.reference = c.id and k.status in ('intended', 'sent', 'unknown'))
          and case when c.status in ('active', 'inactive') then s.status is distinct from c.status else s.status is not null end
       on conflict do nothing`,
      [runId, account, listedFrom, listingId],
    );
  }

  async hasCards(tx: Tx, account: string): Promise<boolean> {
    const [row] = await queryRows<{ has: boolean }>(
      tx,
      `select exists (select from cards where connected_account_id = $1) as has`,
      [account],
    );
    return row!.has;
  }

  /** Those pending at Stripe. `listingId` as with cards. */
  async seeAuthorizations(
    tx: Tx,
    listingId: string,
    account: string,
    pending: readonly StripeAuthorization[],
  ): Promise<void> {
    await queryRows(
      tx,
      `insert into reconciliation_seen_authorizations (run_id, connected_account_id, stripe_authorization_id, stripe_card_id)
       select $1, $2, one.* from unnest($3::text[], $4::text[]) as one on conflict do nothing`,
      [listingId, account, pending.map((one) => one.stripeAuthorizationId), pending.map((one) => one.stripeCardId)],
    );
  }

  /** Authorizations pending at Stripe or here, but not on both sides, and unchanged since the listing; by Stripe's id. */
  async differingAuthorizations(
    tx: Tx,
    listingId: string,
    account: string,
    listedFrom: Date,
    after: string,
    limit: number,
    only?: readonly string[],
  ): Promise<readonly { stripeAuthorizationId: string; isOverdue: boolean }[]> {
    return queryRows(
      tx,
      `select "stripeAuthorizationId", is_overdue as "isOverdue" from (${differingAuthorizationsSql}) as differing
        where "stripeAuthorizationId" > $4 and ($5::text[] is null or "stripeAuthorizationId" = any($5))
        order by "stripeAuthorizationId" limit $6`,
      [listingId, account, listedFrom, after, only ?? null, limit],
    );
  }

  async findAuthorizationDifferences(
    tx: Tx,
    runId: string,
    listingId: string,
    account: string,
    listedFrom: Date,
  ): Promise<void> {
    await queryRows(
      tx,
      `insert into reconciliation_findings (run_id, connected_account_id, type, key, payout_id, evidence, proposed_action, occurred_at)
       select $4, $2, 'status_differs', 'authorization:' || "stripeAuthorizationId", payout_id,
              jsonb_strip_nulls(jsonb_build_object('authorization', id, 'stripe_authorization', "stripeAuthorizationId",
                'ours', coalesce(ours, 'unknown'), 'stripe', stripe)),
              case when stripe = 'pending' then 'Stripe holds money for it and we think it has ended: look at it at Stripe.'
                   else 'We think it is open and Stripe does not: look at it at Stripe, then retry its events.' end,
              since
         from (${differingAuthorizationsSql}) as differing where is_overdue
       on conflict do nothing`,
      [listingId, account, listedFrom, runId],
    );
  }

  /** Reads what the comparison of this transaction put into `reconciliation_lines`. */
  async figures(tx: Tx): Promise<AccountFigures[]> {
    const rows = await queryRows<{
      currency: string;
      issuing_ledger: string;
      payments_ledger: string;
      issuing_lines: string;
      payments_expected: string;
    }>(
      tx,
      `select reverse(split_part(reverse(account), ':', 1)) as currency,
              coalesce(sum(ledger_minor) filter (where account like 'issuing\\_available:%'), 0) as issuing_ledger,
              coalesce(sum(ledger_minor) filter (where account like 'seller\\_payments:%'), 0) as payments_ledger,
              coalesce(sum(available_minor) filter (where account like 'issuing\\_available:%'), 0) as issuing_lines,
              coalesce(sum(case when state in ('in_flight', 'missing_in_ledger') and lines > 0 then stripe_minor
                                when state = 'in_flight' and lines = 0 then 0
                                else ledger_minor end) filter (where account like 'seller\\_payments:%'), 0) as payments_expected
         from reconciliation_lines where account is not null group by 1 order by 1`,
    );
    return rows.map((row) => ({
      currency: toCurrency(row.currency),
      issuingLedgerMinor: BigInt(row.issuing_ledger),
      paymentsLedgerMinor: BigInt(row.payments_ledger),
      issuingLinesMinor: BigInt(row.issuing_lines),
      paymentsExpectedMinor: BigInt(row.payments_expected),
    }));
  }

  /** The sum of the account's lines, pending included: has anything moved since it was last asked? */
  async linesFingerprint(tx: Tx, account: string): Promise<string> {
    const [row] = await queryRows<{ fingerprint: string }>(
      tx,
      `select count(*) || ':' || count(*) filter (where status = 'pending') as fingerprint
         from stripe_balance_transactions where connected_account_id = $1`,
      [account],
    );
    return row!.fingerprint;
  }
}
