import { createHmac, randomBytes } from 'node:crypto';
import type Stripe from 'stripe';
import { startTestApp, TestApp } from '../support/app';
import { ApiClient, StripeClient } from '../support/http';
import { Scenario } from '../support/scenario';
import { waitFor } from '../support/wait-for';

type Json = Record<string, unknown>;
type PurchaseParams = Parameters<Stripe['testHelpers']['issuing']['authorizations']['create']>[0];

export interface ReadyPayout {
  readonly id: string;
  readonly cardId: string;
  readonly stripeCardId: string;
  readonly stripeAccount: string;
}

export const dollars = (amount: number): number => Math.round(amount * 100);

/** The service, a funded platform and one seller with a cardholder: what every story about a card begins with. */
export class CardWorld {
  private payoutCount = 0;
  private readonly api: ApiClient;
  private readonly simulator: StripeClient;

  private constructor(
    readonly app: TestApp,
    readonly seller: Json,
    readonly cardholder: Json,
  ) {
    this.api = new ApiClient(app);
    this.simulator = new StripeClient(app);
  }

  static async start(app?: TestApp): Promise<CardWorld> {
    const running = app ?? (await startTestApp());
    const scenario = new Scenario(running);
    await scenario.fundPlatform(dollars(100_000));
    const { id, stripeAccount, cardholder } = await scenario.onboardedSeller();
    return new CardWorld(running, { id, stripe_account_id: stripeAccount }, { id: cardholder });
  }

  async stop(): Promise<void> {
    await this.app.stop();
  }

  get stripeAccount(): string {
    return String(this.seller['stripe_account_id']);
  }

  /** The account header that every one of a merchant's calls carries. */
  get onSeller(): { stripeAccount: string } {
    return { stripeAccount: this.stripeAccount };
  }

  get merchant(): Stripe['testHelpers']['issuing'] {
    return this.app.stripe.testHelpers.issuing;
  }

  async readyPayout(amount: number, more: Json = {}): Promise<ReadyPayout> {
    const payout = await this.requestPayout(amount, more);
    return this.waitUntilReady(String(payout['id']));
  }

  async requestPayout(amount: number, more: Json = {}): Promise<Json> {
    this.payoutCount += 1;
    return this.post('/v1/payouts', {
      connected_account: this.seller['id'],
      cardholder: this.cardholder['id'],
      amount,
      currency: 'usd',
      expires_at: new Date(this.app.clock.now().getTime() + 20 * 86_400_000).toISOString(),
      reference: `order-${this.payoutCount}-${randomBytes(3).toString('hex')}`,
      ...more,
    });
  }

  async waitUntilReady(payoutId: string, notCard?: string): Promise<ReadyPayout> {
    const payout = await waitFor(`${payoutId} to be ready`, async () => {
      const now = await this.payout(payoutId);
      return now['status'] === 'ready' && now['card'] !== notCard ? now : undefined;
    });
    const card = await this.get(`/v1/cards/${String(payout['card'])}`);
    return {
      id: payoutId,
      cardId: String(card['id']),
      stripeCardId: String(card['stripe_card_id']),
      stripeAccount: this.stripeAccount,
    };
  }

  async payout(id: string): Promise<Json> {
    return this.get(`/v1/payouts/${id}`);
  }

  async waitForStatus(id: string, ...statuses: string[]): Promise<Json> {
    return waitFor(`${id} to be ${statuses.join(' or ')}`, async () => {
      const payout = await this.payout(id);
      return statuses.includes(String(payout['status'])) ? payout : undefined;
    });
  }

  /** Waits until the payout says all of `expected`, and shows what it says otherwise. */
  async waitForPayout(id: string, expected: Json): Promise<Json> {
    let last: Json = {};
    try {
      return await waitFor(
        `${id} to say ${JSON.stringify(expected)}`,
        async () => {
          last = await this.payout(id);
          return Object.entries(expected).every(([key, value]) => last[key] === value) ? last : undefined;
        },
        // Some steps wait for a sweep.
        40_000,
      );
    } catch (error) {
      const story = [last, await this.get(`/v1/payouts/${id}/timeline`), await this.authorizations(id)];
      throw new Error(`${(error as Error).message} ${JSON.stringify(story, null, 1)}`, { cause: error });
    }
  }

