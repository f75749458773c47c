import { MigrationInterface, QueryRunner } from 'typeorm';

export class CreateAuthorizationRequests1767001000001 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`set local lock_timeout = '5s'`);
    // One row per question: the first request of an authorization is sequence 0, its n-th increment is sequence n. Stripe puts one
    // question at a time, and request_history has as many entries as were answered before: that count identifies a question.
    await queryRunner.query(`
      create table authorization_requests (
        id text collate "C" primary key,
        authorization_id text collate "C" not null references authorizations (id),
        connected_account_id text collate "C" not null,
        payout_id text collate "C" not null,
        sequence integer not null check (sequence >= 0),
        kind text not null check (kind in ('purchase', 'probe', 'increment')),
        stripe_event_id text,
        amount_minor bigint not null check (amount_minor >= 0),
        approved_minor bigint not null,
        approved boolean not null,
        reason text not null,
        inputs jsonb,
        latency_ms integer,
        stages jsonb,
        network_outcome text check (network_outcome in ('approved', 'declined')),
        network_reason text,
        difference text
          check (difference in ('declined_by_network', 'approved_by_network', 'not_asked', 'amount_differs')),
        held_minor bigint not null default 0 check (held_minor >= 0),
        backed_minor bigint not null default 0,
        balance_transaction_id text,
        asked_at timestamptz not null,
        created_at timestamptz not null,
        constraint authorization_request_asked_once unique (authorization_id, sequence),
        constraint authorization_request_backs_what_it_holds check (backed_minor between 0 and held_minor),
        constraint authorization_request_approves_at_most_what_was_asked
          check (approved_minor between 0 and amount_minor and (approved or approved_minor = 0))
      )
    `);
    await queryRunner.query(`
      create unique index authorization_requests_one_per_event
        on authorization_requests (authorization_id, stripe_event_id) where stripe_event_id is not null
    `);
    await queryRunner.query(`
      create index authorization_requests_with_difference
        on authorization_requests (connected_account_id, created_at) where difference is not null
    `);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`set local lock_timeout = '5s'`);
    await queryRunner.query(`drop table authorization_requests`);
  }
}
