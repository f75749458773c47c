import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { createInterface } from 'node:readline';

/**
 * The same requests among a hundred cards and among a hundred thousand, in one run: a request's time and the process's
 * memory must not follow the number of objects. Usage: npm run bench -- simulator [objects] [rounds]
 */
const sizes = [100, Number(process.argv[2] ?? 100_000)];
const rounds = Number(process.argv[3] ?? 600);
const warmUps = 30;
const key = 'sk_test_bench';

interface Answer {
  id: string;
  data: { id: string }[];
}

class Client {
  account: string | undefined;

  constructor(private readonly url: string) {}

  async send(method: string, path: string, params: Record<string, string | number> = {}): Promise<Answer> {
    const body = new URLSearchParams(
      Object.entries(params).map(([name, value]): [string, string] => [name, String(value)]),
    ).toString();
    const answer = await fetch(`${this.url}${path}`, {
      method,
      headers: {
        Authorization: `Bearer ${key}`,
        'Content-Type': 'application/x-www-form-urlencoded',
        ...(this.account === undefined ? {} : { 'Stripe-Account': this.account }),
      },
      ...(method === 'GET' ? {} : { body: path.startsWith('/_simulator') ? JSON.stringify(params) : body }),
    });
    const json = (await answer.json()) as Answer;
    if (!answer.ok) throw new Error(`${method} ${path}: ${JSON.stringify(json)}`);
    return json;
  }
}

async function prepare(client: Client): Promise<string> {
  await client.send('PATCH', '/_simulator/settings', { default_daily_limit: 0, cardholder_requirements: 'none' });
  const account = await client.send('POST', '/v1/accounts', {
    'controller[stripe_dashboard][type]': 'none',
    'controller[fees][payer]': 'application',
    'controller[losses][payments]': 'application',
    'controller[requirement_collection]': 'application',
    'capabilities[card_issuing][requested]': 'true',
    'capabilities[transfers][requested]': 'true',
  });
  await client.send('POST', `/_simulator/accounts/${account.id}/complete`);
  await client.send('POST', '/_simulator/clock/advance', { seconds: 1 });
  client.account = account.id;
  await client.send('POST', '/v1/test_helpers/issuing/fund_balance', { amount: 99_000_000_00, currency: 'usd' });
  const holder = await client.send('POST', '/v1/issuing/cardholders', {
    name: 'Jenny Rosen',
    'billing[address][line1]': '1',
    'billing[address][city]': 'SF',
    'billing[address][country]': 'US',
    'billing[address][postal_code]': '94107',
  });
  return holder.id;
}

/** Cards, authorizations and captures in equal parts, until there are so many objects of these kinds. */
async function fill(client: Client, holder: string, from: number, to: number): Promise<void> {
  const width = 16;
  for (let made = from; made < to; made += 3 * width) {
    await Promise.all(
      Array.from({ length: Math.min(width, Math.ceil((to - made) / 3)) }, () => purchase(client, holder)),
    );
  }
}

async function purchase(client: Client, holder: string): Promise<string> {
  const card = await client.send('POST', '/v1/issuing/cards', {
    cardholder: holder,
    currency: 'usd',
    type: 'virtual',
    status: 'active',
  });
  const test = '/v1/test_helpers/issuing/authorizations';
  const authorization = await client.send('POST', test, { card: card.id, amount: 500 });
  await client.send('POST', `${test}/${authorization.id}/capture`);
  return card.id;
}

/** What a process has cost so far. What else the machine does is not in it. Linux only. */
function costOf({ pid }: ChildProcess): Record<'processorMs' | 'writtenKb' | 'readKb', number> {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
  const io = readFileSync(`/proc/${pid}/io`, 'utf8');
  const kilobytes = (name: string) => Number(new RegExp(`${name}: (\\d+)`).exec(io)?.[1]) / 1024;
  // Fields 14 and 15 of proc(5), user and system, in ticks of a hundredth of a second.
  const processorMs = (Number(fields[11]) + Number(fields[12])) * 10;
  return { processorMs, writtenKb: kilobytes('wchar'), readKb: kilobytes('rchar') };
}

function median(times: number[]): number {
  return [...times].sort((a, b) => a - b)[Math.floor(times.length / 2)] ?? 0;
}

