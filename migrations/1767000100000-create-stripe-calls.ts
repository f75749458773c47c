import { MigrationInterface, QueryRunner } from 'typeorm';

export class CreateStripeCalls1767000100000 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
      set local lock_timeout = '5s';

      -- One row per effect we want at Stripe: written before the call, never deleted, so no effect can be made twice or forgotten.
      create table stripe_calls (
        id                             text collate "C" primary key,
        sequence                       bigint generated always as identity unique, -- the order within a lane
        kind                           text not null check (kind in (
                                         'account.create', 'account.update', 'cardholder.create', 'cardholder.update',
                                         'transfer.create', 'transfer_reversal.create', 'balance_transfer.create',
                                         'topup.create', 'payout.create', 'card.create', 'card.update')),
        reference                      text collate "C" not null,
        connected_account_id           text collate "C" not null,
        payout_id                      text collate "C",
        stripe_account_id              text,
        lane                           text collate "C",
        params                         jsonb,
        sealed_params                  text, -- encrypted: these parameters name a person
        params_hash                    bytea not null check (length(params_hash) = 32),
        generation                     integer not null default 1 check (generation > 0),
        idempotency_key                text collate "C" not null unique check (length(idempotency_key) <= 255),
        status                         text not null default 'intended'
                                         check (status in ('intended', 'sent', 'unknown', 'done', 'failed')),
        attempts                       integer not null default 0 check (attempts >= 0),
        server_errors                  integer not null default 0 check (server_errors >= 0), -- in a row
        absences                       integer not null default 0 check (absences >= 0),      -- looks in a row that found nothing
        looks                          integer not null default 0 check (looks >= 0),
        must_look                      boolean not null default false,
        stripe_object_id               text,
        claimed_balance_transaction_id text,
        result                         jsonb,
        failure_code                   text,
        failure_detail                 text,
        failure_param                  text,
        intended_at                    timestamptz not null,
        sent_at                        timestamptz, -- first send under the current key
        settled_at                     timestamptz,
        next_attempt_at                timestamptz not null default clock_timestamp(),
        lease_token                    text,
        lease_expires_at               timestamptz,
        check ((status in ('done', 'failed')) = (settled_at is not null)),
        check (status <> 'failed' or failure_code is not null),
        check (status <> 'done' or (result is not null and failure_code is null)),
        -- Personal parameters are forgotten when the call settles.
        check (num_nonnulls(params, sealed_params) = 1 or (status in ('done', 'failed') and sealed_params is null))
      );

      -- Stripe cannot tell two balance transfers of one amount apart: one is in flight per lane.
      create unique index stripe_calls_one_in_flight on stripe_calls (lane) where status in ('sent', 'unknown') and lane is not null;
      create index stripe_calls_lane_order on stripe_calls (lane, sequence)
        where status in ('intended', 'sent', 'unknown') and lane is not null;
      create index stripe_calls_unsettled on stripe_calls (next_attempt_at) where status in ('intended', 'sent', 'unknown');
      create index stripe_calls_payout on stripe_calls (payout_id, sequence) where payout_id is not null;
      create index stripe_calls_reference on stripe_calls (reference, sequence);
      -- One movement at Stripe is the outcome of one call.
      create unique index stripe_calls_claim on stripe_calls (claimed_balance_transaction_id)
        where claimed_balance_transaction_id is not null;
    `);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
      set local lock_timeout = '5s';
      drop table stripe_calls;
    `);
  }
}
