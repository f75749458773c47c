-- What the migrations add up to, for reviewers: made by `npm run migrate:dump`, never edited, never run by the service.
set check_function_bodies = off;

CREATE OR REPLACE FUNCTION public.append_outgoing_event(type text, connected_account_id text, payout_id text, data jsonb, occurred_at timestamp with time zone)
 RETURNS text
 LANGUAGE sql
AS $function$
        insert into outgoing_events (id, type, connected_account_id, payout_id, data, occurred_at, created_at)
        values ('event_' || new_ulid(), $1, $2, $3, $4, $5, clock_timestamp())
        returning id
      $function$
;

CREATE OR REPLACE FUNCTION public.canonical_entry(previous_hash bytea, payout_id text, sequence integer, kind text, source_id text, occurred_at timestamp with time zone, accounts text[], amounts bigint[])
 RETURNS text
 LANGUAGE sql
 IMMUTABLE PARALLEL SAFE
 SET "TimeZone" TO 'UTC'
AS $function$
        select concat_ws(E'\n', encode(previous_hash, 'hex'), payout_id, sequence::text, kind, source_id,
          to_char(occurred_at, 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
          (select string_agg(account || '=' || amount::text, E'\n' order by position)
           from unnest(accounts, amounts) with ordinality as line(account, amount, position)))
      $function$
;

CREATE OR REPLACE FUNCTION public.check_entry_is_whole()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
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
      end $function$
;

CREATE OR REPLACE FUNCTION public.decide_authorization(request jsonb, now timestamp with time zone)
 RETURNS jsonb
 LANGUAGE plpgsql
AS $function$
      #variable_conflict use_column
      declare
        started constant timestamptz := clock_timestamp();
        ours record;
        payout record;
        card record;
        account record;
        earlier authorizations;
        asked authorization_requests;
        place integer := (request->>'history_length')::integer;
        requested constant bigint := (request->>'amount_minor')::bigint;
        merchant constant jsonb := request->'merchant';
        facts jsonb;
        verdict jsonb;
        approved boolean;
        held bigint;
        backed bigint;
        auth_id text;
        stages jsonb;
        latency integer;
        facts_out jsonb;
      begin
        select c.id, c.payout_id into ours
        from cards c join connected_accounts a on a.id = c.connected_account_id
        where c.stripe_card_id = request->>'stripe_card_id'
          and (request->>'stripe_account' is null or a.stripe_account_id = request->>'stripe_account');
        if not found then
          return jsonb_build_object('is_known', false, 'approved', false, 'reason', 'unknown_card');
        end if;

        -- Every question on one payout waits here for the one before it; what follows reads what that one wrote.
        select p.id, p.status, p.outcome, p.currency, p.amount_minor, p.expires_at, p.connected_account_id, p.reference into payout
        from payouts p where p.id = ours.payout_id for update;

        select * into earlier from authorizations where stripe_authorization_id = request->>'stripe_authorization_id';
        if earlier.id is not null then
          -- The same delivery, or the same question in another delivery: what Stripe held when it asked tells two equal increments apart.
          select * into asked from authorization_requests
          where authorization_id = earlier.id
            and (stripe_event_id = request->>'stripe_event_id'
                 or (sequence = place and amount_minor = requested
                     and coalesce((inputs->'request'->>'held_before_minor')::bigint, (request->>'held_before_minor')::bigint)
                         = (request->>'held_before_minor')::bigint))
          order by stripe_event_id is not distinct from request->>'stripe_event_id' desc
          limit 1;
          if asked.id is not null then
            -- We told Stripe no before this approval was there: no it stays. The hold goes when the network confirms.
            if request ? 'gave_up' and asked.approved and asked.network_outcome is null then
              update authorization_requests set reason = request->>'gave_up' where id = asked.id;
              update authorizations set approved = false, reason = request->>'gave_up', updated_at = now
              where id = asked.authorization_id and asked.sequence = 0;
              asked.reason := request->>'gave_up';
            end if;
            approved := asked.approved and asked.reason = 'approved';
            return jsonb_build_object('is_known', true, 'is_repeated', true, 'approved', approved, 'reason', asked.reason,
              'amount_minor', asked.approved_minor, 'is_partial', asked.approved_minor < asked.amount_minor,
              'authorization_id', asked.authorization_id, 'payout_id', asked.payout_id);
          end if;
          select greatest(place, max(sequence) + 1) into place from authorization_requests where authorization_id = earlier.id;
        end if;

        select c.id, c.status, c.frozen, c.cancel_requested_at, c.amount_match, c.allowed_categories, c.blocked_categories,
               c.allowed_merchant_countries, c.blocked_merchant_countries into strict card
        from cards c where c.id = ours.id;
        select a.status, a.is_suspended into strict account from connected_accounts a where a.id = payout.connected_account_id;

        facts := jsonb_build_object(
          'now', now,
          'unit_minor', 100,
          'owed_minor', coalesce((select b.owed_minor from payout_balances b where b.payout_id = payout.id), 0),
          'probes', (select count(*) from authorizations z where z.card_id = card.id and z.kind = 'probe' and z.approved),
          'uses', (select count(*) from authorizations z where z.payout_id = payout.id and z.kind = 'purchase' and z.approved
                     and z.status <> 'reversed' and z.id is distinct from earlier.id),
          'card', jsonb_build_object('id', card.id, 'status', card.status, 'frozen', card.frozen,
            'is_cancel_requested', card.cancel_requested_at is not null, 'amount_match', card.amount_match,
            'allowed_categories', to_jsonb(card.allowed_categories), 'blocked_categories', to_jsonb(card.blocked_categories),
            'allowed_merchant_countries', to_jsonb(card.allowed_merchant_countries),
            'blocked_merchant_countries', to_jsonb(card.blocked_merchant_countries)),
          'payout', jsonb_build_object('id', payout.id, 'status', payout.status, 'outcome', payout.outcome, 'currency', payout.currency,
            'amount_minor', payout.amount_minor, 'expires_at', payout.expires_at),
          'account', jsonb_build_object('status', account.status, 'is_suspended', account.is_suspended),
          'authorization', case when earlier.id is not null then jsonb_build_object('id', earlier.id, 'kind', earlier.kind,
            'status', earlier.status, 'approved', earlier.approved, 'held_minor', earlier.held_minor, 'backed_minor', earlier.backed_minor) end);

        -- Most of the time is the wait for the payout's lock, which is behind us.
        if extract(epoch from clock_timestamp() - started) * 1000 > (request->>'budget_ms')::numeric then
          raise exception 'the decision took longer than % ms', request->>'budget_ms' using errcode = 'query_canceled';
        end if;

        verdict := evaluate_authorization(request, facts);
        if request ? 'gave_up' then
          verdict := verdict || jsonb_build_object('approved', false, 'opens', false, 'amount_minor', 0, 'backed_minor', 0,
            'reason', request->>'gave_up', 'would_have_been', verdict->'reason');
        end if;
        approved := (verdict->>'approved')::boolean;
        held := (verdict->>'amount_minor')::bigint;
        backed := (verdict->>'backed_minor')::bigint;
        auth_id := coalesce(earlier.id, request->>'authorization_id');
        stages := coalesce(request->'stages', '{}')
          || jsonb_build_object('decide', round(extract(epoch from clock_timestamp() - started) * 1000, 3));
        latency := (select ceil(sum(value::numeric)) from jsonb_each_text(stages));

        if earlier.id is null then
          insert into authorizations (id, stripe_authorization_id, connected_account_id, payout_id, card_id, kind, status, approved, reason,
            amount_minor, held_minor, backed_minor, currency, merchant_name, merchant_category, merchant_category_code, merchant_city,
            merchant_country, merchant_network_id, merchant_amount_minor, merchant_currency, authorization_method, latency_ms,
            created_at, updated_at, ended_at)
          values (auth_id, request->>'stripe_authorization_id', payout.connected_account_id, payout.id, card.id,
            case when (verdict->>'kind') = 'probe' or (not approved and requested <= 100) then 'probe' else 'purchase' end,
            case when approved then 'pending' else 'closed' end, approved, verdict->>'reason',
            case when approved then held else requested end, held, backed, payout.currency,
            merchant->>'name', merchant->>'category', merchant->>'category_code', merchant->>'city', merchant->>'country',
            merchant->>'network_id', (request->>'merchant_amount_minor')::bigint, request->>'merchant_currency',
            request->>'authorization_method', latency, now, now, case when not approved then now end);
        elsif approved then
          update authorizations set amount_minor = amount_minor + held, held_minor = held_minor + held, backed_minor = backed_minor + backed,
            kind = case when (verdict->>'opens')::boolean then 'purchase' else kind end, updated_at = now
          where id = auth_id;
        end if;

        insert into authorization_requests (id, authorization_id, connected_account_id, payout_id, sequence, kind, stripe_event_id,
          amount_minor, approved_minor, approved, reason, inputs, latency_ms, stages, held_minor, backed_minor, asked_at, created_at)
        values (request->>'request_id', auth_id, payout.connected_account_id, payout.id, place, verdict->>'kind',
          request->>'stripe_event_id', requested, held, approved, verdict->>'reason',
          jsonb_build_object('request', request - array['authorization_id', 'request_id', 'stages', 'budget_ms'], 'facts', facts, 'verdict', verdict),
          latency, stages, held, backed, now, now);

        if held > 0 then
          perform post_journal_entry('hold', request->>'request_id', payout.connected_account_id, payout.id, now,
            case when backed > 0 then array[
              'issuing_held:' || payout.connected_account_id || ':' || payout.currency, 'payout_owed:' || payout.id || ':' || payout.currency,
              'issuing_available:' || payout.connected_account_id || ':' || payout.currency, 'payout_held:' || payout.id || ':' || payout.currency]
            else array['issuing_held:' || payout.connected_account_id || ':' || payout.currency,
              'issuing_available:' || payout.connected_account_id || ':' || payout.currency] end,
            case when backed > 0 then array[held, backed, -held, -backed] else array[held, -held] end);
        end if;

        facts_out := jsonb_build_object('authorization', auth_id, 'stripe_authorization_id', request->>'stripe_authorization_id',
          'payout', payout.id, 'card', card.id, 'kind', verdict->>'kind', 'approved', approved, 'reason', verdict->>'reason',
          'amount', requested, 'approved_amount', held, 'currency', payout.currency, 'merchant', merchant);
        insert into payout_timeline (payout_id, occurred_at, kind, detail)
        values (payout.id, now, case when approved then 'authorization.approved' else 'authorization.declined' end, facts_out);
        perform append_outgoing_event(case when approved then 'authorization.approved' else 'authorization.declined' end,
          payout.connected_account_id, payout.id, facts_out, now);

        if (verdict->>'opens')::boolean then
          update payouts set status = 'authorized', updated_at = now where id = payout.id and status = 'ready';
          insert into payout_timeline (payout_id, occurred_at, kind, detail)
          values (payout.id, now, 'status.changed', jsonb_build_object('from', 'ready', 'to', 'authorized', 'authorization', auth_id));
          perform append_outgoing_event('payout.authorized', payout.connected_account_id, payout.id,
            jsonb_build_object('payout', payout.id, 'reference', payout.reference, 'connected_account', payout.connected_account_id,
              'amount', payout.amount_minor, 'currency', payout.currency, 'status', 'authorized', 'outcome', null, 'failure', null), now);
        end if;

        return jsonb_build_object('is_known', true, 'is_repeated', false, 'approved', approved, 'reason', verdict->>'reason',
          'amount_minor', held, 'is_partial', approved and held < requested, 'authorization_id', auth_id, 'payout_id', payout.id);
      end $function$
;

CREATE OR REPLACE FUNCTION public.evaluate_authorization(request jsonb, facts jsonb)
 RETURNS jsonb
 LANGUAGE plpgsql
 IMMUTABLE PARALLEL SAFE
AS $function$
      declare
        rules_version constant integer := 1;
        asked constant bigint := (request->>'amount_minor')::bigint;
        unit constant bigint := (facts->>'unit_minor')::bigint;
        moment constant timestamptz := (facts->>'now')::timestamptz;
        card constant jsonb := nullif(facts->'card', 'null');
        payout constant jsonb := facts->'payout';
        account constant jsonb := facts->'account';
        earlier constant jsonb := nullif(facts->'authorization', 'null');
        merchant constant jsonb := request->'merchant';
        is_increment constant boolean := earlier is not null or (request->>'history_length')::integer > 0;
        -- What this authorization holds that is not the payout's own money yet: a probe's hold, or one approved without asking us.
        unbacked constant bigint := greatest(
          (earlier->>'held_minor')::bigint - (earlier->>'backed_minor')::bigint,
          (request->>'held_before_minor')::bigint - coalesce((earlier->>'backed_minor')::bigint, 0),
          0);
        remaining constant bigint := greatest((facts->>'owed_minor')::bigint - unbacked, 0);
        is_probe constant boolean := asked + unbacked <= unit and coalesce(earlier->>'kind', 'probe') = 'probe';
        is_increment_of_purchase constant boolean := earlier is not null and earlier->>'kind' = 'purchase';
        opens constant boolean := not is_probe and not is_increment_of_purchase;
        is_exact constant boolean := card->>'amount_match' = 'exact';
        -- Stripe takes less than was asked only where the terminal does, and never less than the cash it hands out.
        part constant bigint := case
          when (request->>'is_amount_controllable')::boolean and not is_exact and remaining < asked
            and remaining >= greatest(coalesce((request->>'cashback_minor')::bigint, 0), 1)
          then remaining end;
        ending constant text := case payout->>'status'
          when 'closed' then case payout->>'outcome' when 'unspent' then 'expired' when 'canceled' then 'canceled'
            when 'failed' then 'failed' else 'settled' end
          else payout->>'status' end;
        refusal text;
        kind constant text := case when is_increment then 'increment' when is_probe then 'probe' else 'purchase' end;
        amount bigint;
      begin
        refusal := case
          when card is null then 'unknown_card'
          when earlier is not null and (not (earlier->>'approved')::boolean or earlier->>'status' <> 'pending') then 'authorization_not_open'
          when ending in ('pending', 'funding', 'issuing') then 'payout_not_ready'
          when ending in ('canceled', 'failed') then 'payout_canceled'
          when ending = 'expired' or moment >= (payout->>'expires_at')::timestamptz then 'payout_expired'
          when ending <> 'ready' and not (ending = 'authorized' and is_increment_of_purchase) then 'already_used'
          -- Whatever the payout's status says: the network may have approved a use of which the payout has not heard yet.
          when opens and (facts->>'uses')::integer >= 1 then 'already_used'
          when not is_increment and (card->>'status' = 'canceled' or (card->>'is_cancel_requested')::boolean) then 'card_canceled'
          when (account->>'is_suspended')::boolean or account->>'status' in ('restricted', 'rejected') then 'account_restricted'
          when (card->>'frozen')::boolean and not (card->>'is_cancel_requested')::boolean then 'card_frozen'
          when request->>'currency' <> payout->>'currency' then 'currency_mismatch'
          when card->'blocked_categories' ? (merchant->>'category') then 'category_blocked'
          when card->'allowed_categories' <> '[]' and not coalesce(card->'allowed_categories' ? (merchant->>'category'), false) then 'category_not_allowed'
          when card->'blocked_merchant_countries' ? (merchant->>'country') then 'merchant_country_blocked'
          when card->'allowed_merchant_countries' <> '[]' and not coalesce(card->'allowed_merchant_countries' ? (merchant->>'country'), false) then 'merchant_country_not_allowed'
          when is_probe and not is_increment and (facts->>'probes')::integer >= 1 then 'probe_limit'
          when is_probe then null
          when opens and is_exact and asked + unbacked <> (payout->>'amount_minor')::bigint then 'amount_not_exact'
          when is_increment and asked > remaining and part is null then 'increment_exceeds_amount'
          when asked > remaining and part is null then 'amount_exceeds_remaining'
        end;
        amount := case when refusal is not null then 0 when is_probe then asked else coalesce(part, asked) end;
        return jsonb_build_object(
          'approved', refusal is null,
          'reason', coalesce(refusal, 'approved'),
          'kind', kind,
          'amount_minor', amount,
          'backed_minor', case when is_probe then 0 else amount end,
          'opens', refusal is null and opens,
          'rules_version', rules_version);
      end $function$
;

CREATE OR REPLACE FUNCTION public.ledger_entry_digest(entry_id bigint, seller_id text, kind text, source_id text, occurred_at timestamp with time zone, hash bytea)
 RETURNS text
 LANGUAGE sql
 STABLE
AS $function$
        select encode(sha256(convert_to(seller_id || E'\n' || coalesce(
          encode(hash, 'hex'),
          (select canonical_entry(''::bytea, seller_id, 0, kind, source_id, occurred_at,
                    array_agg(line.account order by line.id), array_agg(line.amount_minor order by line.id))
           from postings line where line.journal_entry_id = entry_id)), 'UTF8')), 'hex')
      $function$
;

CREATE OR REPLACE FUNCTION public.new_ulid()
 RETURNS text
 LANGUAGE plpgsql
 PARALLEL SAFE
AS $function$
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
      end $function$
;

CREATE OR REPLACE FUNCTION public.payout_status_at(payout text, cutoff timestamp with time zone)
 RETURNS text
 LANGUAGE sql
 STABLE PARALLEL SAFE
AS $function$
        select case when cutoff is null then (select p.status from payouts p where p.id = payout)
          else coalesce((select t.detail->>'to' from payout_timeline t
                          where t.payout_id = payout and t.kind = 'status.changed' and t.occurred_at < cutoff
                          order by t.id desc limit 1), 'pending') end
      $function$
;

CREATE OR REPLACE FUNCTION public.post_journal_entry(entry_kind text, entry_source_id text, entry_connected_account_id text, entry_payout_id text, entry_occurred_at timestamp with time zone, accounts text[], amounts bigint[], balance_transaction_ids text[] DEFAULT '{}'::text[])
 RETURNS bigint
 LANGUAGE plpgsql
AS $function$
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
      end $function$
;

CREATE OR REPLACE FUNCTION public.refuse_change()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
      begin
        raise exception '% is append-only', tg_table_name using errcode = 'restrict_violation';
      end $function$
;

CREATE OR REPLACE FUNCTION public.take_from_daily_limit(p_scope text, p_subject text, p_currency text, p_day date, p_slots integer, p_limit bigint, p_amount bigint)
 RETURNS bigint
 LANGUAGE plpgsql
AS $function$
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
      end $function$
;

create table aftercare_settlements (
  item_id text collate "C" not null,
  connected_account_id text collate "C" not null,
  payout_id text collate "C" not null,
  action text not null,
  amount_minor bigint not null,
  currency text not null,
  note text not null,
  settled_by text collate "C" not null,
  settled_at timestamp with time zone not null,
  constraint aftercare_settlements_pkey PRIMARY KEY (item_id),
  constraint aftercare_settlements_action_check CHECK (action = ANY (ARRAY['collected'::text, 'written_off'::text])),
  constraint aftercare_settlements_amount_minor_check CHECK (amount_minor > 0),
  constraint aftercare_settlements_currency_check CHECK (currency = ANY (ARRAY['usd'::text, 'eur'::text, 'gbp'::text]))
);
CREATE INDEX aftercare_settlements_by_payout ON aftercare_settlements USING btree (payout_id);

create table api_keys (
  id text collate "C" not null,
  name text not null,
  role text not null,
  key_hash bytea not null,
  hint text not null,
  created_at timestamp with time zone not null,
  created_by_api_key_id text collate "C",
  expires_at timestamp with time zone,
  revoked_at timestamp with time zone,
  last_used_at timestamp with time zone,
  family_id text collate "C" not null,
  constraint api_keys_pkey PRIMARY KEY (id),
  constraint api_keys_key_hash_key UNIQUE (key_hash),
  constraint api_keys_hint_check CHECK (length(hint) <= 20),
  constraint api_keys_key_hash_check CHECK (length(key_hash) = 32),
  constraint api_keys_role_check CHECK (role = ANY (ARRAY['marketplace'::text, 'finance'::text, 'admin'::text, 'auditor'::text, 'pci'::text]))
);

create table audit_log (
  id text collate "C" not null,
  occurred_at timestamp with time zone not null,
  actor_type text not null,
  actor_id text collate "C",
  actor_role text,
  action text collate "C" not null,
  object_type text not null,
  object_id text collate "C",
  outcome text not null,
  refusal_code text,
  before jsonb,
  after jsonb,
  ip text,
  user_agent text,
  request_id text,
  constraint audit_log_pkey PRIMARY KEY (id),
  constraint audit_log_action_check CHECK (action ~ '^[a-z_]+\.[a-z_]+$'::text),
  constraint audit_log_actor_type_check CHECK (actor_type = ANY (ARRAY['api_key'::text, 'command'::text, 'system'::text, 'anonymous'::text])),
  constraint audit_log_names_its_key CHECK ((actor_type = 'api_key'::text) = (actor_role IS NOT NULL)),
  constraint audit_log_outcome_check CHECK (outcome = ANY (ARRAY['done'::text, 'refused'::text])),
  constraint audit_log_refused_changes_nothing CHECK (outcome = 'done'::text OR before IS NULL AND after IS NULL),
  constraint audit_log_says_why_refused CHECK ((outcome = 'refused'::text) = (refusal_code IS NOT NULL)),
  constraint audit_log_user_agent_check CHECK (length(user_agent) <= 200)
);
CREATE INDEX audit_log_by_action ON audit_log USING btree (action, id);
CREATE INDEX audit_log_by_actor ON audit_log USING btree (actor_id, id);
CREATE INDEX audit_log_by_object ON audit_log USING btree (object_id, id);
CREATE INDEX audit_log_by_time ON audit_log USING btree (occurred_at, id);
CREATE TRIGGER append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON audit_log FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

create table authorization_requests (
  id text collate "C" not null,
  authorization_id text collate "C" not null,
  connected_account_id text collate "C" not null,
  payout_id text collate "C" not null,
  sequence integer not null,
  kind text not null,
  stripe_event_id text,
  amount_minor bigint not null,
  approved_minor bigint not null,
  approved boolean not null,
  reason text not null,
  inputs jsonb,
  latency_ms integer,
  stages jsonb,
  network_outcome text,
  network_reason text,
  difference text,
  held_minor bigint default 0 not null,
  backed_minor bigint default 0 not null,
  balance_transaction_id text,
  asked_at timestamp with time zone not null,
  created_at timestamp with time zone not null,
  constraint authorization_requests_pkey PRIMARY KEY (id),
  constraint authorization_request_asked_once UNIQUE (authorization_id, sequence),
  constraint authorization_request_approves_at_most_what_was_asked CHECK (approved_minor >= 0 AND approved_minor <= amount_minor AND (approved OR approved_minor = 0)),
  constraint authorization_request_backs_what_it_holds CHECK (backed_minor >= 0 AND backed_minor <= held_minor),
  constraint authorization_requests_amount_minor_check CHECK (amount_minor >= 0),
  constraint authorization_requests_difference_check CHECK (difference = ANY (ARRAY['declined_by_network'::text, 'approved_by_network'::text, 'not_asked'::text, 'amount_differs'::text])),
  constraint authorization_requests_held_minor_check CHECK (held_minor >= 0),
  constraint authorization_requests_kind_check CHECK (kind = ANY (ARRAY['purchase'::text, 'probe'::text, 'increment'::text])),
  constraint authorization_requests_network_outcome_check CHECK (network_outcome = ANY (ARRAY['approved'::text, 'declined'::text])),
  constraint authorization_requests_sequence_check CHECK (sequence >= 0)
);
CREATE INDEX authorization_requests_by_time ON authorization_requests USING btree (asked_at, id);
CREATE UNIQUE INDEX authorization_requests_one_per_event ON authorization_requests USING btree (authorization_id, stripe_event_id) WHERE stripe_event_id IS NOT NULL;
CREATE INDEX authorization_requests_with_difference ON authorization_requests USING btree (connected_account_id, created_at) WHERE difference IS NOT NULL;

create table authorizations (
  id text collate "C" not null,
  stripe_authorization_id text not null,
  connected_account_id text collate "C" not null,
  payout_id text collate "C" not null,
  card_id text collate "C" not null,
  kind text not null,
  status text not null,
  approved boolean not null,
  reason text not null,
  amount_minor bigint not null,
  held_minor bigint default 0 not null,
  backed_minor bigint default 0 not null,
  currency text not null,
  merchant_name text,
  merchant_category text,
  merchant_category_code text,
  merchant_city text,
  merchant_country text,
  merchant_network_id text,
  merchant_amount_minor bigint,
  merchant_currency text,
  authorization_method text,
  latency_ms integer,
  network_outcome text,
  network_reason text,
  card_transaction_count integer default 0 not null,
  network_facts integer default 0 not null,
  created_at timestamp with time zone not null,
  updated_at timestamp with time zone not null,
  ended_at timestamp with time zone,
  constraint authorizations_pkey PRIMARY KEY (id),
  constraint authorizations_stripe_authorization_id_key UNIQUE (stripe_authorization_id),
  constraint authorization_backs_what_is_held CHECK (backed_minor >= 0 AND backed_minor <= held_minor),
  constraint authorization_ended_when_not_pending CHECK ((ended_at IS NULL) = (status = 'pending'::text)),
  constraint authorizations_amount_minor_check CHECK (amount_minor >= 0),
  constraint authorizations_currency_check CHECK (currency = ANY (ARRAY['usd'::text, 'eur'::text, 'gbp'::text])),
  constraint authorizations_held_minor_check CHECK (held_minor >= 0),
  constraint authorizations_kind_check CHECK (kind = ANY (ARRAY['purchase'::text, 'probe'::text])),
  constraint authorizations_network_outcome_check CHECK (network_outcome = ANY (ARRAY['approved'::text, 'declined'::text])),
  constraint authorizations_status_check CHECK (status = ANY (ARRAY['pending'::text, 'closed'::text, 'reversed'::text, 'expired'::text]))
);
CREATE INDEX authorizations_by_account ON authorizations USING btree (connected_account_id, id);
CREATE INDEX authorizations_by_card ON authorizations USING btree (card_id, id);
CREATE INDEX authorizations_by_payout ON authorizations USING btree (payout_id, id);
CREATE INDEX authorizations_by_time ON authorizations USING btree (created_at);
CREATE UNIQUE INDEX authorizations_one_open_purchase_per_card ON authorizations USING btree (card_id) WHERE kind = 'purchase'::text AND approved AND status = 'pending'::text AND network_outcome IS NULL;

create table card_link_reminders (
  card_link_id text collate "C" not null,
  connected_account_id text collate "C" not null,
  age_hours integer not null,
  reminded_at timestamp with time zone not null,
  constraint card_link_reminders_pkey PRIMARY KEY (card_link_id, age_hours),
  constraint card_link_reminders_age_hours_check CHECK (age_hours > 0)
);

create table card_link_views (
  id bigint generated always as identity not null,
  connected_account_id text collate "C" not null,
  card_link_id text collate "C" not null,
  action text not null,
  client text not null,
  address text,
  occurred_at timestamp with time zone not null,
  constraint card_link_views_pkey PRIMARY KEY (id),
  constraint card_link_views_action_check CHECK (action = ANY (ARRAY['opened_page'::text, 'entered_passcode'::text, 'mistyped_passcode'::text, 'showed_card'::text])),
  constraint card_link_views_address_check CHECK (length(address) <= 60),
  constraint card_link_views_client_check CHECK (length(client) <= 60)
);
CREATE INDEX card_link_views_by_link ON card_link_views USING btree (card_link_id, id DESC);

create table card_links (
  id text collate "C" not null,
  connected_account_id text collate "C" not null,
  payout_id text collate "C" not null,
  token_hash text not null,
  passcode_hash text,
  passcode_tries smallint default 0 not null,
  created_at timestamp with time zone not null,
  expires_at timestamp with time zone not null,
  ended_at timestamp with time zone,
  ended_because text,
  views integer default 0 not null,
  last_viewed_at timestamp with time zone,
  last_viewed_with text,
  browser_hash text,
  bound_at timestamp with time zone,
  revealed_at timestamp with time zone,
  reveals integer default 0 not null,
  constraint card_links_pkey PRIMARY KEY (id),
  constraint card_links_token_hash_key UNIQUE (token_hash),
  constraint card_links_bound_by_reveal CHECK ((browser_hash IS NULL) = (reveals = 0) AND (browser_hash IS NULL) = (bound_at IS NULL) AND (browser_hash IS NULL) = (revealed_at IS NULL)),
  constraint card_links_browser_hash_check CHECK (browser_hash ~ '^[0-9a-f]{64}$'::text),
  constraint card_links_check CHECK (expires_at > created_at),
  constraint card_links_check2 CHECK ((ended_at IS NULL) = (ended_because IS NULL)),
  constraint card_links_ended_because_check CHECK (ended_because = ANY (ARRAY['revoked'::text, 'replaced'::text, 'locked'::text])),
  constraint card_links_last_viewed_with_check CHECK (length(last_viewed_with) <= 60),
  constraint card_links_passcode_is_argon2id CHECK (passcode_hash ~ '^\$argon2id\$'::text),
  constraint card_links_passcode_tries_check CHECK (passcode_tries >= 0 AND passcode_tries <= 5),
  constraint card_links_reveals_check CHECK (reveals >= 0),
  constraint card_links_token_hash_check CHECK (token_hash ~ '^[0-9a-f]{64}$'::text),
  constraint card_links_views_check CHECK (views >= 0)
);
CREATE INDEX card_links_by_payout ON card_links USING btree (payout_id, id DESC);
CREATE UNIQUE INDEX card_links_one_live ON card_links USING btree (payout_id) WHERE ended_at IS NULL;
CREATE INDEX card_links_unrevealed ON card_links USING btree (created_at) WHERE ended_at IS NULL AND revealed_at IS NULL;

create table card_transactions (
  id text collate "C" not null,
  stripe_transaction_id text not null,
  connected_account_id text collate "C" not null,
  payout_id text collate "C" not null,
  card_id text collate "C" not null,
  authorization_id text collate "C",
  stripe_authorization_id text,
  refunded_card_transaction_id text collate "C",
  refund_match text,
  type text not null,
  kind text not null,
  amount_minor bigint not null,
  paid_minor bigint not null,
  overspent_minor bigint not null,
  aftercare_minor bigint not null,
  currency text not null,
  merchant_name text,
  merchant_category text,
  merchant_category_code text,
  merchant_city text,
  merchant_country text,
  merchant_network_id text,
  merchant_amount_minor bigint not null,
  merchant_currency text not null,
  balance_transaction_id text,
  is_after_close boolean not null,
  occurred_at timestamp with time zone not null,
  created_at timestamp with time zone not null,
  constraint card_transactions_pkey PRIMARY KEY (id),
  constraint card_transactions_stripe_transaction_id_key UNIQUE (stripe_transaction_id),
  constraint card_transaction_is_shared_out CHECK ((paid_minor + overspent_minor - aftercare_minor) = (- amount_minor)),
  constraint card_transaction_refund_says_its_match CHECK ((refund_match IS NULL) = (kind <> ALL (ARRAY['refund'::text, 'refund_reversal'::text]))),
  constraint card_transactions_currency_check CHECK (currency = ANY (ARRAY['usd'::text, 'eur'::text, 'gbp'::text])),
  constraint card_transactions_kind_check CHECK (kind = ANY (ARRAY['capture'::text, 'over_capture'::text, 'force_capture'::text, 'late_capture'::text, 'refund'::text, 'refund_reversal'::text])),
  constraint card_transactions_refund_match_check CHECK (refund_match = ANY (ARRAY['linked'::text, 'matched'::text, 'unlinked'::text])),
  constraint card_transactions_type_check CHECK (type = ANY (ARRAY['capture'::text, 'refund'::text]))
);
CREATE INDEX card_transactions_by_account ON card_transactions USING btree (connected_account_id, id);
CREATE INDEX card_transactions_by_authorization ON card_transactions USING btree (authorization_id);
CREATE INDEX card_transactions_by_card ON card_transactions USING btree (card_id, id);
CREATE INDEX card_transactions_by_payout ON card_transactions USING btree (payout_id, id);
CREATE INDEX card_transactions_by_time ON card_transactions USING btree (occurred_at);
CREATE INDEX card_transactions_in_aftercare ON card_transactions USING btree (id) WHERE is_after_close OR overspent_minor <> 0 OR aftercare_minor <> 0;

create table cardholders (
  id text collate "C" not null,
  connected_account_id text collate "C" not null,
  stripe_cardholder_id text,
  type text not null,
  status text not null,
  personal_data_encrypted text not null,
  stripe_call_id text,
  has_unsent_changes boolean default false not null,
  requirements jsonb not null,
  failure_code text,
  failure_detail text,
  stripe_checked_at timestamp with time zone,
  created_at timestamp with time zone not null,
  updated_at timestamp with time zone not null,
  erased_at timestamp with time zone,
  constraint cardholders_pkey PRIMARY KEY (id),
  constraint cardholders_stripe_cardholder_id_key UNIQUE (stripe_cardholder_id),
  constraint cardholder_erased_is_gone CHECK ((erased_at IS NOT NULL) = (personal_data_encrypted = 'erased'::text)),
  constraint cardholder_exists_at_stripe CHECK ((status = ANY (ARRAY['requested'::text, 'failed'::text])) OR stripe_cardholder_id IS NOT NULL),
  constraint cardholder_failure_has_both CHECK ((failure_code IS NULL) = (failure_detail IS NULL)),
  constraint cardholders_status_check CHECK (status = ANY (ARRAY['requested'::text, 'active'::text, 'inactive'::text, 'blocked'::text, 'failed'::text])),
  constraint cardholders_type_check CHECK (type = ANY (ARRAY['individual'::text, 'company'::text]))
);
CREATE INDEX cardholders_by_account ON cardholders USING btree (connected_account_id, id);
CREATE INDEX cardholders_to_check ON cardholders USING btree (stripe_checked_at) WHERE stripe_cardholder_id IS NOT NULL AND (status <> 'active'::text OR (requirements ->> 'disabledReason'::text) IS NOT NULL);

create table cards (
  id text collate "C" not null,
  payout_id text collate "C" not null,
  connected_account_id text collate "C" not null,
  cardholder_id text collate "C" not null,
  stripe_card_id text,
  last4 text,
  brand text,
  exp_month integer not null,
  exp_year integer not null,
  status text not null,
  frozen boolean default false not null,
  cancel_requested_at timestamp with time zone,
  cancel_reason text,
  amount_minor bigint not null,
  currency text not null,
  amount_match text not null,
  allowed_categories text[] default '{}'::text[] not null,
  blocked_categories text[] default '{}'::text[] not null,
  allowed_merchant_countries text[] default '{}'::text[] not null,
  blocked_merchant_countries text[] default '{}'::text[] not null,
  failure_code text,
  failure_detail text,
  stripe_checked_at timestamp with time zone,
  created_at timestamp with time zone not null,
  updated_at timestamp with time zone not null,
  asked_inactive boolean default false not null,
  constraint cards_pkey PRIMARY KEY (id),
  constraint cards_stripe_card_id_key UNIQUE (stripe_card_id),
  constraint card_allows_or_blocks_categories CHECK (allowed_categories = '{}'::text[] OR blocked_categories = '{}'::text[]),
  constraint card_allows_or_blocks_countries CHECK (allowed_merchant_countries = '{}'::text[] OR blocked_merchant_countries = '{}'::text[]),
  constraint card_cancel_is_locked CHECK (cancel_requested_at IS NULL OR frozen),
  constraint card_exists_at_stripe CHECK ((status = ANY (ARRAY['requested'::text, 'failed'::text])) = (stripe_card_id IS NULL)),
  constraint card_failure_has_both CHECK ((failure_code IS NULL) = (failure_detail IS NULL)),
  constraint cards_amount_match_check CHECK (amount_match = ANY (ARRAY['up_to'::text, 'exact'::text])),
  constraint cards_amount_minor_check CHECK (amount_minor > 0),
  constraint cards_currency_check CHECK (currency = ANY (ARRAY['usd'::text, 'eur'::text, 'gbp'::text])),
  constraint cards_exp_month_check CHECK (exp_month >= 1 AND exp_month <= 12),
  constraint cards_exp_year_check CHECK (exp_year >= 2000 AND exp_year <= 9999),
  constraint cards_last4_check CHECK (last4 ~ '^[0-9]{4}$'::text),
  constraint cards_status_check CHECK (status = ANY (ARRAY['requested'::text, 'active'::text, 'inactive'::text, 'canceled'::text, 'failed'::text]))
);
CREATE INDEX cards_by_account ON cards USING btree (connected_account_id, id);
CREATE INDEX cards_by_created_at ON cards USING btree (created_at);
CREATE INDEX cards_by_payout ON cards USING btree (payout_id, id);
CREATE UNIQUE INDEX cards_one_live_per_payout ON cards USING btree (payout_id) WHERE status = ANY (ARRAY['requested'::text, 'active'::text, 'inactive'::text]);
CREATE INDEX cards_to_cancel ON cards USING btree (cancel_requested_at) WHERE cancel_requested_at IS NOT NULL AND (status = ANY (ARRAY['active'::text, 'inactive'::text]));

create table connected_accounts (
  id text collate "C" not null,
  stripe_account_id text,
  external_reference text,
  display_name text not null,
  business_type text not null,
  country text not null,
  currency text not null,
  status text not null,
  funding_rail text not null,
  card_issuing_capability text not null,
  transfers_capability text not null,
  requirements jsonb not null,
  payout_interval text,
  is_suspended boolean default false not null,
  failure_code text,
  failure_detail text,
  stripe_checked_at timestamp with time zone,
  created_at timestamp with time zone not null,
  updated_at timestamp with time zone not null,
  constraint connected_accounts_pkey PRIMARY KEY (id),
  constraint connected_accounts_stripe_account_id_key UNIQUE (stripe_account_id),
  constraint connected_account_exists_at_stripe CHECK ((status = ANY (ARRAY['onboarding'::text, 'rejected'::text])) OR stripe_account_id IS NOT NULL),
  constraint connected_account_failure_has_both CHECK ((failure_code IS NULL) = (failure_detail IS NULL)),
  constraint connected_accounts_business_type_check CHECK (business_type = ANY (ARRAY['company'::text, 'individual'::text, 'non_profit'::text])),
  constraint connected_accounts_card_issuing_capability_check CHECK (card_issuing_capability = ANY (ARRAY['unrequested'::text, 'inactive'::text, 'pending'::text, 'active'::text])),
  constraint connected_accounts_country_check CHECK (country ~ '^[A-Z]{2}$'::text),
  constraint connected_accounts_currency_check CHECK (currency = ANY (ARRAY['usd'::text, 'eur'::text, 'gbp'::text])),
  constraint connected_accounts_funding_rail_check CHECK (funding_rail = ANY (ARRAY['transfer'::text, 'topup'::text, 'prefunded'::text])),
  constraint connected_accounts_status_check CHECK (status = ANY (ARRAY['onboarding'::text, 'active'::text, 'restricted'::text, 'rejected'::text])),
  constraint connected_accounts_transfers_capability_check CHECK (transfers_capability = ANY (ARRAY['unrequested'::text, 'inactive'::text, 'pending'::text, 'active'::text]))
);
CREATE UNIQUE INDEX connected_accounts_external_reference ON connected_accounts USING btree (external_reference) WHERE failure_code IS NULL;
CREATE INDEX connected_accounts_to_check ON connected_accounts USING btree (stripe_checked_at) WHERE status = ANY (ARRAY['onboarding'::text, 'restricted'::text]);

create table daily_limit_slots (
  scope text not null,
  subject text collate "C" not null,
  currency text not null,
  day date not null,
  slot smallint not null,
  limit_minor bigint not null,
  quota_minor bigint not null,
  used_minor bigint not null,
  constraint daily_limit_slots_pkey PRIMARY KEY (scope, subject, currency, day, slot),
  constraint daily_limit_slots_currency_check CHECK (currency = ANY (ARRAY['usd'::text, 'eur'::text, 'gbp'::text])),
  constraint daily_limit_slots_never_exceeded CHECK (used_minor >= 0 AND used_minor <= quota_minor),
  constraint daily_limit_slots_scope_check CHECK (scope = ANY (ARRAY['seller'::text, 'key'::text, 'label'::text])),
  constraint daily_limit_slots_slot_check CHECK (slot >= 1)
);
CREATE INDEX daily_limit_slots_by_day ON daily_limit_slots USING btree (day);

create table disputes (
  id text collate "C" not null,
  stripe_dispute_id text not null,
  connected_account_id text collate "C" not null,
  payout_id text collate "C" not null,
  card_id text collate "C" not null,
  card_transaction_id text collate "C" not null,
  status text not null,
  reason text,
  loss_reason text,
  amount_minor bigint not null,
  provisional_minor bigint not null,
  returned_minor bigint not null,
  paid_minor bigint not null,
  overspent_minor bigint not null,
  aftercare_minor bigint not null,
  currency text not null,
  opened_at timestamp with time zone not null,
  closed_at timestamp with time zone,
  created_at timestamp with time zone not null,
  updated_at timestamp with time zone not null,
  constraint disputes_pkey PRIMARY KEY (id),
  constraint disputes_stripe_dispute_id_key UNIQUE (stripe_dispute_id),
  constraint dispute_is_shared_out CHECK ((paid_minor + overspent_minor - aftercare_minor) = (- returned_minor)),
  constraint dispute_says_when_it_closed CHECK ((closed_at IS NOT NULL) = (status = ANY (ARRAY['won'::text, 'lost'::text, 'expired'::text]))),
  constraint disputes_amount_minor_check CHECK (amount_minor > 0),
  constraint disputes_currency_check CHECK (currency = ANY (ARRAY['usd'::text, 'eur'::text, 'gbp'::text])),
  constraint disputes_provisional_minor_check CHECK (provisional_minor >= 0),
  constraint disputes_status_check CHECK (status = ANY (ARRAY['unsubmitted'::text, 'submitted'::text, 'won'::text, 'lost'::text, 'expired'::text]))
);
CREATE INDEX disputes_by_account ON disputes USING btree (connected_account_id, id);
CREATE INDEX disputes_by_card_transaction ON disputes USING btree (card_transaction_id);
CREATE INDEX disputes_by_payout ON disputes USING btree (payout_id, id);
CREATE INDEX disputes_by_status ON disputes USING btree (status, id);
CREATE INDEX disputes_in_aftercare ON disputes USING btree (id) WHERE overspent_minor <> 0 OR aftercare_minor <> 0;

create table funding_transfer_hops (
  id bigint generated always as identity not null,
  funding_transfer_id text collate "C" not null,
  connected_account_id text collate "C" not null,
  kind text not null,
  status text not null,
  amount_minor bigint not null,
  reverses_funding_transfer_id text collate "C",
  stripe_call_id text collate "C" not null,
  stripe_object_id text collate "C",
  stripe_created_at timestamp with time zone,
  arrival_balance_transaction_id text collate "C",
  counterpart_id text collate "C",
  counterpart_linked_at timestamp with time zone,
  failure_code text,
  failure_detail text,
  created_at timestamp with time zone not null,
  updated_at timestamp with time zone not null,
  constraint funding_transfer_hops_pkey PRIMARY KEY (id),
  constraint funding_transfer_hops_stripe_call_id_key UNIQUE (stripe_call_id),
  constraint funding_transfer_hops_amount_minor_check CHECK (amount_minor > 0),
  constraint funding_transfer_hops_check CHECK ((reverses_funding_transfer_id IS NOT NULL) = (kind = 'transfer_reversal'::text)),
  constraint funding_transfer_hops_check1 CHECK ((failure_code IS NULL) = (failure_detail IS NULL)),
  constraint funding_transfer_hops_kind_check CHECK (kind = ANY (ARRAY['transfer'::text, 'balance_transfer'::text, 'transfer_reversal'::text, 'topup'::text, 'bank_payout'::text])),
  constraint funding_transfer_hops_status_check CHECK (status = ANY (ARRAY['intended'::text, 'unknown'::text, 'accepted'::text, 'done'::text, 'failed'::text]))
);
CREATE UNIQUE INDEX funding_transfer_hops_arrival ON funding_transfer_hops USING btree (arrival_balance_transaction_id);
CREATE INDEX funding_transfer_hops_funding_transfer_id ON funding_transfer_hops USING btree (funding_transfer_id, id);
CREATE INDEX funding_transfer_hops_reverses ON funding_transfer_hops USING btree (reverses_funding_transfer_id) WHERE reverses_funding_transfer_id IS NOT NULL;
CREATE UNIQUE INDEX funding_transfer_hops_stripe_object_id ON funding_transfer_hops USING btree (stripe_object_id);
CREATE INDEX funding_transfer_hops_unlinked ON funding_transfer_hops USING btree (connected_account_id, id) WHERE counterpart_id IS NOT NULL AND counterpart_linked_at IS NULL;

create table funding_transfers (
  id text collate "C" not null,
  connected_account_id text collate "C" not null,
  stripe_account_id text collate "C" not null,
  reference text collate "C" not null,
  direction text not null,
  rail text not null,
  status text not null,
  money_at text not null,
  amount_minor bigint not null,
  buffer_minor bigint not null,
  aftercare_minor bigint default 0 not null,
  returned_minor bigint default 0 not null,
  currency text not null,
  failure_code text,
  failure_detail text,
  attempts integer default 0 not null,
  next_check_at timestamp with time zone,
  is_unsettled boolean generated always as ((status = ANY (ARRAY['pending'::text, 'in_transit'::text, 'unknown'::text])) OR status = 'failed'::text AND money_at = 'seller_payments'::text) stored not null,
  created_at timestamp with time zone not null,
  updated_at timestamp with time zone not null,
  settled_at timestamp with time zone,
  constraint funding_transfers_pkey PRIMARY KEY (id),
  constraint funding_transfers_aftercare_minor_check CHECK (aftercare_minor >= 0),
  constraint funding_transfers_amount_minor_check CHECK (amount_minor >= 0),
  constraint funding_transfers_attempts_check CHECK (attempts >= 0),
  constraint funding_transfers_buffer_minor_check CHECK (buffer_minor >= 0),
  constraint funding_transfers_check CHECK ((amount_minor + buffer_minor + aftercare_minor) > 0),
  constraint funding_transfers_check1 CHECK (aftercare_minor = 0 OR direction = 'in'::text),
  constraint funding_transfers_check2 CHECK (returned_minor >= 0 AND returned_minor <= (amount_minor + buffer_minor + aftercare_minor)),
  constraint funding_transfers_check3 CHECK ((failure_code IS NULL) = (failure_detail IS NULL)),
  constraint funding_transfers_currency_check CHECK (currency = ANY (ARRAY['usd'::text, 'eur'::text, 'gbp'::text])),
  constraint funding_transfers_direction_check CHECK (direction = ANY (ARRAY['out'::text, 'in'::text])),
  constraint funding_transfers_money_at_check CHECK (money_at = ANY (ARRAY['platform'::text, 'seller_payments'::text, 'funds_in_transit'::text, 'issuing'::text, 'reclaim_in_transit'::text, 'bank'::text])),
  constraint funding_transfers_rail_check CHECK (rail = ANY (ARRAY['transfer'::text, 'topup'::text, 'prefunded'::text])),
  constraint funding_transfers_status_check CHECK (status = ANY (ARRAY['pending'::text, 'in_transit'::text, 'unknown'::text, 'settled'::text, 'partially_returned'::text, 'failed'::text, 'returned'::text]))
);
CREATE INDEX funding_transfers_due ON funding_transfers USING btree (next_check_at) WHERE is_unsettled;
CREATE UNIQUE INDEX funding_transfers_one_unsettled ON funding_transfers USING btree (reference, direction) WHERE is_unsettled;
CREATE INDEX funding_transfers_reference ON funding_transfers USING btree (reference, id);
CREATE INDEX funding_transfers_unsettled_by_account ON funding_transfers USING btree (stripe_account_id, created_at) WHERE is_unsettled;

create table idempotency_keys (
  key_family_id text collate "C" not null,
  key text collate "C" not null,
  request_hash bytea not null,
  status integer not null,
  answer json not null,
  created_at timestamp with time zone not null,
  constraint idempotency_keys_pkey PRIMARY KEY (key_family_id, key),
  constraint idempotency_keys_key_check CHECK (length(key) >= 1 AND length(key) <= 255),
  constraint idempotency_keys_request_hash_check CHECK (length(request_hash) = 32),
  constraint idempotency_keys_status_check CHECK (status >= 200 AND status <= 299)
);
CREATE INDEX idempotency_keys_created_at ON idempotency_keys USING btree (created_at);

create table journal_entries (
  id bigint generated always as identity not null,
  connected_account_id text collate "C" not null,
  payout_id text collate "C",
  kind text not null,
  source_id text collate "C" not null,
  posting_count smallint not null,
  occurred_at timestamp with time zone not null,
  created_at timestamp with time zone default now() not null,
  sequence integer,
  previous_hash bytea,
  hash bytea,
  constraint journal_entries_pkey PRIMARY KEY (id),
  constraint journal_entries_chain UNIQUE (payout_id, sequence),
  constraint journal_entries_once UNIQUE (connected_account_id, kind, source_id),
  constraint journal_entries_chained CHECK ((payout_id IS NULL) = (sequence IS NULL) AND (sequence IS NULL) = (hash IS NULL)),
  constraint journal_entries_kind_check CHECK (kind ~ '^[a-z_]+$'::text),
  constraint journal_entries_posting_count_check CHECK (posting_count >= 2),
  constraint journal_entries_source_id_check CHECK (source_id ~ '^[^\n]+$'::text)
);
CREATE INDEX journal_entries_by_account ON journal_entries USING btree (connected_account_id, id);
CREATE INDEX journal_entries_by_payout ON journal_entries USING btree (payout_id, id) WHERE payout_id IS NOT NULL;
CREATE INDEX journal_entries_by_time ON journal_entries USING btree (occurred_at, id);
CREATE INDEX journal_entries_of_promises ON journal_entries USING btree (occurred_at, id) WHERE kind = ANY (ARRAY['payout_accepted'::text, 'payout_released'::text, 'capture'::text, 'refund'::text, 'refund_reversed'::text, 'dispute_won'::text, 'dispute_won_reversed'::text, 'receivable_settled'::text, 'reclaim_intended'::text, 'reclaim_refused'::text, 'reclaim_done'::text]);
CREATE INDEX journal_entries_of_promises_by_account ON journal_entries USING btree (connected_account_id, occurred_at, id) WHERE kind = ANY (ARRAY['payout_accepted'::text, 'payout_released'::text, 'capture'::text, 'refund'::text, 'refund_reversed'::text, 'dispute_won'::text, 'dispute_won_reversed'::text, 'receivable_settled'::text, 'reclaim_intended'::text, 'reclaim_refused'::text, 'reclaim_done'::text]);
CREATE TRIGGER append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON journal_entries FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE CONSTRAINT TRIGGER entry_is_whole AFTER INSERT ON journal_entries DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION check_entry_is_whole();

create table ledger_matches (
  connected_account_id text collate "C" not null,
  balance_transaction_id text collate "C" not null,
  journal_entry_id bigint not null,
  created_at timestamp with time zone default now() not null,
  constraint ledger_matches_pkey PRIMARY KEY (connected_account_id, balance_transaction_id)
);
CREATE INDEX ledger_matches_by_entry ON ledger_matches USING btree (journal_entry_id);
CREATE TRIGGER append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON ledger_matches FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

create table ledger_seals (
  number bigint not null,
  previous_number bigint generated always as (NULLIF(number - 1, 0)) stored,
  sealed_at timestamp with time zone not null,
  after_entry_id bigint not null,
  to_entry_id bigint not null,
  entry_count integer not null,
  manifest text not null,
  previous_hash text not null,
  key_id text not null,
  signature text not null,
  constraint ledger_seals_pkey PRIMARY KEY (number),
  constraint ledger_seals_to_entry_id_key UNIQUE (to_entry_id),
  constraint ledger_seals_after_entry_id_check CHECK (after_entry_id >= 0),
  constraint ledger_seals_check CHECK (to_entry_id > after_entry_id),
  constraint ledger_seals_entry_count_check CHECK (entry_count > 0),
  constraint ledger_seals_number_check CHECK (number > 0),
  constraint ledger_seals_previous_hash_check CHECK (previous_hash ~ '^([0-9a-f]{64})?$'::text),
  constraint ledger_seals_signature_check CHECK (signature ~ '^[0-9a-f]{64}$'::text)
);
CREATE TRIGGER append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON ledger_seals FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

create table outgoing_events (
  id text collate "C" not null,
  sequence bigint generated always as identity not null,
  type text not null,
  connected_account_id text collate "C",
  payout_id text collate "C",
  data jsonb not null,
  occurred_at timestamp with time zone not null,
  created_at timestamp with time zone not null,
  fanned_out_at timestamp with time zone,
  constraint outgoing_events_pkey PRIMARY KEY (id),
  constraint outgoing_events_sequence_key UNIQUE (sequence),
  constraint outgoing_events_data_check CHECK (jsonb_typeof(data) = 'object'::text)
);
CREATE INDEX outgoing_events_account ON outgoing_events USING btree (connected_account_id, id) WHERE connected_account_id IS NOT NULL;
CREATE INDEX outgoing_events_by_age ON outgoing_events USING btree (created_at);
CREATE INDEX outgoing_events_not_fanned_out ON outgoing_events USING btree (sequence) WHERE fanned_out_at IS NULL;
CREATE INDEX outgoing_events_payout ON outgoing_events USING btree (payout_id, id) WHERE payout_id IS NOT NULL;

create table payout_balances (
  payout_id text collate "C" not null,
  connected_account_id text collate "C" not null,
  currency text not null,
  accepted_minor bigint default 0 not null,
  owed_minor bigint default 0 not null,
  held_minor bigint default 0 not null,
  reclaiming_minor bigint default 0 not null,
  paid_minor bigint default 0 not null,
  reclaimed_minor bigint default 0 not null,
  released_minor bigint default 0 not null,
  overspent_minor bigint default 0 not null,
  probe_buffer_minor bigint default 0 not null,
  aftercare_minor bigint default 0 not null,
  network_held_minor bigint default 0 not null,
  funded_minor bigint default 0 not null,
  is_funded boolean generated always as (funded_minor > 0) stored,
  last_sequence integer default 0 not null,
  last_hash bytea default '\x'::bytea not null,
  constraint payout_balances_pkey PRIMARY KEY (payout_id),
  constraint payout_balances_aftercare_minor_check CHECK (aftercare_minor >= 0),
  constraint payout_balances_conserved CHECK (accepted_minor = (owed_minor + held_minor + reclaiming_minor + paid_minor + reclaimed_minor + released_minor)),
  constraint payout_balances_currency_check CHECK (currency = ANY (ARRAY['usd'::text, 'eur'::text, 'gbp'::text])),
  constraint payout_balances_funded_minor_check CHECK (funded_minor >= 0),
  constraint payout_balances_held_minor_check CHECK (held_minor >= 0),
  constraint payout_balances_network_held_minor_check CHECK (network_held_minor >= 0),
  constraint payout_balances_overspent_minor_check CHECK (overspent_minor >= 0),
  constraint payout_balances_owed_minor_check CHECK (owed_minor >= 0),
  constraint payout_balances_paid_minor_check CHECK (paid_minor >= 0),
  constraint payout_balances_probe_buffer_minor_check CHECK (probe_buffer_minor >= 0),
  constraint payout_balances_reclaimed_minor_check CHECK (reclaimed_minor >= 0),
  constraint payout_balances_reclaiming_minor_check CHECK (reclaiming_minor >= 0),
  constraint payout_balances_released_minor_check CHECK (released_minor >= 0)
);
CREATE INDEX payout_balances_by_account ON payout_balances USING btree (connected_account_id);

create table payout_batch_rows (
  batch_id text collate "C" not null,
  number integer not null,
  reference text not null,
  request jsonb not null,
  status text not null,
  payout_id text collate "C",
  failure_code text,
  failure_detail text,
  constraint payout_batch_rows_pkey PRIMARY KEY (batch_id, number),
  constraint payout_batch_rows_accepted_as_payout CHECK ((payout_id IS NULL) = (status <> 'accepted'::text)),
  constraint payout_batch_rows_failure_whole CHECK ((failure_code IS NULL) = (status <> 'failed'::text) AND (failure_code IS NULL) = (failure_detail IS NULL)),
  constraint payout_batch_rows_number_check CHECK (number >= 1),
  constraint payout_batch_rows_status_check CHECK (status = ANY (ARRAY['queued'::text, 'accepted'::text, 'failed'::text]))
);
CREATE INDEX payout_batch_rows_by_status ON payout_batch_rows USING btree (batch_id, status, number);
CREATE UNIQUE INDEX payout_batch_rows_payout_once ON payout_batch_rows USING btree (payout_id) WHERE payout_id IS NOT NULL;
CREATE UNIQUE INDEX payout_batch_rows_reference_once ON payout_batch_rows USING btree (reference) WHERE status = 'queued'::text;

create table payout_batches (
  id text collate "C" not null,
  format text not null,
  row_count integer not null,
  content_sha256 bytea not null,
  requested_by_api_key_id text collate "C" not null,
  requested_by_family_id text collate "C" not null,
  created_at timestamp with time zone not null,
  completed_at timestamp with time zone,
  constraint payout_batches_pkey PRIMARY KEY (id),
  constraint payout_batches_content_sha256_check CHECK (length(content_sha256) = 32),
  constraint payout_batches_format_check CHECK (format = ANY (ARRAY['ndjson'::text, 'csv'::text])),
  constraint payout_batches_row_count_check CHECK (row_count >= 1 AND row_count <= 10000)
);

create table payout_labels (
  label text collate "C" not null,
  daily_limit_minor bigint,
  open_payouts_limit integer,
  retired_at timestamp with time zone,
  created_at timestamp with time zone not null,
  updated_at timestamp with time zone not null,
  constraint payout_labels_pkey PRIMARY KEY (label),
  constraint payout_labels_daily_limit_minor_check CHECK (daily_limit_minor > 0),
  constraint payout_labels_label_check CHECK (label ~ '^[A-Za-z0-9][A-Za-z0-9._:-]{0,63}$'::text),
  constraint payout_labels_open_payouts_limit_check CHECK (open_payouts_limit > 0)
);

create table payout_timeline (
  id bigint generated always as identity not null,
  payout_id text collate "C" not null,
  occurred_at timestamp with time zone not null,
  kind text not null,
  detail jsonb default '{}'::jsonb not null,
  constraint payout_timeline_pkey PRIMARY KEY (id)
);
CREATE INDEX payout_timeline_by_payout ON payout_timeline USING btree (payout_id, id);
CREATE TRIGGER append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON payout_timeline FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

create table payouts (
  id text collate "C" not null,
  connected_account_id text collate "C" not null,
  cardholder_id text collate "C" not null,
  amount_minor bigint not null,
  currency text not null,
  status text not null,
  waiting_on text,
  retry_at timestamp with time zone,
  outcome text,
  reference text not null,
  description text,
  controls jsonb not null,
  metadata jsonb not null,
  expires_at timestamp with time zone not null,
  card_id text collate "C",
  failure_code text,
  failure_detail text,
  created_at timestamp with time zone not null,
  updated_at timestamp with time zone not null,
  label text collate "C",
  purpose text,
  requested_by_api_key_id text collate "C",
  approval_decision text,
  approval_note text,
  approval_api_key_id text collate "C",
  approval_decided_at timestamp with time zone,
  constraint payouts_pkey PRIMARY KEY (id),
  constraint payouts_reference_once UNIQUE (reference),
  constraint payouts_amount_minor_check CHECK (amount_minor > 100),
  constraint payouts_approval_decision_check CHECK (approval_decision = ANY (ARRAY['approved'::text, 'rejected'::text])),
  constraint payouts_approval_needs_another_key CHECK (approval_api_key_id <> requested_by_api_key_id),
  constraint payouts_approval_whole CHECK ((approval_decision IS NULL) = (approval_api_key_id IS NULL) AND (approval_decision IS NULL) = (approval_decided_at IS NULL) AND (approval_note IS NULL OR approval_decision IS NOT NULL)),
  constraint payouts_currency_check CHECK (currency = ANY (ARRAY['usd'::text, 'eur'::text, 'gbp'::text])),
  constraint payouts_failure_whole CHECK ((failure_code IS NULL) = (failure_detail IS NULL)),
  constraint payouts_outcome_check CHECK (outcome = ANY (ARRAY['spent'::text, 'partially_spent'::text, 'unspent'::text, 'canceled'::text, 'failed'::text])),
  constraint payouts_outcome_once_ended CHECK ((outcome IS NULL) = (status = ANY (ARRAY['pending'::text, 'funding'::text, 'issuing'::text, 'ready'::text, 'authorized'::text]))),
  constraint payouts_status_check CHECK (status = ANY (ARRAY['pending'::text, 'funding'::text, 'issuing'::text, 'ready'::text, 'authorized'::text, 'settled'::text, 'expired'::text, 'canceled'::text, 'failed'::text, 'closed'::text])),
  constraint payouts_wait_only_while_pending CHECK (waiting_on IS NULL OR status = 'pending'::text),
  constraint payouts_waiting_on_check CHECK (waiting_on = ANY (ARRAY['account_capability'::text, 'cardholder_requirement'::text, 'approval'::text, 'platform_funds'::text]))
);
CREATE INDEX payouts_by_account ON payouts USING btree (connected_account_id, id);
CREATE INDEX payouts_by_created_at ON payouts USING btree (created_at);
CREATE INDEX payouts_by_expiry ON payouts USING btree (expires_at) WHERE status = ANY (ARRAY['pending'::text, 'funding'::text, 'issuing'::text, 'ready'::text, 'authorized'::text]);
CREATE INDEX payouts_by_label ON payouts USING btree (label, id) WHERE label IS NOT NULL;
CREATE INDEX payouts_by_status ON payouts USING btree (status, id);
CREATE INDEX payouts_open_by_label ON payouts USING btree (label) WHERE label IS NOT NULL AND (status = ANY (ARRAY['pending'::text, 'funding'::text, 'issuing'::text, 'ready'::text, 'authorized'::text]));
CREATE INDEX payouts_retrying ON payouts USING btree (retry_at) WHERE (status = ANY (ARRAY['closed'::text, 'authorized'::text])) AND retry_at IS NOT NULL;
CREATE INDEX payouts_unfinished ON payouts USING btree (updated_at) WHERE status <> ALL (ARRAY['closed'::text, 'ready'::text, 'authorized'::text]);
CREATE INDEX payouts_waiting ON payouts USING btree (waiting_on, connected_account_id) WHERE waiting_on IS NOT NULL;

create table platform_balances (
  currency text not null,
  available_minor bigint not null,
  seen_at timestamp with time zone not null,
  constraint platform_balances_pkey PRIMARY KEY (currency),
  constraint platform_balances_currency_check CHECK (currency ~ '^[a-z]{3}$'::text)
);

create table postings (
  id bigint generated always as identity not null,
  journal_entry_id bigint not null,
  connected_account_id text collate "C" not null,
  payout_id text collate "C",
  account text collate "C" not null,
  currency text not null,
  amount_minor bigint not null,
  constraint postings_pkey PRIMARY KEY (id),
  constraint postings_account_currency CHECK (account ~~ ('%:'::text || currency)),
  constraint postings_account_in_chart CHECK (split_part(account, ':'::text, 1) = ANY (ARRAY['platform_payments'::text, 'seller_payments'::text, 'funds_in_transit'::text, 'reclaim_in_transit'::text, 'issuing_available'::text, 'issuing_held'::text, 'seller_receivable'::text, 'external_bank'::text, 'suspense'::text, 'losses'::text, 'stripe_fees'::text, 'marketplace_funds'::text, 'seller_float'::text, 'payout_owed'::text, 'payout_held'::text, 'payout_reclaiming'::text, 'probe_buffer'::text, 'aftercare'::text, 'dispute_provisional'::text])),
  constraint postings_amount_minor_check CHECK (amount_minor <> 0),
  constraint postings_currency_check CHECK (currency = ANY (ARRAY['usd'::text, 'eur'::text, 'gbp'::text]))
);
comment on column postings.amount_minor is 'Minor units; a debit is above zero, a credit below.';
CREATE INDEX postings_by_account ON postings USING btree (connected_account_id, account) INCLUDE (amount_minor);
CREATE INDEX postings_by_entry ON postings USING btree (journal_entry_id);
CREATE TRIGGER append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON postings FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE CONSTRAINT TRIGGER entry_is_whole AFTER INSERT ON postings DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION check_entry_is_whole();

create unlogged table rate_limits (
  key text collate "C" not null,
  points integer default 0 not null,
  expire bigint,
  constraint rate_limits_pkey PRIMARY KEY (key)
);

create table reconciliation_breaks (
  id text collate "C" not null,
  connected_account_id text collate "C" not null,
  type text not null,
  key text collate "C" not null,
  status text not null,
  payout_id text collate "C",
  difference_minor bigint,
  currency text,
  evidence jsonb not null,
  proposed_action text not null,
  occurred_at timestamp with time zone not null,
  opened_at timestamp with time zone not null,
  last_seen_at timestamp with time zone not null,
  opened_by_run_id text collate "C" not null,
  closed_at timestamp with time zone,
  closed_by text,
  note text,
  correction_against text,
  correction_note text,
  correction_proposed_by text,
  correction_proposed_at timestamp with time zone,
  correction_approved_by text,
  constraint reconciliation_breaks_pkey PRIMARY KEY (id),
  constraint reconciliation_breaks_check CHECK ((status = 'open'::text) = (closed_at IS NULL)),
  constraint reconciliation_breaks_check1 CHECK (status <> 'resolved'::text OR note IS NOT NULL AND closed_by IS NOT NULL),
  constraint reconciliation_breaks_correction_against_check CHECK (correction_against = ANY (ARRAY['suspense'::text, 'seller_receivable'::text, 'stripe_fees'::text, 'losses'::text])),
  constraint reconciliation_breaks_correction_by_two CHECK (correction_approved_by IS NULL OR correction_approved_by <> correction_proposed_by),
  constraint reconciliation_breaks_correction_whole CHECK (num_nulls(correction_against, correction_note, correction_proposed_by, correction_proposed_at) = ANY (ARRAY[0, 4])),
  constraint reconciliation_breaks_status_check CHECK (status = ANY (ARRAY['open'::text, 'resolved'::text, 'healed'::text])),
  constraint reconciliation_breaks_type_check CHECK (type = ANY (ARRAY['missing_in_ledger'::text, 'missing_at_stripe'::text, 'amount_differs'::text, 'currency_differs'::text, 'duplicate'::text, 'balance_differs'::text, 'payments_drained'::text, 'status_differs'::text, 'orphan_card'::text, 'orphan_transfer'::text, 'stuck_payout'::text, 'unreclaimed'::text, 'negative_balance'::text, 'unknown_outcome'::text, 'account_unreadable'::text]))
);
CREATE INDEX reconciliation_breaks_by_key ON reconciliation_breaks USING btree (connected_account_id, type, key, id DESC);
CREATE INDEX reconciliation_breaks_by_payout ON reconciliation_breaks USING btree (payout_id) WHERE payout_id IS NOT NULL;
CREATE INDEX reconciliation_breaks_by_status ON reconciliation_breaks USING btree (status, id DESC);
CREATE UNIQUE INDEX reconciliation_breaks_one_open ON reconciliation_breaks USING btree (connected_account_id, type, key) WHERE status = 'open'::text;

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
  occurred_at timestamp with time zone not null,
  constraint reconciliation_findings_pkey PRIMARY KEY (run_id, connected_account_id, type, key)
);

