import { MigrationInterface, QueryRunner } from 'typeorm';

export class CreateAftercareSettlements1767001100002 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`set local lock_timeout = '5s'`);
    await queryRunner.query(`
      create table aftercare_settlements (
        card_transaction_id text collate "C" primary key references card_transactions (id),
        connected_account_id text collate "C" not null,
        payout_id text collate "C" not null references payouts (id),
        action text not null check (action in ('collected', 'written_off')),
        amount_minor bigint not null check (amount_minor > 0),
        currency text not null check (currency in ('usd', 'eur', 'gbp')),
        note text not null,
        settled_by text collate "C" not null,
        settled_at timestamptz not null
      )
    `);
    await queryRunner.query(`create index aftercare_settlements_by_payout on aftercare_settlements (payout_id)`);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`set local lock_timeout = '5s'`);
    await queryRunner.query(`drop table aftercare_settlements`);
  }
}
