import { Client } from 'pg';
import { payoutAmount, sellerCount } from './purchases';

const probeBuffer = 100;
const chunk = 25_000;

// As many as this machine has processors, give or take: the hashes of the chains are most of the work.
const seeders = 2;

/** Where the payouts are not of this moment: accepted evenly over these months, in their order, and closed; each fifth unspent. */
export type History = Readonly<{ months: number }>;

/**
 * Writes `count` payouts that are ready to be spent, with their sellers, cards and journal: promised, funded from the seller's
 * float, hash-chained. Set by set and without the row triggers, which would take an hour for a million; what they guard is
 * checked at the end instead.
 */
export async function seedPayouts(url: string, count: number, history?: History): Promise<void> {
  const clients = Array.from({ length: seeders }, () => new Client({ connectionString: url }));
  const [client] = clients as [Client];
  try {
    for (const each of clients) {
      await each.connect();
      await each.query('set session_replication_role = replica');
      // Nothing of this has to survive a crash, and the last checkpoint below makes it durable all the same.
      await each.query('set synchronous_commit = off');
    }
    await client.query(`alter system set max_wal_size = '4GB'`);
    await client.query('select pg_reload_conf()');
    await seedSellers(client, count);
    const acceptedAt = history ? `now() - interval '${history.months} months' * (1 - n::float8 / ${count})` : 'now()';
    let next = 0;
    const seed = async (each: Client): Promise<void> => {
      for (let from = next; from < count; from = next) {
        next += chunk;
        await seedChunk(each, from, Math.min(from + chunk, count), {
          acceptedAt,
          status: history ? 'closed' : 'ready',
          outcome: history ? `case when n % 5 = 0 then 'unspent' else 'partially_spent' end` : 'null',
        });
      }
    };
    await Promise.all(clients.map(seed));
    await client.query(
      `select setval(pg_get_serial_sequence('journal_entries', 'id'), (select max(id) from journal_entries))`,
    );
    await client.query('set session_replication_role = origin');
    await client.query(`set maintenance_work_mem = '256MB'`);
    await client.query('vacuum analyze');
    await client.query('alter system reset max_wal_size');
    await client.query('select pg_reload_conf()');
    await client.query('checkpoint');
    await refuseInconsistent(client, count);
  } finally {
    await Promise.all(clients.map((each) => each.end()));
  }
}

async function seedSellers(client: Client, count: number): Promise<void> {
  await client.query(
    `insert into connected_accounts (id, stripe_account_id, display_name, business_type, country, currency, status, funding_rail,
       card_issuing_capability, transfers_capability, requirements, created_at, updated_at)
     select 'seller_' || lpad(n::text, 26, '0'), 'acct_bench' || lpad(n::text, 4, '0'), 'Seller ' || n, 'company', 'US', 'usd', 'active',
       'prefunded', 'active', 'active', '{}', now(), now()
     from generate_series(0, ${sellerCount} - 1) n`,
  );
  await client.query(
    `insert into cardholders (id, connected_account_id, stripe_cardholder_id, type, status, personal_data_encrypted, requirements,
       created_at, updated_at)
     select 'holder_' || lpad(n::text, 26, '0'), 'seller_' || lpad(n::text, 26, '0'), 'ich_bench' || n, 'individual', 'active', 'none',
       '{"disabledReason": null, "pastDue": []}', now(), now()
     from generate_series(0, ${sellerCount} - 1) n`,
  );
  // The float that all of a seller's payouts come out of: one entry each, before the payouts' own.
  const float = Math.ceil(count / sellerCount) * (payoutAmount + probeBuffer);
  await client.query(
    `with entry as (
       insert into journal_entries (connected_account_id, kind, source_id, posting_count, occurred_at)
       select id, 'float_observed', 'txn_' || id, 2, now() from connected_accounts returning id, connected_account_id)
     insert into postings (journal_entry_id, connected_account_id, account, currency, amount_minor)
     select id, connected_account_id, line.name || ':' || connected_account_id || ':usd', 'usd', line.amount
     from entry, (values ('issuing_available', ${float}::bigint), ('seller_float', -${float}::bigint)) as line(name, amount)`,
  );
}

