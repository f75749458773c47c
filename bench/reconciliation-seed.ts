import { Client } from 'pg';

/** One line in this many differs, in turn: unknown to the ledger, of another amount, unknown to Stripe. */
export const differenceEvery = 10_000;
const chunk = 250_000;

export interface BenchAccount {
  readonly id: string;
  readonly lines: number;
  /** Differences that a comparison must find. */
  readonly differences: number;
}

/**
 * An account with so many lines of Stripe's ledger and as many journal entries of two postings: funding, holds, releases and captures
 * in equal parts. Set by set and without the row triggers; what they guard is checked by {@link refuseInconsistent}.
 */
export async function seedAccount(client: Client, number: number, lines: number): Promise<BenchAccount> {
  const id = `seller_${String(number).padStart(26, '0')}`;
  await client.query(
    `insert into connected_accounts (id, stripe_account_id, display_name, business_type, country, currency, status, funding_rail,
       card_issuing_capability, transfers_capability, requirements, created_at, updated_at)
     values ($1, $2, 'Rocket Rides', 'company', 'US', 'usd', 'active', 'transfer', 'active', 'active', '{}', '2026-01-01', '2026-01-01')`,
    [id, `acct_bench${number}`],
  );
  await client.query(`set session_replication_role = replica`);
  await client.query(`set synchronous_commit = off`);
  const { rows } = await client.query<{ id: string }>(`select coalesce(max(id), 0) as id from journal_entries`);
  const firstEntry = Number(rows[0]!.id) + 1;
  const odd = `(n % ${differenceEvery} = ${differenceEvery - 1})`;
  const turn = `(n / ${differenceEvery} % 3)`;
  for (let from = 0; from < lines; from += chunk) {
    const numbered = `(select n, 'txn_${number}B' || lpad(n::text, 18, '0') as line, $1::bigint + n as entry,
        (array['balance_transfer_inbound', 'issuing_authorization_hold', 'issuing_authorization_release', 'issuing_transaction'])[n % 4 + 1] as type,
        (array['funding_available', 'hold', 'hold_released', 'capture'])[n % 4 + 1] as kind,
        (array['fund_', 'authreq_', 'authreq_', 'ipi_'])[n % 4 + 1] || '${number}C' || lpad(n::text, 20, '0') as source,
        (array['funds_in_transit', 'issuing_held', 'issuing_held', 'suspense'])[n % 4 + 1] as other,
        (array[3, -1, 1, -1])[n % 4 + 1] * (1000 + n % 5000)::bigint as amount,
        timestamptz '2026-02-01' + n * interval '10 seconds' as at, ${odd} as is_odd, ${turn} as turn
      from generate_series($2::int, $3::int - 1) n) as numbered`;
    const to = Math.min(from + chunk, lines);
    const parameters = [firstEntry, from, to];
    await client.query(
      `insert into stripe_balance_transactions (connected_account_id, balance_transaction_id, type, balance_type, amount_minor, fee_minor,
         net_minor, currency, source_id, status, created_at, available_on, mirrored_at)
       select '${id}', line, type, 'issuing', amount, 0, amount, 'usd', source, 'available', at, at, now()
       from ${numbered} where not (is_odd and turn = 2)`,
      parameters,
    );
    await client.query(
      `insert into journal_entries (id, connected_account_id, kind, source_id, posting_count, occurred_at) overriding system value
       select entry, '${id}', kind, source, 2, at from ${numbered} where not (is_odd and turn = 0)`,
      parameters,
    );
    await client.query(
      `insert into postings (journal_entry_id, connected_account_id, account, currency, amount_minor)
       select entry, '${id}', posting.name || ':${id}:usd', 'usd', posting.sign * (amount + case when is_odd and turn = 1 then 7 else 0 end)
       from ${numbered}, lateral (values ('issuing_available', 1), (other, -1)) as posting(name, sign)
       where not (is_odd and turn = 0) order by entry`,
      parameters,
    );
    await client.query(
      `insert into ledger_matches (connected_account_id, balance_transaction_id, journal_entry_id)
       select '${id}', line, entry from ${numbered} where not (is_odd and turn in (0, 2))`,
      parameters,
    );
  }
  await client.query(
    `select setval(pg_get_serial_sequence('journal_entries', 'id'), (select max(id) from journal_entries))`,
  );
  await client.query(`set session_replication_role = origin`);
  return { id, lines, differences: Math.floor(lines / differenceEvery) };
}

/** What the triggers and foreign keys would have refused. */
export async function refuseInconsistent(client: Client): Promise<void> {
  const { rows } = await client.query<{ broken: string; unlinked: string }>(
    `select
       (select count(*) from (select journal_entry_id from postings group by 1
          having count(*) <> 2 or sum(amount_minor) <> 0) as uneven) as broken,
       (select count(*) from ledger_matches m left join journal_entries e on e.id = m.journal_entry_id where e.id is null) as unlinked`,
  );
  const { broken, unlinked } = rows[0]!;
  if (broken !== '0' || unlinked !== '0') {
    throw new Error(`The seeded rows do not hold together: ${broken} uneven entries, ${unlinked} links to nothing.`);
  }
}
