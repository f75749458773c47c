import { MigrationInterface, QueryRunner } from 'typeorm';

export class CreateLedger1767000400000 implements MigrationInterface {
  name = 'CreateLedger1767000400000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`set local lock_timeout = '5s'`);
    await runner.query(`
      create table journal_entries (
        id bigint generated always as identity primary key,
        connected_account_id text collate "C" not null,
        payout_id text collate "C",
        kind text not null check (kind ~ '^[a-z_]+$'),
        -- One line: the canonical text of an entry is lines.
        source_id text collate "C" not null check (source_id ~ '^[^\\n]+$'),
        posting_count smallint not null check (posting_count >= 2),
        occurred_at timestamptz not null,
        created_at timestamptz not null default now(),
        sequence integer,
        previous_hash bytea,
        hash bytea,
        -- One fact posts once: a Stripe object and kind, within the seller whose money it is.
        constraint journal_entries_once unique (connected_account_id, kind, source_id),
        constraint journal_entries_chain unique (payout_id, sequence),
        constraint journal_entries_chained check ((payout_id is null) = (sequence is null) and (sequence is null) = (hash is null))
      );
      create index journal_entries_by_payout on journal_entries (payout_id, id) where payout_id is not null;
      create index journal_entries_by_account on journal_entries (connected_account_id, id);
    `);
    await runner.query(`
      create table postings (
        id bigint generated always as identity primary key,
        journal_entry_id bigint not null references journal_entries,
        connected_account_id text collate "C" not null,
        payout_id text collate "C",
        account text collate "C" not null,
        currency text not null check (currency in ('usd', 'eur', 'gbp')),
        amount_minor bigint not null check (amount_minor <> 0),
        -- The chart of accounts, and one currency in each account's name.
        constraint postings_account_in_chart check (split_part(account, ':', 1) in (
          'platform_payments', 'seller_payments', 'funds_in_transit', 'reclaim_in_transit', 'issuing_available',
          'issuing_held', 'seller_receivable', 'external_bank', 'suspense', 'losses', 'stripe_fees',
          'marketplace_funds', 'seller_float', 'payout_owed', 'payout_held', 'payout_reclaiming', 'probe_buffer',
          'aftercare', 'dispute_provisional')),
        constraint postings_account_currency check (account like '%:' || currency)
      );
      comment on column postings.amount_minor is 'Minor units; a debit is above zero, a credit below.';
      create index postings_by_entry on postings (journal_entry_id);
      create index postings_by_account on postings (connected_account_id, account) include (amount_minor);
    `);
    await runner.query(`
      -- Which journal entry explains a line of Stripe's ledger. A line is explained once.
      create table ledger_matches (
        connected_account_id text collate "C" not null,
        balance_transaction_id text collate "C" not null,
        journal_entry_id bigint not null references journal_entries,
        created_at timestamptz not null default now(),
        primary key (connected_account_id, balance_transaction_id)
      );
      create index ledger_matches_by_entry on ledger_matches (journal_entry_id);
    `);
    await runner.query(`
      -- What each payout's postings add up to, kept beside them so that a decision reads one row and the database
      -- refuses an entry that would break conservation.
      create table payout_balances (
        payout_id text collate "C" primary key,
        connected_account_id text collate "C" not null,
        currency text not null check (currency in ('usd', 'eur', 'gbp')),
        accepted_minor bigint not null default 0,
        owed_minor bigint not null default 0 check (owed_minor >= 0),
        held_minor bigint not null default 0 check (held_minor >= 0),
        reclaiming_minor bigint not null default 0 check (reclaiming_minor >= 0),
        paid_minor bigint not null default 0 check (paid_minor >= 0),
        reclaimed_minor bigint not null default 0 check (reclaimed_minor >= 0),
        released_minor bigint not null default 0 check (released_minor >= 0),
        overspent_minor bigint not null default 0 check (overspent_minor >= 0),
        probe_buffer_minor bigint not null default 0 check (probe_buffer_minor >= 0),
        aftercare_minor bigint not null default 0 check (aftercare_minor >= 0),
        -- Everything the network holds for this payout: held_minor and what no promise backs (an account check).
        network_held_minor bigint not null default 0 check (network_held_minor >= 0),
        -- What left its source for this payout, less what is back there because it never arrived.
        funded_minor bigint not null default 0 check (funded_minor >= 0),
        is_funded boolean generated always as (funded_minor > 0) stored,
        last_sequence integer not null default 0,
        last_hash bytea not null default '\\x'::bytea,
        constraint payout_balances_conserved check (
          accepted_minor = owed_minor + held_minor + reclaiming_minor + paid_minor + reclaimed_minor + released_minor)
      );
      create index payout_balances_by_account on payout_balances (connected_account_id);
    `);
    await runner.query(`
      create function refuse_change() returns trigger language plpgsql as $$
      begin
        raise exception '% is append-only', tg_table_name using errcode = 'restrict_violation';
      end $$;

      -- Statement triggers, because truncate fires no row trigger.
      create trigger append_only before update or delete or truncate on journal_entries
        for each statement execute function refuse_change();
      create trigger append_only before update or delete or truncate on postings
        for each statement execute function refuse_change();
      create trigger append_only before update or delete or truncate on ledger_matches
        for each statement execute function refuse_change();

      create function check_entry_is_whole() returns trigger language plpgsql as $$
      declare
        entry_id bigint;
        expected int;
        actual int;
      begin
        if tg_table_name = 'postings' then entry_id := new.journal_entry_id; else entry_id := new.id; end if;

        select posting_count into expected from journal_entries where id = entry_id;
        select count(*) into actual from postings where journal_entry_id = entry_id;
        if actual <> expected then
          raise exception 'journal entry % has % postings, not %', entry_id, actual, expected using errcode = 'check_violation';
        end if;

        if exists (select from postings where journal_entry_id = entry_id
                   group by currency having sum(amount_minor) <> 0) then
          raise exception 'journal entry % does not balance', entry_id using errcode = 'check_violation';
        end if;
        return null;
      end $$;

      -- On both tables, or an entry with no postings would pass; deferred, so lines may come one by one.
      create constraint trigger entry_is_whole after insert on journal_entries
        deferrable initially deferred for each row execute function check_entry_is_whole();
      create constraint trigger entry_is_whole after insert on postings
        deferrable initially deferred for each row execute function check_entry_is_whole();
    `);
    await runner.query(`
      -- The one canonical text of an entry; src/ledger/ledger-chain.policy.ts writes the same.
      create function canonical_entry(
        previous_hash bytea, payout_id text, sequence integer, kind text, source_id text,
        occurred_at timestamptz, accounts text[], amounts bigint[]
      ) returns text language sql immutable parallel safe
      set timezone = 'UTC' as $$
        select concat_ws(E'\\n', encode(previous_hash, 'hex'), payout_id, sequence::text, kind, source_id,
          to_char(occurred_at, 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
          (select string_agg(account || '=' || amount::text, E'\\n' order by position)
           from unnest(accounts, amounts) with ordinality as line(account, amount, position)))
      $$;
    `);
    await runner.query(`
      -- The only writer of the ledger. Answers the entry's id, or null when this fact was posted before.
      -- accounts and amounts are parallel (a debit above zero); the payout's row is locked, so its chain has no forks.
      create function post_journal_entry(
        entry_kind text, entry_source_id text, entry_connected_account_id text, entry_payout_id text,
        entry_occurred_at timestamptz, accounts text[], amounts bigint[], balance_transaction_ids text[] default '{}'
      ) returns bigint language plpgsql as $$
      declare
        entry_id bigint;
        chain payout_balances;
        entry_hash bytea;
        entry_currency text := reverse(split_part(reverse(accounts[1]), ':', 1));
        owed bigint := 0; held bigint := 0; reclaiming bigint := 0; buffer bigint := 0; after bigint := 0;
        network_held bigint := 0; receivable bigint := 0; funded bigint := 0; float bigint := 0; paid bigint := 0; reclaimed bigint := 0; released bigint := 0; accepted bigint := 0;
      begin
        if entry_payout_id is not null then
          insert into payout_balances (payout_id, connected_account_id, currency)
          values (entry_payout_id, entry_connected_account_id, entry_currency)
          on conflict (payout_id) do nothing;
          select * into strict chain from payout_balances where payout_id = entry_payout_id for update;
          if chain.connected_account_id <> entry_connected_account_id then
            raise exception 'payout % does not belong to %', entry_payout_id, entry_connected_account_id;
          end if;
        end if;

        insert into journal_entries (connected_account_id, payout_id, kind, source_id, posting_count, occurred_at,
                                     sequence, previous_hash, hash)
        select entry_connected_account_id, entry_payout_id, entry_kind, entry_source_id, cardinality(accounts), entry_occurred_at,
               chain.last_sequence + 1, chain.last_hash,
               case when entry_payout_id is not null then sha256(convert_to(canonical_entry(chain.last_hash, entry_payout_id,
                 chain.last_sequence + 1, entry_kind, entry_source_id, entry_occurred_at, accounts, amounts), 'UTF8')) end
        on conflict on constraint journal_entries_once do nothing
        returning id, hash into entry_id, entry_hash;
        if entry_id is null then return null; end if;

        insert into postings (journal_entry_id, connected_account_id, payout_id, account, currency, amount_minor)
        select entry_id, entry_connected_account_id, entry_payout_id, line.account,
               reverse(split_part(reverse(line.account), ':', 1)), line.amount
        from unnest(accounts, amounts) with ordinality as line(account, amount, position)
        order by line.position;

        insert into ledger_matches (connected_account_id, balance_transaction_id, journal_entry_id)
        select entry_connected_account_id, id, entry_id from unnest(balance_transaction_ids) as id;

        if entry_payout_id is null then return entry_id; end if;

        -- Liabilities are credits, below zero in postings: turned round here so that every term is what people say it is.
        select
          coalesce(-sum(amount) filter (where name = 'payout_owed'), 0),
          coalesce(-sum(amount) filter (where name = 'payout_held'), 0),
          coalesce(-sum(amount) filter (where name = 'payout_reclaiming'), 0),
          coalesce(-sum(amount) filter (where name = 'probe_buffer'), 0),
          coalesce(-sum(amount) filter (where name = 'aftercare'), 0),
          coalesce(sum(amount) filter (where name = 'seller_receivable'), 0),
          coalesce(sum(amount) filter (where name = 'issuing_held'), 0),
          coalesce(-sum(amount) filter (where name in ('platform_payments', 'external_bank')), 0),
          coalesce(sum(amount) filter (where name = 'seller_float'), 0)
        into owed, held, reclaiming, buffer, after, receivable, network_held, funded, float
        from (select split_part(account, ':', 1) as name, amount
              from unnest(accounts, amounts) as line(account, amount)) as named;

        -- What left the promise (or came into it) is named by the kind of fact.
        case
          when entry_kind = 'payout_accepted' then accepted := owed + held + reclaiming;
          when entry_kind = 'payout_released' then released := -(owed + held + reclaiming);
          when entry_kind = 'reclaim_done' then reclaimed := -(owed + held + reclaiming);
          else paid := -(owed + held + reclaiming);
        end case;

        update payout_balances set
          accepted_minor = accepted_minor + accepted,
          owed_minor = owed_minor + owed,
          held_minor = held_minor + held,
          reclaiming_minor = reclaiming_minor + reclaiming,
          paid_minor = paid_minor + paid,
          reclaimed_minor = reclaimed_minor + reclaimed,
          released_minor = released_minor + released,
          overspent_minor = overspent_minor + receivable,
          probe_buffer_minor = probe_buffer_minor + buffer,
          aftercare_minor = aftercare_minor + after,
          network_held_minor = network_held_minor + network_held,
          funded_minor = funded_minor + case
            when entry_kind in ('funding_transfer', 'topup_created', 'funding_returned', 'topup_failed') then funded
            when entry_kind = 'float_reserved' then float
            else 0 end,
          last_sequence = chain.last_sequence + 1,
          last_hash = entry_hash
        where payout_id = entry_payout_id;
        return entry_id;
      end $$;
    `);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`set local lock_timeout = '5s'`);
    await runner.query(`
      drop function post_journal_entry(text, text, text, text, timestamptz, text[], bigint[], text[]);
      drop function canonical_entry(bytea, text, integer, text, text, timestamptz, text[], bigint[]);
      drop table payout_balances;
      drop table ledger_matches;
      drop table postings;
      drop table journal_entries;
      drop function check_entry_is_whole();
      drop function refuse_change();
    `);
  }
}
