import { newId } from '../../src/shared/ids';
import { waitFor } from '../support/wait-for';
import { BreakView, FinanceStory, StoryPayout, StorySeller } from './finance-story';

/** Every difference has a name, and goes away from the list when it goes away in the world. */
describe('a break', () => {
  let story: FinanceStory;
  let seller: StorySeller;

  beforeAll(async () => {
    story = await FinanceStory.begin();
  });
  afterAll(async () => {
    await story.end();
  });
  beforeEach(async () => {
    seller = await story.seller();
  });

  const sql = <Row = Record<string, unknown>>(text: string, parameters: unknown[] = []) =>
    story.app.database.query<Row>(text, parameters);
  const at = () => ({ stripeAccount: seller.stripeAccountId });
  const later = (ms: number) => new Date(story.app.clock.now().getTime() + ms);

  async function openOf(account: string): Promise<BreakView[]> {
    const path = `/v1/reconciliation-breaks?status=open&connected_account=${account}&limit=100`;
    return (await story.call<{ data: BreakView[] }>('finance', 'GET', path)).body.data;
  }

  /** Runs, and expects exactly these open breaks of the account. */
  async function find(expected: readonly object[], account = seller.id): Promise<BreakView[]> {
    const run = await story.reconcile({ connected_account: account });
    const open = await openOf(account);
    expect(open.map(({ type, difference }) => ({ type, difference }))).toEqual(
      expected.map((one): unknown => expect.objectContaining(one)),
    );
    expect(run).toMatchObject({ status: 'completed', breaks_open: expected.length });
    return open;
  }

  /** Runs again, and expects that the run closed them all by itself. */
  async function expectHealed(breaks: readonly BreakView[], account = seller.id): Promise<void> {
    const run = await story.reconcile({ connected_account: account });
    expect(await openOf(account)).toEqual([]);
    for (const { id } of breaks) {
      const { body } = await story.call<BreakView>('finance', 'GET', `/v1/reconciliation-breaks/${id}`);
      expect(body).toMatchObject({ status: 'healed', closed_by: run.id });
    }
    expect(run.healed).toBeGreaterThanOrEqual(breaks.length);
  }

  /** Two people book the difference against suspense. */
  async function correct({ id }: BreakView): Promise<void> {
    const path = `/v1/reconciliation-breaks/${id}`;
    await story.call('finance', 'POST', `${path}/resolve`, { note: 'Not known yet.', correct_against: 'suspense' });
    expect((await story.call('admin', 'POST', `${path}/approve`)).body).toMatchObject({ status: 'resolved' });
  }

  const statusOf = async (authorization: string) => {
    const [row] = await sql<{ status: string }>(
      `select status from authorizations where stripe_authorization_id = $1`,
      [authorization],
    );
    return row?.status;
  };
  const fund = (amount: number) =>
    story.app.stripe.rawRequest(
      'POST',
      '/v1/test_helpers/issuing/fund_balance',
      { amount, currency: 'usd' },
      { stripeAccount: seller.stripeAccountId },
    );
  const lineOf = async (amount: number): Promise<string> => {
    const { data } = await story.app.stripe.balanceTransactions.list({ limit: 100 }, at());
    return data.find((line) => line.net === amount)!.id;
  };
  const book = (source: string, amount: number, lines: readonly string[]) =>
    sql(`select post_journal_entry('float_observed', $1, $2, null, now(), $3::text[], $4::bigint[], $5::text[])`, [
      source,
      seller.id,
      [`issuing_available:${seller.id}:usd`, `seller_float:${seller.id}:usd`],
      [amount, -amount],
      lines,
    ]);

  it('missing_in_ledger, a surplus at Stripe, heals when it is booked', async () => {
    await fund(77_00);
    const found = await find([{ type: 'missing_in_ledger', difference: 77_00 }]);

    await book('late', 77_00, [await lineOf(77_00)]);
    await expectHealed(found);
  });

  it('missing_in_ledger, a shortage at Stripe: a bank payout out of the Issuing balance', async () => {
    await fund(60_00);
    await book('float', 60_00, [await lineOf(60_00)]);
    await story.app.stripe.payouts.create({ amount: 25_00, currency: 'usd', source_balance: 'issuing' } as never, at());
    const [found] = await find([{ type: 'missing_in_ledger', difference: -25_00 }]);
    expect(found!.evidence).toMatchObject({ balance_transaction_type: 'payout' });

    // Nothing can heal this: two people book it as what the seller owes.
    const path = `/v1/reconciliation-breaks/${found!.id}`;
    await story.call('finance', 'POST', `${path}/resolve`, {
      note: 'Drained.',
      correct_against: 'seller_receivable',
    });
    expect((await story.call('admin', 'POST', `${path}/approve`)).body).toMatchObject({ status: 'resolved' });
    const run = await story.reconcile({ connected_account: seller.id });
    expect(run.accounts[0]).toMatchObject({ breaks_open: 0, stripe_issuing: 35_00, ledger_issuing: 35_00 });
  });

  it('missing_at_stripe, a surplus of ours, heals when Stripe’s line comes', async () => {
    await book('early', 45_00, []);
    const found = await find([{ type: 'missing_at_stripe', difference: -45_00 }]);

    await fund(45_00);
    await sql(
      `insert into ledger_matches (connected_account_id, balance_transaction_id, journal_entry_id)
       select $1, $2, id from journal_entries where connected_account_id = $1 and source_id = 'early'`,
      [seller.id, await lineOf(45_00)],
    );
    await expectHealed(found);
  });

  it('amount_differs, and the correcting entry brings the ledger to Stripe’s figure', async () => {
    await fund(50_00);
    await book('short', 40_00, [await lineOf(50_00)]);
    const [found] = await find([{ type: 'amount_differs', difference: 10_00 }]);

    const path = `/v1/reconciliation-breaks/${found!.id}`;
    expect((await story.call('finance', 'POST', `${path}/resolve`, { correct_against: 'suspense' })).status).toBe(400);
    await story.call('finance', 'POST', `${path}/resolve`, { note: 'Typing error.', correct_against: 'suspense' });
    const sameKey = await story.call('finance', 'POST', `${path}/approve`);
    expect([sameKey.status, sameKey.body['code']]).toEqual([409, 'correction_needs_another_key']);
    expect((await story.call('auditor', 'POST', `${path}/approve`)).status).toBe(403);
    await story.call('admin', 'POST', `${path}/approve`);
    const run = await story.reconcile({ connected_account: seller.id });

    expect(run.accounts[0]).toMatchObject({ breaks_open: 0, stripe_issuing: 50_00, ledger_issuing: 50_00 });
    const [entry] = await sql<{ entries: string }>(
      `select count(*) as entries from journal_entries where kind = 'correction' and source_id = $1`,
      [found!.id],
    );
    expect(entry!.entries).toBe('1');
  });

  it('is corrected by another hand, not by another key of the same one', async () => {
    await fund(20_00);
    const [found] = await find([{ type: 'missing_in_ledger', difference: 20_00 }]);
    const path = `/v1/reconciliation-breaks/${found!.id}`;
    const asker = await story.key('admin', { name: 'asker', role: 'admin' });
    await story.call(asker, 'POST', `${path}/resolve`, { note: 'A gift.', correct_against: 'suspense' });

    const made = await story.key(asker, { name: 'second pair', role: 'finance' });
    const rotated = await story.call<{ key: string }>('admin', 'POST', `/v1/api-keys/${asker.id}/rotate`);
    for (const hand of [asker, made, { key: rotated.body.key }]) {
      const { status, body } = await story.call(hand, 'POST', `${path}/approve`);
      expect([status, body['code']]).toEqual([409, 'correction_needs_another_key']);
    }

    expect((await story.call('admin', 'POST', `${path}/approve`)).body).toMatchObject({ status: 'resolved' });
    expect(await story.reconcile({ connected_account: seller.id })).toMatchObject({ breaks_open: 0 });
  });

  it('duplicate, one fact that moved twice, until two people have booked the second time', async () => {
    await fund(15_00);
    const first = await lineOf(15_00);
    await fund(15_00);
    const lines = (await story.app.stripe.balanceTransactions.list({ limit: 100 }, at())).data;
    const second = lines.find((line) => line.net === 15_00 && line.id !== first)!.id;
    await book('float', 15_00, [first, second]);
    const [found] = await find([{ type: 'duplicate', difference: 15_00 }]);

    await correct(found!);
    const run = await story.reconcile({ connected_account: seller.id });

    expect(run.accounts[0]).toMatchObject({ breaks_open: 0, stripe_issuing: 30_00, ledger_issuing: 30_00 });
  });

  it('currency_differs, which leaves one amount too much and one too little', async () => {
    await fund(15_00);
    const line = await lineOf(15_00);
    await sql(
      `select post_journal_entry('float_observed', 'euros', $1, null, now(), $2::text[], '{1500,-1500}', $3::text[])`,
      [seller.id, [`issuing_available:${seller.id}:eur`, `seller_float:${seller.id}:eur`], [line]],
    );
    const found = await find([
      { type: 'missing_at_stripe', difference: -15_00 },
      { type: 'currency_differs', difference: 15_00 },
    ]);

    for (const each of found) await correct(each);
    const run = await story.reconcile({ connected_account: seller.id });

    expect(run.accounts[0]).toMatchObject({ breaks_open: 0, stripe_issuing: 15_00, ledger_issuing: 15_00 });
    const [euros] = await sql<{ left: string }>(`select sum(amount_minor) as left from postings where account = $1`, [
      `issuing_available:${seller.id}:eur`,
    ]);
    expect(euros!.left).toBe('0');
  });

  it('missing_at_stripe of a hold taken back though Stripe held it: one correction clears it and what was set aside for it', async () => {
    const payout = await story.readyPayout(seller, 50_00);
    const authorization = await story.purchase(payout, 50_00);
    await waitFor(
      'the hold to be linked to its line',
      async () =>
        (
          await sql(`select from authorization_requests where payout_id = $1 and balance_transaction_id is not null`, [
            payout.id,
          ])
        ).length > 0,
    );
    await story.untilQuiet();
    // What still has news in hand would book the hold again.
    await waitFor('all news to be handled', async () => {
      const [open] = await sql<{ count: number }>(
        `select (select count(*) from stripe_events where status not in ('handled', 'ignored'))::int
              + (select count(*) from pgboss.job where state in ('created', 'active', 'retry') and name like 'on.%')::int as count`,
      );
      return open!.count === 0;
    });
    await sql(
      `with taken as (
         update authorizations set held_minor = 0, backed_minor = 0 where stripe_authorization_id = $1 returning id)
       select post_journal_entry('hold_withdrawn', request.id, $2, $3, now(), array['issuing_available:' || $2 || ':usd', 'payout_held:' || $3 || ':usd',
                'issuing_held:' || $2 || ':usd', 'payout_owed:' || $3 || ':usd'], array[5000, 5000, -5000, -5000]::bigint[])
       from taken join authorization_requests request on request.authorization_id = taken.id`,
      [authorization, seller.id, payout.id],
    );
    await story.capture(payout, authorization);
    await story.untilPayout(payout.id, ['closed']);

    const [found] = await find([{ type: 'missing_at_stripe', difference: -50_00 }]);
    expect(found!.evidence).toMatchObject({ entry_kind: 'hold_withdrawn' });
    await correct(found!);

    const run = await story.reconcile({ connected_account: seller.id });
    expect(run.accounts[0]).toMatchObject({ breaks_open: 0, stripe_issuing: 0, ledger_issuing: 0 });
    expect(
      await sql(`select sum(amount_minor)::int as left from postings where account = $1`, [
        `suspense:${seller.id}:usd`,
      ]),
    ).toEqual([{ left: 0 }]);
  });

  it('balance_differs, when Stripe’s balance is not the sum of its lines', async () => {
    await fund(30_00);
    const line = await lineOf(30_00);
    await book('float', 30_00, [line]);
    await find([]);
    // A line that Stripe changed behind our back, or that we mirrored wrongly.
    const change = (by: number) =>
      sql(`update stripe_balance_transactions set net_minor = net_minor + $2 where balance_transaction_id = $1`, [
        line,
        by,
      ]);
    await change(5_00);
    const found = await find([
      { type: 'balance_differs', difference: -5_00 },
      { type: 'amount_differs', difference: 5_00 },
    ]);

    await change(-5_00);
    await expectHealed(found);
  });

  it('negative_balance and overspend, until the cover has come', async () => {
    const payout = await story.readyPayout(seller, 50_00);
    await story.untilQuiet();
    await story.platform.control('POST', '/faults', {
      on: 'request',
      action: 'rate_limit',
      method: 'POST',
      path: '/v1/transfers',
      times: 1_000,
    });
    await story.capture(payout, await story.purchase(payout, 50_00), 56_00);
    await story.untilPayout(payout.id, ['settled', 'closed']);
    const found = await find([{ type: 'negative_balance', difference: -5_00 }]);

    await story.platform.control('DELETE', '/faults');
    await waitFor('the cover', async () => (await story.platform.issuingBalance(seller.stripeAccountId)) >= 0, 60_000);
    await story.untilQuiet();
    await expectHealed(found);
  });

  it('status_differs of a card that Stripe would take and we would not', async () => {
    const payout = await story.readyPayout(seller, 50_00);
    await story.untilQuiet();
    const say = (status: string) =>
      sql(`update cards set status = $2, updated_at = $3 where stripe_card_id = $1`, [
        payout.stripeCardId,
        status,
        later(-3_600_000),
      ]);
    await say('canceled');
    const found = await find([{ type: 'status_differs' }]);
    expect(found[0]).toMatchObject({ evidence: { ours: 'canceled', stripe: 'active' } });

    await say('active');
    await expectHealed(found);
  });

  describe('status_differs of an authorization', () => {
    let payout: StoryPayout;
    let authorization: string;

    beforeEach(async () => {
      payout = await story.readyPayout(seller, 50_00);
      authorization = await story.purchase(payout, 50_00);
      await story.untilPayout(payout.id, ['authorized']);
      await story.untilQuiet();
    });

    it('that Stripe has never heard of, until it is ended', async () => {
      await sql(
        `insert into authorizations (id, stripe_authorization_id, connected_account_id, payout_id, card_id, kind, status, approved,
           reason, amount_minor, currency, created_at, updated_at)
         select $1, 'iauth_nowhere_' || id, connected_account_id, payout_id, card_id, 'probe', 'pending', true, 'approved', 100, 'usd', $3, $3
           from authorizations where stripe_authorization_id = $2`,
        [newId('auth'), authorization, later(-3_600_000)],
      );
      const found = await find([{ type: 'status_differs' }]);
      expect(found[0]).toMatchObject({ evidence: { ours: 'pending', stripe: 'not pending' } });

      await sql(
        `update authorizations set status = 'expired', ended_at = updated_at
          where stripe_authorization_id like 'iauth_nowhere_%' and connected_account_id = $1`,
        [seller.id],
      );
      await expectHealed(found);
    });

    it('that Stripe ended and we did not, which the run heals', async () => {
      await story.app.stripe.testHelpers.issuing.authorizations.expire(authorization, {}, at());
      await waitFor('the news of it', async () => (await statusOf(authorization)) === 'expired');
      await story.untilQuiet();

      // Late news may put it right before the run comes to it: then once more.
      const run = await waitFor('a run that healed it', async () => {
        await sql(
          `update authorizations set status = 'pending', ended_at = null, updated_at = $2 where stripe_authorization_id = $1`,
          [authorization, later(-3_600_000)],
        );
        const tried = await story.reconcile({ connected_account: seller.id });
        expect(tried).toMatchObject({ status: 'completed', breaks_open: 0 });
        return tried.healed === 1 && tried;
      });

      expect(await statusOf(authorization)).toBe('expired');
      const { body } = await story.call<{ data: BreakView[] }>(
        'finance',
        'GET',
        `/v1/reconciliation-breaks?status=healed&connected_account=${seller.id}`,
      );
      expect(body.data).toMatchObject([
        { type: 'status_differs', key: `authorization:${authorization}`, closed_by: run.id },
      ]);
    });
  });

  it('orphan_card, until it is canceled', async () => {
    const payout = await story.readyPayout(seller, 50_00);
    await story.untilQuiet();
    const { cardholder } = await story.app.stripe.issuing.cards.retrieve(payout.stripeCardId, {}, at());
    const orphan = await story.app.stripe.issuing.cards.create(
      {
        cardholder: cardholder.id,
        currency: 'usd',
        type: 'virtual',
        status: 'active',
        metadata: { disburse_call: 'call_lost' },
      },
      at(),
    );
    // Both clocks: what is signed at Stripe must not look old here.
    await story.platform.advance(5 * 60);
    story.app.clock.advance(5 * 60_000);
    const found = await find([{ type: 'orphan_card' }]);
    expect(found[0]!.key).toBe(orphan.id);

    await story.app.stripe.issuing.cards.update(orphan.id, { status: 'canceled' }, at());
    await expectHealed(found);
  });

  it('orphan_transfer, until it is booked', async () => {
    const transfer = await story.app.stripe.transfers.create({
      amount: 31_00,
      currency: 'usd',
      destination: seller.stripeAccountId,
    });
    // A call of ours made it, and its outcome was never booked.
    await sql(
      `insert into stripe_calls (id, kind, reference, connected_account_id, params, params_hash, idempotency_key, status, stripe_object_id,
         result, intended_at, sent_at, settled_at)
       values ($1, 'transfer.create', 'lost', $2, '{}', sha256(''), $1, 'done', $3, '{}', $4, $4, $4)`,
      [newId('call'), seller.id, transfer.id, later(-86_400_000)],
    );
    const found = await find([{ type: 'orphan_transfer', difference: -31_00 }], 'platform');

    await sql(
      `select post_journal_entry('funding_transfer', $1, $2, null, now(), array[$3, 'platform_payments:usd'],
         array[3100, -3100]::bigint[], array[$4])`,
      [transfer.id, seller.id, `suspense:${seller.id}:usd`, transfer.balance_transaction as string],
    );
    await expectHealed(found, 'platform');
  });

  it('stuck_payout, until it moves', async () => {
    const payout = await story.readyPayout(seller, 50_00);
    const put = (status: string, at: Date) =>
      sql(`update payouts set status = $2, updated_at = $3 where id = $1`, [payout.id, status, at]);
    await put('issuing', later(-2 * 3_600_000));
    const found = await find([{ type: 'stuck_payout' }]);
    expect(found[0]).toMatchObject({ key: `${payout.id}:issuing`, evidence: { status: 'issuing' } });

    await put('ready', later(0));
    await expectHealed(found);
  });

  it('unreclaimed, until the money is on its way', async () => {
    const payout = await story.readyPayout(seller, 50_00);
    await sql(`update payouts set status = 'closed', outcome = 'canceled', updated_at = $2 where id = $1`, [
      payout.id,
      later(-7 * 3_600_000),
    ]);
    const found = await find([{ type: 'unreclaimed', difference: 51_00 }]);

    await sql(`update payouts set status = 'ready', outcome = null, updated_at = $2 where id = $1`, [
      payout.id,
      later(0),
    ]);
    await expectHealed(found);
  });

  it('unknown_outcome, until it is known', async () => {
    const id = newId('call');
    await sql(
      `insert into stripe_calls (id, kind, reference, connected_account_id, params, params_hash, idempotency_key, status, intended_at,
         sent_at, next_attempt_at)
       values ($1, 'card.create', 'lost', $2, '{}', sha256(''), $1, 'unknown', $3, $3, 'infinity')`,
      [id, seller.id, later(-86_400_000)],
    );
    const found = await find([{ type: 'unknown_outcome' }]);
    expect(found[0]).toMatchObject({ key: id, evidence: { kind: 'card.create' } });

    await sql(
      `update stripe_calls set status = 'failed', failure_code = 'absent', failure_detail = 'absent', settled_at = $2 where id = $1`,
      [id, later(0)],
    );
    await expectHealed(found);
  });

  it('account_unreadable is one account’s, and the run over all of them completes', async () => {
    await fund(12_00);
    const [line] = await find([{ type: 'missing_in_ledger', difference: 12_00 }]);
    const connect = (stripeAccount: string) =>
      sql(`update connected_accounts set stripe_account_id = $2 where id = $1`, [seller.id, stripeAccount]);
    await connect(`${seller.stripeAccountId}gone`);

    const run = await story.reconcile();

    expect(run).toMatchObject({ status: 'completed', report_sha256: expect.stringMatching(/^[0-9a-f]{64}$/) });
    expect(run.accounts[0]).toMatchObject({
      connected_account: seller.id,
      status: 'unreadable',
      failure: expect.stringContaining('does not have access to account'),
    });
    const others = run.accounts.slice(1).map((account) => account['status']);
    expect([...new Set(others)]).toEqual(['completed']);
    // What stood open about its lines stands: nobody has looked.
    const open = await openOf(seller.id);
    expect(open.map((found) => [found.type, found.evidence['code'] ?? found.id])).toEqual([
      ['account_unreadable', 'account_invalid'],
      ['missing_in_ledger', line!.id],
    ]);

    await connect(seller.stripeAccountId);
    const after = await story.reconcile({ connected_account: seller.id });
    expect((await openOf(seller.id)).map((found) => found.id)).toEqual([line!.id]);
    expect(after).toMatchObject({ healed: 1, breaks_open: 1 });
  });
});
