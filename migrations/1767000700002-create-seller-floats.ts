import { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * One row per prefunded account: whoever reserves part of its float holds this row first, so that two payouts never
 * count the same money. The figure itself is the ledger's.
 */
export class CreateSellerFloats1767000700002 implements MigrationInterface {
  name = 'CreateSellerFloats1767000700002';

  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
      set local lock_timeout = '5s';

      create table seller_floats (
        connected_account_id text collate "C" primary key references connected_accounts,
        stripe_account_id text collate "C" not null unique,
        currency text not null check (currency in ('usd', 'eur', 'gbp')),
        -- Stripe's time, not ours: balance transactions made before it have all been looked at.
        observed_from timestamptz,
        observed_at timestamptz,
        next_check_at timestamptz not null,
        created_at timestamptz not null
      );

      create index seller_floats_due on seller_floats (next_check_at);
    `);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
      set local lock_timeout = '5s';
      drop table seller_floats;
    `);
  }
}
