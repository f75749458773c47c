import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ApiClient } from '../support/http';
import { ReadyPayout, Scenario, Seller } from '../support/scenario';
import { waitFor } from '../support/wait-for';
import { endPrograms, newFolder, processesNaming, Program, runCommand, Service, startService } from './program';
import { freePort } from '../support/free-port';

jest.setTimeout(120_000);

/** One folder through starts, stops and kills; each test goes on where the one before it left. */
describe('npm start on its embedded defaults', () => {
  let folder: string;
  let env: Record<string, string>;
  let service: Service;
  let seller: Seller;
  let payout: ReadyPayout;

  beforeAll(async () => {
    folder = newFolder('lifecycle');
    const [port, simulatorPort] = [await freePort(), await freePort()];
    env = { DATA_DIR: folder, PORT: String(port), SIMULATOR_PORT: String(simulatorPort) };
  });

  afterAll(endPrograms);

  /** The process id of the running PostgreSQL. https://www.postgresql.org/docs/current/storage-file-layout.html */
  const postgres = () => {
    const { clusterDir } = JSON.parse(readFileSync(join(folder, 'database.json'), 'utf8')) as { clusterDir: string };
    const [pid] = readFileSync(join(clusterDir, 'postmaster.pid'), 'utf8').split('\n');
    expect(processesNaming(clusterDir).map((line) => line.split(' ')[0])).toContain(pid);
    return pid;
  };
  const simulators = () => processesNaming(folder).filter((line) => line.includes('simulator'));

  it('starts on nothing, prints where it is and a key a role, and carries a payout to its card', async () => {
    service = await startService(env);

    expect(service.program.output).toContain(`${service.url}/v1`);
    expect(service.program.output).toContain(service.simulator.url);
    expect(Object.keys(service.keys).sort()).toEqual(['admin', 'auditor', 'finance', 'marketplace', 'pci']);
    const scenario = new Scenario(service);
    await scenario.fundPlatform(500_00);
    seller = await scenario.onboardedSeller();
    payout = await scenario.readyPayout(seller, 80_00);
    expect(postgres()).toBeDefined();
    expect(simulators()).toHaveLength(1);
  });

  it('refuses a second start on the same folder, and goes on itself', async () => {
    const second = Program.start('src/main.js', {
      ...env,
      PORT: String(await freePort()),
      SIMULATOR_PORT: String(await freePort()),
    });

    expect(await second.ended).toMatchObject({ code: 1 });

    expect(second.output).toContain(`Another Disburse (process ${service.program.pid}) runs on ${folder}.`);
    expect(second.output).toContain('DATA_DIR');
    expect(second.output).not.toMatch(/\n\s+at /);
    expect(await new Scenario(service).payout(payout.id)).toMatchObject({ status: 'ready' });
  });

  it('is reconciled, proven and given a key from the shell beside it', async () => {
    const before = postgres();

    const [run, proof, key] = await Promise.all([
      runCommand(env, 'reconcile', '--connected-account', seller.id),
      runCommand(env, 'ledger-verify'),
      runCommand(env, 'create-api-key', '--role', 'finance', '--name', 'month end'),
    ]);

    expect(run).toMatchObject({
      code: 0,
      answer: expect.stringMatching(/completed: [1-9]\d* lines matched, 0 healed, 0 breaks open/),
    });
    expect(run.output).toMatch(/1 of 1 accounts/);
    expect(proof).toMatchObject({
      code: 0,
      answer: expect.stringMatching(/^The ledger is whole: [1-9]\d* entries, 1 payouts and 0 seals proven\.$/m),
    });
    expect(key).toMatchObject({ code: 0, answer: expect.stringMatching(/^dsb_test_\w+\n$/) });
    const finance = new ApiClient({ ...service, keys: { finance: key.answer.trim() } }, 'finance');
    expect((await finance.get('/v1/reconciliation-runs')).data).toMatchObject([
      { connected_account: seller.id, breaks_open: 0 },
    ]);
    expect(postgres()).toBe(before);
  });

  it('stops cleanly on Ctrl-C: exit 0, and nothing it started is left', async () => {
    expect(await service.program.interrupt()).toEqual({ code: 0, signal: null });

    expect(processesNaming(folder)).toEqual([]);
  });

  it('keeps its data across restarts, the simulator’s too', async () => {
    const { keys } = service;

    service = await startService(env);

    expect(service.keys).toEqual(keys);
    const scenario = new Scenario(service);
    expect(await scenario.payout(payout.id)).toMatchObject({ status: 'ready', card: payout.cardId });
    expect(await scenario.stripe.get(`/v1/accounts/${seller.stripeAccount}`)).toMatchObject({
      id: seller.stripeAccount,
    });
    // The endpoints at Stripe still fit: this is decided over a signed request to the service.
    const { id } = await scenario.purchase(payout, 30_00);
    await scenario.untilStatus(payout, 'authorized');
    await scenario.capture(payout, id);
  });

  it('needs no hand after a kill that left PostgreSQL running', async () => {
    expect(await service.program.kill('SIGKILL')).toMatchObject({ signal: 'SIGKILL' });
    await waitFor('the simulator to go with its service', () => Promise.resolve(simulators().length === 0));
    const left = postgres();

    service = await startService(env);

    // Adopted, not started beside: the same process.
    expect(postgres()).toBe(left);
    const scenario = new Scenario(service);
    expect(await scenario.untilStatus(payout, 'closed')).toMatchObject({ paid: 30_00, reclaimed: 50_00 });
    // For the next test: money at Stripe that no fact of ours explains.
    const unexplained = { amount: 5_00, currency: 'usd' };
    await scenario.stripe.post('/v1/test_helpers/issuing/fund_balance', unexplained, seller.stripeAccount);
    await service.program.kill('SIGTERM');
    expect(processesNaming(folder)).toEqual([]);
  });

  it('is reconciled from the shell while nothing runs: exit 1 for what nobody explained, and nothing is left running', async () => {
    const run = await runCommand(env, 'reconcile');

    expect(run).toMatchObject({ code: 1, answer: expect.stringMatching(/completed: .+ [1-9] breaks open/) });
    expect(run.answer).toMatch(new RegExp(`break_\\w+ {2}${seller.id} {2}missing_in_ledger {2}txn_\\w+ {2}500 usd`));
    expect(processesNaming(folder)).toEqual([]);
  });
});