create table reconciliation_run_accounts (
  run_id text collate "C" not null,
  connected_account_id text collate "C" not null,
  status text not null,
  matched bigint default 0 not null,
  set_apart bigint default 0 not null,
  in_flight bigint default 0 not null,
  healed bigint default 0 not null,
  breaks_open bigint default 0 not null,
  currency text,
  stripe_issuing_minor bigint,
  ledger_issuing_minor bigint,
  report text,
  report_sha256 text,
  attempts integer default 0 not null,
  failure text,
  created_at timestamp with time zone not null,
  completed_at timestamp with time zone,
  constraint reconciliation_run_accounts_pkey PRIMARY KEY (run_id, connected_account_id),
  constraint reconciliation_run_accounts_attempts_check CHECK (attempts >= 0),
  constraint reconciliation_run_accounts_check CHECK ((status = 'running'::text) = (completed_at IS NULL)),
  constraint reconciliation_run_accounts_failure_told CHECK ((status = ANY (ARRAY['unreadable'::text, 'failed'::text])) = (failure IS NOT NULL)),
  constraint reconciliation_run_accounts_report_sha256_check CHECK (report_sha256 ~ '^[0-9a-f]{64}$'::text),
  constraint reconciliation_run_accounts_reported CHECK ((status = ANY (ARRAY['completed'::text, 'unreadable'::text])) = (report IS NOT NULL AND report_sha256 IS NOT NULL)),
  constraint reconciliation_run_accounts_status_check CHECK (status = ANY (ARRAY['running'::text, 'completed'::text, 'unreadable'::text, 'failed'::text]))
);
CREATE INDEX reconciliation_run_accounts_running ON reconciliation_run_accounts USING btree (run_id) WHERE status = 'running'::text;

