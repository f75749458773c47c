import { MigrationInterface, QueryRunner } from 'typeorm';

/** An account that Stripe does not let us read is a difference with a name, not a run that fails every day. */
export class AddUnreadableAccounts1767110000001 implements MigrationInterface {
  name = 'AddUnreadableAccounts1767110000001';

  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
      set local lock_timeout = '5s';

      alter table reconciliation_breaks
        drop constraint reconciliation_breaks_type_check,
        add constraint reconciliation_breaks_type_check check (type in (
          'missing_in_ledger', 'missing_at_stripe', 'amount_differs', 'currency_differs', 'duplicate', 'balance_differs',
          'payments_drained', 'status_differs', 'orphan_card', 'orphan_transfer', 'stuck_payout', 'unreclaimed',
          'negative_balance', 'unknown_outcome', 'account_unreadable'
        ));

      alter table reconciliation_run_accounts
        drop constraint reconciliation_run_accounts_status_check,
        drop constraint reconciliation_run_accounts_check1,
        drop constraint reconciliation_run_accounts_check2,
        add constraint reconciliation_run_accounts_status_check check (status in ('running', 'completed', 'unreadable', 'failed')),
        add constraint reconciliation_run_accounts_reported
          check ((status in ('completed', 'unreadable')) = (report is not null and report_sha256 is not null)),
        add constraint reconciliation_run_accounts_failure_told
          check ((status in ('unreadable', 'failed')) = (failure is not null));

      -- Stripe's pending authorizations as a run lists them, as reconciliation_seen_cards holds its cards.
      create unlogged table reconciliation_seen_authorizations (
        run_id text collate "C" not null,
        connected_account_id text collate "C" not null,
        stripe_authorization_id text collate "C" not null,
        stripe_card_id text collate "C" not null,
        primary key (run_id, connected_account_id, stripe_authorization_id)
      );
    `);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
      set local lock_timeout = '5s';
      drop table reconciliation_seen_authorizations;

      delete from reconciliation_breaks where type = 'account_unreadable';
      alter table reconciliation_breaks
        drop constraint reconciliation_breaks_type_check,
        add constraint reconciliation_breaks_type_check check (type in (
          'missing_in_ledger', 'missing_at_stripe', 'amount_differs', 'currency_differs', 'duplicate', 'balance_differs',
          'payments_drained', 'status_differs', 'orphan_card', 'orphan_transfer', 'stuck_payout', 'unreclaimed',
          'negative_balance', 'unknown_outcome'
        ));

      update reconciliation_run_accounts set status = 'completed', failure = null where status = 'unreadable';
      alter table reconciliation_run_accounts
        drop constraint reconciliation_run_accounts_failure_told,
        drop constraint reconciliation_run_accounts_reported,
        drop constraint reconciliation_run_accounts_status_check,
        add constraint reconciliation_run_accounts_check1
          check ((status = 'completed') = (report is not null and report_sha256 is not null)),
        add constraint reconciliation_run_accounts_check2 check ((status = 'failed') = (failure is not null)),
        add constraint reconciliation_run_accounts_status_check check (status in ('running', 'completed', 'failed'));
    `);
  }
}
