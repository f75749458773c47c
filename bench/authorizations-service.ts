import { ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { openSync } from 'node:fs';
import { createServer, Server } from 'node:http';
import { createServer as createTcpServer, AddressInfo } from 'node:net';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { authorizationSecret, stripeCard, webhookSecret } from './purchases';

/** Stands in for Stripe's API: every card is as it was, no authorization is known, no event was ever missed. */
export async function startStripe(): Promise<Server> {
  const server = createServer((request, response) => {
    const [, cardId] = /^\/v1\/issuing\/cards\/([^/?]+)/.exec(request.url ?? '') ?? [];
    const isUnknown = (request.url ?? '').startsWith('/v1/issuing/authorizations/');
    if (isUnknown) response.statusCode = 404;
    const answer = isUnknown
      ? { error: { type: 'invalid_request_error', code: 'resource_missing', message: 'No such authorization.' } }
      : cardId
        ? stripeCard(cardId)
        : { object: 'list', data: [], has_more: false, url: request.url };
    response.setHeader('content-type', 'application/json').end(JSON.stringify(answer));
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  return server;
}

export interface RunningService {
  readonly process: ChildProcess;
  readonly port: number;
}

export interface ServiceSettings {
  readonly databaseUrl: string;
  readonly stripeUrl: string;
  readonly home: string;
  /** Profiles the service's processor time into this folder. */
  readonly profile: string | undefined;
}

/** The real application as it runs in production; its log goes to a file. */
export async function startService(
  { databaseUrl, stripeUrl, home, profile }: ServiceSettings,
  role: 'api' | 'worker',
  stripeRequestsPerSecond = 10_000,
): Promise<RunningService> {
  const port = await freePort();
  const log = openSync(join(home, `${role}.log`), 'a');
  const profiling = profile === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${profile}`];
  const child = spawn(
    process.execPath,
    ['--disable-warning=ExperimentalWarning', ...profiling, join(__dirname, '../src/main.js')],
    {
      stdio: ['ignore', log, 'inherit'],
      env: {
        PATH: process.env['PATH'],
        NODE_ENV: 'production',
        ROLE: role,
        HOST: '127.0.0.1',
        PORT: String(port),
        PUBLIC_URL: 'https://disburse.example.com',
        DATABASE_URL: databaseUrl,
        DATA_ENCRYPTION_KEYS: randomBytes(32).toString('base64'),
        STRIPE_API_KEY: 'sk_test_bench',
        STRIPE_PUBLISHABLE_KEY: 'pk_test_bench',
        STRIPE_API_BASE: stripeUrl,
        STRIPE_REQUESTS_PER_SECOND: String(stripeRequestsPerSecond),
        STRIPE_WEBHOOK_SECRETS: webhookSecret,
        STRIPE_AUTHORIZATION_WEBHOOK_SECRETS: authorizationSecret,
      },
    },
  );
  process.once('exit', () => child.kill('SIGKILL'));
  const ended = new Promise<never>((_, fail) => {
    child.once('exit', (code) => fail(new Error(`The service (${role}) ended with ${code}.`)));
  });
  ended.catch(() => undefined);
  if (role === 'api') {
    for (let isUp = false; !isUp; await Promise.race([pause(100), ended])) {
      isUp = await fetch(`http://127.0.0.1:${port}/health/ready`).then(
        ({ ok }) => ok,
        () => false,
      );
    }
  }
  return { process: child, port };
}

export async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = new Promise<void>((done) => child.once('exit', () => done()));
  child.kill('SIGTERM');
  await ended;
}

function freePort(): Promise<number> {
  return new Promise((done) => {
    const server = createTcpServer();
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo;
      server.close(() => done(port));
    });
  });
}
