import { MigrationInterface, QueryRunner } from 'typeorm';

export class CreatePayoutBatches1767140200000 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
      set local lock_timeout = '5s';

      create table payout_batches (
        id                      text collate "C" primary key,
        format                  text not null check (format in ('ndjson', 'csv')),
        row_count               integer not null check (row_count between 1 and 10000),
        -- SHA-256 of the bytes as they were sent.
        content_sha256          bytea not null check (length(content_sha256) = 32),
        requested_by_api_key_id text collate "C" not null references api_keys,
        requested_by_family_id  text collate "C" not null references api_keys,
        created_at              timestamptz not null,
        completed_at            timestamptz
      );

      create table payout_batch_rows (
        batch_id       text collate "C" not null references payout_batches,
        number         integer not null check (number >= 1),
        reference      text not null,
        request        jsonb not null,
        status         text not null check (status in ('queued', 'accepted', 'failed')),
        payout_id      text collate "C" references payouts,
        failure_code   text,
        failure_detail text,
        primary key (batch_id, number),
        constraint payout_batch_rows_accepted_as_payout check ((payout_id is null) = (status <> 'accepted')),
        constraint payout_batch_rows_failure_whole check ((failure_code is null) = (status <> 'failed')
          and (failure_code is null) = (failure_detail is null))
      );
      create index payout_batch_rows_by_status on payout_batch_rows (batch_id, status, number);
      create unique index payout_batch_rows_payout_once on payout_batch_rows (payout_id) where payout_id is not null;
      -- Two batches that wait cannot promise the same thing.
      create unique index payout_batch_rows_reference_once on payout_batch_rows (reference) where status = 'queued';
    `);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
      set local lock_timeout = '5s';
      drop table payout_batch_rows;
      drop table payout_batches;
    `);
  }
}
