import { MigrationInterface, QueryRunner } from 'typeorm';

/** One row per Stripe call that moves a funding transfer's money, refused ones included. */
export class CreateFundingTransferHops1767000700001 implements MigrationInterface {
  name = 'CreateFundingTransferHops1767000700001';

  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
      set local lock_timeout = '5s';

      create table funding_transfer_hops (
        id bigint generated always as identity primary key,
        funding_transfer_id text collate "C" not null references funding_transfers,
        connected_account_id text collate "C" not null,
        kind text not null check (kind in ('transfer', 'balance_transfer', 'transfer_reversal', 'topup', 'bank_payout')),
        status text not null check (status in ('intended', 'unknown', 'accepted', 'done', 'failed')),
        amount_minor bigint not null check (amount_minor > 0),
        reverses_funding_transfer_id text collate "C" references funding_transfers,
        stripe_call_id text collate "C" not null unique,
        stripe_object_id text collate "C",
        -- Stripe's clock: where to begin looking for the lines it caused.
        stripe_created_at timestamptz,
        -- The balance transaction at the far end, whose status says when the money can be used there. One hop claims it.
        arrival_balance_transaction_id text collate "C",
        -- The object whose balance transaction on the connected account is still to be found and linked to our entry.
        counterpart_id text collate "C",
        counterpart_linked_at timestamptz,
        failure_code text,
        failure_detail text,
        created_at timestamptz not null,
        updated_at timestamptz not null,
        check ((reverses_funding_transfer_id is not null) = (kind = 'transfer_reversal')),
        check ((failure_code is null) = (failure_detail is null))
      );

      create index funding_transfer_hops_funding_transfer_id on funding_transfer_hops (funding_transfer_id, id);
      create unique index funding_transfer_hops_stripe_object_id on funding_transfer_hops (stripe_object_id);
      create unique index funding_transfer_hops_arrival on funding_transfer_hops (arrival_balance_transaction_id);
      create index funding_transfer_hops_reverses on funding_transfer_hops (reverses_funding_transfer_id)
        where reverses_funding_transfer_id is not null;
      create index funding_transfer_hops_unlinked on funding_transfer_hops (connected_account_id, id)
        where counterpart_id is not null and counterpart_linked_at is null;
    `);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
      set local lock_timeout = '5s';
      drop table funding_transfer_hops;
    `);
  }
}
