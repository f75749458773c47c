import { MigrationInterface, QueryRunner } from 'typeorm';

export class CreateEvaluateAuthorization1767001000002 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`set local lock_timeout = '5s'`);
    await queryRunner.query(`
      -- Whether an authorization request is approved, and for how much. Pure: the same question and facts give the same answer, so a
      -- stored decision can be run again. Asked by decide_authorization and by replay. Amounts are minor units of the card's currency.
      --
      -- request: amount_minor (the additional hold), currency, history_length, held_before_minor (what Stripe holds already),
      --          is_amount_controllable, cashback_minor, merchant {category, country}
      -- facts:   now, unit_minor, owed_minor, probes (approved on this card before), uses (purchases approved for this payout, on any of
      --          its cards, that the merchant did not let go of), card, payout, account,
      --          authorization (ours, when this question is an increment of it)
      -- answer:  approved, reason, kind, amount_minor (to hold), backed_minor (the payout's own money in it),
      --          opens (it takes the card's one use), rules_version
      create function evaluate_authorization(request jsonb, facts jsonb) returns jsonb
      language plpgsql immutable parallel safe as $$
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
      end $$;
    `);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`set local lock_timeout = '5s'`);
    await queryRunner.query(`drop function evaluate_authorization(jsonb, jsonb)`);
  }
}
