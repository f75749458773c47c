import { mkdirSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { answerOf, createDisburseClient, DisburseClient, Schemas } from '../client/client';
import { Json, StripeClient } from './http';
import { DemoService, startDemoService } from './service';
import { DemoFailed, expect, money, say, step, table, until } from './telling';

const outputDir = resolve('demo-output');

interface Seller {
  readonly id: string;
  readonly name: string;
  readonly stripeAccount: string;
  readonly cardholder: string;
  readonly currency: 'usd' | 'eur';
}

const sellers = [
  {
    name: 'Rocket Rides LLC',
    currency: 'usd',
    account: {
      country: 'US',
      business_type: 'company',
      email: 'owner@rocketrides.example.com',
      legal_name: 'Rocket Rides LLC',
      address: {
        line1: '354 Oyster Point Blvd',
        city: 'South San Francisco',
        state: 'CA',
        postal_code: '94080',
      },
      phone: '+14155550100',
    },
    holder: {
      type: 'individual',
      name: 'Jenny Rosen',
      first_name: 'Jenny',
      last_name: 'Rosen',
      dob: { day: 9, month: 12, year: 1985 },
      email: 'jenny.rosen@example.com',
      phone_number: '+14155550199',
      billing_address: {
        line1: '354 Oyster Point Blvd',
        city: 'South San Francisco',
        state: 'CA',
        postal_code: '94080',
        country: 'US',
      },
    },
  },
  {
    name: 'Kiezladen GmbH',
    currency: 'eur',
    account: {
      country: 'DE',
      business_type: 'company',
      email: 'inhaber@kiezladen.example.com',
      legal_name: 'Kiezladen GmbH',
      address: { line1: 'Oranienstrasse 25', city: 'Berlin', postal_code: '10999' },
      phone: '+493012345678',
    },
    holder: {
      type: 'individual',
      name: 'Jens Rosen',
      first_name: 'Jens',
      last_name: 'Rosen',
      dob: { day: 3, month: 4, year: 1990 },
      email: 'jens.rosen@example.com',
      phone_number: '+4915112345678',
      billing_address: { line1: 'Oranienstrasse 25', city: 'Berlin', postal_code: '10999', country: 'DE' },
    },
  },
] as const;

/** The main job, told over HTTP through the public API. Merchants, sellers and bank days are played through the simulator. */
class Demo {
  private readonly marketplace: DisburseClient;
  private readonly finance: DisburseClient;
  private readonly stripe: StripeClient;

  constructor(service: DemoService) {
    this.marketplace = createDisburseClient({ url: service.url, key: service.keys['marketplace']! });
    this.finance = createDisburseClient({ url: service.url, key: service.keys['finance']! });
    this.stripe = new StripeClient(service.simulatorUrl, service.simulatorKey);
  }

  async tell(): Promise<string> {
    const funded = { usd: 1_000_00, eur: 1_000_00 };
    step('The platform has money at Stripe');
    for (const currency of ['usd', 'eur'] as const) {
      const payment = await this.stripe.post('/v1/payment_intents', {
        amount: funded[currency],
        currency,
        confirm: true,
        payment_method: 'pm_card_bypassPending',
        'payment_method_types[]': 'card',
      });
      say(`${money(funded[currency], currency)} available`, payment.id);
    }
    const before = await this.platformBalance();

    const [us, de] = [await this.onboard(sellers[0]), await this.onboard(sellers[1])];
    const first = await this.spendInPart(us);
    await this.letExpire(us);
    const spentInEuro = await this.voidAndUseAgain(de);
    await this.reconcile([us, de]);
    await this.report();
    await this.showStatement(first);

    step('The platform at Stripe');
    const after = await this.platformBalance();
    expect('what left the platform in usd', before['usd']! - after['usd']!, 180_00, 'usd');
    expect('what left the platform in eur', before['eur']! - after['eur']!, spentInEuro, 'eur');
    return (
      `3 payouts, 2 sellers: ${money(180_00, 'usd')} and ${money(spentInEuro, 'eur')} spent, everything else is back, ` +
      `every line at Stripe is explained, no open break.`
    );
  }

  private async onboard(seller: (typeof sellers)[number]): Promise<Seller> {
    step(`Onboard ${seller.name} (${seller.account.country}/${seller.currency})`);
    const terms = { ip: '203.0.113.7', date: new Date().toISOString() };
    const account = await answerOf(
      this.marketplace.POST('/v1/connected-accounts', {
        body: { ...seller.account, external_reference: seller.name, terms_acceptance: terms },
      }),
    );
    say('connected account accepted', account.id);
    const known = await until('the account at Stripe', async () => {
      const each = await answerOf(
        this.marketplace.GET('/v1/connected-accounts/{id}', { params: { path: { id: account.id } } }),
      );
      return each.stripe_account_id !== null && each.requirements.currently_due.length > 0 && each;
    });
    say(`Stripe asks for ${known.requirements.currently_due.length} more facts`, known.stripe_account_id!);
    const link = await answerOf(
      this.marketplace.POST('/v1/connected-accounts/{id}/onboarding-links', {
        params: { path: { id: account.id } },
        body: {
          refresh_url: 'https://marketplace.example.com/onboarding/again',
          return_url: 'https://marketplace.example.com/onboarding/done',
        },
      }),
    );
    const submitted = await fetch(link.url, { method: 'POST', redirect: 'manual' });
    if (submitted.status !== 303) throw new DemoFailed(`the onboarding page answered ${submitted.status}`);
    say('the seller fills in Stripe’s page');
    const active = await until('both capabilities', async () => {
      const each = await answerOf(
        this.marketplace.GET('/v1/connected-accounts/{id}', { params: { path: { id: account.id } } }),
      );
      return each.status === 'active' && each;
    });
    say(`card_issuing ${active.capabilities.card_issuing}, transfers ${active.capabilities.transfers}`, active.id);
    const holder = await answerOf(
      this.marketplace.POST('/v1/cardholders', {
        body: { connected_account: account.id, ...seller.holder, user_terms_acceptance: terms },
      }),
    );
    const cardholder = await until('the cardholder', async () => {
      const each = await answerOf(
        this.marketplace.GET('/v1/cardholders/{id}', { params: { path: { id: holder.id } } }),
      );
      if (each.failure) throw new DemoFailed(`cardholder ${holder.id} failed: ${JSON.stringify(each.failure)}`);
      return each.eligible && each;
    });
    say(`cardholder ${seller.holder.name} is active`, `${cardholder.id} ${cardholder.stripe_cardholder_id}`);
    return {
      id: account.id,
      name: seller.name,
      stripeAccount: active.stripe_account_id!,
      cardholder: holder.id,
      currency: seller.currency,
    };
  }

  /** Pay out 1: part of it is spent, a second attempt is declined, the rest comes back. */
  private async spendInPart(seller: Seller): Promise<string> {
    step(`Pay out 1: ${money(250_00, 'usd')} to ${seller.name}`);
    const payout = await this.payOut(seller, 250_00, 'pay-out-1', { description: 'November sales' });
    await this.untilReady(payout.id);
    const link = await answerOf(
      this.marketplace.POST('/v1/payouts/{id}/card-links', { params: { path: { id: payout.id } }, body: {} }),
    );
    const page = await fetch(link.url!);
    if (page.status !== 200) throw new DemoFailed(`the seller’s page answered ${page.status}`);
    say('the seller opens the secure link', link.id);

    const card = await this.cardOf(payout.id);
    const purchase = await this.charge(seller, card, 180_00, 'Paper & Ink');
    if (!purchase.approved) throw new DemoFailed(`the purchase of ${purchase.id} was declined`);
    say(`a merchant charges ${money(180_00, 'usd')}: approved`, purchase.id);
    await this.stripe.post(`/v1/test_helpers/issuing/authorizations/${purchase.id}/capture`, {}, seller.stripeAccount);
    say(`and captures it`);
    const second = await this.charge(seller, card, 20_00, 'Paper & Ink');
    if (second.approved) throw new DemoFailed(`a second purchase, ${second.id}, was approved`);
    say(`a second attempt is declined (${second.request_history.at(-1)?.reason})`, second.id);

    const closed = await this.untilStatus(payout.id, 'closed');
    expect('paid by pay out 1', closed.paid, 180_00, 'usd');
    expect('reclaimed from pay out 1', closed.reclaimed, 70_00, 'usd');
    return payout.id;
  }

  /** Pay out 2: nobody uses it; at its second it ends and all of it comes back. */
  private async letExpire(seller: Seller): Promise<void> {
    step(`Pay out 2: ${money(90_00, 'usd')} to ${seller.name}, for a few seconds`);
    const expiresAt = new Date(Date.now() + 8_000);
    const payout = await this.payOut(seller, 90_00, 'pay-out-2', { expires_at: expiresAt.toISOString() });
    await this.untilReady(payout.id);
    const card = await this.cardOf(payout.id);
    await this.untilStatus(payout.id, 'closed');
    const ended = await answerOf(this.marketplace.GET('/v1/cards/{id}', { params: { path: { id: card.id } } }));
    if (ended.status !== 'canceled') throw new DemoFailed(`the card of pay out 2 is ${ended.status}`);
    say('expired unused; the card is canceled', card.id);
    const closed = await answerOf(this.marketplace.GET('/v1/payouts/{id}', { params: { path: { id: payout.id } } }));
    expect('reclaimed from pay out 2', closed.reclaimed, 90_00, 'usd');
    if (closed.outcome !== 'unspent') throw new DemoFailed(`pay out 2 ended ${closed.outcome}, not unspent`);
  }

  /** Pay out 3: voided by the merchant, used after all with a replacement card, later refunded in part. Answers what stayed spent. */
  private async voidAndUseAgain(seller: Seller): Promise<number> {
    step(`Pay out 3: ${money(120_00, 'eur')} to ${seller.name}`);
    const payout = await this.payOut(seller, 120_00, 'pay-out-3');
    await this.untilReady(payout.id);
    const card = await this.cardOf(payout.id);
    const voided = await this.charge(seller, card, 120_00, 'Buchhandlung am Markt');
    if (!voided.approved) throw new DemoFailed(`the purchase ${voided.id} was declined`);
    say(`a merchant charges ${money(120_00, 'eur')}: approved`, voided.id);
    await this.untilStatus(payout.id, 'authorized');
    await this.stripe.post(`/v1/test_helpers/issuing/authorizations/${voided.id}/reverse`, {}, seller.stripeAccount);
    say('and reverses all of it');
    const replacement = await until('a replacement card', async () => {
      const { card: id, status } = await answerOf(
        this.marketplace.GET('/v1/payouts/{id}', { params: { path: { id: payout.id } } }),
      );
      return status === 'ready' && id !== card.id && (await this.cardOf(payout.id));
    });
    say(`a replacement card, ending ${replacement.last4}`, replacement.id);

    const purchase = await this.charge(seller, replacement, 90_00, 'Buchhandlung am Markt');
    if (!purchase.approved) throw new DemoFailed(`the purchase ${purchase.id} on the replacement card was declined`);
    const captured = await this.stripe.post(
      `/v1/test_helpers/issuing/authorizations/${purchase.id}/capture`,
      {},
      seller.stripeAccount,
    );
    say(`used after all: ${money(90_00, 'eur')} captured`, purchase.id);
    const closed = await this.untilStatus(payout.id, 'closed');
    expect('paid by pay out 3', closed.paid, 90_00, 'eur');
    expect('reclaimed from pay out 3', closed.reclaimed, 30_00, 'eur');

    const [transaction] = (
      await this.stripe.get(
        `/v1/issuing/transactions?card=${replacement.stripe_card_id}&type=capture`,
        seller.stripeAccount,
      )
    ).data;
    await this.stripe.post(
      `/v1/test_helpers/issuing/transactions/${transaction.id}/refund`,
      { refund_amount: 40_00 },
      seller.stripeAccount,
    );
    say(`later the merchant refunds ${money(40_00, 'eur')}`, transaction.id);
    if (captured.id !== purchase.id) throw new DemoFailed('the capture answered for another authorization');
    await this.acrossBankDays('the refund back on the platform', async () => {
      const { ledger, stripe } = await answerOf(
        this.finance.GET('/v1/connected-accounts/{id}/balance', { params: { path: { id: seller.id } } }),
      );
      const isEmpty =
        stripe.issuing_available === 0 && stripe.payments_available === 0 && ledger.issuing_available === 0;
      const { data } = await answerOf(
        this.marketplace.GET('/v1/payouts/{id}/timeline', { params: { path: { id: payout.id } } }),
      );
      const returned = data.filter((entry: Json) => entry.kind === 'reclaim' && entry.detail.status === 'settled');
      return isEmpty && returned.length >= 2;
    });
    say('the refund is reclaimed too');
    return 90_00 - 40_00;
  }

  private async payOut(
    seller: Seller,
    amount: number,
    reference: string,
    more: Partial<Schemas['CreatePayoutDto']> = {},
  ): Promise<Schemas['PayoutView']> {
    const payout = await answerOf(
      this.marketplace.POST('/v1/payouts', {
        // Made from our own record: whoever repeats it pays once.
        params: { header: { 'Idempotency-Key': `payout:${reference}` } },
        body: {
          connected_account: seller.id,
          cardholder: seller.cardholder,
          amount,
          currency: seller.currency,
          reference,
          ...more,
        },
      }),
    );
    say(`accepted: ${money(amount, seller.currency)} promised`, payout.id);
    return payout;
  }

  private async untilReady(payoutId: string): Promise<void> {
    await this.acrossBankDays('a ready card', async () => (await this.statusOf(payoutId)) === 'ready');
    const { data } = await answerOf(
      this.marketplace.GET('/v1/payouts/{id}/timeline', { params: { path: { id: payoutId } } }),
    );
    const { detail }: Json = data.find((entry) => entry.kind === 'funding_transfer');
    const hops = detail.hops.map((hop: Json) => hop.stripe_object).join(' → ');
    say(`funded by the ${detail.rail} rail`, `${detail.funding_transfer} ${hops}`);
    const card = await this.cardOf(payoutId);
    say(`a single-use card, ending ${card.last4}`, `${card.id} ${card.stripe_card_id}`);
  }

  private async untilStatus(payoutId: string, status: string): Promise<Schemas['PayoutView']> {
    await this.acrossBankDays(`${payoutId} ${status}`, async () => (await this.statusOf(payoutId)) === status);
    const payout = await answerOf(this.marketplace.GET('/v1/payouts/{id}', { params: { path: { id: payoutId } } }));
    say(`${status}${payout.outcome ? ` (${payout.outcome})` : ''}`, payout.id);
    return payout;
  }

  /** Waits for a fact; where a bank would take its day, the simulator's clock is moved instead of waiting. */
  private async acrossBankDays(what: string, look: () => Promise<boolean>): Promise<void> {
    for (let day = 0; day < 12; day += 1) {
      try {
        return void (await until(what, look, 12_000, async () => !(await this.isWaitingForBank())));
      } catch (error) {
        if (!(error instanceof DemoFailed) || !(await this.isWaitingForBank())) throw error;
        await this.stripe.control('/clock/advance', { seconds: 86_400 });
        say('a bank day passes');
      }
    }
    throw new DemoFailed(`${what} did not come within 12 days`);
  }

  /** True when nothing but time at the bank is awaited: some money is in transit. */
  private async isWaitingForBank(): Promise<boolean> {
    const { data } = await answerOf(
      this.marketplace.GET('/v1/connected-accounts', { params: { query: { limit: 10 } } }),
    );
    for (const account of data) {
      if (account.stripe_account_id === null) continue;
      const { ledger } = await answerOf(
        this.finance.GET('/v1/connected-accounts/{id}/balance', { params: { path: { id: account.id } } }),
      );
      if ((ledger.funds_in_transit ?? 0) !== 0 || (ledger.reclaim_in_transit ?? 0) !== 0) return true;
    }
    return false;
  }

  private async statusOf(payoutId: string): Promise<string> {
    const payout = await answerOf(this.marketplace.GET('/v1/payouts/{id}', { params: { path: { id: payoutId } } }));
    if (payout.status === 'failed') throw new Error(`${payoutId} failed: ${JSON.stringify(payout.failure)}`);
    return payout.status;
  }

  private async cardOf(payoutId: string): Promise<Schemas['CardView']> {
    const { card } = await answerOf(this.marketplace.GET('/v1/payouts/{id}', { params: { path: { id: payoutId } } }));
    return answerOf(this.marketplace.GET('/v1/cards/{id}', { params: { path: { id: card! } } }));
  }

  private async charge(seller: Seller, card: Schemas['CardView'], amount: number, merchant: string): Promise<Json> {
    return this.stripe.post(
      '/v1/test_helpers/issuing/authorizations',
      {
        card: card.stripe_card_id!,
        amount,
        currency: seller.currency,
        'merchant_data[name]': merchant,
        'merchant_data[category]': 'book_stores',
        'merchant_data[country]': seller.currency === 'usd' ? 'US' : 'DE',
      },
      seller.stripeAccount,
    );
  }

  private async reconcile(accounts: readonly Seller[]): Promise<void> {
    step('Reconcile both accounts with Stripe');
    for (const seller of accounts) {
      const started = await answerOf(
        this.finance.POST('/v1/reconciliation-runs', { body: { connected_account: seller.id } }),
      );
      const run = await until(`run ${started.id}`, async () => {
        const each = await answerOf(
          this.finance.GET('/v1/reconciliation-runs/{id}', { params: { path: { id: started.id } } }),
        );
        return each.status !== 'running' && each;
      });
      say(`${seller.name}: ${run.status}, ${run.matched} lines matched, ${run.breaks_open} breaks`, run.id);
      if (run.status !== 'completed') throw new DemoFailed(`run ${run.id} ${run.status}`);
      if (run.matched === 0) throw new DemoFailed(`run ${run.id} matched nothing`);
    }
    const { data: breaks } = await answerOf(
      this.finance.GET('/v1/reconciliation-breaks', { params: { query: { status: 'open' } } }),
    );
    if (breaks.length > 0) throw new DemoFailed(`open breaks: ${JSON.stringify(breaks, null, 2)}`);
    const { data: payouts } = await answerOf(this.finance.GET('/v1/payouts'));
    const unfinished = payouts.filter((payout) => payout.status !== 'closed');
    if (unfinished.length > 0) {
      throw new DemoFailed(`unfinished: ${unfinished.map((each) => `${each.id} ${each.status}`).join(', ')}`);
    }
  }

  private async report(): Promise<void> {
    step('Settlement report');
    const report = await answerOf(
      this.finance.GET('/v1/reports/{name}', { params: { path: { name: 'settlement' }, query: { format: 'json' } } }),
    );
    if (typeof report === 'string') throw new DemoFailed('the report as JSON is a text');
    table(report.data, ['reference', 'currency', 'amount', 'captured', 'refunded', 'paid', 'reclaimed']);
    const csv = await answerOf(
      this.finance.GET('/v1/reports/{name}', {
        params: { path: { name: 'settlement' }, query: { format: 'csv' } },
        parseAs: 'text',
      }),
    );
    mkdirSync(outputDir, { recursive: true });
    const file = join(outputDir, 'settlement.csv');
    writeFileSync(file, csv);
    say(`written as CSV, ${csv.trim().split('\n').length} lines`, file);
  }

  private async showStatement(payoutId: string): Promise<void> {
    step('Statement of pay out 1');
    const statement = await answerOf(
      this.finance.GET('/v1/payouts/{id}/statement', { params: { path: { id: payoutId } } }),
    );
    for (const entry of statement.entries) {
      for (const [index, posting] of entry.postings.entries()) {
        const head = index === 0 ? `${String(entry.sequence).padStart(2)} ${entry.kind}` : '';
        const amount =
          posting.debit > 0 ? money(posting.debit, 'usd') : `${''.padStart(14)}${money(posting.credit, 'usd')}`;
        console.log(`  ${head.padEnd(24)} ${posting.account.padEnd(58)} ${amount}`);
      }
    }
    const { proof, chain } = statement;
    say(
      `accepted ${money(proof.accepted, 'usd')} = owed ${money(proof.owed, 'usd')} + held ${money(proof.held, 'usd')} ` +
        `+ paid ${money(proof.paid, 'usd')} + reclaimed ${money(proof.reclaimed, 'usd')} + released ${money(proof.released, 'usd')}`,
    );
    if (proof.balanced !== true) throw new DemoFailed('the statement of pay out 1 does not balance');
    if (chain.whole !== true) throw new DemoFailed('the hash chain of pay out 1 is broken');
    say('balanced; the hash chain is whole', chain.head ?? '');
  }

  private async platformBalance(): Promise<Record<string, number>> {
    const { available } = await this.stripe.get('/v1/balance');
    const amounts: Record<string, number> = {};
    for (const { currency, amount } of available) {
      amounts[currency] = amount;
      say(`${money(amount, currency)} available`);
    }
    return amounts;
  }
}

async function main(): Promise<void> {
  mkdirSync(outputDir, { recursive: true });
  const startedAt = Date.now();
  step('Start Disburse on its embedded defaults');
  const service = await startDemoService(join(outputDir, 'service.log'));
  say(`API ${service.url}, Stripe simulator ${service.simulatorUrl}`, `log: ${service.logFile}`);
  let summary: string;
  try {
    summary = await new Demo(service).tell();
  } finally {
    await service.stop();
  }
  console.log(`\n${summary} (${Math.round((Date.now() - startedAt) / 1_000)} s)`);
}

main().catch((error: unknown) => {
  console.error(`\nThe demo failed: ${error instanceof DemoFailed ? error.message : String((error as Error).stack)}`);
  process.exitCode = 1;
});
