import { MigrationInterface, QueryRunner } from 'typeorm';

/** What analytics reads: one row per decision, card, payout, movement and open break, each with the time that puts it into a period. */
export class CreateAnalyticsViews1767150000100 implements MigrationInterface {
  name = 'CreateAnalyticsViews1767150000100';

  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
      set local lock_timeout = '5s';

      create index payouts_by_created_at on payouts (created_at);
      create index cards_by_created_at on cards (created_at);

      create view analytics_decisions as
      select r.asked_at as occurred_at, r.connected_account_id, p.label, r.reason, r.approved, r.latency_ms,
             a.merchant_country as country, a.merchant_category as category
        from authorization_requests r
        join authorizations a on a.id = r.authorization_id
        join payouts p on p.id = r.payout_id;

      create view analytics_cards as
      select c.created_at as occurred_at, c.connected_account_id, p.label, c.stripe_card_id is not null as is_made,
             c.status = 'failed' as has_failed, c.failure_code as reason
        from cards c join payouts p on p.id = c.payout_id;

      -- From the request to the first time the card could be used.
      create view analytics_payouts as
      select p.created_at as occurred_at, p.connected_account_id, p.label,
             extract(epoch from ready.at - p.created_at)::float8 as seconds_to_ready
        from payouts p
        cross join lateral (
          select min(t.occurred_at) as at from payout_timeline t
           where t.payout_id = p.id and t.kind = 'status.changed' and t.detail ->> 'to' = 'ready'
        ) as ready;

      -- The settlement report's own rows, so that the two always agree.
      create view analytics_money as
      select s.occurred_at, s.connected_account_id, p.label, s.currency, s.captured, s.refunded, s.paid, s.overspent, s.reclaimed, s.released
        from report_settlement s join payouts p on p.id = s.payout_id;

      create view analytics_open_breaks as
      select type, count(*)::int as breaks from reconciliation_breaks where status = 'open' group by type;

      -- The platform's balance at Stripe as it was last seen: what is left to fund payouts with.
      create table platform_balances (
        currency        text primary key check (currency ~ '^[a-z]{3}$'),
        available_minor bigint not null,
        seen_at         timestamptz not null
      );
    `);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
      set local lock_timeout = '5s';
      drop table platform_balances;
      drop view analytics_open_breaks, analytics_money, analytics_payouts, analytics_cards, analytics_decisions;
      drop index cards_by_created_at;
      drop index payouts_by_created_at;
    `);
  }
}
