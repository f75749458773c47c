import { MigrationInterface, QueryRunner } from 'typeorm';

/** The general ledger as accounting systems import it, by chart number, and a payout's status as it was known at a cut-off. */
export class CreateReportJournal1767120000001 implements MigrationInterface {
  name = 'CreateReportJournal1767120000001';

  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
      set local lock_timeout = '5s';

      -- Without a cut-off the status of now; with one, what the timeline had said by then.
      create function payout_status_at(payout text, cutoff timestamptz) returns text language sql stable parallel safe as $$
        select case when cutoff is null then (select p.status from payouts p where p.id = payout)
          else coalesce((select t.detail->>'to' from payout_timeline t
                          where t.payout_id = payout and t.kind = 'status.changed' and t.occurred_at < cutoff
                          order by t.id desc limit 1), 'pending') end
      $$;

      create view report_journal as
      select e.occurred_at, e.created_at as posted_at, e.id as entry_id, l.id as posting_id, e.kind, e.source_id,
             e.connected_account_id, e.payout_id, chart.number as account, chart.name as account_name, l.currency,
             nullif(greatest(l.amount_minor, 0), 0) as debit, nullif(greatest(-l.amount_minor, 0), 0) as credit,
             upper(left(e.kind, 1)) || replace(substr(e.kind, 2), '_', ' ') || ' ' || e.source_id as description,
             coalesce(p.reference, e.source_id) as reference
        from journal_entries e
        join postings l on l.journal_entry_id = e.id
        left join payouts p on p.id = e.payout_id
        join (values
          ('1000', 'platform_payments'), ('1100', 'seller_payments'), ('1110', 'funds_in_transit'), ('1120', 'reclaim_in_transit'),
          ('1200', 'issuing_available'), ('1210', 'issuing_held'), ('1300', 'seller_receivable'), ('1400', 'external_bank'),
          ('1900', 'suspense'), ('2000', 'marketplace_funds'), ('2100', 'seller_float'), ('2200', 'payout_owed'), ('2210', 'payout_held'),
          ('2220', 'payout_reclaiming'), ('2300', 'probe_buffer'), ('2400', 'aftercare'), ('2500', 'dispute_provisional'),
          ('6000', 'losses'), ('6100', 'stripe_fees')
        ) as chart (number, name) on chart.name = split_part(l.account, ':', 1);
    `);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
      set local lock_timeout = '5s';
      drop view report_journal;
      drop function payout_status_at(text, timestamptz);
    `);
  }
}
