import { MigrationInterface, QueryRunner } from 'typeorm';

export class CreateOutgoingEvents1767000300000 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
      set local lock_timeout = '5s';

      create table outgoing_events (
        id                   text collate "C" primary key,
        sequence             bigint generated always as identity unique,
        type                 text not null,
        connected_account_id text collate "C",
        payout_id            text collate "C",
        data                 jsonb not null check (jsonb_typeof(data) = 'object'),
        occurred_at          timestamptz not null,
        created_at           timestamptz not null,
        fanned_out_at        timestamptz
      );
      -- The worker asks for these every second; the index holds only what waits.
      create index outgoing_events_not_fanned_out on outgoing_events (sequence) where fanned_out_at is null;
      create index outgoing_events_payout on outgoing_events (payout_id, id) where payout_id is not null;
      create index outgoing_events_account on outgoing_events (connected_account_id, id) where connected_account_id is not null;

      -- A ULID as the TypeScript side makes them: 48 bits of milliseconds, 80 random bits, Crockford's base 32.
      create function new_ulid() returns text language plpgsql volatile parallel safe as $$
      declare
        alphabet constant text := '0123456789ABCDEFGHJKMNPQRSTVWXYZ';
        milliseconds bigint := floor(extract(epoch from clock_timestamp()) * 1000);
        random_bytes bytea := uuid_send(gen_random_uuid());
        high bigint := 0;
        low bigint := 0;
        result text := '';
      begin
        -- Bytes 6 and 8 of a version 4 UUID hold its version and variant: not random, so left out.
        for i in 0..4 loop
          high := high << 8 | get_byte(random_bytes, i);
          low := low << 8 | get_byte(random_bytes, 9 + i);
        end loop;
        for i in reverse 9..0 loop
          result := result || substr(alphabet, (milliseconds >> (5 * i) & 31)::int + 1, 1);
        end loop;
        for i in reverse 7..0 loop
          result := result || substr(alphabet, (high >> (5 * i) & 31)::int + 1, 1);
        end loop;
        for i in reverse 7..0 loop
          result := result || substr(alphabet, (low >> (5 * i) & 31)::int + 1, 1);
        end loop;
        return result;
      end $$;

      -- One statement for both sides: the service in TypeScript and the decision function in SQL say an event the same way.
      create function append_outgoing_event(
        type text, connected_account_id text, payout_id text, data jsonb, occurred_at timestamptz
      ) returns text language sql volatile as $$
        insert into outgoing_events (id, type, connected_account_id, payout_id, data, occurred_at, created_at)
        values ('event_' || new_ulid(), $1, $2, $3, $4, $5, clock_timestamp())
        returning id
      $$;
    `);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
      set local lock_timeout = '5s';
      drop function append_outgoing_event(text, text, text, jsonb, timestamptz);
      drop function new_ulid();
      drop table outgoing_events;
    `);
  }
}
