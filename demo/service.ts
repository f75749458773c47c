import { ChildProcess, spawn } from 'node:child_process';
import { chmodSync, createWriteStream, mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A Disburse of the demo's own: fresh data, free ports, started as anyone starts it. */
export interface DemoService {
  readonly url: string;
  readonly simulatorUrl: string;
  readonly simulatorKey: string;
  /** By role. */
  readonly keys: Readonly<Record<string, string>>;
  readonly logFile: string;
  stop(): Promise<void>;
}

const startTimeoutMs = 60_000;

export async function startDemoService(logFile: string): Promise<DemoService> {
  const dataDir = mkdtempSync(join(tmpdir(), 'disburse-demo-'));
  // As a folder anyone makes: PostgreSQL, which is another user when this is root, finds its data here and goes with it.
  chmodSync(dataDir, 0o755);
  const [port, simulatorPort] = await Promise.all([freePort(), freePort()]);
  const child = spawn(process.execPath, [join(__dirname, '../src/main.js')], {
    env: {
      ...process.env,
      NODE_ENV: 'development',
      DATA_DIR: dataDir,
      PORT: String(port),
      SIMULATOR_PORT: String(simulatorPort),
      // The demo runs on the embedded defaults, whatever this shell points elsewhere.
      DATABASE_URL: '',
      STRIPE_API_KEY: '',
      STRIPE_API_BASE: '',
      PUBLIC_URL: '',
      ROLE: '',
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const log = createWriteStream(logFile);
  child.stderr.pipe(log, { end: false });
  const greeting = await greetingOf(child, log);
  const keys = Object.fromEntries(
    [...greeting.matchAll(/^ {2}(\w+) +(dsb_\w+)$/gm)].map(([, role, key]) => [role!, key!]),
  );
  return {
    url: `http://127.0.0.1:${port}`,
    simulatorUrl: `http://127.0.0.1:${simulatorPort}`,
    simulatorKey: /platform key (\S+)\)/.exec(greeting)?.[1] ?? '',
    keys,
    logFile,
    stop: async () => {
      await stop(child);
      log.end();
      rmSync(dataDir, { recursive: true, force: true });
    },
  };
}

function greetingOf(child: ChildProcess, log: NodeJS.WritableStream): Promise<string> {
  return new Promise((done, fail) => {
    let said = '';
    const timer = setTimeout(() => fail(new Error(`The service did not start.\n${said}`)), startTimeoutMs);
    const ended = (code: number | null) => fail(new Error(`The service ended with ${code}.\n${said}`));
    child.once('exit', ended);
    child.stderr!.on('data', (chunk: Buffer) => (said += chunk.toString()));
    child.stdout!.on('data', (chunk: Buffer) => {
      log.write(chunk);
      said += chunk.toString();
      if (!said.includes('Ctrl-C stops it.')) return;
      clearTimeout(timer);
      child.off('exit', ended);
      done(said);
    });
  });
}

function stop(child: ChildProcess): Promise<void> {
  return new Promise((done) => {
    if (child.exitCode !== null) return done();
    child.once('exit', () => done());
    child.kill('SIGTERM');
  });
}

/** Below the range the system hands out by itself: nobody takes the port between the asking and the listening. */
async function freePort(): Promise<number> {
  for (;;) {
    const port = 20_000 + Math.floor(Math.random() * 12_000);
    if (await isFree(port)) return port;
  }
}

function isFree(port: number): Promise<boolean> {
  return new Promise((done) => {
    const server = createServer();
    server.once('error', () => done(false));
    server.listen(port, '127.0.0.1', () => server.close(() => done(true)));
  });
}
