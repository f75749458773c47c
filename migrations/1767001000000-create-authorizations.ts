import { MigrationInterface, QueryRunner } from 'typeorm';

export class CreateAuthorizations1767001000000 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`set local lock_timeout = '5s'`);
    // No foreign key to connected_accounts: every decision of one seller would lock that one shared row.
    await queryRunner.query(`
      create table authorizations (
        id text collate "C" primary key,
        stripe_authorization_id text not null unique,
        connected_account_id text collate "C" not null,
        payout_id text collate "C" not null references payouts (id),
        card_id text collate "C" not null references cards (id),
        kind text not null check (kind in ('purchase', 'probe')),
        status text not null check (status in ('pending', 'closed', 'reversed', 'expired')),
        approved boolean not null,
        reason text not null,
        amount_minor bigint not null check (amount_minor >= 0),
        held_minor bigint not null default 0 check (held_minor >= 0),
        backed_minor bigint not null default 0,
        currency text not null check (currency in ('usd', 'eur', 'gbp')),
        merchant_name text,
        merchant_category text,
        merchant_category_code text,
        merchant_city text,
        merchant_country text,
        merchant_network_id text,
        merchant_amount_minor bigint,
        merchant_currency text,
        authorization_method text,
        latency_ms integer,
        network_outcome text check (network_outcome in ('approved', 'declined')),
        network_reason text,
        card_transaction_count integer not null default 0,
        network_facts integer not null default 0,
        created_at timestamptz not null,
        updated_at timestamptz not null,
        ended_at timestamptz,
        constraint authorization_backs_what_is_held check (backed_minor between 0 and held_minor),
        constraint authorization_ended_when_not_pending check ((ended_at is null) = (status = 'pending'))
      )
    `);
    // The one authorization, whatever the code does: a second purchase that holds the payout's own money cannot be written.
    await queryRunner.query(`
      create unique index authorizations_one_open_purchase_per_card on authorizations (card_id)
        where kind = 'purchase' and approved and status = 'pending' and network_outcome is null
    `);
    await queryRunner.query(`create index authorizations_by_payout on authorizations (payout_id, id)`);
    await queryRunner.query(`create index authorizations_by_card on authorizations (card_id, id)`);
    await queryRunner.query(`create index authorizations_by_account on authorizations (connected_account_id, id)`);
    await queryRunner.query(`create index authorizations_by_time on authorizations (created_at)`);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`set local lock_timeout = '5s'`);
    await queryRunner.query(`drop table authorizations`);
  }
}
