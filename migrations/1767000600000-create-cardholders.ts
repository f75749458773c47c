import { MigrationInterface, QueryRunner } from 'typeorm';

export class CreateCardholders1767000600000 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`set local lock_timeout = '5s'`);
    await queryRunner.query(`
      create table cardholders (
        id text collate "C" primary key,
        connected_account_id text collate "C" not null references connected_accounts (id),
        stripe_cardholder_id text unique,
        type text not null check (type in ('individual', 'company')),
        status text not null check (status in ('requested', 'active', 'inactive', 'blocked', 'failed')),
        personal_data_encrypted text not null,
        stripe_call_id text,
        has_unsent_changes boolean not null default false,
        requirements jsonb not null,
        failure_code text,
        failure_detail text,
        stripe_checked_at timestamptz,
        created_at timestamptz not null,
        updated_at timestamptz not null,
        constraint cardholder_exists_at_stripe
          check (status in ('requested', 'failed') or stripe_cardholder_id is not null),
        constraint cardholder_failure_has_both check ((failure_code is null) = (failure_detail is null))
      )
    `);
    await queryRunner.query(`create index cardholders_by_account on cardholders (connected_account_id, id)`);
    await queryRunner.query(`
      create index cardholders_to_check
        on cardholders (stripe_checked_at)
        where stripe_cardholder_id is not null and (status <> 'active' or requirements ->> 'disabledReason' is not null)
    `);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`set local lock_timeout = '5s'`);
    await queryRunner.query(`drop table cardholders`);
  }
}