create table reconciliation_runs (
  id text collate "C" not null,
  connected_account_id text collate "C",
  cutoff timestamp with time zone,
  status text not null,
  scheduled_for date,
  accounts_total integer,
  matched bigint default 0 not null,
  healed bigint default 0 not null,
  breaks_open bigint default 0 not null,
  report_sha256 text,
  created_at timestamp with time zone not null,
  completed_at timestamp with time zone,
  constraint reconciliation_runs_pkey PRIMARY KEY (id),
  constraint reconciliation_runs_scheduled_for_key UNIQUE (scheduled_for),
  constraint reconciliation_runs_accounts_total_check CHECK (accounts_total >= 0),
  constraint reconciliation_runs_check CHECK ((status = 'running'::text) = (completed_at IS NULL)),
  constraint reconciliation_runs_check1 CHECK ((status = 'completed'::text) = (report_sha256 IS NOT NULL)),
  constraint reconciliation_runs_report_sha256_check CHECK (report_sha256 ~ '^[0-9a-f]{64}$'::text),
  constraint reconciliation_runs_status_check CHECK (status = ANY (ARRAY['running'::text, 'completed'::text, 'failed'::text]))
);
CREATE INDEX reconciliation_runs_running ON reconciliation_runs USING btree (created_at) WHERE status = 'running'::text;

