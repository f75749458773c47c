import { Scenario, Seller } from '../support/scenario';
import { waitFor } from '../support/wait-for';
import { Installation } from './installation';
import { Program } from './program';

jest.setTimeout(120_000);

describe('one service in several processes', () => {
  let installation: Installation;
  let scenario: Scenario;
  let seller: Seller;
  let worker: Program;

  beforeAll(async () => {
    installation = await Installation.create({ DATABASE_POOL_MAX: '8' });
    scenario = new Scenario(installation.world);
  });
  afterAll(() => installation.end());

  it('divides itself: ROLE=api answers, ROLE=worker works, and together they carry a payout to its card', async () => {
    await installation.start('api');
    worker = await installation.start('worker');

    await scenario.fundPlatform(500_00);
    seller = await scenario.onboardedSeller();
    const payout = await scenario.readyPayout(seller, 60_00);

    expect(await scenario.purchase(payout)).toMatchObject({ approved: true });
    // The worker serves nobody.
    expect(worker.output).toContain('Disburse (worker) is ready.');
    const { rows } = await installation.sql.query<{ state: string }>(
      `select distinct state::text from pgboss.job where state = 'failed'`,
    );
    expect(rows).toEqual([]);
  });

  it('loses nothing with a worker killed in the middle: another runs its job again, and one transfer exists', async () => {
    await scenario.stripe.control('DELETE', '/faults');
    // Stripe takes its time over the transfer, so that the kill falls between the call and its answer.
    await scenario.stripe.control('POST', '/faults', {
      on: 'request',
      action: 'delay',
      method: 'POST',
      path: '/v1/transfers',
      delay_ms: 4_000,
    });
    const before = await transfersToSeller();
    const { id } = await scenario.requestPayout(seller, 70_00);
    await waitFor('Stripe to be at work on the transfer', async () => {
      const { faults } = await scenario.stripe.control('GET', '/faults');
      return faults[0].struck === 1;
    });
    const sent = await transferCall(id);
    expect(sent).toMatchObject({ status: 'sent', attempts: 1 });

    await worker.kill('SIGKILL');
    worker = await installation.start('worker');

    // The heartbeat stops after 10 s; a loaded machine takes longer to notice.
    await waitFor(
      'another worker to send the transfer again',
      async () => (await transferCall(id)).attempts >= 2,
      60_000,
    );
    await scenario.ready(seller, id, 70_00);
    const settled = await transferCall(id);
    expect(settled).toMatchObject({ status: 'done', idempotency_key: sent.idempotency_key });
    const made = (await transfersToSeller()).filter((transfer) => !before.includes(transfer));
    expect(made).toEqual([settled.stripe_object_id]);
    const entries = await installation.sql.query(
      `select from journal_entries where kind = 'funding_transfer' and payout_id = $1`,
      [id],
    );
    expect(entries.rowCount).toBe(1);
  });

  interface CallRow {
    status: string;
    attempts: number;
    idempotency_key: string;
    stripe_object_id: string | null;
  }

  async function transfersToSeller(): Promise<string[]> {
    const { data } = await scenario.stripe.get(`/v1/transfers?destination=${seller.stripeAccount}&limit=100`);
    return data.map((transfer: { id: string }) => transfer.id);
  }

  async function transferCall(payoutId: string): Promise<CallRow> {
    const { rows } = await installation.sql.query<CallRow>(
      `select status, attempts, idempotency_key, stripe_object_id from stripe_calls
       where payout_id = $1 and kind = 'transfer.create'`,
      [payoutId],
    );
    expect(rows).toHaveLength(1);
    return rows[0]!;
  }
});