async function seedChunk(
  client: Client,
  from: number,
  to: number,
  { acceptedAt, status, outcome }: { acceptedAt: string; status: string; outcome: string },
): Promise<void> {
  const hash = (previous: string, sequence: number, kind: string, source: string, accounts: string, amounts: string) =>
    `sha256(convert_to(canonical_entry(${previous}, payout, ${sequence}, '${kind}', ${source}, at, array[${accounts}], array[${amounts}]::bigint[]), 'UTF8'))`;
  const promised = `'marketplace_funds:usd', 'payout_owed:' || payout || ':usd'`;
  const reserved = `'seller_float:' || seller || ':usd', 'marketplace_funds:usd', 'probe_buffer:' || payout || ':usd'`;
  const total = payoutAmount + probeBuffer;
  await client.query('begin');
  await client.query(
    `create temporary table seeded on commit drop as
     with numbered as (
       select n, 'payout_' || lpad(n::text, 26, '0') as payout, 'fund_' || lpad(n::text, 26, '0') as fund,
         'card_' || lpad(n::text, 26, '0') as card, 'ic_bench' || lpad(n::text, 10, '0') as stripe_card,
         'seller_' || lpad((n % ${sellerCount})::text, 26, '0') as seller, 'holder_' || lpad((n % ${sellerCount})::text, 26, '0') as holder,
         ${acceptedAt} as at, ${sellerCount} + 2 * n + 1 as first_entry
       from generate_series(${from}, ${to} - 1) n),
     promised as (
       select *, ${hash(`''::bytea`, 1, 'payout_accepted', 'payout', promised, `${payoutAmount}, -${payoutAmount}`)} as hash_1
       from numbered)
     select *, ${hash('hash_1', 2, 'float_reserved', 'fund', reserved, `${total}, -${payoutAmount}, -${probeBuffer}`)} as hash_2
     from promised`,
  );
  await client.query(
    `insert into payouts (id, connected_account_id, cardholder_id, amount_minor, currency, status, outcome, reference, controls, metadata,
       expires_at, card_id, created_at, updated_at)
     select payout, seller, holder, ${payoutAmount}, 'usd', '${status}', ${outcome}, 'order-' || n, '{}', '{}', at + interval '20 days', card, at, at
     from seeded`,
  );
  await client.query(
    `insert into cards (id, payout_id, connected_account_id, cardholder_id, stripe_card_id, last4, brand, exp_month, exp_year, status,
       amount_minor, currency, amount_match, created_at, updated_at)
     select card, payout, seller, holder, stripe_card, '4242', 'Visa', 12, 2030, 'active', ${payoutAmount}, 'usd', 'up_to', at, at
     from seeded`,
  );
  await client.query(
    `insert into journal_entries (id, connected_account_id, payout_id, kind, source_id, posting_count, occurred_at, sequence,
       previous_hash, hash) overriding system value
     select first_entry, seller, payout, 'payout_accepted', payout, 2, at, 1, ''::bytea, hash_1 from seeded
     union all select first_entry + 1, seller, payout, 'float_reserved', fund, 3, at, 2, hash_1, hash_2 from seeded`,
  );
  await client.query(
    `insert into postings (journal_entry_id, connected_account_id, payout_id, account, currency, amount_minor)
     select first_entry, seller, payout, 'marketplace_funds:usd', 'usd', ${payoutAmount} from seeded
     union all select first_entry, seller, payout, 'payout_owed:' || payout || ':usd', 'usd', -${payoutAmount} from seeded
     union all select first_entry + 1, seller, payout, 'seller_float:' || seller || ':usd', 'usd', ${total} from seeded
     union all select first_entry + 1, seller, payout, 'marketplace_funds:usd', 'usd', -${payoutAmount} from seeded
     union all select first_entry + 1, seller, payout, 'probe_buffer:' || payout || ':usd', 'usd', -${probeBuffer} from seeded`,
  );
  await client.query(
    `insert into payout_balances (payout_id, connected_account_id, currency, accepted_minor, owed_minor, probe_buffer_minor, funded_minor,
       last_sequence, last_hash)
     select payout, seller, 'usd', ${payoutAmount}, ${payoutAmount}, ${probeBuffer}, ${total}, 2, hash_2 from seeded`,
  );
  await client.query(
    `insert into payout_timeline (payout_id, occurred_at, kind, detail) select payout, at, 'payout.created', '{}' from seeded`,
  );
  await client.query('commit');
}

/** What the triggers and foreign keys would have refused. */
async function refuseInconsistent(client: Client, count: number): Promise<void> {
  const { rows } = await client.query<Record<string, string>>(
    `select
       (select count(*) from (
          select 1 from journal_entries e left join postings p on p.journal_entry_id = e.id
          group by e.id having count(p.id) <> e.posting_count or sum(p.amount_minor) <> 0) broken) as broken_entries,
       (select count(*) from cards c join payouts p on p.id = c.payout_id and p.card_id = c.id
          join connected_accounts a on a.id = c.connected_account_id join cardholders h on h.id = c.cardholder_id
          join payout_balances b on b.payout_id = p.id and b.connected_account_id = a.id) as whole_payouts`,
  );
  const { broken_entries: broken, whole_payouts: whole } = rows[0]!;
  if (Number(broken) !== 0 || Number(whole) !== count) {
    throw new Error(
      `The seeded rows do not hold together: ${broken} broken entries, ${whole} of ${count} payouts whole.`,
    );
  }
}
