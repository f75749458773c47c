import { Client } from 'pg';
import { payoutAmount } from './purchases';
import { seedPayouts } from './seed';

/**
 * Writes `count` payouts that were accepted evenly over the last `months` and have all ended a day later: of four in five, 80 percent was
 * captured and the rest came back; of the fifth, all came back. The ends are written without triggers and without the hashes of their
 * chains, which no report reads; that each entry is whole and sums to zero is checked at the end.
 */
export async function seedMonths(url: string, count: number, months: number): Promise<void> {
  await seedPayouts(url, count, { months });
  const sql = new Client({ connectionString: url });
  await sql.connect();
  try {
    await seedEnds(sql);
  } finally {
    await sql.end();
  }
}

async function seedEnds(sql: Client): Promise<void> {
  const captured = Math.floor(payoutAmount * 0.8);
  const total = `${payoutAmount} - captured`;
  await sql.query('set session_replication_role = replica');
  await sql.query('set synchronous_commit = off');
  await sql.query(
    `create temporary table ends as
     select e.payout_id as payout, e.connected_account_id as seller, e.occurred_at + interval '1 day' as at,
            case when p.outcome = 'unspent' then 0 else ${captured} end as captured,
            (select max(id) from journal_entries) + 3 * row_number() over (order by e.id) as entry
       from journal_entries e join payouts p on p.id = e.payout_id where e.kind = 'payout_accepted'`,
  );
  await sql.query(
    `insert into journal_entries (id, connected_account_id, payout_id, kind, source_id, posting_count, occurred_at, sequence, previous_hash, hash)
       overriding system value
     select entry, seller, payout, 'capture', 'ipi_' || payout, 2, at, 3, ''::bytea, ''::bytea from ends where captured > 0
     union all select entry + 1, seller, payout, 'reclaim_intended', 'fund_back_' || payout, 2, at, 4, ''::bytea, ''::bytea from ends
     union all select entry + 2, seller, payout, 'reclaim_done', 'trr_' || payout, 2, at + interval '1 hour', 5, ''::bytea, ''::bytea from ends
     order by 1`,
  );
  await sql.query(
    `insert into postings (journal_entry_id, connected_account_id, payout_id, account, currency, amount_minor)
     select entry, seller, payout, 'payout_owed:' || payout || ':usd', 'usd', captured from ends where captured > 0
     union all select entry, seller, payout, 'issuing_available:' || seller || ':usd', 'usd', -captured from ends where captured > 0
     union all select entry + 1, seller, payout, 'payout_owed:' || payout || ':usd', 'usd', ${total} from ends
     union all select entry + 1, seller, payout, 'payout_reclaiming:' || payout || ':usd', 'usd', -(${total}) from ends
     union all select entry + 2, seller, payout, 'payout_reclaiming:' || payout || ':usd', 'usd', ${total} from ends
     union all select entry + 2, seller, payout, 'marketplace_funds:usd', 'usd', -(${total}) from ends
     order by 1`,
  );
  await sql.query('set session_replication_role = origin');
  await sql.query('vacuum analyze');
  await sql.query('checkpoint');
  const { rows } = await sql.query<{ broken: string }>(
    `select count(*) as broken from (
       select 1 from journal_entries e left join postings p on p.journal_entry_id = e.id
        group by e.id having count(p.id) <> e.posting_count or sum(p.amount_minor) <> 0) each`,
  );
  if (rows[0]!.broken !== '0') throw new Error(`${rows[0]!.broken} of the seeded entries are not whole.`);
}
