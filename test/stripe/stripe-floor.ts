import { randomBytes } from 'node:crypto';
import { DynamicModule, Injectable, Module, Type } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { ScheduleModule } from '@nestjs/schedule';
import { ApiKeysModule } from '../../src/platform/api-keys/api-keys.module';
import { AuditLogModule } from '../../src/platform/audit-log/audit-log.module';
import { ApiKeysService } from '../../src/platform/api-keys/api-keys.service';
import { Config, type ConfigFields, readConfig } from '../../src/platform/config/config';
import { ConfigModule } from '../../src/platform/config/config.module';
import { Database, type Tx } from '../../src/platform/database/database';
import { DatabaseModule } from '../../src/platform/database/database.module';
import { EncryptionModule } from '../../src/platform/encryption/encryption.module';
import { configureHttp } from '../../src/platform/http/configure-http';
import { createHttpAdapter } from '../../src/platform/http/http-adapter';
import { HttpModule } from '../../src/platform/http/http.module';
import { JobsModule } from '../../src/platform/jobs/jobs.module';
import { LoggingModule } from '../../src/platform/logging/logging.module';
import { MetricsModule } from '../../src/platform/metrics/metrics.module';
import { OnStripeCall } from '../../src/stripe/on-stripe-call.decorator';
import { type SettledStripeCall, stripeCallKinds } from '../../src/stripe/stripe-call.types';
import { StripeCallsService } from '../../src/stripe/stripe-calls.service';
import { StripeGateway } from '../../src/stripe/stripe-gateway.service';
import { StripeModule } from '../../src/stripe/stripe.module';
import { ensureWebhookEndpoints } from '../../src/stripe/stripe-webhook-setup';
import { WebhookInboxModule } from '../../src/webhook-inbox/webhook-inbox.module';
import { Platform } from '../simulator/world';
import { TestClock } from '../support/clock';
import { createTestDatabase } from '../support/database';
import { freePort } from '../support/free-port';

/** Takes every outcome, as the floors above would; a test may make it throw. */
@Injectable()
export class Outcomes {
  readonly all: SettledStripeCall[] = [];
  /** Called before an outcome is taken; throwing refuses it. */
  before: (call: SettledStripeCall) => void = () => undefined;

  @OnStripeCall(...(stripeCallKinds as unknown as [(typeof stripeCallKinds)[number]]))
  // eslint-disable-next-line @typescript-eslint/require-await -- a listener that has nothing to wait for
  async take(_tx: Tx, call: SettledStripeCall): Promise<void> {
    this.before(call);
    this.all.push(call);
  }

  of(reference: string): SettledStripeCall[] {
    return this.all.filter((call) => call.reference === reference);
  }
}

export interface StripeFloor {
  readonly url: string;
  readonly app: NestFastifyApplication;
  readonly database: Database;
  readonly databaseUrl: string;
  readonly config: Config;
  readonly clock: TestClock;
  readonly calls: StripeCallsService;
  readonly gateway: StripeGateway;
  readonly outcomes: Outcomes;
  readonly platform: Platform;
  readonly adminKey: string;
  stop(): Promise<void>;
}

/** The floors up to the inbox, real, on a database and a Stripe platform of their own. `on`: a second replica beside the first. */
export async function startStripeFloor(
  options: { listeners?: Type[]; changes?: Partial<ConfigFields>; on?: StripeFloor } = {},
): Promise<StripeFloor> {
  const { on } = options;
  const database = on ? { url: on.databaseUrl, drop: () => Promise.resolve() } : await createTestDatabase();
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const platform =
    on?.platform ?? new Platform(process.env['TEST_SIMULATOR_URL']!, `sk_test_${randomBytes(12).toString('hex')}`);
  const secrets = on
    ? undefined
    : await ensureWebhookEndpoints({
        apiBase: platform.url,
        apiKey: platform.key,
        publicUrl: url,
        areSecretsKnown: false,
      });
  const config = (
    on?.config ?? readConfig({ NODE_ENV: 'test', LOG_LEVEL: process.env['TEST_LOG_LEVEL'] ?? 'silent' })
  ).with({
    port,
    publicUrl: url,
    databaseUrl: database.url,
    databasePoolMax: 12,
    stripeApiKey: platform.key,
    stripeApiBase: platform.url,
    stripeRequestsPerSecond: 500,
    dataEncryptionKeys: on?.config.dataEncryptionKeys ?? [randomBytes(32)],
    ...(secrets ? { stripeWebhookSecrets: secrets.webhookSecrets } : {}),
    ...options.changes,
  });
  const clock = on?.clock ?? new TestClock();
  const app = await NestFactory.create<NestFastifyApplication>(
    TestRoof.with(config, clock, options.listeners ?? []),
    createHttpAdapter(),
    { bodyParser: false, bufferLogs: true, abortOnError: false },
  );
  await configureHttp(app);
  await app.listen(port, '127.0.0.1');
  const made = on ? [] : await app.get(ApiKeysService).ensureBootstrap({ makeOnePerRole: true });
  return {
    url,
    app,
    database: app.get(Database),
    databaseUrl: database.url,
    config,
    clock,
    calls: app.get(StripeCallsService),
    gateway: app.get(StripeGateway),
    outcomes: app.get(Outcomes),
    platform,
    adminKey: on?.adminKey ?? made.find(({ role }) => role === 'admin')?.key ?? '',
    stop: async () => {
      await app.close();
      await database.drop();
    },
  };
}

@Module({})
class TestRoof {
  static with(config: Config, clock: TestClock, listeners: Type[]): DynamicModule {
    return {
      module: TestRoof,
      imports: [
        ConfigModule.with(config, clock),
        LoggingModule,
        MetricsModule,
        EncryptionModule,
        DatabaseModule.with(config.databaseUrl!, config.databasePoolMax),
        ScheduleModule.forRoot(),
        JobsModule,
        AuditLogModule,
        ApiKeysModule,
        HttpModule,
        StripeModule,
        WebhookInboxModule,
      ],
      providers: [Outcomes, ...listeners],
    };
  }
}
