import { performance } from 'node:perf_hooks';
import { Client } from 'pg';
import { toAuthorizationEvent } from '../src/authorization-decisions/authorization-question.policy';
import { idPrefixes, newId } from '../src/shared/ids';
import { DriverSettings, serveTasks, Task, TaskResult } from './authorizations-protocol';
import { purchaseEvent, scattered } from './purchases';
import { summarize } from './statistics';

/** The baseline: the service's own statement with the same questions, and nothing around it. */
const settings = JSON.parse(process.argv[2]!) as DriverSettings;

const statement = {
  name: 'decide-authorization',
  text: 'select decide_authorization($1::jsonb, $2::timestamptz) as decision',
};

async function decisions(task: Task, clients: readonly Client[]): Promise<TaskResult> {
  const at = performance.timeOrigin + performance.now();
  const now = new Date(at).toISOString();
  const questions = Array.from({ length: task.count }, (_, index) => {
    const payout = scattered(task.fromTurn + index, settings.payouts);
    const { question } = toAuthorizationEvent(purchaseEvent({ payout, authorization: `${task.run}_${index}` }, at))!;
    return JSON.stringify({
      ...question,
      authorization_id: newId(idPrefixes.authorization),
      request_id: newId(idPrefixes.authorizationRequest),
      stages: { arrive: 0.1, verify: 0.1 },
      budget_ms: 1_400,
    });
  });
  const times: number[] = [];
  const wrong: string[] = [];
  let next = 0;
  const begun = performance.now();
  await Promise.all(
    clients.map(async (client) => {
      for (let index = next++; index < questions.length; index = next++) {
        const asked = performance.now();
        const { rows } = await client.query<{ decision: { approved: boolean; reason: string } }>({
          ...statement,
          values: [questions[index], now],
        });
        times.push(performance.now() - asked);
        if (!rows[0]?.decision.approved) wrong.push(rows[0]?.decision.reason ?? 'no answer');
      }
    }),
  );
  return { count: task.count, elapsedMs: performance.now() - begun, latencies: summarize(times), wrong };
}

async function main(): Promise<void> {
  const clients = Array.from(
    { length: settings.connections },
    () => new Client({ connectionString: settings.databaseUrl, statement_timeout: 1_500 }),
  );
  await Promise.all(clients.map((client) => client.connect()));
  serveTasks((task) => decisions(task, clients));
}

void main();