  /** A merchant charges the card; answers Stripe's authorization, decided. */
  async charge(
    payout: ReadyPayout,
    amount: number,
    more: Partial<PurchaseParams> = {},
  ): Promise<Stripe.Issuing.Authorization> {
    return this.merchant.authorizations.create({ card: payout.stripeCardId, amount, ...more }, this.onSeller);
  }

  async authorizations(payoutId: string): Promise<Json[]> {
    return (await this.get(`/v1/authorizations?payout=${payoutId}&limit=100`))['data'] as Json[];
  }

  /** Our record of Stripe's authorization, once it fulfils `until`. */
  async authorization(stripeId: string, until: (row: Json) => boolean = () => true): Promise<Json> {
    return waitFor(`the record of ${stripeId}`, async () => {
      const rows = (await this.get('/v1/authorizations?limit=100'))['data'] as Json[];
      const row = rows.find((each) => each['stripe_authorization_id'] === stripeId);
      if (!row) return undefined;
      const detail = await this.get(`/v1/authorizations/${String(row['id'])}`);
      return until(detail) ? detail : undefined;
    });
  }

  async cardTransactions(payoutId: string): Promise<Json[]> {
    return (await this.get(`/v1/card-transactions?payout=${payoutId}&limit=100`))['data'] as Json[];
  }

  async waitForCardTransactions(payoutId: string, count: number): Promise<Json[]> {
    return waitFor(`${count} card transactions of ${payoutId}`, async () => {
      const rows = await this.cardTransactions(payoutId);
      return rows.length >= count ? rows : undefined;
    });
  }

  async statement(payoutId: string): Promise<Json> {
    return this.get(`/v1/payouts/${payoutId}/statement`);
  }

  async eventTypes(payoutId: string): Promise<string[]> {
    const rows = await this.app.database.query<{ type: string }>(
      'select type from outgoing_events where payout_id = $1 order by sequence',
      [payoutId],
    );
    return rows.map((row) => row.type);
  }

  /** Per account of the chart, what this seller's postings add up to. */
  async ledger(): Promise<Record<string, bigint>> {
    const rows = await this.app.database.query<{ name: string; amount: string }>(
      `select split_part(account, ':', 1) as name, sum(amount_minor) as amount from postings where connected_account_id = $1 group by 1`,
      [this.seller['id']],
    );
    return Object.fromEntries(rows.map((row) => [row.name, BigInt(row.amount)]));
  }

  async issuingAvailableAtStripe(): Promise<bigint> {
    const balance = await this.app.stripe.balance.retrieve({}, this.onSeller);
    return BigInt(balance.issuing?.available[0]?.amount ?? 0);
  }

  /**
   * The invariants of design.md section 5 that concern holds and captures: entries balance, our Issuing balance is Stripe's, every hold,
   * release and card transaction of Stripe's has one entry, and what we hold is what the network holds.
   */
  async expectBooksToMatch(): Promise<void> {
    await waitFor('our books to match those of Stripe', async () => {
      const unexplained: string[] = [];
      for await (const line of this.app.stripe.balanceTransactions.list({ limit: 100 }, this.onSeller)) {
        if (!line.type.startsWith('issuing_')) continue;
        const rows = await this.app.database.query('select 1 from ledger_matches where balance_transaction_id = $1', [
          line.id,
        ]);
        if (rows.length !== 1) unexplained.push(`${line.type} ${line.amount}`);
      }
      const ledger = await this.ledger();
      const ours = ledger['issuing_available'] ?? 0n;
      const theirs = await this.issuingAvailableAtStripe();
      if (unexplained.length > 0) throw new Error(`unexplained: ${unexplained.join(', ')}`);
      if (ours !== theirs) throw new Error(`ours ${ours}, theirs ${theirs}`);
      if (ledger['suspense']) throw new Error(`nobody can explain ${ledger['suspense']}`);
      return true;
    });
    const [sum] = await this.app.database.query<{ total: string }>(
      'select coalesce(sum(amount_minor), 0) as total from postings',
    );
    expect(sum!.total).toBe('0');
    const [held] = await this.app.database.query<{ ours: string; ledger: string }>(
      `select (select coalesce(sum(held_minor), 0) from authorizations) as ours,
              (select coalesce(sum(amount_minor), 0) from postings where account like 'issuing_held:%') as ledger`,
    );
    expect(held!.ours).toBe(held!.ledger);
  }

