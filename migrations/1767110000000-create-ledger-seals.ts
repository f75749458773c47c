import { MigrationInterface, QueryRunner } from 'typeorm';

/** What was in the ledger on a day, signed: whoever can change every row still cannot make another seal. */
export class CreateLedgerSeals1767110000000 implements MigrationInterface {
  name = 'CreateLedgerSeals1767110000000';

  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
      set local lock_timeout = '5s';

      create table ledger_seals (
        number bigint primary key check (number > 0),
        -- Without gaps: a seal taken out of the middle takes all later ones with it.
        previous_number bigint generated always as (nullif(number - 1, 0)) stored references ledger_seals,
        sealed_at timestamptz not null,
        -- The entries it is about: above the one, up to the other. Ids have gaps, the ranges of seals have none.
        after_entry_id bigint not null check (after_entry_id >= 0),
        to_entry_id bigint not null unique check (to_entry_id > after_entry_id),
        entry_count integer not null check (entry_count > 0),
        -- A line per entry: id, whose it is (a payout, or a seller), SHA-256.
        manifest text not null,
        -- SHA-256 of the text of the seal before, so that a newer seal vouches for all older ones.
        previous_hash text not null check (previous_hash ~ '^([0-9a-f]{64})?$'),
        key_id text not null,
        signature text not null check (signature ~ '^[0-9a-f]{64}$')
      );

      create trigger append_only before update or delete or truncate on ledger_seals
        for each statement execute function refuse_change();
    `);
    await queryRunner.query(`
      -- What a seal says of one entry. A chain's hash stands for the entry and all before it in its chain; an entry outside
      -- the chains is written out in the same canonical text, its seller in the place of the payout.
      create function ledger_entry_digest(
        entry_id bigint, seller_id text, kind text, source_id text, occurred_at timestamptz, hash bytea
      ) returns text language sql stable as $$
        select encode(sha256(convert_to(seller_id || E'\\n' || coalesce(
          encode(hash, 'hex'),
          (select canonical_entry(''::bytea, seller_id, 0, kind, source_id, occurred_at,
                    array_agg(line.account order by line.id), array_agg(line.amount_minor order by line.id))
           from postings line where line.journal_entry_id = entry_id)), 'UTF8')), 'hex')
      $$;
    `);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
      set local lock_timeout = '5s';
      drop function ledger_entry_digest(bigint, text, text, text, timestamptz, bytea);
      drop table ledger_seals;
    `);
  }
}
