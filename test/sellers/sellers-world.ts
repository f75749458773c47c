import { randomUUID } from 'node:crypto';
import { CardView } from '../../src/card-issuance/card.dto';
import { CardholderDetailView } from '../../src/cardholders/cardholder.dto';
import { ConnectedAccountView } from '../../src/connected-accounts/connected-account.dto';
import { Role, TestApp } from '../support/app';
import { waitFor } from '../support/wait-for';

/** What the API answers, as far as these tests read it. */
export interface Body {
  readonly id: string;
  readonly status: string;
  readonly code: string;
  readonly errors?: readonly { pointer: string }[];
  readonly url: string;
  readonly data: readonly { id: string; type: string; data: Body }[];
  readonly eligible: boolean;
}

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: Body;
}

export const rocketRides = {
  country: 'US',
  business_type: 'company',
  email: 'owner@rocketrides.example.com',
  legal_name: 'Rocket Rides LLC',
  phone: '+14155550100',
  tax_id: '000000000',
  address: { line1: '354 Oyster Point Blvd', city: 'South San Francisco', state: 'CA', postal_code: '94080' },
  business_profile: { mcc: '5734', url: 'https://rocketrides.example.com' },
  terms_acceptance: { ip: '203.0.113.7', date: '2026-01-02T09:30:00Z' },
};

export const berlinStudio = {
  country: 'DE',
  currency: 'eur',
  business_type: 'individual',
  email: 'studio@example.com',
  legal_name: 'Studio Berlin',
};

export const jenny = {
  type: 'individual',
  name: 'Jenny Rosen',
  dob: { day: 9, month: 12, year: 1985 },
  email: 'jenny.rosen@example.com',
  phone_number: '+14155550199',
  billing_address: { line1: '1 Lombard St', city: 'San Francisco', state: 'CA', postal_code: '94133', country: 'US' },
  user_terms_acceptance: { ip: '203.0.113.7', date: '2026-01-02T09:30:00Z' },
};

/** Views of things that Stripe has made by now. */
export type SellerAtStripe = ConnectedAccountView & { stripe_account_id: string };
export type CardholderAtStripe = CardholderDetailView & { stripe_cardholder_id: string };
export type CardAtStripe = CardView & { stripe_card_id: string };

/** A marketplace's backend, and whoever moves things at Stripe. */
export class SellersWorld {
  constructor(readonly test: TestApp) {}

  async api(
    method: string,
    path: string,
    body?: object,
    { role = 'marketplace', key }: { role?: Role; key?: string } = {},
  ): Promise<Answer> {
    const response = await fetch(`${this.test.url}${path}`, {
      method,
      headers: {
        authorization: `Bearer ${this.test.keys[role]}`,
        ...(body ? { 'content-type': 'application/json' } : {}),
        ...(key ? { 'idempotency-key': key } : {}),
      },
      ...(body ? { body: JSON.stringify(body) } : {}),
    });
    const text = await response.text();
    return { status: response.status, headers: response.headers, body: JSON.parse(text) as Body };
  }

  /** What Stripe's dashboard, the network or the passing of time would do. */
  async atStripe<Result>(method: string, path: string, body?: object): Promise<Result> {
    const response = await fetch(`${this.test.simulator.url}/_simulator${path}`, {
      method,
      headers: { authorization: `Bearer ${this.test.simulator.key}`, 'content-type': 'application/json' },
      ...(body ? { body: JSON.stringify(body) } : {}),
    });
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${await response.text()}`);
    return (await response.json()) as Result;
  }

  async withFault<Result>(rule: object, work: () => Promise<Result>): Promise<Result> {
    const { id } = await this.atStripe<{ id: string }>('POST', '/faults', rule);
    try {
      return await work();
    } finally {
      await this.atStripe('DELETE', `/faults/${id}`);
    }
  }

  /** A new seller, known to Stripe by the end; nothing of what is due has been given. */
  async onboard(changes: object = {}, seller: object = rocketRides): Promise<SellerAtStripe> {
    const { status, body } = await this.api('POST', '/v1/connected-accounts', {
      ...seller,
      external_reference: `seller-${randomUUID()}`,
      ...changes,
    });
    if (status !== 201) throw new Error(`Onboarding answered ${status}: ${JSON.stringify(body)}`);
    return this.account(body.id, 'an id at Stripe', (account) => account.stripe_account_id !== null);
  }

  /** The seller opens the onboarding page and gives what is due. */
  async completeOnboarding(id: string): Promise<void> {
    const link = await this.api('POST', `/v1/connected-accounts/${id}/onboarding-links`, {
      refresh_url: 'https://marketplace.example.com/again',
      return_url: 'https://marketplace.example.com/done',
    });
    if (link.status !== 201) throw new Error(`No link: ${JSON.stringify(link.body)}`);
    const page = await fetch(link.body.url, { method: 'POST', redirect: 'manual' });
    if (page.status !== 303) throw new Error(`The page answered ${page.status}: ${await page.text()}`);
  }

  async activeSeller(changes: object = {}, seller: object = rocketRides): Promise<SellerAtStripe> {
    const { id } = await this.onboard(changes, seller);
    await this.completeOnboarding(id);
    return this.account(id, 'active', (account) => account.status === 'active');
  }

  async activeCardholder(connectedAccount: string, changes: object = {}): Promise<CardholderAtStripe> {
    const { status, body } = await this.api('POST', '/v1/cardholders', {
      ...jenny,
      connected_account: connectedAccount,
      ...changes,
    });
    if (status !== 201) throw new Error(`No cardholder: ${JSON.stringify(body)}`);
    return this.cardholder(body.id, 'eligible', (cardholder) => cardholder.eligible);
  }

  account(id: string, what: string, isReached: (account: SellerAtStripe) => boolean): Promise<SellerAtStripe> {
    return this.until(`/v1/connected-accounts/${id}`, what, isReached);
  }

  cardholder(
    id: string,
    what: string,
    isReached: (cardholder: CardholderAtStripe) => boolean,
  ): Promise<CardholderAtStripe> {
    return this.until(`/v1/cardholders/${id}`, what, isReached);
  }

  card(id: string, what: string, isReached: (card: CardAtStripe) => boolean): Promise<CardAtStripe> {
    return this.until(`/v1/cards/${id}`, what, isReached);
  }

  private until<View>(path: string, what: string, isReached: (view: View) => boolean): Promise<View> {
    let last: unknown;
    return waitFor(`${path} to be: ${what}`, async () => {
      const view = (await this.api('GET', path)).body as View;
      last = view;
      return isReached(view) && view;
    }).catch((error: unknown) => {
      throw new Error(`${error instanceof Error ? error.message : String(error)} It is: ${JSON.stringify(last)}`, {
        cause: error,
      });
    });
  }
}

export function codeAndPointers({ status, body }: Answer): { status: number; code: string; pointers: string[] } {
  return {
    status,
    code: body.code,
    pointers: (body.errors ?? []).map((error) => error.pointer),
  };
}