  // ---- Our API and the simulator's control ----

  // Stories also ask for what the document does not have, so the compiler does not hold these paths to it.

  async get(path: string): Promise<Json> {
    return await this.api.get(path as Parameters<ApiClient['get']>[0]);
  }

  async post(path: string, body: Json = {}): Promise<Json> {
    return await this.api.post(path as Parameters<ApiClient['post']>[0], body);
  }

  async control(method: string, path: string, body?: Json, account?: string): Promise<Json> {
    return (await this.simulator.control(method, path, body, account)) as Json;
  }

  // ---- Stripe's authorization request, by hand ----

  /** Sends a signed `issuing_authorization.request`, as Stripe would. */
  async request(
    payout: ReadyPayout,
    amount: number,
    more: RequestOptions = {},
  ): Promise<{ status: number; headers: Headers; answer: Json }> {
    const body = JSON.stringify(this.requestEvent(payout, amount, more));
    return this.deliver(body, sign(body, this.app.config.stripeAuthorizationWebhookSecrets[0]!), more.url);
  }

  async deliver(
    body: string,
    signature: string,
    url = this.app.url,
  ): Promise<{ status: number; headers: Headers; answer: Json }> {
    const response = await fetch(`${url}/webhooks/stripe/authorizations`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'stripe-signature': signature },
      body,
    });
    return { status: response.status, headers: response.headers, answer: (await response.json()) as Json };
  }

  requestEvent(payout: ReadyPayout, amount: number, more: RequestOptions = {}): Json {
    return {
      id: more.eventId ?? `evt_${randomBytes(9).toString('hex')}`,
      object: 'event',
      type: 'issuing_authorization.request',
      api_version: '2026-10-28.endive',
      account: more.account === undefined ? payout.stripeAccount : more.account,
      created: Math.floor(this.app.clock.now().getTime() / 1000),
      livemode: false,
      data: {
        object: {
          id: more.authorizationId ?? `iauth_${randomBytes(9).toString('hex')}`,
          object: 'issuing.authorization',
          amount: more.heldBefore ?? 0,
          currency: 'usd',
          approved: false,
          status: 'pending',
          authorization_method: 'online',
          card: { id: payout.stripeCardId, object: 'issuing.card', cardholder: { name: 'Jenny Rosen' } },
          merchant_data: {
            name: 'Corner Diner',
            category: 'eating_places_restaurants',
            category_code: '5812',
            country: 'US',
            city: 'Oakland',
            network_id: '1234567890',
          },
          pending_request: {
            amount,
            currency: more.currency ?? 'usd',
            is_amount_controllable: more.isAmountControllable ?? false,
            merchant_amount: amount,
            merchant_currency: more.currency ?? 'usd',
          },
          request_history: Array.from({ length: more.history ?? 0 }, () => ({
            amount: 1,
            approved: true,
            reason: 'webhook_approved',
          })),
        },
      },
    };
  }
}

export interface RequestOptions {
  /** Another replica's address. */
  url?: string;
  eventId?: string;
  authorizationId?: string;
  account?: string | null;
  heldBefore?: number;
  history?: number;
  currency?: string;
  isAmountControllable?: boolean;
}

/** https://docs.stripe.com/webhooks/signature */
export function sign(body: string, secret: string, at = Math.floor(Date.now() / 1000)): string {
  return `t=${at},v1=${createHmac('sha256', secret).update(`${at}.${body}`).digest('hex')}`;
}
