import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { Client } from 'pg';
import { createTestDatabase } from '../support/database';
import { endPrograms, newFolder, Program, runCommand } from './program';

jest.setTimeout(60_000);

/** All that a start needs, so that nothing is embedded. */
const complete = {
  STRIPE_API_KEY: 'sk_test_configuration',
  STRIPE_WEBHOOK_SECRETS: 'whsec_a',
  STRIPE_AUTHORIZATION_WEBHOOK_SECRETS: 'whsec_b',
  DATA_ENCRYPTION_KEYS: Buffer.alloc(32, 7).toString('base64'),
};

afterAll(endPrograms);

async function start(env: Record<string, string>) {
  const program = Program.start('src/main.js', { DATA_DIR: newFolder('configuration'), ...env });
  const { code } = await program.ended;
  // What an operator can mend needs no stack.
  expect(program.output).not.toMatch(/\n\s+at .+:\d+/);
  return { code, output: program.output };
}

describe('a start that cannot be', () => {
  it('ends with 1 and names every variable that is wrong, without its secrets', async () => {
    const { code, output } = await start({ PORT: 'eighty', ROLE: 'boss', DATABASE_URL: 'mysql://root:hunter2@db' });

    expect(code).toBe(1);
    for (const name of ['PORT', 'ROLE', 'DATABASE_URL']) expect(output).toContain(name);
    expect(output).not.toContain('hunter2');
  });

  it('is refused in production on the embedded defaults, and says what is missing', async () => {
    const { code, output } = await start({ NODE_ENV: 'production' });

    expect(code).toBe(1);
    for (const name of ['DATABASE_URL', 'STRIPE_API_KEY', 'DATA_ENCRYPTION_KEYS', 'PUBLIC_URL']) {
      expect(output).toContain(`${name} `);
    }
  });

  it('is refused on a database that is behind, until the shell brings it up to date', async () => {
    const database = await createTestDatabase({ isEmpty: true });
    const env = { ...complete, DATABASE_URL: database.url };

    expect(await start(env)).toMatchObject({
      code: 1,
      output: expect.stringContaining('The database is behind this build. Run `npm run migrate`'),
    });
    expect(await runCommand(env, 'ledger-verify')).toMatchObject({
      code: 2,
      output: expect.stringContaining('Run `npm run migrate` first.'),
    });

    const migrated = await runCommand(env, 'migrate');

    const files = readdirSync(join(__dirname, '../../migrations')).filter((name) => /^\d+-.+\.ts$/.test(name));
    expect(migrated).toMatchObject({ code: 0 });
    expect(migrated.answer.match(/^ran \w+\d{13}$/gm)).toHaveLength(files.length);
    expect(await runCommand(env, 'migrate')).toMatchObject({
      code: 0,
      answer: expect.stringContaining('Nothing to do'),
    });
    expect(await runCommand(env, 'ledger-verify')).toMatchObject({ code: 0 });
    const client = new Client({ connectionString: database.url });
    await client.connect();
    await client.query(
      `insert into payout_balances (payout_id, connected_account_id, currency, accepted_minor, owed_minor)
       values ('payout_of_nothing', 'seller_of_nothing', 'usd', 500, 500)`,
    );
    await client.end();
    expect(await runCommand(env, 'ledger-verify')).toMatchObject({
      code: 1,
      answer: expect.stringContaining('payout_of_nothing: payout_balances say owed 500, the postings 0'),
    });
    await database.drop();
  });
});

describe('the shell commands', () => {
  it('explain themselves when the command is missing or unknown', async () => {
    const [missing, unknown, help] = await Promise.all([
      runCommand({}),
      runCommand({}, 'reconcille'),
      runCommand({}, 'help'),
    ]);

    expect(missing).toMatchObject({ code: 2, answer: '', output: expect.stringContaining('No command was given.') });
    expect(unknown).toMatchObject({
      code: 2,
      answer: '',
      output: expect.stringContaining('There is no command reconcille.'),
    });
    expect(help).toMatchObject({ code: 0 });
    for (const command of ['migrate', 'migrate-dump', 'reconcile', 'ledger-verify', 'create-api-key']) {
      for (const { output } of [missing, unknown, help]) expect(output).toContain(`  ${command}`);
    }
  });

  it('name what is wrong with what they were given', async () => {
    const empty = { DATA_DIR: newFolder('commands') };

    const [cutoff, role, option, nothing] = await Promise.all([
      runCommand(empty, 'reconcile', '--cutoff', '31.11.2026'),
      runCommand(empty, 'create-api-key', '--role', 'boss', '--name', 'x'),
      runCommand(empty, 'reconcile', '--until', '2026-11-30'),
      runCommand(empty, 'ledger-verify'),
    ]);

    expect(cutoff).toMatchObject({ code: 2, output: expect.stringContaining('--cutoff must be a day') });
    expect(role).toMatchObject({ code: 2, output: expect.stringContaining('--role must be one of') });
    expect(option).toMatchObject({ code: 2, output: expect.stringContaining('--until') });
    expect(nothing).toMatchObject({ code: 2, output: expect.stringContaining('holds no data yet') });
  });
});
