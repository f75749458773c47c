import { MigrationInterface, QueryRunner } from 'typeorm';

/** Stripe's own ledger, mirrored line by line, so that comparing it with ours is a join. */
export class CreateStripeBalanceTransactions1767001300000 implements MigrationInterface {
  name = 'CreateStripeBalanceTransactions1767001300000';

  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
      set local lock_timeout = '5s';

      create table stripe_balance_transactions (
        -- 'platform' for the platform's own balance: no foreign key.
        connected_account_id text collate "C" not null,
        balance_transaction_id text collate "C" not null,
        type text not null,
        balance_type text not null,
        amount_minor bigint not null,
        fee_minor bigint not null,
        net_minor bigint not null,
        currency text not null,
        source_id text collate "C",
        status text not null,
        created_at timestamptz not null,
        available_on timestamptz not null,
        mirrored_at timestamptz not null,
        -- The ledger account that this line must move, by exactly net_minor.
        ledger_account text collate "C" generated always as (
          case
            when connected_account_id = 'platform' then
              case when balance_type = 'payments' then 'platform_payments:' || currency end
            when balance_type = 'issuing' then 'issuing_available:' || connected_account_id || ':' || currency
            when balance_type = 'payments' then 'seller_payments:' || connected_account_id || ':' || currency
          end
        ) stored,
        primary key (connected_account_id, balance_transaction_id)
      );

      create index stripe_balance_transactions_created on stripe_balance_transactions (connected_account_id, created_at);
      create index stripe_balance_transactions_source on stripe_balance_transactions (source_id) where source_id is not null;
      create index stripe_balance_transactions_pending on stripe_balance_transactions (connected_account_id, balance_transaction_id)
        where status = 'pending' and balance_type = 'issuing';

      create table stripe_mirror_cursors (
        connected_account_id text collate "C" primary key,
        -- The newest line mirrored; the next pass lists from there on, oldest first.
        newest_balance_transaction_id text collate "C",
        newest_created_at timestamptz,
        -- The first pass lists backwards; killed half-way, it goes on from here.
        backfilled_to timestamptz,
        is_backfilled boolean not null default false,
        updated_at timestamptz not null
      );
    `);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
      set local lock_timeout = '5s';
      drop table stripe_mirror_cursors;
      drop table stripe_balance_transactions;
    `);
  }
}
