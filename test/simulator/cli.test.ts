import { execFile } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { type Platform, World } from './world';

const binary = join(__dirname, '../../node_modules/@stripe/cli-linux-x64/bin/stripe');
// Optional: it comes for one platform only.
const withCli = existsSync(binary) ? describe : describe.skip;

withCli("Stripe's own command line", () => {
  let world: World;
  let platform: Platform;
  let home: string;
  beforeAll(async () => {
    world = await World.start();
    home = mkdtempSync(join(tmpdir(), 'stripe-cli-'));
  });
  beforeEach(() => {
    platform = world.platform(`sk_test_commandline${Math.random().toString(36).slice(2)}`);
  });
  afterEach(async () => {
    expect(await platform.books()).toMatchObject({ balanced: true });
  });
  afterAll(async () => {
    await world.close();
    rmSync(home, { recursive: true, force: true });
  });

  async function stripe(...args: string[]): Promise<string> {
    const env = {
      PATH: process.env['PATH'],
      HOME: home,
      XDG_CONFIG_HOME: home,
      STRIPE_API_KEY: platform.key,
      STRIPE_CLI_TELEMETRY_OPTOUT: '1',
    };
    const { stdout, stderr } = await promisify(execFile)(binary, [...args, '--api-base', platform.url], { env });
    return stdout + stderr;
  }

  const types = async () => (await platform.stripe.events.list({ limit: 100 })).data.map(({ type }) => type);

  it.each([
    'account.updated',
    'balance.available',
    'issuing_authorization.request',
    'issuing_authorization.request.gb',
    'issuing_authorization.request.eu',
    'issuing_card.created',
    'issuing_card.created.gb',
    'issuing_card.created.eu',
    'issuing_cardholder.created',
    'issuing_cardholder.created.gb',
    'issuing_cardholder.created.eu',
    'issuing_transaction.created',
    'issuing_transaction.updated',
    'issuing_transaction.purchase_details_receipt_updated',
    'payout.created',
    'payout.updated',
    'topup.created',
    'transfer.created',
    'transfer.reversed',
    'transfer.updated',
  ])('triggers %s', async (event) => {
    expect(await stripe('trigger', event)).toContain('Trigger succeeded');

    // With neither an endpoint nor a balance, a request ends as Stripe's own decline.
    const expected = event.replace(/\.(gb|eu)$/, '').replace('authorization.request', 'authorization.created');
    const own = await types();
    const connected = (await platform.stripe.accounts.list()).data.map(({ id }) =>
      platform.stripe.events.list({}, { stripeAccount: id }),
    );
    const theirs = (await Promise.all(connected)).flatMap(({ data }) => data.map(({ type }) => type));
    expect([...own, ...theirs]).toContain(expected);
  });

  it('creates, gets and posts', async () => {
    const address = ['line1=1 Main', 'city=SF', 'country=US', 'postal_code=94107', 'state=CA'].flatMap((pair) => [
      '-d',
      `billing[address][${pair.replace('=', ']=')}`,
    ]);
    const holder = JSON.parse(
      await stripe('post', '/v1/issuing/cardholders', '-d', 'name=Jenny Rosen', ...address),
    ) as { id: string };
    const card = JSON.parse(
      await stripe('issuing', 'cards', 'create', '--cardholder', holder.id, '--currency', 'usd', '--type', 'virtual'),
    ) as { id: string };
    const got = JSON.parse(await stripe('get', `/v1/issuing/cards/${card.id}`)) as object;

    expect(got).toMatchObject({ id: card.id, status: 'inactive', cardholder: { id: holder.id } });
  });

  it('runs fixtures that build on each other', async () => {
    const file = join(home, 'fixture.json');
    const fixtures = [
      {
        name: 'funds',
        path: '/v1/payment_intents',
        method: 'post',
        params: { amount: 5000, currency: 'usd', payment_method: 'pm_card_bypassPending', confirm: 'true' },
      },
      { name: 'payout', path: '/v1/payouts', method: 'post', params: { amount: 1000, currency: 'usd' } },
      { name: 'change', path: '/v1/payouts/${payout:id}', method: 'post', params: { metadata: { order: '1' } } },
    ];
    writeFileSync(file, JSON.stringify({ _meta: { template_version: 0 }, fixtures }));

    await stripe('fixtures', file);

    expect((await platform.stripe.payouts.list()).data).toMatchObject([{ amount: 1000, metadata: { order: '1' } }]);
  });
});
