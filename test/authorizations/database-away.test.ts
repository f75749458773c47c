import { startTestApp } from '../support/app';
import { createTestDatabase, TestDatabase } from '../support/database';
import { DatabaseLine } from '../support/database-line';
import { waitFor } from '../support/wait-for';
import { CardWorld, dollars } from './world';

describe('with the database away', () => {
  let database: TestDatabase;
  let line: DatabaseLine;
  let world: CardWorld;

  beforeAll(async () => {
    database = await createTestDatabase();
    line = await DatabaseLine.to(database.url);
    world = await CardWorld.start(await startTestApp({ databaseUrl: line.url }));
    // Stripe waits a minute here instead of two seconds, so that on any machine it is we who end the wait: the line is mended only after.
    await world.control('PATCH', '/settings', { authorization_timeout_ms: 60_000 });
  });

  afterAll(async () => {
    await world?.stop();
    await line?.close();
    await database?.drop();
  });

  it('hands on what Stripe reports though its worker can no longer be told of it', async () => {
    line.refuse('disburse-inbox');
    await world.app.database.query(
      `select pg_terminate_backend(pid) from pg_stat_activity
       where application_name = 'disburse-inbox' and datname = current_database()`,
    );

    const payout = await world.readyPayout(dollars(100));
    const { id } = await world.charge(payout, dollars(20));

    await world.authorization(id, (row) => row['network_outcome'] === 'approved');
    line.mend();
    await waitFor('the worker to listen again', async () => {
      const rows = await world.app.database.query(
        `select 1 from pg_stat_activity where application_name = 'disburse-inbox' and datname = current_database()`,
      );
      return rows.length === 1;
    });
  });

  it('declines without it, and books it once Stripe reports it', async () => {
    const payout = await world.readyPayout(dollars(100));

    line.cut();
    const declined = await world.charge(payout, dollars(20));
    line.mend();

    expect(declined).toMatchObject({
      approved: false,
      request_history: [{ reason: 'webhook_declined' }],
      metadata: { disburse_reason: 'database_unavailable' },
    });
    const receipt = await world.authorization(declined.id, (row) => row['network_outcome'] === 'declined');
    expect(receipt).toMatchObject({ approved: false, status: 'closed', held_amount: 0 });
    expect(await world.payout(payout.id)).toMatchObject({ status: 'ready', held: 0, owed: dollars(100) });
    expect((await world.charge(payout, dollars(20))).approved).toBe(true);
    await world.expectBooksToMatch();
  });

  it('declines at its own deadline when the database is reached and does not answer', async () => {
    const payout = await world.readyPayout(dollars(100));

    line.stall();
    const declined = await world.charge(payout, dollars(20));
    line.mend();

    expect(declined).toMatchObject({
      approved: false,
      request_history: [{ reason: 'webhook_declined' }],
      metadata: { disburse_reason: 'deadline_exceeded' },
    });
    await world.authorization(declined.id, (row) => row['network_outcome'] === 'declined' && row['held_amount'] === 0);
    await world.waitForPayout(payout.id, { status: 'ready', held: 0, owed: dollars(100) });
    expect((await world.charge(payout, dollars(20))).approved).toBe(true);
    await world.expectBooksToMatch();
  });
});