create unlogged table reconciliation_seen_authorizations (
  run_id text collate "C" not null,
  connected_account_id text collate "C" not null,
  stripe_authorization_id text collate "C" not null,
  stripe_card_id text collate "C" not null,
  constraint reconciliation_seen_authorizations_pkey PRIMARY KEY (run_id, connected_account_id, stripe_authorization_id)
);

create unlogged table reconciliation_seen_cards (
  run_id text collate "C" not null,
  connected_account_id text collate "C" not null,
  stripe_card_id text collate "C" not null,
  status text not null,
  is_ours boolean not null,
  created_at timestamp with time zone not null,
  constraint reconciliation_seen_cards_pkey PRIMARY KEY (run_id, connected_account_id, stripe_card_id)
);

create table seller_floats (
  connected_account_id text collate "C" not null,
  stripe_account_id text collate "C" not null,
  currency text not null,
  observed_from timestamp with time zone,
  observed_at timestamp with time zone,
  next_check_at timestamp with time zone not null,
  created_at timestamp with time zone not null,
  constraint seller_floats_pkey PRIMARY KEY (connected_account_id),
  constraint seller_floats_stripe_account_id_key UNIQUE (stripe_account_id),
  constraint seller_floats_currency_check CHECK (currency = ANY (ARRAY['usd'::text, 'eur'::text, 'gbp'::text]))
);
CREATE INDEX seller_floats_due ON seller_floats USING btree (next_check_at);

