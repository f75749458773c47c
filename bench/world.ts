import { randomBytes } from 'node:crypto';
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { setTimeout as pause } from 'node:timers/promises';
import { Client } from 'pg';
import { runMigrations } from '../src/platform/database/migrations';
import { startEmbeddedDatabase } from '../src/platform/embedded/embedded-database';
import { startEmbeddedSimulator } from '../src/platform/embedded/embedded-simulator';
import { ensureWebhookEndpoints } from '../src/stripe/stripe-webhook-setup';
import { stopping } from './run-bench';
import { freePort, RunningService, startService, stopProcess } from './service';

export interface World {
  readonly sql: Client;
  readonly databaseUrl: string;
  readonly stripe: StripeClient;
  readonly service: RunningService;
  /** After `stopProcess`: the same service again, at the same address. */
  restart(): Promise<RunningService>;
}

export interface BenchSeller {
  readonly id: string;
  readonly stripeAccount: string;
  readonly cardholder: string;
  readonly stripeCardholder: string;
}

/** A database, the simulator and the service, all new and in processes of their own. They end with the bench. */
export async function startWorld(name: string, budget: number): Promise<World> {
  const home = mkdtempSync(join(tmpdir(), `disburse-${name}-`));
  stopping.push(() => rmSync(home, { recursive: true, force: true }));
  chmodSync(home, 0o755);
  const database = await startEmbeddedDatabase(join(home, 'data'));
  stopping.push(() => database.stop());
  await runMigrations(database.url);
  const simulator = await startEmbeddedSimulator(0, join(home, 'simulator'));
  stopping.push(() => simulator.stop());
  const stripe = new StripeClient(simulator.url, `sk_test_${randomBytes(12).toString('hex')}`);
  await stripe.control('PATCH', '/settings', { default_daily_limit: 0 });

  const port = await freePort();
  const secrets = await ensureWebhookEndpoints({
    apiBase: simulator.url,
    publicUrl: `http://127.0.0.1:${port}`,
    areSecretsKnown: false,
    apiKey: stripe.key,
  });
  const env = {
    STRIPE_API_KEY: stripe.key,
    STRIPE_API_BASE: simulator.url,
    STRIPE_REQUESTS_PER_SECOND: String(budget),
    STRIPE_WEBHOOK_SECRETS: secrets!.webhookSecrets.join(','),
    STRIPE_AUTHORIZATION_WEBHOOK_SECRETS: secrets!.authorizationWebhookSecrets.join(','),
    DATA_ENCRYPTION_KEYS: randomBytes(32).toString('base64'),
  };
  const start = async (): Promise<RunningService> => {
    const service = await startService(home, database.url, env, port);
    stopping.push(() => stopProcess(service.process));
    return service;
  };
  const service = await start();

  const sql = new Client({ connectionString: database.url });
  await sql.connect();
  stopping.push(() => sql.end());
  return { sql, databaseUrl: database.url, stripe, service, restart: start };
}

/** Money that the platform may pay with, at once. */
export async function payIn(stripe: StripeClient, amountMinor: number): Promise<void> {
  for (let paid = 0; paid < amountMinor + 100_000_00; paid += 900_000_00) {
    await stripe.post('/v1/payment_intents', {
      amount: 900_000_00,
      currency: 'usd',
      confirm: 'true',
      payment_method: 'pm_card_bypassPending',
      'payment_method_types[]': 'card',
    });
  }
}

