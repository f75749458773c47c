import { MigrationInterface, QueryRunner } from 'typeorm';

export class CreatePayoutLimits1767140100000 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
      set local lock_timeout = '5s';

      -- A name that payouts share: one automated buyer, one purpose. Limits null: none. Amounts are minor units, of each currency by itself.
      create table payout_labels (
        label              text collate "C" primary key check (label ~ '^[A-Za-z0-9][A-Za-z0-9._:-]{0,63}$'),
        daily_limit_minor  bigint check (daily_limit_minor > 0),
        open_payouts_limit integer check (open_payouts_limit > 0),
        retired_at         timestamptz,
        created_at         timestamptz not null,
        updated_at         timestamptz not null
      );

      -- What was promised in one UTC day, cut into slots: payouts of one busy key each take from a slot of their own, so that they do not
      -- wait for one another. A slot never gives more than its quota, and the quotas of a day add up to its limit.
      create table daily_limit_slots (
        scope       text not null check (scope in ('seller', 'key', 'label')),
        subject     text collate "C" not null,
        currency    text not null check (currency in ('usd', 'eur', 'gbp')),
        day         date not null,
        slot        smallint not null check (slot >= 1),
        -- The limit that the quotas were cut from; another one in the configuration cuts them anew.
        limit_minor bigint not null,
        quota_minor bigint not null,
        used_minor  bigint not null,
        primary key (scope, subject, currency, day, slot),
        constraint daily_limit_slots_never_exceeded check (used_minor >= 0 and used_minor <= quota_minor)
      );
      create index daily_limit_slots_by_day on daily_limit_slots (day);

      -- Takes an amount from a day's limit until the caller's transaction ends: null when it is taken, else what is left. Exact both ways:
      -- never more than the limit is taken, and nothing is refused while enough is left in all slots together.
      -- Callers take seller, key and label in this order, so that two never wait for each other.
      create function take_from_daily_limit(p_scope text, p_subject text, p_currency text, p_day date, p_slots integer,
                                            p_limit bigint, p_amount bigint) returns bigint
      language plpgsql as $$
      declare
        used bigint;
        remaining bigint;
      begin
        -- Any slot with enough left that nobody is writing to.
        update daily_limit_slots set used_minor = used_minor + p_amount
        where scope = p_scope and subject = p_subject and currency = p_currency and day = p_day and slot = (
          select slot from daily_limit_slots
          where scope = p_scope and subject = p_subject and currency = p_currency and day = p_day
            and limit_minor = p_limit and quota_minor - used_minor >= p_amount
          order by random() limit 1 for update skip locked);
        if found then
          return null;
        end if;

        -- The first of the day, a new limit, or not enough left in one slot: all slots in one order, then the rest is cut anew.
        insert into daily_limit_slots (scope, subject, currency, day, slot, limit_minor, quota_minor, used_minor)
        select p_scope, p_subject, p_currency, p_day, number, p_limit, 0, 0 from generate_series(1, p_slots) number
        on conflict do nothing;
        perform from daily_limit_slots
        where scope = p_scope and subject = p_subject and currency = p_currency and day = p_day
        order by slot for update;
        select sum(used_minor) into used from daily_limit_slots
        where scope = p_scope and subject = p_subject and currency = p_currency and day = p_day;
        remaining := p_limit - used;
        if remaining < p_amount then
          return greatest(remaining, 0);
        end if;
        remaining := remaining - p_amount;
        update daily_limit_slots set
          limit_minor = p_limit,
          used_minor = used_minor + case slot when 1 then p_amount else 0 end,
          quota_minor = used_minor + case slot when 1 then p_amount + remaining % p_slots else 0 end
            + case when slot <= p_slots then remaining / p_slots else 0 end
        where scope = p_scope and subject = p_subject and currency = p_currency and day = p_day;
        return null;
      end $$;

      alter table payouts
        add label text collate "C" references payout_labels,
        add purpose text,
        add requested_by_api_key_id text collate "C" references api_keys,
        add approval_decision text check (approval_decision in ('approved', 'rejected')),
        add approval_note text,
        add approval_api_key_id text collate "C" references api_keys,
        add approval_decided_at timestamptz,
        add constraint payouts_approval_whole check ((approval_decision is null) = (approval_api_key_id is null)
          and (approval_decision is null) = (approval_decided_at is null) and (approval_note is null or approval_decision is not null)),
        add constraint payouts_approval_needs_another_key check (approval_api_key_id <> requested_by_api_key_id);
      create index payouts_by_label on payouts (label, id) where label is not null;
      create index payouts_open_by_label on payouts (label) where label is not null
        and status in ('pending', 'funding', 'issuing', 'ready', 'authorized');
    `);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
      set local lock_timeout = '5s';
      alter table payouts
        drop label, drop purpose, drop requested_by_api_key_id, drop approval_decision, drop approval_note,
        drop approval_api_key_id, drop approval_decided_at;
      drop function take_from_daily_limit(text, text, text, date, integer, bigint, bigint);
      drop table daily_limit_slots;
      drop table payout_labels;
    `);
  }
}
