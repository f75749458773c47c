import { Injectable, Logger } from '@nestjs/common';
import type { Histogram } from 'prom-client';
import Stripe from 'stripe';
import { Config } from '../platform/config/config';
import { Metrics } from '../platform/metrics/metrics.service';
import { classifyStripeError } from './classify-stripe-error';
import { StripeBudget } from './stripe-budget';

/** The version the code was written against; webhooks are asked for in it too. */
export const stripeApiVersion = '2026-10-28.endive';

/** `balance_transfers` exists only in preview versions: https://docs.stripe.com/issuing/adding-funds-to-your-card-program */
export const stripePreviewApiVersion = '2026-07-08.preview';

/** The platform key of the bundled simulator, which takes any test key. */
export const simulatorApiKey = 'sk_test_simulator';

// Creating an account or a card takes Stripe a few seconds at times; after this we ask again with the same key.
const requestTimeoutMs = 20_000;

const pageSize = 100;

/** Makes the SDK's client as this service uses it: pinned version, no retries of its own, no telemetry. */
export function createStripe(apiKey: string, apiBase: string): Stripe {
  const base = new URL(apiBase);
  const isHttps = base.protocol === 'https:';
  return new Stripe(apiKey, {
    apiVersion: stripeApiVersion,
    host: base.hostname,
    port: base.port === '' ? (isHttps ? 443 : 80) : Number(base.port),
    protocol: isHttps ? 'https' : 'http',
    // Repeating is the business of stripe_calls, which remembers.
    maxNetworkRetries: 0,
    timeout: requestTimeoutMs,
    telemetry: false,
    appInfo: { name: 'disburse' },
  });
}

type WithResponse = { lastResponse?: { requestId?: string; statusCode?: number } };

/** Every request to Stripe goes through here: it takes its token from the budget and leaves a log line. */
@Injectable()
export class StripeClient {
  readonly sdk: Stripe;
  private readonly logger = new Logger('stripe');
  private readonly seconds: Histogram<'request' | 'status'>;

  constructor(
    config: Config,
    private readonly budget: StripeBudget,
    metrics: Metrics,
  ) {
    this.seconds = metrics.histogram('disburse_stripe_request_seconds', 'Requests to Stripe.', ['request', 'status']);
    this.sdk = createStripe(config.stripeApiKey ?? simulatorApiKey, config.stripeApiBase);
  }

  /**
   * One request. `what` names it in the log (`transfer.create`); parameters and answers are never logged.
   * `isPaid`: the caller has taken the token itself, before it wrote that it is sending.
   * @throws what the SDK throws
   * @throws {StripeUnavailable} when the budget is exhausted for longer than a request may wait
   */
  async request<Answer>(
    what: string,
    ask: (sdk: Stripe) => Promise<Answer>,
    { isPaid = false }: { isPaid?: boolean } = {},
  ): Promise<Answer> {
    if (!isPaid) await this.budget.take();
    const startedAt = performance.now();
    const measure = (status: number | string): number => {
      const ms = performance.now() - startedAt;
      this.seconds.observe({ request: what, status }, ms / 1_000);
      return Math.round(ms);
    };
    try {
      const answer = await ask(this.sdk);
      const { lastResponse } = answer as WithResponse;
      const status = lastResponse?.statusCode ?? 200;
      this.logger.log(
        {
          stripe_call: what,
          status,
          ms: measure(status),
          stripe_request_id: lastResponse?.requestId,
        },
        `Stripe answered ${what}.`,
      );
      return answer;
    } catch (error) {
      const verdict = classifyStripeError(error);
      this.logger.warn(
        {
          stripe_call: what,
          status: verdict?.statusCode ?? null,
          ms: measure(verdict?.statusCode ?? 'none'),
          stripe_request_id: verdict?.requestId,
          verdict: verdict?.verdict,
          code: verdict?.failure.code,
        },
        `Stripe did not do ${what}.`,
      );
      throw error;
    }
  }

  /** Walks a list page by page, newest first, one token each. `ask` gets the last id of the page before. */
  async *pages<Item extends { id: string }>(
    what: string,
    ask: (sdk: Stripe, page: { limit: number; starting_after?: string }) => Promise<Stripe.ApiList<Item>>,
  ): AsyncGenerator<Item, void, undefined> {
    let last: string | undefined;
    for (;;) {
      const cursor = last === undefined ? {} : { starting_after: last };
      const page = await this.request(what, (sdk) => ask(sdk, { limit: pageSize, ...cursor }));
      yield* page.data;
      last = page.data.at(-1)?.id;
      if (!page.has_more || last === undefined) return;
    }
  }

  /** Walks from a known item to the newest, oldest first: what came after it, however much that is. */
  async *pagesAfter<Item extends { id: string }>(
    what: string,
    after: string,
    ask: (sdk: Stripe, page: { limit: number; ending_before: string }) => Promise<Stripe.ApiList<Item>>,
  ): AsyncGenerator<Item, void, undefined> {
    let newest = after;
    for (;;) {
      const cursor = newest;
      const page = await this.request(what, (sdk) => ask(sdk, { limit: pageSize, ending_before: cursor }));
      yield* page.data.toReversed();
      const first = page.data[0];
      if (first === undefined || !page.has_more) return;
      newest = first.id;
    }
  }
}
