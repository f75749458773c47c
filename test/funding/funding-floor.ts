import { randomBytes } from 'node:crypto';
import { Injectable, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { NestFastifyApplication } from '@nestjs/platform-fastify';
import { ScheduleModule } from '@nestjs/schedule';
import { ConnectedAccountsModule } from '../../src/connected-accounts/connected-accounts.module';
import { ConnectedAccountsService } from '../../src/connected-accounts/connected-accounts.service';
import { FundingRailName } from '../../src/connected-accounts/connected-account.types';
import {
  FloatObserved,
  FundingTransferFailed,
  FundingTransferSettled,
  FundingTransferShort,
  ReclaimDelayed,
  ReclaimFailed,
  ReclaimReturned,
  ReclaimSettled,
} from '../../src/funding-transfers/funding-transfer.events';
import { FundingTransfer } from '../../src/funding-transfers/funding-transfer.types';
import { FundingTransfersModule } from '../../src/funding-transfers/funding-transfers.module';
import { FundingTransfersService } from '../../src/funding-transfers/funding-transfers.service';
import { accounts, credit, debit } from '../../src/ledger/ledger-account.types';
import { LedgerModule } from '../../src/ledger/ledger.module';
import { LedgerService } from '../../src/ledger/ledger.service';
import { AuditLogModule } from '../../src/platform/audit-log/audit-log.module';
import { ApiKeysModule } from '../../src/platform/api-keys/api-keys.module';
import { readConfig } from '../../src/platform/config/config';
import { ConfigModule } from '../../src/platform/config/config.module';
import { Database, Tx } from '../../src/platform/database/database';
import { DatabaseModule } from '../../src/platform/database/database.module';
import { EncryptionModule } from '../../src/platform/encryption/encryption.module';
import { On } from '../../src/platform/events/on.decorator';
import { configureHttp } from '../../src/platform/http/configure-http';
import { createHttpAdapter } from '../../src/platform/http/http-adapter';
import { HttpModule } from '../../src/platform/http/http.module';
import { JobsModule } from '../../src/platform/jobs/jobs.module';
import { LoggingModule } from '../../src/platform/logging/logging.module';
import { MetricsModule } from '../../src/platform/metrics/metrics.module';
import { Currency, money } from '../../src/shared/money';
import { StripeModule } from '../../src/stripe/stripe.module';
import { WebhookInboxModule } from '../../src/webhook-inbox/webhook-inbox.module';
import { WebhookOutboxModule } from '../../src/webhook-outbox/webhook-outbox.module';
import { Platform } from '../simulator/world';
import { TestClock } from '../support/clock';
import { createTestDatabase, TestDatabase } from '../support/database';

/** Stands where the payouts would: hears every fact of the floor under test. */
@Injectable()
export class Listener {
  readonly heard: object[] = [];

  @On(FundingTransferSettled) async settled(event: object) {
    await this.hear(event, 'FundingTransferSettled');
  }
  @On(FundingTransferShort) async short(event: object) {
    await this.hear(event, 'FundingTransferShort');
  }
  @On(FundingTransferFailed) async failed(event: object) {
    await this.hear(event, 'FundingTransferFailed');
  }
  @On(ReclaimSettled) async reclaimed(event: object) {
    await this.hear(event, 'ReclaimSettled');
  }
  @On(ReclaimFailed) async reclaimFailed(event: object) {
    await this.hear(event, 'ReclaimFailed');
  }
  @On(ReclaimDelayed) async delayed(event: object) {
    await this.hear(event, 'ReclaimDelayed');
  }
  @On(ReclaimReturned) async returned(event: object) {
    await this.hear(event, 'ReclaimReturned');
  }
  @On(FloatObserved) async observed(event: object) {
    await this.hear(event, 'FloatObserved');
  }

  of(reference: string): string[] {
    return this.heard
      .filter((event) => (event as { reference?: string }).reference === reference)
      .map((event) => (event as { fact: string }).fact);
  }

  private hear(event: object, fact: string): Promise<void> {
    this.heard.push({ ...event, fact });
    return Promise.resolve();
  }
}

@Module({ providers: [Listener] })
class ListenerModule {}

export interface Seller {
  readonly id: string;
  readonly stripeAccountId: string;
  readonly currency: Currency;
}

let references = 0;

/** Every floor up to funding-transfers, real, with the simulator at the other end; above it only a listener. */
export class FundingFloor {
  readonly service: FundingTransfersService;
  readonly database: Database;
  readonly ledger: LedgerService;
  readonly listener: Listener;

  private constructor(
    readonly app: NestFastifyApplication,
    readonly platform: Platform,
    readonly clock: TestClock,
    private readonly testDatabase: TestDatabase,
  ) {
    this.service = app.get(FundingTransfersService);
    this.database = app.get(Database);
    this.ledger = app.get(LedgerService);
    this.listener = app.get(Listener);
  }

  static async start(): Promise<FundingFloor> {
    const database = await createTestDatabase();
    const platform = new Platform(process.env['TEST_SIMULATOR_URL']!, `sk_test_${randomBytes(12).toString('hex')}`);
    const secret = `whsec_${randomBytes(16).toString('hex')}`;
    const config = readConfig({
      NODE_ENV: 'test',
      LOG_LEVEL: process.env['TEST_LOG_LEVEL'] ?? 'silent',
      DATABASE_URL: database.url,
      STRIPE_API_KEY: platform.key,
      STRIPE_API_BASE: platform.url,
      STRIPE_WEBHOOK_SECRETS: secret,
      STRIPE_AUTHORIZATION_WEBHOOK_SECRETS: secret,
      STRIPE_REQUESTS_PER_SECOND: '1000',
      DATA_ENCRYPTION_KEYS: randomBytes(32).toString('base64'),
    });
    const clock = new TestClock();
    const endpoint = await platform.stripe.webhookEndpoints.create({
      url: 'http://127.0.0.1:1/webhooks/stripe',
      enabled_events: ['*'],
      connect: true,
    });

    @Module({
      imports: [
        ConfigModule.with(config.with({ stripeWebhookSecrets: [endpoint.secret!] }), clock),
        LoggingModule,
        MetricsModule,
        EncryptionModule,
        DatabaseModule.with(database.url, 20),
        ScheduleModule.forRoot(),
        JobsModule,
        AuditLogModule,
        ApiKeysModule,
        HttpModule,
        StripeModule,
        WebhookInboxModule,
        WebhookOutboxModule,
        LedgerModule,
        ConnectedAccountsModule,
        FundingTransfersModule,
        ListenerModule,
      ],
    })
    class FloorModule {}

    const app = await NestFactory.create<NestFastifyApplication>(FloorModule, createHttpAdapter(), {
      bodyParser: false,
      abortOnError: false,
      logger: process.env['TEST_LOG_LEVEL'] ? ['warn', 'error', 'log'] : false,
    });
    await configureHttp(app);
    await app.listen(0, '127.0.0.1');
    const url = `${await app.getUrl()}/webhooks/stripe`;
    await platform.stripe.webhookEndpoints.update(endpoint.id, { url });
    return new FundingFloor(app, platform, clock, database);
  }

  async stop(): Promise<void> {
    await this.app.close();
    await this.testDatabase.drop();
  }

  async newSeller(fundingRail: FundingRailName, country = 'US'): Promise<Seller> {
    const stripeAccountId = await this.platform.newSeller({ country });
    const service = this.app.get(ConnectedAccountsService);
    const inspection = await service.inspectForAdoption(stripeAccountId);
    const { id, currency } = await this.database.transaction((tx) => service.adopt(tx, { ...inspection, fundingRail }));
    return { id, stripeAccountId, currency };
  }

  /** A promise as the payouts make it: accepted in the ledger, nothing moved yet. */
  async newPromise(seller: Seller, amountMinor: bigint): Promise<string> {
    const reference = `payout_test_${process.pid}_${(references += 1)}`;
    await this.database.transaction((tx) =>
      this.ledger.post(tx, {
        kind: 'payout_accepted',
        sourceId: reference,
        connectedAccountId: seller.id,
        payoutId: reference,
        occurredAt: this.clock.now(),
        postings: [
          debit(accounts.marketplaceFunds(seller.currency), money(amountMinor, seller.currency)),
          credit(accounts.payoutOwed(reference, seller.currency), money(amountMinor, seller.currency)),
        ],
      }),
    );
    return reference;
  }

  async begin(seller: Seller, amountMinor: bigint, reference?: string): Promise<string> {
    const promise = reference ?? (await this.newPromise(seller, amountMinor));
    await this.database.transaction((tx) =>
      this.service.begin(tx, {
        reference: promise,
        connectedAccountId: seller.id,
        amountMinor,
        bufferMinor: 100n,
        currency: seller.currency,
      }),
    );
    return promise;
  }

  /** As the payouts do: intent in the ledger and the reclaim in one transaction. */
  async beginReclaim(
    seller: Seller,
    reference: string,
    amountMinor: bigint,
    more: { bufferMinor?: bigint; aftercareMinor?: bigint } = {},
  ): Promise<string> {
    return this.database.transaction(async (tx: Tx) => {
      const id = await this.service.beginReclaim(tx, {
        reference,
        connectedAccountId: seller.id,
        amountMinor,
        bufferMinor: 100n,
        currency: seller.currency,
        ...more,
      });
      if (amountMinor > 0n) {
        const amount = money(amountMinor, seller.currency);
        await this.ledger.post(tx, {
          kind: 'reclaim_intended',
          sourceId: id,
          connectedAccountId: seller.id,
          payoutId: reference,
          occurredAt: this.clock.now(),
          postings: [
            debit(accounts.payoutOwed(reference, seller.currency), amount),
            credit(accounts.payoutReclaiming(reference, seller.currency), amount),
          ],
        });
      }
      return id;
    });
  }

  /** The newest funding transfer of a reference, once `is` holds for it. */
  async until(reference: string, is: (transfer: FundingTransfer) => boolean): Promise<FundingTransfer> {
    return this.eventually(
      async () => {
        const transfer = (await this.service.listFor(reference)).at(-1);
        return transfer && is(transfer) ? transfer : null;
      },
      async () => `${reference}: ${JSON.stringify(await this.service.listFor(reference), textBigints)}`,
    );
  }

  async untilHeard(reference: string, fact: string, timeoutMs = 20_000): Promise<void> {
    await this.eventually(
      () => Promise.resolve(this.listener.of(reference).includes(fact) ? true : null),
      async () =>
        `${fact} of ${reference}, heard ${this.listener.of(reference).join()}; ${JSON.stringify(await this.service.listFor(reference), textBigints)}`,
      timeoutMs,
    );
  }

  async eventually<Answer>(
    ask: () => Promise<Answer | null>,
    describe: () => Promise<string> = () => Promise.resolve('it'),
    timeoutMs = 20_000,
  ): Promise<Answer> {
    const giveUpAt = performance.now() + timeoutMs;
    for (;;) {
      const answer = await ask();
      if (answer !== null) return answer;
      if (performance.now() > giveUpAt) throw new Error(`Waited in vain for ${await describe()}`);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }

  /** The ledger's accounts of a seller, those at zero left out. */
  async balances(seller: Seller): Promise<Record<string, number>> {
    const all = await this.ledger.accountBalances(seller.id);
    return Object.fromEntries(
      all
        .filter(({ amountMinor }) => amountMinor !== 0n)
        .map(({ account, amountMinor }) => [account, Number(amountMinor)]),
    );
  }

  async stripeBalances(seller: Seller): Promise<{ payments: number; issuing: number }> {
    const balance = await this.platform.stripe.balance.retrieve({}, { stripeAccount: seller.stripeAccountId });
    const of = (list: { amount: number; currency: string }[] | undefined) =>
      list?.find(({ currency }) => currency === seller.currency)?.amount ?? 0;
    return { payments: of(balance.available), issuing: of(balance.issuing?.available) };
  }

  /** Lines of the seller's balances at Stripe that no entry of the ledger explains. */
  async unexplained(seller: Seller): Promise<string[]> {
    const lines = await this.platform.stripe.balanceTransactions.list(
      { limit: 100 },
      { stripeAccount: seller.stripeAccountId },
    );
    const ids = lines.data.map(({ id }) => id);
    const known = await this.ledger.findMatched(this.database.reader, seller.id, ids);
    return lines.data.filter(({ id }) => !known.has(id)).map(({ type, net }) => `${type} ${net}`);
  }

  async untilExplained(seller: Seller): Promise<void> {
    await this.eventually(
      async () => ((await this.unexplained(seller)).length === 0 ? true : null),
      async () => `lines without an entry: ${(await this.unexplained(seller)).join(', ')}`,
    );
  }

  fault(rule: object): Promise<unknown> {
    return this.platform.control('POST', '/faults', rule);
  }
}

function textBigints(_key: string, value: unknown): unknown {
  return typeof value === 'bigint' ? value.toString() : value;
}
