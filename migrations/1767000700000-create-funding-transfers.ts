import { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * Money on its way to an Issuing balance, and back. `reference` is the payout's id, without a foreign key: payouts are a later floor.
 */
export class CreateFundingTransfers1767000700000 implements MigrationInterface {
  name = 'CreateFundingTransfers1767000700000';

  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
      set local lock_timeout = '5s';

      create table funding_transfers (
        id text collate "C" primary key,
        connected_account_id text collate "C" not null references connected_accounts,
        stripe_account_id text collate "C" not null,
        reference text collate "C" not null,
        direction text not null check (direction in ('out', 'in')),
        rail text not null check (rail in ('transfer', 'topup', 'prefunded')),
        status text not null
          check (status in ('pending', 'in_transit', 'unknown', 'settled', 'partially_returned', 'failed', 'returned')),
        money_at text not null
          check (money_at in ('platform', 'seller_payments', 'funds_in_transit', 'issuing', 'reclaim_in_transit', 'bank')),
        amount_minor bigint not null check (amount_minor >= 0),
        buffer_minor bigint not null check (buffer_minor >= 0),
        aftercare_minor bigint not null default 0 check (aftercare_minor >= 0),
        returned_minor bigint not null default 0,
        currency text not null check (currency in ('usd', 'eur', 'gbp')),
        failure_code text,
        failure_detail text,
        attempts integer not null default 0 check (attempts >= 0),
        next_check_at timestamptz,
        is_unsettled boolean not null generated always as (
          status in ('pending', 'in_transit', 'unknown') or (status = 'failed' and money_at = 'seller_payments')
        ) stored,
        created_at timestamptz not null,
        updated_at timestamptz not null,
        settled_at timestamptz,
        check (amount_minor + buffer_minor + aftercare_minor > 0),
        check (aftercare_minor = 0 or direction = 'in'),
        -- Never more comes back than went out, whoever miscounts.
        check (returned_minor between 0 and amount_minor + buffer_minor + aftercare_minor),
        check ((failure_code is null) = (failure_detail is null))
      );

      -- One on its way per reference and direction: two sweeps of one payout can never take the same money.
      create unique index funding_transfers_one_unsettled on funding_transfers (reference, direction) where is_unsettled;
      create index funding_transfers_reference on funding_transfers (reference, id);
      create index funding_transfers_due on funding_transfers (next_check_at) where is_unsettled;
      create index funding_transfers_unsettled_by_account on funding_transfers (stripe_account_id, created_at) where is_unsettled;
    `);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
      set local lock_timeout = '5s';
      drop table funding_transfers;
    `);
  }
}
