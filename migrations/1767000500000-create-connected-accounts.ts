import { MigrationInterface, QueryRunner } from 'typeorm';

export class CreateConnectedAccounts1767000500000 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`set local lock_timeout = '5s'`);
    await queryRunner.query(`
      create table connected_accounts (
        id text collate "C" primary key,
        stripe_account_id text unique,
        external_reference text,
        display_name text not null,
        business_type text not null check (business_type in ('company', 'individual', 'non_profit')),
        country text not null check (country ~ '^[A-Z]{2}$'),
        currency text not null check (currency in ('usd', 'eur', 'gbp')),
        status text not null check (status in ('onboarding', 'active', 'restricted', 'rejected')),
        funding_rail text not null check (funding_rail in ('transfer', 'topup', 'prefunded')),
        card_issuing_capability text not null
          check (card_issuing_capability in ('unrequested', 'inactive', 'pending', 'active')),
        transfers_capability text not null
          check (transfers_capability in ('unrequested', 'inactive', 'pending', 'active')),
        requirements jsonb not null,
        payout_interval text,
        is_suspended boolean not null default false,
        failure_code text,
        failure_detail text,
        stripe_checked_at timestamptz,
        created_at timestamptz not null,
        updated_at timestamptz not null,
        constraint connected_account_exists_at_stripe
          check (status in ('onboarding', 'rejected') or stripe_account_id is not null),
        constraint connected_account_failure_has_both
          check ((failure_code is null) = (failure_detail is null))
      )
    `);
    // An account that Stripe refused to make gives its reference back: the marketplace may try again with better data.
    await queryRunner.query(`
      create unique index connected_accounts_external_reference
        on connected_accounts (external_reference) where failure_code is null
    `);
    await queryRunner.query(`
      create index connected_accounts_to_check
        on connected_accounts (stripe_checked_at) where status in ('onboarding', 'restricted')
    `);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`set local lock_timeout = '5s'`);
    await queryRunner.query(`drop table connected_accounts`);
  }
}
