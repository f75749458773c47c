import { MigrationInterface, QueryRunner } from 'typeorm';

export class CreateCards1767000800000 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`set local lock_timeout = '5s'`);
    // payout_id has no foreign key: payouts are a later floor, and their table a later migration.
    await queryRunner.query(`
      create table cards (
        id text collate "C" primary key,
        payout_id text collate "C" not null,
        connected_account_id text collate "C" not null references connected_accounts (id),
        cardholder_id text collate "C" not null references cardholders (id),
        stripe_card_id text unique,
        last4 text check (last4 ~ '^[0-9]{4}$'),
        brand text,
        exp_month integer not null check (exp_month between 1 and 12),
        exp_year integer not null check (exp_year between 2000 and 9999),
        status text not null check (status in ('requested', 'active', 'inactive', 'canceled', 'failed')),
        frozen boolean not null default false,
        cancel_requested_at timestamptz,
        cancel_reason text,
        amount_minor bigint not null check (amount_minor > 0),
        currency text not null check (currency in ('usd', 'eur', 'gbp')),
        amount_match text not null check (amount_match in ('up_to', 'exact')),
        allowed_categories text[] not null default '{}',
        blocked_categories text[] not null default '{}',
        allowed_merchant_countries text[] not null default '{}',
        blocked_merchant_countries text[] not null default '{}',
        failure_code text,
        failure_detail text,
        stripe_checked_at timestamptz,
        created_at timestamptz not null,
        updated_at timestamptz not null,
        constraint card_exists_at_stripe check ((status in ('requested', 'failed')) = (stripe_card_id is null)),
        constraint card_allows_or_blocks_categories
          check (allowed_categories = '{}' or blocked_categories = '{}'),
        constraint card_allows_or_blocks_countries
          check (allowed_merchant_countries = '{}' or blocked_merchant_countries = '{}'),
        constraint card_cancel_is_locked check (cancel_requested_at is null or frozen),
        constraint card_failure_has_both check ((failure_code is null) = (failure_detail is null))
      )
    `);
    // Two live cards of one payout would be two uses of one promise: whatever the code does, the second insert fails.
    await queryRunner.query(`
      create unique index cards_one_live_per_payout
        on cards (payout_id) where status in ('requested', 'active', 'inactive')
    `);
    await queryRunner.query(`create index cards_by_payout on cards (payout_id, id)`);
    await queryRunner.query(`create index cards_by_account on cards (connected_account_id, id)`);
    await queryRunner.query(`
      create index cards_to_cancel
        on cards (cancel_requested_at) where cancel_requested_at is not null and status in ('active', 'inactive')
    `);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`set local lock_timeout = '5s'`);
    await queryRunner.query(`drop table cards`);
  }
}
