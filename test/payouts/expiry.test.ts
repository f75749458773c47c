import { PayoutProgressService } from '../../src/payouts/payout-progress.service';
import { expectAccepted } from '../http/client';
import { startTestApp, TestApp } from '../support/app';
import { waitFor } from '../support/wait-for';
import { makePayee, Payee, requestPayout } from './paying';

const day = 86_400_000;

/** Payouts that wait for an approval: nothing but their time ends them. More than are ended in one transaction. */
const many = 130;

let app: TestApp;
let replica: TestApp;
let payee: Payee;

beforeAll(async () => {
  app = await startTestApp({ payoutApprovalAboveMinor: { usd: 1n } });
  replica = await startTestApp({}, app);
  payee = await makePayee(app);
}, 60_000);

afterAll(async () => {
  await replica.stop();
  await app.stop();
});

async function payoutsThatAreDue(count: number): Promise<string[]> {
  const expiresAt = new Date(app.clock.now().getTime() + day).toISOString();
  const answers = await Promise.all(
    Array.from({ length: count }, () =>
      requestPayout(app, app.keys.marketplace, payee, 50_00, { expires_at: expiresAt }),
    ),
  );
  for (const answer of answers) expectAccepted('a payout', answer);
  // The job waits in the database's own time: it is not what ends them here.
  app.clock.advance(day + 1_000);
  return answers.map(({ body }) => body.id as string);
}

const expire = (id: string, on = app) => on.app.get(PayoutProgressService).expire(id);

/** How often each of these payouts was told of, noted, and is in which status: once each, or something went wrong. */
async function expectEndedOnce(ids: readonly string[]): Promise<void> {
  await waitFor(`${ids.length} closed payouts`, async () => {
    const [row] = await app.database.query<{ open: number }>(
      `select count(*)::int as open from payouts where id = any($1) and status <> 'closed'`,
      [ids],
    );
    return row!.open === 0;
  });
  const rows = await app.database.query<Record<string, unknown>>(
    `select (select count(*)::int from outgoing_events o where o.payout_id = p.id and o.type = 'payout.expired') as told,
            (select count(*)::int from payout_timeline t where t.payout_id = p.id and t.detail->>'to' = 'expired') as noted,
            (select array_agg(e.kind order by e.sequence) from journal_entries e where e.payout_id = p.id) as entries,
            p.outcome, b.owed_minor::int as owed
       from payouts p join payout_balances b on b.payout_id = p.id where p.id = any($1)`,
    [ids],
  );
  const once = { told: 1, noted: 1, entries: ['payout_accepted', 'payout_released'], outcome: 'unspent', owed: 0 };
  expect(rows).toEqual(ids.map(() => once));
}

describe('payouts that expire in the same moment', () => {
  it('are all ended by the first that is looked at, once each', async () => {
    const ids = await payoutsThatAreDue(many);

    await expire(ids[0]!);

    await expectEndedOnce(ids);
  });

  it('are ended once each by two workers that begin together', async () => {
    const ids = await payoutsThatAreDue(many);

    await Promise.all(ids.map((id, index) => expire(id, index % 2 === 0 ? app : replica)));

    await expectEndedOnce(ids);
  });

  it('are not held up by one among them that cannot be ended, which its own job reports until it can', async () => {
    const ids = await payoutsThatAreDue(100);
    const [bad, ...others] = ids as [string, ...string[]];
    await app.database.query(
      `create function refuse_one() returns trigger language plpgsql as $$ begin raise exception 'not this one'; end $$`,
    );
    await app.database.query(
      `create trigger refuse_one before update of status on payouts for each row when (old.id = '${bad}') execute function refuse_one()`,
    );

    await expire(others[7]!);
    await expectEndedOnce(others);
    await expect(expire(bad)).rejects.toThrow('not this one');

    const [left] = await app.database.query(`select status from payouts where id = $1`, [bad]);
    expect(left).toEqual({ status: 'pending' });
    await app.database.query('drop trigger refuse_one on payouts');
    await app.app.get(PayoutProgressService).wakeOverdue();
    await expectEndedOnce([bad]);
  });

  it('lose nothing when the connection dies in the middle of a hundred', async () => {
    const ids = await payoutsThatAreDue(100);
    await app.database.query('create sequence deaths');
    await app.database.query(
      `create function die_in_the_middle() returns trigger language plpgsql as $$ begin
         if new.detail->>'to' = 'expired' and nextval('deaths') = 50 then perform pg_terminate_backend(pg_backend_pid()); end if;
         return new;
       end $$`,
    );
    await app.database.query(
      'create trigger die_in_the_middle before insert on payout_timeline for each row execute function die_in_the_middle()',
    );

    await expire(ids[0]!);

    await expectEndedOnce(ids);
    const [deaths] = await app.database.query<{ counted: number }>('select last_value::int as counted from deaths');
    // Fifty of the first try, which died, and a hundred of the second.
    expect(deaths!.counted).toBe(150);
  });
});
