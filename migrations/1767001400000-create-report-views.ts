import { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * What reports read. Every view has `occurred_at` (the period), `posted_at` (the cut-off: when we wrote it) and
 * `connected_account_id`. Amounts are minor units; only what never changes once written, so that a report can be made again.
 */
export class CreateReportViews1767001400000 implements MigrationInterface {
  name = 'CreateReportViews1767001400000';

  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
      set local lock_timeout = '5s';

      -- Reports page through entries and questions by time.
      create index journal_entries_by_time on journal_entries (occurred_at, id);
      create index authorization_requests_by_time on authorization_requests (asked_at, id);

      create view report_ledger as
      select e.occurred_at, e.created_at as posted_at, e.id as entry_id, p.id as posting_id, e.kind, e.source_id,
             e.connected_account_id, e.payout_id, p.account, p.currency,
             greatest(p.amount_minor, 0) as debit, greatest(-p.amount_minor, 0) as credit
        from journal_entries e join postings p on p.journal_entry_id = e.id;

      -- One row per entry of a payout: what it moved, by the name people give it.
      create view report_movements as
      select e.id as entry_id, e.occurred_at, e.created_at as posted_at, e.kind, e.source_id, e.connected_account_id, e.payout_id,
             line.*
        from journal_entries e
        cross join lateral (
          select p.currency,
                 coalesce(sum(p.amount_minor) filter (where p.account like 'issuing\\_available:%'), 0)::bigint as issuing_available,
                 coalesce(sum(p.amount_minor) filter (where p.account like 'issuing\\_held:%'), 0)::bigint as issuing_held,
                 coalesce(sum(p.amount_minor) filter (where p.account like 'seller\\_receivable:%'), 0)::bigint as seller_receivable,
                 coalesce(sum(p.amount_minor) filter (where p.account like 'seller\\_payments:%'
                   or p.account like 'funds\\_in\\_transit:%' or p.account like 'seller\\_float:%'), 0)::bigint as towards_seller,
                 coalesce(sum(p.amount_minor) filter (where p.account like 'marketplace\\_funds:%'
                   or p.account like 'seller\\_float:%'), 0)::bigint as source_funds,
                 coalesce(sum(p.amount_minor) filter (where p.account like 'payout\\_owed:%'), 0)::bigint as payout_owed,
                 coalesce(sum(p.amount_minor) filter (where p.account like 'payout\\_held:%'), 0)::bigint as payout_held,
                 coalesce(sum(p.amount_minor) filter (where p.account like 'payout\\_reclaiming:%'), 0)::bigint as payout_reclaiming,
                 coalesce(sum(p.amount_minor) filter (where p.account like 'probe\\_buffer:%'), 0)::bigint as probe_buffer,
                 coalesce(sum(p.amount_minor) filter (where p.account like 'aftercare:%'), 0)::bigint as aftercare
            from postings p where p.journal_entry_id = e.id group by p.currency
        ) as line
       where e.payout_id is not null;

      -- What became of the promised money: charged, given back by merchants, brought back, never moved.
      create view report_settlement as
      select m.occurred_at, m.posted_at, m.entry_id, m.connected_account_id, m.payout_id, p.reference, p.amount_minor as amount, m.currency,
             case when m.kind = 'capture' then -m.issuing_available else 0 end as captured,
             case when m.kind in ('refund', 'refund_reversed') then m.issuing_available else 0 end as refunded,
             -- As in the payout's own terms: what left the promise and was neither brought back nor released.
             case when m.kind not in ('payout_accepted', 'payout_released', 'reclaim_done')
               then m.payout_owed + m.payout_held + m.payout_reclaiming else 0 end as paid,
             m.seller_receivable as overspent,
             case when m.kind = 'reclaim_done' then m.payout_owed + m.payout_held + m.payout_reclaiming else 0 end as reclaimed,
             case when m.kind = 'payout_released' then m.payout_owed + m.payout_held + m.payout_reclaiming else 0 end as released
        from report_movements m join payouts p on p.id = m.payout_id;

      -- Money that was not spent, from the moment it was called back.
      create view report_unspent as
      select m.occurred_at, m.posted_at, m.entry_id, m.connected_account_id, m.payout_id, p.reference, p.amount_minor as amount, m.currency,
             case when m.kind in ('reclaim_intended', 'reclaim_refused') then -m.payout_reclaiming
                  when m.kind = 'payout_released' then m.payout_owed else 0 end as unspent,
             case when m.kind = 'reclaim_done' then m.payout_reclaiming else 0 end as reclaimed,
             case when m.kind = 'payout_released' then m.payout_owed else 0 end as released
        from report_movements m join payouts p on p.id = m.payout_id;

      -- Money that is back at the marketplace, piece by piece; below zero when a bank returned it.
      create view report_reclaims as
      select m.occurred_at, m.posted_at, m.entry_id, m.connected_account_id, m.payout_id, p.reference, m.kind, m.source_id, m.currency,
             case when m.kind = 'reclaim_done' then m.payout_reclaiming else 0 end as amount,
             m.probe_buffer, m.aftercare, -m.source_funds as total
        from report_movements m join payouts p on p.id = m.payout_id
       where m.kind = 'reclaim_done' or (m.kind = 'reclaim_returned' and m.source_funds <> 0);

      -- Money sent towards the seller's Issuing balance; below zero when it came back unspent by a failure.
      create view report_funding as
      select m.occurred_at, m.posted_at, m.entry_id, m.connected_account_id, m.payout_id, p.reference, m.kind, m.source_id, m.currency,
             m.moved + m.probe_buffer as amount, -m.probe_buffer as probe_buffer, m.moved as total
        from (select report_movements.*, towards_seller as moved from report_movements
               where kind in ('funding_transfer', 'funding_returned', 'topup_created', 'topup_failed', 'float_reserved')) as m
        join payouts p on p.id = m.payout_id;

      -- Every question of the network and our answer.
      create view report_authorizations as
      select r.asked_at as occurred_at, r.created_at as posted_at, r.id as request_id, r.connected_account_id, r.payout_id, p.reference,
             a.stripe_authorization_id, c.last4 as card_last4, r.kind, r.approved, r.reason, a.currency, r.amount_minor as amount,
             r.approved_minor as approved_amount, r.balance_transaction_id, a.merchant_name, a.merchant_category, a.merchant_country, r.latency_ms
        from authorization_requests r
        join authorizations a on a.id = r.authorization_id
        join payouts p on p.id = r.payout_id
        join cards c on c.id = a.card_id;
    `);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
      set local lock_timeout = '5s';
      drop view report_authorizations;
      drop view report_funding;
      drop view report_reclaims;
      drop view report_unspent;
      drop view report_settlement;
      drop view report_movements;
      drop view report_ledger;
      drop index authorization_requests_by_time;
      drop index journal_entries_by_time;
    `);
  }
}
