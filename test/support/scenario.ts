import { randomBytes } from 'node:crypto';
import { ApiClient, Json, Overhears, StripeClient, World } from './http';
import type { Schemas } from '../../client/client';
import { waitFor } from './wait-for';

type PayoutView = Schemas['PayoutView'];

export interface Seller {
  readonly id: string;
  readonly stripeAccount: string;
  readonly cardholder: string;
  readonly currency: 'usd' | 'eur';
  readonly country: 'US' | 'DE';
}

export interface ReadyPayout {
  readonly id: string;
  readonly amount: number;
  readonly seller: Seller;
  readonly cardId: string;
  readonly stripeCardId: string;
}

const addresses = {
  US: { line1: '354 Oyster Point Blvd', city: 'South San Francisco', state: 'CA', postal_code: '94080' },
  DE: { line1: 'Oranienstrasse 25', city: 'Berlin', postal_code: '10999' },
};
const bankDaySeconds = 86_400;
const bankDaysMax = 12;

/**
 * The world as a test needs it, over public HTTP alone: the marketplace and finance at Disburse's API, merchants, sellers and banks at
 * Stripe's. Amounts are minor units.
 */
export class Scenario {
  readonly marketplace: ApiClient;
  readonly finance: ApiClient;
  readonly stripe: StripeClient;

  constructor(
    readonly world: World,
    overhears?: Overhears,
  ) {
    this.marketplace = new ApiClient(world, world.keys['marketplace'] ? 'marketplace' : 'admin', overhears);
    this.finance = new ApiClient(world, world.keys['finance'] ? 'finance' : 'admin', overhears);
    this.stripe = new StripeClient(world);
  }

  /** Money on the platform's balance at Stripe, available at once. */
  async fundPlatform(amount: number, currency: Seller['currency'] = 'usd'): Promise<void> {
    await this.stripe.post('/v1/payment_intents', {
      amount,
      currency,
      confirm: true,
      payment_method: 'pm_card_bypassPending',
      'payment_method_types[]': 'card',
    });
  }

  /** A seller with both capabilities and somebody who may hold its cards. */
  async onboardedSeller({
    country = 'US',
    rail = 'transfer',
  }: { country?: Seller['country']; rail?: 'transfer' | 'topup' | 'prefunded' } = {}): Promise<Seller> {
    const terms = { ip: '203.0.113.7', date: '2026-11-02T09:30:00Z' };
    const account = await this.marketplace.post('/v1/connected-accounts', {
      country,
      business_type: 'company',
      email: 'owner@rocketrides.example.com',
      legal_name: 'Rocket Rides',
      phone: '+14155550100',
      address: addresses[country],
      terms_acceptance: terms,
      funding_rail: rail,
    });
    const stripeAccount = await waitFor<string>(`${account.id} at Stripe`, async () => {
      const { stripe_account_id: id } = await this.marketplace.get(`/v1/connected-accounts/${account.id}`);
      return id;
    });
    await this.stripe.control('POST', `/accounts/${stripeAccount}/complete`);
    await this.stripe.control('POST', '/clock/advance', { seconds: 1 });
    await waitFor(`${account.id} to be active`, async () => {
      const { status } = await this.marketplace.get(`/v1/connected-accounts/${account.id}`);
      return status === 'active';
    });
    const holder = await this.marketplace.post('/v1/cardholders', {
      connected_account: account.id,
      type: 'individual',
      name: 'Jenny Rosen',
      first_name: 'Jenny',
      last_name: 'Rosen',
      dob: { day: 9, month: 12, year: 1985 },
      email: 'jenny.rosen@example.com',
      phone_number: '+4915112345678',
      billing_address: { ...addresses[country], country },
      user_terms_acceptance: terms,
    });
    await waitFor(`${holder.id} to be eligible`, async () => {
      const each = await this.marketplace.get(`/v1/cardholders/${holder.id}`);
      if (each.failure) throw new Error(JSON.stringify(each.failure));
      return each.eligible === true;
    });
    const currency = country === 'US' ? 'usd' : 'eur';
    return { id: account.id, stripeAccount, cardholder: holder.id, currency, country };
  }

  /** A payout that was just accepted. `more` overrides fields of the request. */
  async requestPayout(
    seller: Seller,
    amount: number,
    more: Partial<Schemas['CreatePayoutDto']> = {},
  ): Promise<PayoutView> {
    return this.marketplace.post('/v1/payouts', {
      connected_account: seller.id,
      cardholder: seller.cardholder,
      amount,
      currency: seller.currency,
      reference: `order-${randomBytes(6).toString('hex')}`,
      ...more,
    });
  }

