import type { Session } from './session';

export interface BookEntry {
  account: string;
  currency: string;
  balance_type: string;
  available: number;
  pending: number;
}

export interface Books {
  balances: BookEntry[];
  /** The other ends: bank, buyers, the Connect reserve, holds, merchants, networks, and what must be zero between accounts and balances. */
  counterparts: { account: string; currency: string; place: string; amount: number }[];
  held: { account: string; currency: string; amount: number }[];
  problems: string[];
  balanced: boolean;
}

const ofPlatform = 'in (select id from accounts where platform = ?)';

/** Adds up every balance transaction again and holds the running sums, the counterparts and the objects to it. */
export function readBooks(session: Session): Books {
  const { db, platform } = session;
  const balances = db.all<BookEntry>(
    `select account, currency, balance_type, available, pending from balances where account ${ofPlatform}
     order by account, currency, balance_type`,
    platform.id,
  );
  const counterparts = db.all<Books['counterparts'][number]>(
    `select account, currency, place, amount from counterparts where account ${ofPlatform} order by account, currency, place`,
    platform.id,
  );
  const held = db.all<Books['held'][number]>(
    `select account, json_extract(body, '$.currency') as currency, sum(json_extract(hidden, '$.held')) as amount
     from objects where kind = 'issuing.authorization' and account ${ofPlatform} group by 1, 2`,
    platform.id,
  );
  const recomputed = db.all<BookEntry>(
    `select account, json_extract(body, '$.currency') as currency, json_extract(body, '$.balance_type') as balance_type,
       sum(iif(json_extract(body, '$.status') = 'available', json_extract(body, '$.amount'), 0)) as available,
       sum(iif(json_extract(body, '$.status') = 'pending', json_extract(body, '$.amount'), 0)) as pending
     from objects where kind = 'balance_transaction' and account ${ofPlatform} group by 1, 2, 3`,
    platform.id,
  );
  const problems = [
    ...runningSumProblems(balances, recomputed),
    ...counterpartProblems(balances, counterparts),
    ...holdProblems(counterparts, held),
    ...reversalProblems(session),
    ...reserveProblems(session, counterparts),
  ];
  return {
    balances,
    counterparts,
    held: held.filter(({ amount }) => amount !== 0),
    problems,
    balanced: problems.length === 0,
  };
}

function keyOf(entry: { account: string; currency: string; balance_type: string }): string {
  return `${entry.account} ${entry.balance_type} ${entry.currency}`;
}

function runningSumProblems(balances: BookEntry[], recomputed: BookEntry[]): string[] {
  const sums = new Map(recomputed.map((entry) => [keyOf(entry), entry]));
  const problems = balances.flatMap((entry) => {
    const sum = sums.get(keyOf(entry));
    sums.delete(keyOf(entry));
    const matches = entry.available === (sum?.available ?? 0) && entry.pending === (sum?.pending ?? 0);
    return matches
      ? []
      : [
          `${keyOf(entry)}: balance ${entry.available}/${entry.pending}, its transactions ${sum?.available}/${sum?.pending}`,
        ];
  });
  return [...problems, ...[...sums.keys()].map((key) => `${key}: transactions without a balance`)];
}

function counterpartProblems(balances: BookEntry[], counterparts: Books['counterparts']): string[] {
  const totals = new Map<string, number>();
  const add = (key: string, amount: number) => totals.set(key, (totals.get(key) ?? 0) + amount);
  for (const { account, currency, available, pending } of balances)
    add(`${account} ${currency} altogether`, available + pending);
  for (const { account, currency, place, amount } of counterparts) {
    add(`${account} ${currency} altogether`, amount);
    if (place === 'other_accounts') add(`between accounts in ${currency}`, amount);
    if (place === 'other_balances') add(`between balances of ${account} in ${currency}`, amount);
  }
  return [...totals].filter(([, amount]) => amount !== 0).map(([key, amount]) => `${key}: ${amount} instead of 0`);
}

function holdProblems(counterparts: Books['counterparts'], held: Books['held']): string[] {
  const open = new Map(held.map(({ account, currency, amount }) => [`${account} ${currency}`, amount]));
  const posted = new Map(
    counterparts
      .filter(({ place }) => place === 'holds')
      .map(({ account, currency, amount }) => [`${account} ${currency}`, amount]),
  );
  return [...new Set([...open.keys(), ...posted.keys()])]
    .filter((key) => (open.get(key) ?? 0) !== (posted.get(key) ?? 0))
    .map(
      (key) => `${key}: authorizations hold ${open.get(key) ?? 0}, balance transactions say ${posted.get(key) ?? 0}`,
    );
}

function reversalProblems({ db, platform }: Session): string[] {
  const wrong = db.all<{ id: string }>(
    `select t.id from objects t where t.kind = 'transfer' and t.account ${ofPlatform}
       and json_extract(t.body, '$.amount_reversed') <> coalesce((
         select sum(json_extract(r.body, '$.amount')) from object_fields f join objects r on r.seq = f.seq
         where f.account = t.account and f.kind = 'transfer_reversal' and f.field = 'transfer' and f.value = t.id), 0)`,
    platform.id,
  );
  return wrong.map(({ id }) => `${id}: amount_reversed differs from its reversals`);
}

function reserveProblems({ db, platform }: Session, counterparts: Books['counterparts']): string[] {
  const owed = db.all<{ currency: string; amount: number }>(
    `select b.currency, -sum(b.available) as amount
     from balances b join objects a on a.account = ? and a.kind = 'account' and a.id = b.account
     where b.balance_type = 'payments' and b.available < 0 and b.account <> a.account
       and json_extract(a.body, '$.controller.losses.payments') = 'application' group by 1`,
    platform.id,
  );
  const missing = new Map(owed.map(({ currency, amount }) => [currency, amount]));
  for (const { account, currency, place, amount } of counterparts) {
    if (account === platform.id && place === 'connect_reserve')
      missing.set(currency, (missing.get(currency) ?? 0) - amount);
  }
  return [...missing]
    .filter(([, amount]) => amount !== 0)
    .map(([currency, amount]) => `sellers owe ${amount} ${currency} more than is reserved for them`);
}
