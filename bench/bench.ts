import { spawn } from 'node:child_process';
import { join } from 'node:path';

/** What `npm run bench -- <name>` can measure; each is a program of its own beside this one. */
const benches: Readonly<Record<string, string>> = {
  authorizations: 'decisions per second through real HTTP beside the same SQL without it, wrong answers, the inbox',
  reconciliation: 'lines matched per second beside a plain join of the same rows, memory, and proving a ledger',
  batches: 'ten thousand rows of a batch accepted to the last, beside the same rows asked for one by one and plain SQL',
  expiry: 'many payouts expire in the same moment while new ones come: the rate at Stripe, the wait of the new',
  reports: 'the first byte of a month’s settlement and statement among a million payouts, rows per second, memory',
  simulator: 'the Stripe simulator among a hundred cards and among a hundred thousand',
};

const [name, ...options] = process.argv.slice(2);
if (name === undefined || !(name in benches)) {
  console.error(name === undefined ? 'Which bench?' : `There is no bench "${name}".`);
  for (const [each, what] of Object.entries(benches)) console.error(`  npm run bench -- ${each.padEnd(16)} ${what}`);
  process.exit(1);
}
const bench = spawn(process.execPath, [join(__dirname, `${name}.js`), ...options], { stdio: 'inherit' });
// The bench cleans up after itself on Ctrl-C, which the terminal sends to both.
process.on('SIGINT', () => undefined);
process.on('SIGTERM', () => bench.kill('SIGTERM'));
bench.on('exit', (code) => process.exit(code ?? 1));