async function requestsFor({ client, holder }: Subject): Promise<Record<string, () => Promise<unknown>>> {
  const cards = await client.send('GET', '/v1/issuing/cards?limit=100');
  const [card = { id: '' }] = cards.data;
  const newCard = { cardholder: holder, currency: 'usd', type: 'virtual', status: 'active' };
  const purchaseOf = { card: card.id, amount: 1 };
  return {
    'retrieve a card': () => client.send('GET', `/v1/issuing/cards/${card.id}`),
    'list 10 active cards of a cardholder': () =>
      client.send('GET', `/v1/issuing/cards?cardholder=${holder}&status=active`),
    'list 10 balance transactions by type': () =>
      client.send('GET', '/v1/balance_transactions?type=issuing_transaction'),
    'list 10 events by type': () => client.send('GET', '/v1/events?type=issuing_authorization.created'),
    balance: () => client.send('GET', '/v1/balance'),
    'create a card': () => client.send('POST', '/v1/issuing/cards', newCard),
    'authorize a purchase': () => client.send('POST', '/v1/test_helpers/issuing/authorizations', purchaseOf),
  };
}

/** A process of its own, so that its memory is its own. */
function start(dataDir: string): Promise<{ simulator: ChildProcess; url: string }> {
  const program = join(__dirname, '../simulator/main.js');
  const simulator = spawn(process.execPath, [
    '--disable-warning=ExperimentalWarning',
    program,
    '--port',
    '0',
    '--data',
    dataDir,
  ]);
  simulator.stderr.pipe(process.stderr);
  return new Promise((resolve) => {
    createInterface(simulator.stdout).once('line', (line) => resolve({ simulator, url: line.split(' ').at(-1) ?? '' }));
  });
}

function megabytesOf({ pid }: ChildProcess): number {
  const [, kilobytes] = /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
  return Math.round(Number(kilobytes) / 1024);
}

interface Subject {
  size: number;
  client: Client;
  holder: string;
  simulator: ChildProcess;
  dataDir: string;
}

async function open(size: number): Promise<Subject> {
  const dataDir = mkdtempSync(join(tmpdir(), 'simulator-bench-'));
  const { simulator, url } = await start(dataDir);
  const client = new Client(url);
  const holder = await prepare(client);
  const begun = performance.now();
  await fill(client, holder, 0, size);
  const seconds = (performance.now() - begun) / 1000;
  const disk = Math.round(statSync(join(dataDir, 'simulator.sqlite')).size / 2 ** 20);
  console.log(
    `${size} objects: filled in ${seconds.toFixed(1)} s, ${megabytesOf(simulator)} MB of memory, ${disk} MB on disk`,
  );
  return { size, client, holder, simulator, dataDir };
}

async function main(): Promise<void> {
  const subjects: Subject[] = [];
  for (const size of sizes) subjects.push(await open(size));
  const results: Record<string, Record<string, string>> = {};
  const all = await Promise.all(subjects.map(async (subject) => ({ subject, requests: await requestsFor(subject) })));
  for (const name of Object.keys(all[0]?.requests ?? {})) {
    // Turn by turn, and each first every other turn, so that whatever else the machine does slows both alike.
    const times = all.map((): number[] => []);
    let before: ReturnType<typeof costOf>[] = [];
    for (let round = -warmUps; round < rounds; round += 1) {
      const order = round % 2 === 0 ? [...all.keys()] : [...all.keys()].reverse();
      for (const index of order) {
        const begun = performance.now();
        await all[index]?.requests[name]?.();
        if (round < 0) continue;
        times[index]?.push(performance.now() - begun);
      }
      if (round === -1) before = all.map(({ subject }) => costOf(subject.simulator));
    }
    const after = all.map(({ subject }) => costOf(subject.simulator));
    const cost = (name: keyof ReturnType<typeof costOf>) =>
      after.map((one, index) => ((one[name] - (before[index]?.[name] ?? 0)) / rounds).toFixed(1)).join(' → ');
    const [few = [], many = []] = times;
    results[name] = {
      ...Object.fromEntries(
        all.map(({ subject }, index) => [`ms at ${subject.size}`, median(times[index] ?? []).toFixed(2)]),
      ),
      ratio: (median(many) / median(few)).toFixed(2),
      'ratio of pairs': median(many.map((ms, round) => ms / (few[round] ?? ms))).toFixed(2),
      'processor ms': cost('processorMs'),
      'KB written': cost('writtenKb'),
      'KB read': cost('readKb'),
    };
  }
  console.table(results);
  for (const { size, client, simulator, dataDir } of subjects) {
    const begun = performance.now();
    const books = (await client.send('GET', '/_simulator/books')) as unknown as { balanced: boolean };
    const ms = Math.round(performance.now() - begun);
    console.log(
      `${size} objects: books balanced ${books.balanced}, added up again in ${ms} ms, ${megabytesOf(simulator)} MB of memory at the end`,
    );
    simulator.kill('SIGKILL');
    rmSync(dataDir, { recursive: true, force: true });
    if (!books.balanced) process.exitCode = 1;
  }
}

void main();
