import { ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { openSync, readFileSync } from 'node:fs';
import { createServer, AddressInfo } from 'node:net';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';

export const adminKey = `dsk_bench_${randomBytes(16).toString('hex')}`;

export interface RunningService {
  readonly url: string;
  readonly process: ChildProcess;
  call<Answer>(method: string, path: string, body?: object): Promise<Answer>;
}

/** The built service as a process of its own on a free port or the given one, answering to one admin key. Its log goes into `home`. */
export async function startService(
  home: string,
  databaseUrl: string,
  env: Readonly<Record<string, string>>,
  port?: number,
): Promise<RunningService> {
  const chosen = port ?? (await freePort());
  const log = openSync(join(home, 'service.log'), 'a');
  const program = join(__dirname, '../src/main.js');
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', program], {
    stdio: ['ignore', log, log],
    env: {
      PATH: process.env['PATH'],
      NODE_ENV: 'development',
      LOG_LEVEL: 'warn',
      HOST: '127.0.0.1',
      PORT: String(chosen),
      PUBLIC_URL: `http://127.0.0.1:${chosen}`,
      DATABASE_URL: databaseUrl,
      DATA_ENCRYPTION_KEYS: randomBytes(32).toString('base64'),
      BOOTSTRAP_ADMIN_KEY: adminKey,
      ...env,
    },
  });
  const ended = new Promise<never>((_, fail) => {
    child.once('exit', (code) =>
      fail(new Error(`The service ended with ${code}:\n${tail(join(home, 'service.log'))}`)),
    );
  });
  ended.catch(() => undefined);
  const url = `http://127.0.0.1:${chosen}`;
  for (let isUp = false; !isUp; await Promise.race([pause(100), ended])) {
    isUp = await fetch(`${url}/health/ready`).then(
      ({ ok }) => ok,
      () => false,
    );
  }
  return {
    url,
    process: child,
    call: async <Answer>(method: string, path: string, body?: object): Promise<Answer> => {
      const answer = await fetch(`${url}${path}`, {
        method,
        headers: {
          authorization: `Bearer ${adminKey}`,
          ...(body ? { 'content-type': 'application/json', 'idempotency-key': randomBytes(12).toString('hex') } : {}),
        },
        ...(body ? { body: JSON.stringify(body) } : {}),
      });
      const json = (await answer.json()) as Answer;
      if (!answer.ok) throw new Error(`${method} ${path} answered ${answer.status}: ${JSON.stringify(json)}`);
      return json;
    },
  };
}

export async function stopProcess(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = new Promise<void>((done) => child.once('exit', () => done()));
  child.kill('SIGTERM');
  await ended;
}

/** Resident memory of a process, in megabytes. */
export function megabytesOf({ pid }: ChildProcess): number {
  const [, kilobytes] = /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
  return Math.round(Number(kilobytes) / 1024);
}

export function freePort(): Promise<number> {
  return new Promise((done) => {
    const server = createServer();
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo;
      server.close(() => done(port));
    });
  });
}

function tail(file: string): string {
  return readFileSync(file, 'utf8').slice(-4_000);
}