export async function onboard(service: RunningService, stripe: StripeClient): Promise<BenchSeller> {
  interface View {
    readonly id: string;
    readonly status: string;
    readonly stripe_account_id: string | null;
    readonly eligible: boolean;
    readonly stripe_cardholder_id: string | null;
  }
  const address = { line1: '354 Oyster Point Blvd', city: 'South San Francisco', state: 'CA', postal_code: '94080' };
  const terms = { ip: '203.0.113.7', date: '2026-11-02T09:30:00Z' };
  const { id } = await service.call<View>('POST', '/v1/connected-accounts', {
    country: 'US',
    business_type: 'company',
    email: 'owner@rocketrides.example.com',
    legal_name: 'Rocket Rides',
    phone: '+14155550100',
    address,
    terms_acceptance: terms,
  });
  const account = () => service.call<View>('GET', `/v1/connected-accounts/${id}`);
  const { stripe_account_id: stripeAccount } = await until(account, (view) => view.stripe_account_id !== null);
  await stripe.control('POST', `/accounts/${stripeAccount}/complete`);
  await stripe.control('POST', '/clock/advance', { seconds: 1 });
  await until(account, (view) => view.status === 'active');
  const holder = await service.call<View>('POST', '/v1/cardholders', {
    connected_account: id,
    type: 'individual',
    name: 'Jenny Rosen',
    first_name: 'Jenny',
    last_name: 'Rosen',
    dob: { day: 9, month: 12, year: 1985 },
    email: 'jenny.rosen@example.com',
    phone_number: '+14155550101',
    billing_address: { ...address, country: 'US' },
    user_terms_acceptance: terms,
  });
  await until(
    () => service.call<View>('GET', `/v1/cardholders/${holder.id}`),
    (view) => view.eligible,
  );
  const { data } = await stripe.get<{ data: { id: string }[] }>('/v1/issuing/cardholders', stripeAccount!);
  return { id, stripeAccount: stripeAccount!, cardholder: holder.id, stripeCardholder: data[0]!.id };
}

/** Milliseconds from the request of each payout to its card, one every other second. */
export async function measureFresh(
  service: RunningService,
  sellers: readonly BenchSeller[],
  times: number,
  amount: number,
): Promise<number[]> {
  const running: Promise<number>[] = [];
  for (let turn = 0; turn < times; turn += 1) {
    const { id, cardholder } = sellers[turn % sellers.length]!;
    running.push(untilReady(service, id, cardholder, amount));
    await pause(2_000);
  }
  return Promise.all(running);
}

async function untilReady(
  service: RunningService,
  connectedAccount: string,
  cardholder: string,
  amount: number,
): Promise<number> {
  const begun = performance.now();
  const { id } = await service.call<{ id: string }>('POST', '/v1/payouts', {
    connected_account: connectedAccount,
    cardholder,
    amount,
    currency: 'usd',
    reference: `bench-${randomBytes(8).toString('hex')}`,
  });
  await until(
    () => service.call<{ status: string }>('GET', `/v1/payouts/${id}`),
    ({ status }) => status === 'ready',
    300_000,
  );
  return performance.now() - begun;
}

export async function until<Fact>(
  look: () => Promise<Fact>,
  isSo: (fact: Fact) => boolean,
  timeoutMs = 60_000,
): Promise<Fact> {
  const deadline = performance.now() + timeoutMs;
  for (;;) {
    const fact = await look();
    if (isSo(fact)) return fact;
    if (performance.now() > deadline) throw new Error(`Waited ${timeoutMs} ms in vain: ${JSON.stringify(fact)}`);
    await pause(50);
  }
}

export class StripeClient {
  constructor(
    private readonly url: string,
    readonly key: string,
  ) {}

  async get<Answer>(path: string, account: string): Promise<Answer> {
    return this.send<Answer>('GET', path, undefined, account);
  }

  async post(
    path: string,
    params: Readonly<Record<string, string | number>>,
    account?: string,
    version?: string,
  ): Promise<{ id: string }> {
    const form = Object.entries(params).map(([name, value]): [string, string] => [name, String(value)]);
    return this.send('POST', path, new URLSearchParams(form).toString(), account, version);
  }

  async control(method: string, path: string, body: object = {}): Promise<unknown> {
    return this.send(method, `/_simulator${path}`, method === 'GET' ? undefined : JSON.stringify(body));
  }

  private async send<Answer>(
    method: string,
    path: string,
    body?: string,
    account?: string,
    version?: string,
  ): Promise<Answer> {
    const answer = await fetch(`${this.url}${path}`, {
      method,
      headers: {
        authorization: `Bearer ${this.key}`,
        ...(body === undefined ? {} : { 'content-type': 'application/x-www-form-urlencoded' }),
        ...(account === undefined ? {} : { 'stripe-account': account }),
        ...(version === undefined ? {} : { 'stripe-version': version }),
      },
      ...(body === undefined ? {} : { body }),
    });
    const json = (await answer.json()) as Answer;
    if (!answer.ok) throw new Error(`${method} ${path} answered ${answer.status}: ${JSON.stringify(json)}`);
    return json;
  }
}