create table stripe_balance_transactions (
  connected_account_id text collate "C" not null,
  balance_transaction_id text collate "C" not null,
  type text not null,
  balance_type text not null,
  amount_minor bigint not null,
  fee_minor bigint not null,
  net_minor bigint not null,
  currency text not null,
  source_id text collate "C",
  status text not null,
  created_at timestamp with time zone not null,
  available_on timestamp with time zone not null,
  mirrored_at timestamp with time zone not null,
  ledger_account text collate "C" generated always as (
CASE
    WHEN connected_account_id = 'platform'::text THEN
    CASE
        WHEN balance_type = 'payments'::text THEN 'platform_payments:'::text || currency
        ELSE NULL::text
    END
    WHEN balance_type = 'issuing'::text THEN (('issuing_available:'::text || connected_account_id) || ':'::text) || currency
    WHEN balance_type = 'payments'::text THEN (('seller_payments:'::text || connected_account_id) || ':'::text) || currency
    ELSE NULL::text
END) stored,
  constraint stripe_balance_transactions_pkey PRIMARY KEY (connected_account_id, balance_transaction_id)
);
CREATE INDEX stripe_balance_transactions_created ON stripe_balance_transactions USING btree (connected_account_id, created_at);
CREATE INDEX stripe_balance_transactions_pending ON stripe_balance_transactions USING btree (connected_account_id, balance_transaction_id) WHERE status = 'pending'::text AND balance_type = 'issuing'::text;
CREATE INDEX stripe_balance_transactions_source ON stripe_balance_transactions USING btree (source_id) WHERE source_id IS NOT NULL;

