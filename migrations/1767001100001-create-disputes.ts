import { MigrationInterface, QueryRunner } from 'typeorm';

export class CreateDisputes1767001100001 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`set local lock_timeout = '5s'`);
    await queryRunner.query(`
      create table disputes (
        id text collate "C" primary key,
        stripe_dispute_id text not null unique,
        connected_account_id text collate "C" not null,
        payout_id text collate "C" not null references payouts (id),
        card_id text collate "C" not null references cards (id),
        card_transaction_id text collate "C" not null references card_transactions (id),
        status text not null check (status in ('unsubmitted', 'submitted', 'won', 'lost', 'expired')),
        reason text,
        loss_reason text,
        amount_minor bigint not null check (amount_minor > 0),
        provisional_minor bigint not null check (provisional_minor >= 0),
        returned_minor bigint not null,
        paid_minor bigint not null,
        overspent_minor bigint not null,
        aftercare_minor bigint not null,
        currency text not null check (currency in ('usd', 'eur', 'gbp')),
        opened_at timestamptz not null,
        closed_at timestamptz,
        created_at timestamptz not null,
        updated_at timestamptz not null,
        -- Where what came back for good went: nothing of it is lost.
        constraint dispute_is_shared_out check (paid_minor + overspent_minor - aftercare_minor = -returned_minor),
        constraint dispute_says_when_it_closed check ((closed_at is not null) = (status in ('won', 'lost', 'expired')))
      )
    `);
    await queryRunner.query(`create index disputes_by_payout on disputes (payout_id, id)`);
    await queryRunner.query(`create index disputes_by_account on disputes (connected_account_id, id)`);
    await queryRunner.query(`create index disputes_by_status on disputes (status, id)`);
    await queryRunner.query(`create index disputes_by_card_transaction on disputes (card_transaction_id)`);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`set local lock_timeout = '5s'`);
    await queryRunner.query(`drop table disputes`);
  }
}
