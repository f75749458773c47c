import { MigrationInterface, QueryRunner } from 'typeorm';

export class CreatePayouts1767000900000 implements MigrationInterface {
  name = 'CreatePayouts1767000900000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`set local lock_timeout = '5s'`);
    await runner.query(`
      create table payouts (
        id text collate "C" primary key,
        connected_account_id text collate "C" not null references connected_accounts,
        cardholder_id text collate "C" not null references cardholders,
        amount_minor bigint not null check (amount_minor > 100),
        currency text not null check (currency in ('usd', 'eur', 'gbp')),
        status text not null check (status in ('pending', 'funding', 'issuing', 'ready', 'authorized', 'settled',
          'expired', 'canceled', 'failed', 'closed')),
        waiting_on text check (waiting_on in ('account_capability', 'cardholder_requirement', 'approval', 'platform_funds')),
        retry_at timestamptz,
        outcome text check (outcome in ('spent', 'partially_spent', 'unspent', 'canceled', 'failed')),
        reference text not null constraint payouts_reference_once unique,
        description text,
        controls jsonb not null,
        metadata jsonb not null,
        expires_at timestamptz not null,
        card_id text collate "C",
        failure_code text,
        failure_detail text,
        created_at timestamptz not null,
        updated_at timestamptz not null,
        constraint payouts_wait_only_while_pending check (waiting_on is null or status = 'pending'),
        constraint payouts_outcome_once_ended check ((outcome is null) = (status in
          ('pending', 'funding', 'issuing', 'ready', 'authorized'))),
        constraint payouts_failure_whole check ((failure_code is null) = (failure_detail is null))
      );
      create index payouts_by_account on payouts (connected_account_id, id);
      create index payouts_by_status on payouts (status, id);
      create index payouts_by_expiry on payouts (expires_at) where status in ('pending', 'funding', 'issuing', 'ready', 'authorized');
      create index payouts_unfinished on payouts (updated_at) where status not in ('closed', 'ready', 'authorized');
      create index payouts_retrying on payouts (retry_at) where status in ('closed', 'authorized') and retry_at is not null;
      create index payouts_waiting on payouts (waiting_on, connected_account_id) where waiting_on is not null;

      create table payout_timeline (
        id bigint generated always as identity primary key,
        payout_id text collate "C" not null references payouts,
        occurred_at timestamptz not null,
        kind text not null,
        detail jsonb not null default '{}'
      );
      create index payout_timeline_by_payout on payout_timeline (payout_id, id);
      create trigger append_only before update or delete or truncate on payout_timeline
        for each statement execute function refuse_change();
    `);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`set local lock_timeout = '5s'`);
    await runner.query(`drop table payout_timeline; drop table payouts;`);
  }
}
