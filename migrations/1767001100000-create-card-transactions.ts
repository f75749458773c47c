import { MigrationInterface, QueryRunner } from 'typeorm';

export class CreateCardTransactions1767001100000 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`set local lock_timeout = '5s'`);
    // No foreign key to connected_accounts, for the same reason as in authorizations.
    await queryRunner.query(`
      create table card_transactions (
        id text collate "C" primary key,
        stripe_transaction_id text not null unique,
        connected_account_id text collate "C" not null,
        payout_id text collate "C" not null references payouts (id),
        card_id text collate "C" not null references cards (id),
        authorization_id text collate "C" references authorizations (id),
        stripe_authorization_id text,
        refunded_card_transaction_id text collate "C" references card_transactions (id),
        refund_match text check (refund_match in ('linked', 'matched', 'unlinked')),
        type text not null check (type in ('capture', 'refund')),
        kind text not null
          check (kind in ('capture', 'over_capture', 'force_capture', 'late_capture', 'refund', 'refund_reversal')),
        amount_minor bigint not null,
        paid_minor bigint not null,
        overspent_minor bigint not null,
        aftercare_minor bigint not null,
        currency text not null check (currency in ('usd', 'eur', 'gbp')),
        merchant_name text,
        merchant_category text,
        merchant_category_code text,
        merchant_city text,
        merchant_country text,
        merchant_network_id text,
        merchant_amount_minor bigint not null,
        merchant_currency text not null,
        balance_transaction_id text,
        is_after_close boolean not null,
        occurred_at timestamptz not null,
        created_at timestamptz not null,
        -- Where its money came from, or went: nothing of it is lost.
        constraint card_transaction_is_shared_out check (paid_minor + overspent_minor - aftercare_minor = -amount_minor),
        constraint card_transaction_refund_says_its_match check ((refund_match is null) = (kind not in ('refund', 'refund_reversal')))
      )
    `);
    await queryRunner.query(`create index card_transactions_by_payout on card_transactions (payout_id, id)`);
    await queryRunner.query(`create index card_transactions_by_card on card_transactions (card_id, id)`);
    await queryRunner.query(
      `create index card_transactions_by_account on card_transactions (connected_account_id, id)`,
    );
    await queryRunner.query(`create index card_transactions_by_authorization on card_transactions (authorization_id)`);
    await queryRunner.query(`create index card_transactions_by_time on card_transactions (occurred_at)`);
    await queryRunner.query(`
      create index card_transactions_in_aftercare on card_transactions (id)
        where is_after_close or overspent_minor <> 0 or aftercare_minor <> 0
    `);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`set local lock_timeout = '5s'`);
    await queryRunner.query(`drop table card_transactions`);
  }
}
