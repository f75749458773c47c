import { MigrationInterface, QueryRunner } from 'typeorm';

export class CreateReconciliationRuns1767001300001 implements MigrationInterface {
  name = 'CreateReconciliationRuns1767001300001';

  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
      set local lock_timeout = '5s';

      create table reconciliation_runs (
        id text collate "C" primary key,
        -- Null: every connected account and the platform.
        connected_account_id text collate "C",
        cutoff timestamptz,
        status text not null check (status in ('running', 'completed', 'failed')),
        -- The day a scheduled run is for: replicas and retries cannot make two.
        scheduled_for date unique,
        accounts_total integer check (accounts_total >= 0),
        matched bigint not null default 0,
        healed bigint not null default 0,
        breaks_open bigint not null default 0,
        report_sha256 text check (report_sha256 ~ '^[0-9a-f]{64}$'),
        created_at timestamptz not null,
        completed_at timestamptz,
        check ((status = 'running') = (completed_at is null)),
        check ((status = 'completed') = (report_sha256 is not null))
      );
      create index reconciliation_runs_running on reconciliation_runs (created_at) where status = 'running';

      create table reconciliation_run_accounts (
        run_id text collate "C" not null references reconciliation_runs,
        connected_account_id text collate "C" not null,
        status text not null check (status in ('running', 'completed', 'failed')),
        matched bigint not null default 0,
        set_apart bigint not null default 0,
        in_flight bigint not null default 0,
        healed bigint not null default 0,
        breaks_open bigint not null default 0,
        currency text,
        stripe_issuing_minor bigint,
        ledger_issuing_minor bigint,
        -- The account's part of the report, byte for byte what was hashed.
        report text,
        report_sha256 text check (report_sha256 ~ '^[0-9a-f]{64}$'),
        attempts integer not null default 0 check (attempts >= 0),
        failure text,
        created_at timestamptz not null,
        completed_at timestamptz,
        primary key (run_id, connected_account_id),
        check ((status = 'running') = (completed_at is null)),
        check ((status = 'completed') = (report is not null and report_sha256 is not null)),
        check ((status = 'failed') = (failure is not null))
      );
      create index reconciliation_run_accounts_running on reconciliation_run_accounts (run_id) where status = 'running';
    `);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
      set local lock_timeout = '5s';
      drop table reconciliation_run_accounts;
      drop table reconciliation_runs;
    `);
  }
}