  /** A payout whose card can be used. */
  async readyPayout(
    seller: Seller,
    amount: number,
    more: Partial<Schemas['CreatePayoutDto']> = {},
  ): Promise<ReadyPayout> {
    const { id } = await this.requestPayout(seller, amount, more);
    return this.ready(seller, id, amount);
  }

  /** Waits until the payout's card can be used; `otherThan`: and is not that one. */
  async ready(seller: Seller, payoutId: string, amount: number, otherThan?: string): Promise<ReadyPayout> {
    const payout = await this.acrossBankDays(seller, `${payoutId} to be ready`, async () => {
      const each = await this.payout(payoutId);
      if (each.status === 'failed') throw new Error(JSON.stringify(each.failure));
      return each.status === 'ready' && each.card !== otherThan && each;
    });
    const card = await this.marketplace.get(`/v1/cards/${payout.card}`);
    return { id: payoutId, amount, seller, cardId: card.id, stripeCardId: card.stripe_card_id! };
  }

  payout(id: string): Promise<PayoutView> {
    return this.marketplace.get(`/v1/payouts/${id}`);
  }

  /** Waits until the payout has one of the statuses; bank days pass where only they are awaited. */
  async untilStatus(payout: ReadyPayout, ...statuses: string[]): Promise<PayoutView> {
    return this.acrossBankDays(payout.seller, `${payout.id} to be ${statuses.join(' or ')}`, async () => {
      const each = await this.payout(payout.id);
      return statuses.includes(each.status) && each;
    });
  }

  /** A merchant asks; answers Stripe's authorization, decided either way. */
  async charge(payout: ReadyPayout, amount = payout.amount): Promise<Json> {
    return this.stripe.post(
      '/v1/test_helpers/issuing/authorizations',
      {
        card: payout.stripeCardId,
        amount,
        currency: payout.seller.currency,
        'merchant_data[name]': 'Paper & Ink',
        'merchant_data[category]': 'book_stores',
        'merchant_data[country]': payout.seller.country,
      },
      payout.seller.stripeAccount,
    );
  }

  /** A charge that is approved; answers Stripe's authorization. @throws {Error} with its history when it is declined */
  async purchase(payout: ReadyPayout, amount = payout.amount): Promise<Json> {
    const authorization = await this.charge(payout, amount);
    if (!authorization.approved) throw new Error(`declined: ${JSON.stringify(authorization.request_history)}`);
    return authorization;
  }

  async capture(payout: ReadyPayout, authorization: string, amount?: number): Promise<Json> {
    return this.stripe.post(
      `/v1/test_helpers/issuing/authorizations/${authorization}/capture`,
      amount === undefined ? {} : { capture_amount: amount },
      payout.seller.stripeAccount,
    );
  }

  /** The merchant lets go of all of it. */
  async reverse(payout: ReadyPayout, authorization: string): Promise<Json> {
    const path = `/v1/test_helpers/issuing/authorizations/${authorization}/reverse`;
    return this.stripe.post(path, {}, payout.seller.stripeAccount);
  }

  /** The merchant gives back `amount` of the card's capture. */
  async refund(payout: ReadyPayout, amount: number): Promise<Json> {
    const { data } = await this.stripe.get(
      `/v1/issuing/transactions?card=${payout.stripeCardId}&type=capture`,
      payout.seller.stripeAccount,
    );
    const path = `/v1/test_helpers/issuing/transactions/${data[0].id}/refund`;
    return this.stripe.post(path, { refund_amount: amount }, payout.seller.stripeAccount);
  }

  /** Waits until Stripe has told everything it has to tell. */
  async untilTold(): Promise<void> {
    const { idle } = await this.stripe.control('GET', '/deliveries?wait_seconds=30');
    if (!idle) throw new Error('Stripe still has events to deliver.');
  }

  /** Waits for a fact about a seller's money; while nothing but a bank's day is awaited, the simulator's clock moves on. */
  async acrossBankDays<Fact>(seller: Seller, what: string, look: () => Promise<Fact | false>): Promise<Fact> {
    let days = 0;
    return waitFor(
      what,
      async () => {
        const fact = await look();
        if (fact === false && days < bankDaysMax && (await this.isAtTheBank(seller))) {
          days += 1;
          await this.stripe.control('POST', '/clock/advance', { seconds: bankDaySeconds });
        }
        return fact;
      },
      30_000,
    );
  }

  private async isAtTheBank(seller: Seller): Promise<boolean> {
    const { ledger } = await this.finance.get(`/v1/connected-accounts/${seller.id}/balance`);
    return (ledger.funds_in_transit ?? 0) !== 0 || (ledger.reclaim_in_transit ?? 0) !== 0;
  }
}