create unlogged table stripe_budgets (
  name text not null,
  tokens double precision not null,
  refilled_at timestamp with time zone not null,
  constraint stripe_budgets_pkey PRIMARY KEY (name)
);

create table stripe_calls (
  id text collate "C" not null,
  sequence bigint generated always as identity not null,
  kind text not null,
  reference text collate "C" not null,
  connected_account_id text collate "C" not null,
  payout_id text collate "C",
  stripe_account_id text,
  lane text collate "C",
  params jsonb,
  sealed_params text,
  params_hash bytea not null,
  generation integer default 1 not null,
  idempotency_key text collate "C" not null,
  status text default 'intended'::text not null,
  attempts integer default 0 not null,
  server_errors integer default 0 not null,
  absences integer default 0 not null,
  looks integer default 0 not null,
  must_look boolean default false not null,
  stripe_object_id text,
  claimed_balance_transaction_id text,
  result jsonb,
  failure_code text,
  failure_detail text,
  failure_param text,
  intended_at timestamp with time zone not null,
  sent_at timestamp with time zone,
  settled_at timestamp with time zone,
  next_attempt_at timestamp with time zone default clock_timestamp() not null,
  lease_token text,
  lease_expires_at timestamp with time zone,
  constraint stripe_calls_pkey PRIMARY KEY (id),
  constraint stripe_calls_idempotency_key_key UNIQUE (idempotency_key),
  constraint stripe_calls_sequence_key UNIQUE (sequence),
  constraint stripe_calls_absences_check CHECK (absences >= 0),
  constraint stripe_calls_attempts_check CHECK (attempts >= 0),
  constraint stripe_calls_check CHECK ((status = ANY (ARRAY['done'::text, 'failed'::text])) = (settled_at IS NOT NULL)),
  constraint stripe_calls_check1 CHECK (status <> 'failed'::text OR failure_code IS NOT NULL),
  constraint stripe_calls_check2 CHECK (status <> 'done'::text OR result IS NOT NULL AND failure_code IS NULL),
  constraint stripe_calls_check3 CHECK (num_nonnulls(params, sealed_params) = 1 OR (status = ANY (ARRAY['done'::text, 'failed'::text])) AND sealed_params IS NULL),
  constraint stripe_calls_generation_check CHECK (generation > 0),
  constraint stripe_calls_idempotency_key_check CHECK (length(idempotency_key) <= 255),
  constraint stripe_calls_kind_check CHECK (kind = ANY (ARRAY['account.create'::text, 'account.update'::text, 'cardholder.create'::text, 'cardholder.update'::text, 'transfer.create'::text, 'transfer_reversal.create'::text, 'balance_transfer.create'::text, 'topup.create'::text, 'payout.create'::text, 'card.create'::text, 'card.update'::text])),
  constraint stripe_calls_looks_check CHECK (looks >= 0),
  constraint stripe_calls_params_hash_check CHECK (length(params_hash) = 32),
  constraint stripe_calls_server_errors_check CHECK (server_errors >= 0),
  constraint stripe_calls_status_check CHECK (status = ANY (ARRAY['intended'::text, 'sent'::text, 'unknown'::text, 'done'::text, 'failed'::text]))
);
CREATE UNIQUE INDEX stripe_calls_claim ON stripe_calls USING btree (claimed_balance_transaction_id) WHERE claimed_balance_transaction_id IS NOT NULL;
CREATE INDEX stripe_calls_lane_order ON stripe_calls USING btree (lane, sequence) WHERE (status = ANY (ARRAY['intended'::text, 'sent'::text, 'unknown'::text])) AND lane IS NOT NULL;
CREATE UNIQUE INDEX stripe_calls_one_in_flight ON stripe_calls USING btree (lane) WHERE (status = ANY (ARRAY['sent'::text, 'unknown'::text])) AND lane IS NOT NULL;
CREATE INDEX stripe_calls_payout ON stripe_calls USING btree (payout_id, sequence) WHERE payout_id IS NOT NULL;
CREATE INDEX stripe_calls_reference ON stripe_calls USING btree (reference, sequence);
CREATE INDEX stripe_calls_unsettled ON stripe_calls USING btree (next_attempt_at) WHERE status = ANY (ARRAY['intended'::text, 'sent'::text, 'unknown'::text]);

