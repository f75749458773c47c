import { MigrationInterface, QueryRunner } from 'typeorm';

export class CreateDecideAuthorization1767001000003 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`set local lock_timeout = '5s'`);
    await queryRunner.query(`
      -- Decides one authorization request and writes everything that follows from it, in one statement and one commit: the hold must not
      -- exist without the answer, nor the answer without the hold, and Stripe waits two seconds. Therefore, alone of all SQL here, it writes
      -- tables of other modules: it moves payouts.status from ready to authorized, adds to payout_timeline, posts through
      -- post_journal_entry and appends to the outbox. Owned by authorizations. A test holds its status move to the payout's table of moves.
      --
      -- request: see evaluate_authorization, and stripe_authorization_id, stripe_card_id, stripe_account (null: not said),
      --          stripe_event_id, authorization_id and request_id (ours, for new rows), merchant, merchant_amount_minor, merchant_currency,
      --          authorization_method, stages (milliseconds spent before), gave_up (record a refusal that was already sent: its reason),
      --          budget_ms (a decision that took longer undoes itself: its asker has answered without it)
      -- answer:  is_known (a card of ours), approved, reason, amount_minor, is_partial, is_repeated, authorization_id, payout_id
      create function decide_authorization(request jsonb, now timestamptz) returns jsonb
      language plpgsql as $$
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
      end $$;
    `);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`set local lock_timeout = '5s'`);
    await queryRunner.query(`drop function decide_authorization(jsonb, timestamptz)`);
  }
}
