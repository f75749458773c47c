import { performance } from 'node:perf_hooks';
import { DriverSettings, serveTasks, Task, TaskResult } from './authorizations-protocol';
import { planAnswers } from './answers-plan';
import { HttpConnections, sendAll, sendPaced, Timed } from './http-connections';
import { authorizationSecret, inboxEvent, purchaseEvent, scattered, signedRequest, webhookSecret } from './purchases';
import { summarize } from './statistics';

/** The load: Stripe's requests over real HTTP. Bodies are made and signed before the clock starts. */
const settings = JSON.parse(process.argv[2]!) as DriverSettings;
const decisionPath = '/webhooks/stripe/authorizations';
const wrongMax = 20;

/** The real time: the service checks how old a signature is. */
const wallClock = (): number => performance.timeOrigin + performance.now();

async function decisions(task: Extract<Task, { kind: 'decisions' | 'paced' }>): Promise<TaskResult> {
  const requests = Array.from({ length: task.count }, (_, index) => {
    const payout = scattered(task.fromTurn + index, settings.payouts);
    const event = purchaseEvent({ payout, authorization: `${task.run}_${index}` }, wallClock());
    return signedRequest(decisionPath, event, authorizationSecret, wallClock());
  });
  const wrong: string[] = [];
  const times: number[] = [];
  const take = ({ answer, ms }: Timed) => {
    times.push(ms);
    if (answer.status !== 200 || !answer.body.startsWith('{"approved":true')) wrong.push(answer.body);
  };
  const elapsedMs = await timed((connections) =>
    task.kind === 'paced'
      ? sendPaced(connections, requests, task.perSecond, (_, each) => take(each))
      : sendAll(
          connections,
          requests.map((request) => [request]),
          (_group, _member, each) => take(each),
        ),
  );
  return { count: task.count, elapsedMs, latencies: summarize(times), wrong: wrong.slice(0, wrongMax) };
}

async function events(task: Extract<Task, { kind: 'events' }>): Promise<TaskResult> {
  const requests = Array.from({ length: task.count }, (_, index) => {
    const payout = scattered(task.fromTurn + index, settings.payouts);
    const event = inboxEvent(task.sort, payout, `${task.run}_${index}`, wallClock());
    return [signedRequest('/webhooks/stripe', event, webhookSecret, wallClock())];
  });
  const wrong: string[] = [];
  const times: number[] = [];
  const elapsedMs = await timed((connections) =>
    sendAll(connections, requests, (_group, _member, { answer, ms }) => {
      times.push(ms);
      if (answer.status !== 200) wrong.push(answer.body);
    }),
  );
  return { count: task.count, elapsedMs, latencies: summarize(times), wrong: wrong.slice(0, wrongMax) };
}

async function answers(task: Extract<Task, { kind: 'answers' }>): Promise<TaskResult> {
  const plan = planAnswers(task, settings.payouts);
  const groups = plan.groups.map((group) =>
    group.map((purchase) =>
      signedRequest(decisionPath, purchaseEvent(purchase, wallClock()), authorizationSecret, wallClock()),
    ),
  );
  const times: number[] = [];
  const elapsedMs = await timed((connections) =>
    sendAll(connections, groups, (group, member, { answer, ms }) => {
      times.push(ms);
      plan.take(group, member, answer);
    }),
  );
  const { wrong, ...counts } = plan.judge();
  return { count: times.length, elapsedMs, latencies: summarize(times), wrong: wrong.slice(0, wrongMax), ...counts };
}

async function timed(work: (connections: HttpConnections) => Promise<void>): Promise<number> {
  const connections = await HttpConnections.open(settings.port, settings.connections);
  try {
    const begun = performance.now();
    await work(connections);
    return performance.now() - begun;
  } finally {
    connections.close();
  }
}

serveTasks((task) => {
  switch (task.kind) {
    case 'decisions':
    case 'paced':
      return decisions(task);
    case 'answers':
      return answers(task);
    case 'events':
      return events(task);
  }
});