create table stripe_event_cursors (
  stripe_account_id text collate "C" not null,
  swept_to timestamp with time zone,
  next_sweep_at timestamp with time zone not null,
  created_at timestamp with time zone not null,
  constraint stripe_event_cursors_pkey PRIMARY KEY (stripe_account_id)
);
CREATE INDEX stripe_event_cursors_due ON stripe_event_cursors USING btree (next_sweep_at);

create table stripe_events (
  id text collate "C" not null,
  stripe_event_id text collate "C" not null,
  type text not null,
  stripe_account_id text,
  object_id text,
  object_type text,
  object jsonb not null,
  previous_attributes jsonb,
  api_version text,
  occurred_at timestamp with time zone not null,
  received_at timestamp with time zone not null,
  source text not null,
  status text not null,
  attempts integer default 0 not null,
  dispatched_at timestamp with time zone,
  is_stale boolean default false not null,
  handled_by text[] default '{}'::text[] not null,
  handled_at timestamp with time zone,
  last_error text,
  next_attempt_at timestamp with time zone default clock_timestamp() not null,
  priority smallint default 1 not null,
  constraint stripe_events_pkey PRIMARY KEY (id),
  constraint stripe_events_stripe_event_id_key UNIQUE (stripe_event_id),
  constraint stripe_events_attempts_check CHECK (attempts >= 0),
  constraint stripe_events_check CHECK ((status = ANY (ARRAY['handled'::text, 'ignored'::text])) = (handled_at IS NOT NULL)),
  constraint stripe_events_object_check CHECK (jsonb_typeof(object) = 'object'::text),
  constraint stripe_events_priority_check CHECK (priority = ANY (ARRAY[0, 1])),
  constraint stripe_events_source_check CHECK (source = ANY (ARRAY['webhook'::text, 'sweep'::text])),
  constraint stripe_events_status_check CHECK (status = ANY (ARRAY['pending'::text, 'handled'::text, 'ignored'::text, 'dead'::text]))
);
CREATE INDEX stripe_events_dead ON stripe_events USING btree (id) WHERE status = 'dead'::text;
CREATE INDEX stripe_events_due ON stripe_events USING btree (priority, next_attempt_at, id) WHERE status = 'pending'::text;
CREATE INDEX stripe_events_kept ON stripe_events USING btree (handled_at) WHERE (status = ANY (ARRAY['handled'::text, 'ignored'::text])) AND object <> '{}'::jsonb;
CREATE INDEX stripe_events_of_object ON stripe_events USING btree (object_id, occurred_at) WHERE dispatched_at IS NOT NULL;

create table stripe_mirror_cursors (
  connected_account_id text collate "C" not null,
  newest_balance_transaction_id text collate "C",
  newest_created_at timestamp with time zone,
  backfilled_to timestamp with time zone,
  is_backfilled boolean default false not null,
  updated_at timestamp with time zone not null,
  constraint stripe_mirror_cursors_pkey PRIMARY KEY (connected_account_id)
);

create table webhook_deliveries (
  id text collate "C" not null,
  endpoint_id text collate "C" not null,
  event_id text collate "C" not null,
  payout_id text collate "C",
  event_sequence bigint not null,
  status text not null,
  attempts_count integer default 0 not null,
  first_attempt_at timestamp with time zone,
  next_attempt_at timestamp with time zone,
  leased_until timestamp with time zone,
  delivered_at timestamp with time zone,
  created_at timestamp with time zone not null,
  constraint webhook_deliveries_pkey PRIMARY KEY (id),
  constraint webhook_deliveries_endpoint_id_event_id_key UNIQUE (endpoint_id, event_id),
  constraint webhook_deliveries_attempts_count_check CHECK (attempts_count >= 0),
  constraint webhook_deliveries_check CHECK ((status = 'pending'::text) = (next_attempt_at IS NOT NULL)),
  constraint webhook_deliveries_check1 CHECK (status <> 'delivered'::text OR delivered_at IS NOT NULL),
  constraint webhook_deliveries_status_check CHECK (status = ANY (ARRAY['pending'::text, 'delivered'::text, 'failed'::text, 'canceled'::text]))
);
CREATE INDEX webhook_deliveries_by_age ON webhook_deliveries USING btree (created_at) WHERE status <> 'pending'::text;
CREATE INDEX webhook_deliveries_delivered ON webhook_deliveries USING btree (endpoint_id, delivered_at) WHERE status = 'delivered'::text;
CREATE INDEX webhook_deliveries_due ON webhook_deliveries USING btree (endpoint_id, next_attempt_at) WHERE status = 'pending'::text;
CREATE INDEX webhook_deliveries_event ON webhook_deliveries USING btree (event_id);
CREATE INDEX webhook_deliveries_lane ON webhook_deliveries USING btree (endpoint_id, payout_id, event_sequence) WHERE status = 'pending'::text;

create table webhook_delivery_attempts (
  delivery_id text collate "C" not null,
  attempt integer not null,
  attempted_at timestamp with time zone not null,
  duration_ms integer not null,
  response_status integer,
  response_start text,
  error text,
  constraint webhook_delivery_attempts_pkey PRIMARY KEY (delivery_id, attempt),
  constraint webhook_delivery_attempts_attempt_check CHECK (attempt > 0),
  constraint webhook_delivery_attempts_duration_ms_check CHECK (duration_ms >= 0),
  constraint webhook_delivery_attempts_response_start_check CHECK (length(response_start) <= 500)
);

create table webhook_endpoints (
  id text collate "C" not null,
  url text not null,
  description text,
  event_types text[] not null,
  status text not null,
  disabled_reason text,
  secret_encrypted text not null,
  previous_secret_encrypted text,
  previous_secret_expires_at timestamp with time zone,
  created_at timestamp with time zone not null,
  deleted_at timestamp with time zone,
  constraint webhook_endpoints_pkey PRIMARY KEY (id),
  constraint webhook_endpoints_check CHECK ((status = 'disabled'::text) = (disabled_reason IS NOT NULL)),
  constraint webhook_endpoints_check1 CHECK ((previous_secret_encrypted IS NULL) = (previous_secret_expires_at IS NULL)),
  constraint webhook_endpoints_previous_secret_encrypted_check CHECK (previous_secret_encrypted !~~ 'whsec%'::text),
  constraint webhook_endpoints_secret_encrypted_check CHECK (secret_encrypted !~~ 'whsec%'::text),
  constraint webhook_endpoints_status_check CHECK (status = ANY (ARRAY['enabled'::text, 'disabled'::text])),
  constraint webhook_endpoints_url_check CHECK (length(url) <= 2048)
);

alter table aftercare_settlements add constraint aftercare_settlements_payout_id_fkey FOREIGN KEY (payout_id) REFERENCES payouts(id);
alter table api_keys add constraint api_keys_created_by_api_key_id_fkey FOREIGN KEY (created_by_api_key_id) REFERENCES api_keys(id);
alter table api_keys add constraint api_keys_family_id_fkey FOREIGN KEY (family_id) REFERENCES api_keys(id);
alter table authorization_requests add constraint authorization_requests_authorization_id_fkey FOREIGN KEY (authorization_id) REFERENCES authorizations(id);
alter table authorizations add constraint authorizations_card_id_fkey FOREIGN KEY (card_id) REFERENCES cards(id);
alter table authorizations add constraint authorizations_payout_id_fkey FOREIGN KEY (payout_id) REFERENCES payouts(id);
alter table card_link_reminders add constraint card_link_reminders_card_link_id_fkey FOREIGN KEY (card_link_id) REFERENCES card_links(id) ON DELETE CASCADE;
alter table card_link_reminders add constraint card_link_reminders_connected_account_id_fkey FOREIGN KEY (connected_account_id) REFERENCES connected_accounts(id);
alter table card_link_views add constraint card_link_views_card_link_id_fkey FOREIGN KEY (card_link_id) REFERENCES card_links(id) ON DELETE CASCADE;
alter table card_link_views add constraint card_link_views_connected_account_id_fkey FOREIGN KEY (connected_account_id) REFERENCES connected_accounts(id);
alter table card_links add constraint card_links_connected_account_id_fkey FOREIGN KEY (connected_account_id) REFERENCES connected_accounts(id);
alter table card_links add constraint card_links_payout_id_fkey FOREIGN KEY (payout_id) REFERENCES payouts(id);
alter table card_transactions add constraint card_transactions_authorization_id_fkey FOREIGN KEY (authorization_id) REFERENCES authorizations(id);
alter table card_transactions add constraint card_transactions_card_id_fkey FOREIGN KEY (card_id) REFERENCES cards(id);
alter table card_transactions add constraint card_transactions_payout_id_fkey FOREIGN KEY (payout_id) REFERENCES payouts(id);
alter table card_transactions add constraint card_transactions_refunded_card_transaction_id_fkey FOREIGN KEY (refunded_card_transaction_id) REFERENCES card_transactions(id);
alter table cardholders add constraint cardholders_connected_account_id_fkey FOREIGN KEY (connected_account_id) REFERENCES connected_accounts(id);
alter table cards add constraint cards_cardholder_id_fkey FOREIGN KEY (cardholder_id) REFERENCES cardholders(id);
alter table cards add constraint cards_connected_account_id_fkey FOREIGN KEY (connected_account_id) REFERENCES connected_accounts(id);
alter table disputes add constraint disputes_card_id_fkey FOREIGN KEY (card_id) REFERENCES cards(id);
alter table disputes add constraint disputes_card_transaction_id_fkey FOREIGN KEY (card_transaction_id) REFERENCES card_transactions(id);
alter table disputes add constraint disputes_payout_id_fkey FOREIGN KEY (payout_id) REFERENCES payouts(id);
alter table funding_transfer_hops add constraint funding_transfer_hops_funding_transfer_id_fkey FOREIGN KEY (funding_transfer_id) REFERENCES funding_transfers(id);
alter table funding_transfer_hops add constraint funding_transfer_hops_reverses_funding_transfer_id_fkey FOREIGN KEY (reverses_funding_transfer_id) REFERENCES funding_transfers(id);
alter table funding_transfers add constraint funding_transfers_connected_account_id_fkey FOREIGN KEY (connected_account_id) REFERENCES connected_accounts(id);
alter table ledger_matches add constraint ledger_matches_journal_entry_id_fkey FOREIGN KEY (journal_entry_id) REFERENCES journal_entries(id);
alter table ledger_seals add constraint ledger_seals_previous_number_fkey FOREIGN KEY (previous_number) REFERENCES ledger_seals(number);
alter table payout_batch_rows add constraint payout_batch_rows_batch_id_fkey FOREIGN KEY (batch_id) REFERENCES payout_batches(id);
alter table payout_batch_rows add constraint payout_batch_rows_payout_id_fkey FOREIGN KEY (payout_id) REFERENCES payouts(id);
alter table payout_batches add constraint payout_batches_requested_by_api_key_id_fkey FOREIGN KEY (requested_by_api_key_id) REFERENCES api_keys(id);
alter table payout_batches add constraint payout_batches_requested_by_family_id_fkey FOREIGN KEY (requested_by_family_id) REFERENCES api_keys(id);
alter table payout_timeline add constraint payout_timeline_payout_id_fkey FOREIGN KEY (payout_id) REFERENCES payouts(id);
alter table payouts add constraint payouts_approval_api_key_id_fkey FOREIGN KEY (approval_api_key_id) REFERENCES api_keys(id);
alter table payouts add constraint payouts_cardholder_id_fkey FOREIGN KEY (cardholder_id) REFERENCES cardholders(id);
alter table payouts add constraint payouts_connected_account_id_fkey FOREIGN KEY (connected_account_id) REFERENCES connected_accounts(id);
alter table payouts add constraint payouts_label_fkey FOREIGN KEY (label) REFERENCES payout_labels(label);
alter table payouts add constraint payouts_requested_by_api_key_id_fkey FOREIGN KEY (requested_by_api_key_id) REFERENCES api_keys(id);
alter table postings add constraint postings_journal_entry_id_fkey FOREIGN KEY (journal_entry_id) REFERENCES journal_entries(id);
alter table reconciliation_breaks add constraint reconciliation_breaks_opened_by_run_id_fkey FOREIGN KEY (opened_by_run_id) REFERENCES reconciliation_runs(id);
alter table reconciliation_run_accounts add constraint reconciliation_run_accounts_run_id_fkey FOREIGN KEY (run_id) REFERENCES reconciliation_runs(id);
alter table seller_floats add constraint seller_floats_connected_account_id_fkey FOREIGN KEY (connected_account_id) REFERENCES connected_accounts(id);
alter table webhook_deliveries add constraint webhook_deliveries_endpoint_id_fkey FOREIGN KEY (endpoint_id) REFERENCES webhook_endpoints(id);
alter table webhook_deliveries add constraint webhook_deliveries_event_id_fkey FOREIGN KEY (event_id) REFERENCES outgoing_events(id);
alter table webhook_delivery_attempts add constraint webhook_delivery_attempts_delivery_id_fkey FOREIGN KEY (delivery_id) REFERENCES webhook_deliveries(id);

