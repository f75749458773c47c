import { MigrationInterface, QueryRunner } from 'typeorm';

export class CreateReconciliationBreaks1767001300002 implements MigrationInterface {
  name = 'CreateReconciliationBreaks1767001300002';

  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
      set local lock_timeout = '5s';

      create table reconciliation_breaks (
        id text collate "C" primary key,
        connected_account_id text collate "C" not null,
        type text not null check (type in (
          'missing_in_ledger', 'missing_at_stripe', 'amount_differs', 'currency_differs', 'duplicate', 'balance_differs',
          'payments_drained', 'status_differs', 'orphan_card', 'orphan_transfer', 'stuck_payout', 'unreclaimed',
          'negative_balance', 'unknown_outcome'
        )),
        key text collate "C" not null,
        status text not null check (status in ('open', 'resolved', 'healed')),
        payout_id text collate "C",
        difference_minor bigint,
        currency text,
        evidence jsonb not null,
        proposed_action text not null,
        occurred_at timestamptz not null,
        opened_at timestamptz not null,
        last_seen_at timestamptz not null,
        opened_by_run_id text collate "C" not null references reconciliation_runs,
        closed_at timestamptz,
        closed_by text,
        note text,
        check ((status = 'open') = (closed_at is null)),
        check (status <> 'resolved' or (note is not null and closed_by is not null))
      );

      -- The same difference found by two runs, or by two at once, is one break.
      create unique index reconciliation_breaks_one_open on reconciliation_breaks (connected_account_id, type, key)
        where status = 'open';
      create index reconciliation_breaks_by_key on reconciliation_breaks (connected_account_id, type, key, id desc);
      create index reconciliation_breaks_by_status on reconciliation_breaks (status, id desc);
      create index reconciliation_breaks_by_payout on reconciliation_breaks (payout_id) where payout_id is not null;

      -- What a run is finding, before it is merged into the breaks. Lost in a crash, found again by the job's next try: unlogged.
      create unlogged table reconciliation_findings (
        run_id text collate "C" not null,
        connected_account_id text collate "C" not null,
        type text not null,
        key text collate "C" not null,
        payout_id text collate "C",
        difference_minor bigint,
        currency text,
        evidence jsonb not null,
        proposed_action text not null,
        occurred_at timestamptz not null,
        primary key (run_id, connected_account_id, type, key)
      );

      -- Stripe's usable cards as a run lists them, page by page, to be compared in one statement.
      create unlogged table reconciliation_seen_cards (
        run_id text collate "C" not null,
        connected_account_id text collate "C" not null,
        stripe_card_id text collate "C" not null,
        status text not null,
        -- It carries our metadata: a card of ours, whatever our tables say.
        is_ours boolean not null,
        created_at timestamptz not null,
        primary key (run_id, connected_account_id, stripe_card_id)
      );
    `);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
      set local lock_timeout = '5s';
      drop table reconciliation_seen_cards;
      drop table reconciliation_findings;
      drop table reconciliation_breaks;
    `);
  }
}
