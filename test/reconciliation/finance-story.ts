import { randomBytes } from 'node:crypto';
import { ConfigFields } from '../../src/platform/config/config';
import { Platform } from '../simulator/world';
import { Role, startTestApp, TestApp } from '../support/app';
import { waitFor } from '../support/wait-for';

type Body = Record<string, unknown>;

export interface StorySeller {
  readonly id: string;
  readonly stripeAccountId: string;
  readonly holder: string;
  readonly currency: string;
}

export interface StoryPayout {
  readonly id: string;
  readonly seller: StorySeller;
  readonly stripeCardId: string;
}

export interface Answer<Body> {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  readonly body: Body;
}

export interface RunView {
  readonly id: string;
  readonly status: string;
  readonly matched: number;
  readonly healed: number;
  readonly breaks_open: number;
  readonly report_sha256: string | null;
  readonly accounts_total: number;
  readonly cutoff: string | null;
  readonly accounts: readonly Record<string, unknown>[];
}

export interface BreakView {
  readonly id: string;
  readonly type: string;
  readonly key: string;
  readonly status: string;
  readonly difference: number | null;
  readonly evidence: Record<string, unknown>;
  readonly note: string | null;
  readonly closed_by: string | null;
}

/** The marketplace, its sellers, merchants and finance, over HTTP against the real application and the simulator. */
export class FinanceStory {
  readonly platform: Platform;

  private constructor(readonly app: TestApp) {
    this.platform = new Platform(app.simulator.url, app.simulator.key);
  }

  static async begin(changes: Partial<ConfigFields> = {}): Promise<FinanceStory> {
    const story = new FinanceStory(await startTestApp(changes));
    await story.platform.fundPlatform(10_000_00, 'usd');
    await story.platform.fundPlatform(10_000_00, 'eur');
    return story;
  }

  async end(): Promise<void> {
    await this.app.stop();
  }

  async call<View = Body>(
    by: Role | { readonly key: string },
    method: string,
    path: string,
    body?: object,
    headers: Record<string, string> = {},
  ): Promise<Answer<View>> {
    const answer = await fetch(`${this.app.url}${path}`, {
      method,
      headers: {
        authorization: `Bearer ${typeof by === 'string' ? this.app.keys[by] : by.key}`,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await answer.text();
    const isJson =
      /json/.test(answer.headers.get('content-type') ?? '') && !/ndjson/.test(answer.headers.get('content-type') ?? '');
    return { status: answer.status, headers: answer.headers, text, body: (isJson ? JSON.parse(text) : {}) as View };
  }

  /** A key of its own, made with `by`'s. */
  async key(
    by: Role | { readonly key: string },
    wish: { name: string; role: Role },
  ): Promise<{ id: string; key: string }> {
    const { status, body, text } = await this.call<{ id: string; key: string }>(by, 'POST', '/v1/api-keys', wish);
    if (status !== 201) throw new Error(text);
    return body;
  }

  /** A seller that can be paid, and somebody who may hold its cards. */
  async seller(country: 'US' | 'DE' = 'US', rail = 'transfer'): Promise<StorySeller> {
    const stripeAccountId = await this.platform.newSeller({ country });
    const account = await this.created('/v1/connected-accounts', {
      stripe_account_id: stripeAccountId,
      legal_name: 'Rocket Rides',
      funding_rail: rail,
    });
    const id = account['id'] as string;
    const holder = await this.created('/v1/cardholders', {
      connected_account: id,
      name: 'Jenny Rosen',
      phone_number: '+4915112345678',
      dob: { day: 9, month: 12, year: 1985 },
      billing_address: {
        line1: '354 Oyster Point Blvd',
        line2: 'Suite 1',
        city: 'Town',
        state: 'CA',
        postal_code: '94080',
        country,
      },
      user_terms_acceptance: { ip: '203.0.113.7', date: '2026-11-02T09:30:00Z' },
    });
    await waitFor('an eligible cardholder', async () => {
      const { body } = await this.call('marketplace', 'GET', `/v1/cardholders/${holder['id'] as string}`);
      if (body['eligible'] === true) return true;
      throw new Error(JSON.stringify(body));
    });
    return { id, stripeAccountId, holder: holder['id'] as string, currency: account['currency'] as string };
  }

  /** A payout whose card can be used. */
  async readyPayout(seller: StorySeller, amount: number, more: Body = {}): Promise<StoryPayout> {
    const payout = await this.requestPayout(seller, amount, more);
    await this.untilPayout(payout, ['ready']);
    const cards = await this.call<{ data: { stripe_card_id: string }[] }>(
      'marketplace',
      'GET',
      `/v1/cards?payout=${payout}`,
    );
    return { id: payout, seller, stripeCardId: cards.body.data[0]!.stripe_card_id };
  }

  async requestPayout(seller: StorySeller, amount: number, more: Body = {}): Promise<string> {
    const { status, body, text } = await this.call(
      'marketplace',
      'POST',
      '/v1/payouts',
      {
        connected_account: seller.id,
        cardholder: seller.holder,
        amount,
        currency: seller.currency,
        reference: `order-${randomBytes(5).toString('hex')}`,
        expires_at: new Date(this.app.clock.now().getTime() + 3_600_000).toISOString(),
        ...more,
      },
      { 'idempotency-key': randomBytes(8).toString('hex') },
    );
    if (status !== 201) throw new Error(text);
    return body['id'] as string;
  }

  async untilPayout(id: string, statuses: readonly string[]): Promise<Body> {
    let last: Body = {};
    return waitFor(`${id} to be ${statuses.join(' or ')}`, async () => {
      last = (await this.call('marketplace', 'GET', `/v1/payouts/${id}`)).body;
      if (statuses.includes(last['status'] as string)) return last;
      throw new Error(`it is ${String(last['status'])} (${JSON.stringify(last['failure'])})`);
    });
  }

  async purchase(payout: StoryPayout, amount: number): Promise<string> {
    const authorization = await this.platform.purchase(payout.seller.stripeAccountId, payout.stripeCardId, amount);
    if (!authorization.approved) throw new Error(`declined: ${JSON.stringify(authorization.request_history)}`);
    return authorization.id;
  }

  async capture(payout: StoryPayout, authorization: string, amount?: number): Promise<void> {
    await this.app.stripe.testHelpers.issuing.authorizations.capture(
      authorization,
      amount === undefined ? {} : { capture_amount: amount },
      { stripeAccount: payout.seller.stripeAccountId },
    );
  }

  /** A run, started and carried to its end. */
  async reconcile(body: Body = {}): Promise<RunView> {
    const started = await this.call<RunView>('finance', 'POST', '/v1/reconciliation-runs', body);
    if (started.status !== 202) throw new Error(started.text);
    return waitFor('the run to end', async () => {
      const run = await this.call<RunView>('finance', 'GET', `/v1/reconciliation-runs/${started.body.id}`);
      return run.body.status === 'running' ? undefined : run.body;
    });
  }

  async openBreaks(): Promise<BreakView[]> {
    return (await this.call<{ data: BreakView[] }>('finance', 'GET', '/v1/reconciliation-breaks?status=open&limit=100'))
      .body.data;
  }

  /** Waits until Stripe has told us everything and we have nothing left to do about it. */
  async untilQuiet(): Promise<void> {
    await this.platform.control('GET', '/deliveries?wait_seconds=20');
  }

  private async created(path: string, body: object): Promise<Body> {
    const answer = await this.call('marketplace', 'POST', path, body);
    if (answer.status !== 201) throw new Error(`${path}: ${answer.text}`);
    return answer.body;
  }
}