create view aftercare_items as
 SELECT t.id,
    split_part(t.id, '_'::text, 2) AS "position",
    t.id AS card_transaction_id,
    NULL::text AS stripe_dispute_id,
    t.type,
    t.kind,
    t.amount_minor,
    t.paid_minor,
    t.overspent_minor,
    t.aftercare_minor,
    t.balance_transaction_id,
    t.is_after_close,
    t.refund_match,
    t.refunded_card_transaction_id,
    t.occurred_at,
    t.created_at
   FROM card_transactions t
  WHERE t.is_after_close OR t.overspent_minor <> 0 OR t.aftercare_minor <> 0
UNION ALL
 SELECT d.id,
    split_part(d.id, '_'::text, 2) AS "position",
    d.card_transaction_id,
    d.stripe_dispute_id,
    'dispute'::text AS type,
    'dispute'::text AS kind,
    d.returned_minor AS amount_minor,
    d.paid_minor,
    d.overspent_minor,
    d.aftercare_minor,
    NULL::text AS balance_transaction_id,
    d.aftercare_minor <> 0 AS is_after_close,
    NULL::text AS refund_match,
    NULL::text AS refunded_card_transaction_id,
    COALESCE(d.closed_at, d.updated_at) AS occurred_at,
    d.created_at
   FROM disputes d
  WHERE d.overspent_minor <> 0 OR d.aftercare_minor <> 0;

create view analytics_cards as
 SELECT c.created_at AS occurred_at,
    c.connected_account_id,
    p.label,
    c.stripe_card_id IS NOT NULL AS is_made,
    c.status = 'failed'::text AS has_failed,
    c.failure_code AS reason
   FROM cards c
     JOIN payouts p ON p.id = c.payout_id;

create view analytics_decisions as
 SELECT r.asked_at AS occurred_at,
    r.connected_account_id,
    p.label,
    r.reason,
    r.approved,
    r.latency_ms,
    a.merchant_country AS country,
    a.merchant_category AS category
   FROM authorization_requests r
     JOIN authorizations a ON a.id = r.authorization_id
     JOIN payouts p ON p.id = r.payout_id;

create view analytics_open_breaks as
 SELECT type,
    count(*)::integer AS breaks
   FROM reconciliation_breaks
  WHERE status = 'open'::text
  GROUP BY type;

create view analytics_payouts as
 SELECT p.created_at AS occurred_at,
    p.connected_account_id,
    p.label,
    EXTRACT(epoch FROM ready.at - p.created_at)::double precision AS seconds_to_ready
   FROM payouts p
     CROSS JOIN LATERAL ( SELECT min(t.occurred_at) AS at
           FROM payout_timeline t
          WHERE t.payout_id = p.id AND t.kind = 'status.changed'::text AND (t.detail ->> 'to'::text) = 'ready'::text) ready;

create view cardholder_open_payouts as
 SELECT cardholder_id,
    count(*)::integer AS payouts
   FROM payouts
  WHERE status <> 'closed'::text
  GROUP BY cardholder_id;

create view report_authorizations as
 SELECT r.asked_at AS occurred_at,
    r.created_at AS posted_at,
    r.id AS request_id,
    r.connected_account_id,
    r.payout_id,
    p.reference,
    a.stripe_authorization_id,
    c.last4 AS card_last4,
    r.kind,
    r.approved,
    r.reason,
    a.currency,
    r.amount_minor AS amount,
    r.approved_minor AS approved_amount,
    r.balance_transaction_id,
    a.merchant_name,
    a.merchant_category,
    a.merchant_country,
    r.latency_ms
   FROM authorization_requests r
     JOIN authorizations a ON a.id = r.authorization_id
     JOIN payouts p ON p.id = r.payout_id
     JOIN cards c ON c.id = a.card_id;

create view report_journal as
 SELECT e.occurred_at,
    e.created_at AS posted_at,
    e.id AS entry_id,
    l.id AS posting_id,
    e.kind,
    e.source_id,
    e.connected_account_id,
    e.payout_id,
    chart.number AS account,
    chart.name AS account_name,
    l.currency,
    NULLIF(GREATEST(l.amount_minor, 0::bigint), 0) AS debit,
    NULLIF(GREATEST(- l.amount_minor, 0::bigint), 0) AS credit,
    ((upper("left"(e.kind, 1)) || replace(substr(e.kind, 2), '_'::text, ' '::text)) || ' '::text) || e.source_id AS description,
    COALESCE(p.reference, e.source_id) AS reference
   FROM journal_entries e
     JOIN postings l ON l.journal_entry_id = e.id
     LEFT JOIN payouts p ON p.id = e.payout_id
     JOIN ( VALUES ('1000'::text,'platform_payments'::text), ('1100'::text,'seller_payments'::text), ('1110'::text,'funds_in_transit'::text), ('1120'::text,'reclaim_in_transit'::text), ('1200'::text,'issuing_available'::text), ('1210'::text,'issuing_held'::text), ('1300'::text,'seller_receivable'::text), ('1400'::text,'external_bank'::text), ('1900'::text,'suspense'::text), ('2000'::text,'marketplace_funds'::text), ('2100'::text,'seller_float'::text), ('2200'::text,'payout_owed'::text), ('2210'::text,'payout_held'::text), ('2220'::text,'payout_reclaiming'::text), ('2300'::text,'probe_buffer'::text), ('2400'::text,'aftercare'::text), ('2500'::text,'dispute_provisional'::text), ('6000'::text,'losses'::text), ('6100'::text,'stripe_fees'::text)) chart(number, name) ON chart.name = split_part(l.account, ':'::text, 1);

create view report_ledger as
 SELECT e.occurred_at,
    e.created_at AS posted_at,
    e.id AS entry_id,
    p.id AS posting_id,
    e.kind,
    e.source_id,
    e.connected_account_id,
    e.payout_id,
    p.account,
    p.currency,
    GREATEST(p.amount_minor, 0::bigint) AS debit,
    GREATEST(- p.amount_minor, 0::bigint) AS credit
   FROM journal_entries e
     JOIN postings p ON p.journal_entry_id = e.id;

create view report_movements as
 SELECT e.id AS entry_id,
    e.occurred_at,
    e.created_at AS posted_at,
    e.kind,
    e.source_id,
    e.connected_account_id,
    e.payout_id,
    line.currency,
    line.issuing_available,
    line.issuing_held,
    line.seller_receivable,
    line.towards_seller,
    line.source_funds,
    line.payout_owed,
    line.payout_held,
    line.payout_reclaiming,
    line.probe_buffer,
    line.aftercare
   FROM journal_entries e
     CROSS JOIN LATERAL ( SELECT p.currency,
            COALESCE(sum(p.amount_minor) FILTER (WHERE p.account ~~ 'issuing\_available:%'::text), 0::numeric)::bigint AS issuing_available,
            COALESCE(sum(p.amount_minor) FILTER (WHERE p.account ~~ 'issuing\_held:%'::text), 0::numeric)::bigint AS issuing_held,
            COALESCE(sum(p.amount_minor) FILTER (WHERE p.account ~~ 'seller\_receivable:%'::text), 0::numeric)::bigint AS seller_receivable,
            COALESCE(sum(p.amount_minor) FILTER (WHERE p.account ~~ 'seller\_payments:%'::text OR p.account ~~ 'funds\_in\_transit:%'::text OR p.account ~~ 'seller\_float:%'::text), 0::numeric)::bigint AS towards_seller,
            COALESCE(sum(p.amount_minor) FILTER (WHERE p.account ~~ 'marketplace\_funds:%'::text OR p.account ~~ 'seller\_float:%'::text), 0::numeric)::bigint AS source_funds,
            COALESCE(sum(p.amount_minor) FILTER (WHERE p.account ~~ 'payout\_owed:%'::text), 0::numeric)::bigint AS payout_owed,
            COALESCE(sum(p.amount_minor) FILTER (WHERE p.account ~~ 'payout\_held:%'::text), 0::numeric)::bigint AS payout_held,
            COALESCE(sum(p.amount_minor) FILTER (WHERE p.account ~~ 'payout\_reclaiming:%'::text), 0::numeric)::bigint AS payout_reclaiming,
            COALESCE(sum(p.amount_minor) FILTER (WHERE p.account ~~ 'probe\_buffer:%'::text), 0::numeric)::bigint AS probe_buffer,
            COALESCE(sum(p.amount_minor) FILTER (WHERE p.account ~~ 'aftercare:%'::text), 0::numeric)::bigint AS aftercare
           FROM postings p
          WHERE p.journal_entry_id = e.id
          GROUP BY p.currency) line
  WHERE e.payout_id IS NOT NULL;

create view report_funding as
 SELECT m.occurred_at,
    m.posted_at,
    m.entry_id,
    m.connected_account_id,
    m.payout_id,
    p.reference,
    m.kind,
    m.source_id,
    m.currency,
    m.moved + m.probe_buffer AS amount,
    - m.probe_buffer AS probe_buffer,
    m.moved AS total
   FROM ( SELECT report_movements.entry_id,
            report_movements.occurred_at,
            report_movements.posted_at,
            report_movements.kind,
            report_movements.source_id,
            report_movements.connected_account_id,
            report_movements.payout_id,
            report_movements.currency,
            report_movements.issuing_available,
            report_movements.issuing_held,
            report_movements.seller_receivable,
            report_movements.towards_seller,
            report_movements.source_funds,
            report_movements.payout_owed,
            report_movements.payout_held,
            report_movements.payout_reclaiming,
            report_movements.probe_buffer,
            report_movements.aftercare,
            report_movements.towards_seller AS moved
           FROM report_movements
          WHERE report_movements.kind = ANY (ARRAY['funding_transfer'::text, 'funding_returned'::text, 'topup_created'::text, 'topup_failed'::text, 'float_reserved'::text])) m
     JOIN payouts p ON p.id = m.payout_id;

create view report_reclaims as
 SELECT m.occurred_at,
    m.posted_at,
    m.entry_id,
    m.connected_account_id,
    m.payout_id,
    p.reference,
    m.kind,
    m.source_id,
    m.currency,
        CASE
            WHEN m.kind = 'reclaim_done'::text THEN m.payout_reclaiming
            ELSE 0::bigint
        END AS amount,
    m.probe_buffer,
    m.aftercare,
    - m.source_funds AS total
   FROM report_movements m
     JOIN payouts p ON p.id = m.payout_id
  WHERE m.kind = 'reclaim_done'::text OR m.kind = 'reclaim_returned'::text AND m.source_funds <> 0;

create view report_settlement as
 SELECT m.occurred_at,
    m.posted_at,
    m.entry_id,
    m.connected_account_id,
    m.payout_id,
    p.reference,
    p.amount_minor AS amount,
    m.currency,
        CASE
            WHEN m.kind = 'capture'::text THEN - m.issuing_available
            ELSE 0::bigint
        END AS captured,
        CASE
            WHEN m.kind = ANY (ARRAY['refund'::text, 'refund_reversed'::text]) THEN m.issuing_available
            ELSE 0::bigint
        END AS refunded,
        CASE
            WHEN m.kind <> ALL (ARRAY['payout_accepted'::text, 'payout_released'::text, 'reclaim_done'::text]) THEN m.payout_owed + m.payout_held + m.payout_reclaiming
            ELSE 0::bigint
        END AS paid,
    m.seller_receivable AS overspent,
        CASE
            WHEN m.kind = 'reclaim_done'::text THEN m.payout_owed + m.payout_held + m.payout_reclaiming
            ELSE 0::bigint
        END AS reclaimed,
        CASE
            WHEN m.kind = 'payout_released'::text THEN m.payout_owed + m.payout_held + m.payout_reclaiming
            ELSE 0::bigint
        END AS released
   FROM report_movements m
     JOIN payouts p ON p.id = m.payout_id;

create view analytics_money as
 SELECT s.occurred_at,
    s.connected_account_id,
    p.label,
    s.currency,
    s.captured,
    s.refunded,
    s.paid,
    s.overspent,
    s.reclaimed,
    s.released
   FROM report_settlement s
     JOIN payouts p ON p.id = s.payout_id;

create view report_unspent as
 SELECT m.occurred_at,
    m.posted_at,
    m.entry_id,
    m.connected_account_id,
    m.payout_id,
    p.reference,
    p.amount_minor AS amount,
    m.currency,
        CASE
            WHEN m.kind = ANY (ARRAY['reclaim_intended'::text, 'reclaim_refused'::text]) THEN - m.payout_reclaiming
            WHEN m.kind = 'payout_released'::text THEN m.payout_owed
            ELSE 0::bigint
        END AS unspent,
        CASE
            WHEN m.kind = 'reclaim_done'::text THEN m.payout_reclaiming
            ELSE 0::bigint
        END AS reclaimed,
        CASE
            WHEN m.kind = 'payout_released'::text THEN m.payout_owed
            ELSE 0::bigint
        END AS released
   FROM report_movements m
     JOIN payouts p ON p.id = m.payout_id;
