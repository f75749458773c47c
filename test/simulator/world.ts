import { createServer, type IncomingHttpHeaders, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import Stripe from 'stripe';
import { type RunningSimulator, startSimulator } from '../../simulator/server';

export const previewVersion = '2026-10-28.preview';

type PurchaseParams = Parameters<Stripe['testHelpers']['issuing']['authorizations']['create']>[0];

let keys = 0;

/** One running simulator; each platform a test opens on it is a world of its own. */
export class World {
  private constructor(readonly simulator: RunningSimulator) {}

  static async start(dataDir?: string): Promise<World> {
    return new World(
      await startSimulator({ port: 0, checkBooks: true, ...(dataDir === undefined ? {} : { dataDir }) }),
    );
  }

  platform(key = `sk_test_${process.pid}x${(keys += 1)}`): Platform {
    return new Platform(this.simulator.url, key);
  }

  close(): Promise<void> {
    return this.simulator.close();
  }
}

export interface SellerOptions {
  country?: string;
  issuing?: number;
}

/** One secret key, with the SDK, the control API and the steps most tests begin with. */
export class Platform {
  readonly stripe: Stripe;

  constructor(
    readonly url: string,
    readonly key: string,
  ) {
    this.stripe = this.client(key);
  }

  client(key: string): Stripe {
    const { hostname, port } = new URL(this.url);
    return new Stripe(key, { host: hostname, port, protocol: 'http', maxNetworkRetries: 0 });
  }

  async control<T = Record<string, never>>(method: string, path: string, body?: object, account?: string): Promise<T> {
    const answer = await fetch(`${this.url}/_simulator${path}`, {
      method,
      headers: { Authorization: `Bearer ${this.key}`, ...(account === undefined ? {} : { 'Stripe-Account': account }) },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const json = (await answer.json()) as T;
    if (!answer.ok) throw new Error(`${method} ${path}: ${JSON.stringify(json)}`);
    return json;
  }

  advance(seconds: number): Promise<{ jobs_run: number }> {
    return this.control('POST', '/clock/advance', { seconds });
  }

  /** A plain request, for what the SDK would not send. */
  raw(method: string, path: string, body = '', headers: Record<string, string> = {}): Promise<Response> {
    return fetch(`${this.url}${path}`, {
      method,
      headers: { Authorization: `Bearer ${this.key}`, 'Content-Type': 'application/x-www-form-urlencoded', ...headers },
      ...(method === 'GET' ? {} : { body }),
    });
  }

  async fundPlatform(amount: number, currency = 'usd'): Promise<void> {
    await this.stripe.paymentIntents.create({
      amount,
      currency,
      payment_method: 'pm_card_bypassPending',
      confirm: true,
    });
  }

  async newSeller({ country = 'US', issuing = 0 }: SellerOptions = {}): Promise<string> {
    const account = await this.stripe.accounts.create({
      country,
      controller: {
        stripe_dashboard: { type: 'none' },
        fees: { payer: 'application' },
        losses: { payments: 'application' },
        requirement_collection: 'application',
      },
      capabilities: { card_issuing: { requested: true }, transfers: { requested: true } },
      business_type: 'company',
      settings: { payouts: { schedule: { interval: 'manual' } } },
    });
    await this.control('POST', `/accounts/${account.id}/complete`);
    await this.advance(1);
    const currency = account.default_currency ?? 'usd';
    if (issuing > 0) {
      await this.stripe.rawRequest(
        'POST',
        '/v1/test_helpers/issuing/fund_balance',
        { amount: issuing, currency },
        { stripeAccount: account.id },
      );
    }
    return account.id;
  }

  newCardholder(seller: string): Promise<Stripe.Issuing.Cardholder> {
    return this.stripe.issuing.cardholders.create(
      {
        type: 'individual',
        name: 'Jenny Rosen',
        phone_number: '+18008675309',
        individual: {
          first_name: 'Jenny',
          last_name: 'Rosen',
          card_issuing: { user_terms_acceptance: { date: 1_700_000_000, ip: '127.0.0.1' } },
        },
        billing: {
          address: { line1: '123 Fake St', city: 'Beverly Hills', state: 'CA', postal_code: '90210', country: 'US' },
        },
      },
      { stripeAccount: seller },
    );
  }

  async newCard(seller: string, params: Partial<Stripe.Issuing.CardCreateParams> = {}): Promise<Stripe.Issuing.Card> {
    const cardholder = params.cardholder ?? (await this.newCardholder(seller)).id;
    return this.stripe.issuing.cards.create(
      { currency: 'usd', type: 'virtual', status: 'active', ...params, cardholder },
      { stripeAccount: seller },
    );
  }

  purchase(
    seller: string,
    card: string,
    amount: number,
    more: Partial<PurchaseParams> = {},
  ): Promise<Stripe.Issuing.Authorization> {
    return this.stripe.testHelpers.issuing.authorizations.create({ card, amount, ...more }, { stripeAccount: seller });
  }

  async issuingBalance(seller: string): Promise<number> {
    const balance = await this.stripe.balance.retrieve({}, { stripeAccount: seller });
    return balance.issuing?.available[0]?.amount ?? 0;
  }

  /** Waits until every event has reached its endpoints. */
  async settled(): Promise<void> {
    const { idle } = await this.control<{ idle: boolean }>('GET', '/deliveries?wait_seconds=10');
    if (!idle) throw new Error('Events are still waiting to be delivered.');
  }

  books(): Promise<{ balanced: boolean; problems: string[] }> {
    return this.control('GET', '/books');
  }
}

export interface Received {
  headers: IncomingHttpHeaders;
  body: string;
  event: Stripe.Event;
}

type Answer = { status?: number; headers?: Record<string, string>; body?: string; hang?: boolean } | undefined;

function approval(decision: object): Answer {
  const headers = { 'Content-Type': 'application/json', 'Stripe-Version': '2026-10-28.endive' };
  return { headers, body: JSON.stringify(decision) };
}

/** An endpoint of the marketplace: keeps what it is sent, answers what the test says. */
export class Listener {
  readonly received: Received[] = [];

  private constructor(
    private readonly server: Server,
    readonly url: string,
  ) {}

  static async start(
    answer: (received: Received, count: number) => Answer | Promise<Answer> = () => undefined,
  ): Promise<Listener> {
    const server = createServer((request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        const body = Buffer.concat(chunks).toString('utf8');
        const received = { headers: request.headers, body, event: JSON.parse(body) as Stripe.Event };
        listener.received.push(received);
        void Promise.resolve(answer(received, listener.received.length)).then((said) => {
          if (!said?.hang) response.writeHead(said?.status ?? 200, said?.headers).end(said?.body ?? '{}');
        });
      });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const listener = new Listener(server, `http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
    return listener;
  }

  /** Approves what it is asked, once it is allowed to answer. */
  static held(allowed: () => Promise<void>): Promise<Listener> {
    return Listener.start(async () => {
      await allowed();
      return approval({ approved: true });
    });
  }

  /** Answers authorization requests with this decision. */
  static decider(decide: (authorization: Stripe.Issuing.Authorization) => object): Promise<Listener> {
    return Listener.start(({ event }) => approval(decide(event.data.object as Stripe.Issuing.Authorization)));
  }

  types(): string[] {
    return this.received.map(({ event }) => event.type);
  }

  async close(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }
}
