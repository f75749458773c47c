import { realNowMs } from './clock';
import type { Database } from './database';
import { renderEvent } from './events';
import type { Faults, WebhookFault } from './faults';
import { postJson } from './outgoing';
import type { Platform, Platforms } from './platforms';
import type { Session } from './session';
import { signatureHeader } from './signature';

interface DeliveryRecord {
  id: number;
  platform: string;
  account: string;
  event: string;
  endpoint: string;
  url: string;
  attempts: number;
}

const answerLimitMs = 20_000;
const perEndpointMax = 8;
const longestSleepMs = 60_000;

/** Sends events to endpoints: signed, several at once and in no promised order, again with growing pauses until a 2xx. */
export class Dispatcher {
  private timer: NodeJS.Timeout | undefined;
  private stopped = false;
  private waking = false;
  private readonly inFlight = new Set<number>();
  private readonly busy = new Map<string, number>();
  private readonly idleWaiters = new Set<() => void>();

  constructor(
    private readonly db: Database,
    private readonly platforms: Platforms,
    private readonly faults: Faults,
    private readonly sessionFor: (platform: Platform, account: string) => Session,
  ) {}

  /** After the commit that asked for it; many commits at once wake it once. */
  wakeSoon(): void {
    if (this.waking) return;
    this.waking = true;
    setImmediate(() => {
      this.waking = false;
      this.wake();
    });
  }

  wake(): void {
    if (this.stopped) return;
    clearTimeout(this.timer);
    this.timer = undefined;
    let sleepMs = longestSleepMs;
    for (const endpoint of this.endpointsWithWork()) sleepMs = Math.min(sleepMs, this.startDue(endpoint));
    this.timer = setTimeout(() => this.wake(), sleepMs);
    this.timer.unref();
  }

  /** Skips through the index, so that a long queue of one endpoint hides no other endpoint. */
  private *endpointsWithWork(): Generator<string> {
    for (let last = ''; ;) {
      const next = this.db.find<{ endpoint: string }>(
        "select endpoint from deliveries where status = 'pending' and endpoint > ? order by endpoint limit 1",
        last,
      );
      if (!next) return;
      yield next.endpoint;
      last = next.endpoint;
    }
  }

  /** Starts what is due, as far as the endpoint is not busy, and says how long it may sleep until the next. */
  private startDue(endpoint: string): number {
    const records = this.db.all<DeliveryRecord & { next_attempt_ms: number }>(
      `select * from deliveries where status = 'pending' and endpoint = ? order by next_attempt_ms, id limit ?`,
      ...[endpoint, 2 * perEndpointMax],
    );
    for (const record of records) {
      if (this.inFlight.has(record.id)) continue;
      const waitMs = record.next_attempt_ms - realNowMs();
      if (waitMs > 0) return waitMs;
      if ((this.busy.get(endpoint) ?? 0) < perEndpointMax) this.start(record);
    }
    return longestSleepMs;
  }

  private start(record: DeliveryRecord): void {
    this.inFlight.add(record.id);
    this.busy.set(record.endpoint, (this.busy.get(record.endpoint) ?? 0) + 1);
    void this.attempt(record).finally(() => {
      this.inFlight.delete(record.id);
      this.busy.set(record.endpoint, (this.busy.get(record.endpoint) ?? 1) - 1);
      for (const waiter of [...this.idleWaiters]) waiter();
      this.wake();
    });
  }

  private async attempt(record: DeliveryRecord): Promise<void> {
    try {
      await this.deliver(record);
    } catch (error) {
      // A mistake of the simulator's own must neither end it nor be tried again at once.
      process.stderr.write(`simulator: delivery of ${record.event} failed: ${(error as Error).stack}\n`);
      if (!this.stopped) this.settle(this.platforms.get(record.platform), record, (error as Error).message);
    }
  }

  private async deliver(record: DeliveryRecord): Promise<void> {
    const platform = this.platforms.get(record.platform);
    const owner = this.sessionFor(platform, record.account);
    const endpoint = owner.find('webhook_endpoint', record.endpoint);
    const event = this.findEvent(platform, record.event);
    if (!endpoint || !event) {
      this.db.run('delete from deliveries where id = ?', record.id);
      return;
    }
    if (endpoint.body.status === 'disabled') {
      this.db.run(
        "update deliveries set status = 'failed', last_error = 'the endpoint is disabled' where id = ?",
        record.id,
      );
      return;
    }
    const fault = record.attempts === 0 ? this.faults.takeWebhook(platform, event.type) : undefined;
    if (fault && this.misbehave(record, fault)) return;
    const body = JSON.stringify(event.rendered, null, 2);
    const headers = { 'Stripe-Signature': signatureHeader(body, endpoint.hidden.secrets) };
    const times = fault?.action === 'duplicate' ? 2 : 1;
    let problem: string | undefined;
    for (let time = 0; time < times; time += 1) {
      try {
        const answer = await postJson(endpoint.body.url, body, headers, answerLimitMs);
        problem = answer.status >= 200 && answer.status < 300 ? undefined : `status ${answer.status}`;
      } catch (error) {
        problem = (error as Error).message;
      }
    }
    if (!this.stopped) this.settle(platform, record, problem);
  }

  /** True when this attempt is not to happen now, or not at all. */
  private misbehave(record: DeliveryRecord, fault: WebhookFault): boolean {
    if (fault.action === 'drop') {
      this.db.run(
        "update deliveries set status = 'dropped', last_error = 'dropped by a fault' where id = ?",
        record.id,
      );
      return true;
    }
    if (fault.action !== 'delay' && fault.action !== 'reorder') return false;
    // Later than what comes after it: the order in which events arrive is nobody's promise.
    const delayMs = fault.delay_ms ?? (fault.action === 'reorder' ? 300 : 1000);
    this.db.run(
      'update deliveries set next_attempt_ms = ?, attempts = attempts + 1 where id = ?',
      ...[realNowMs() + delayMs, record.id],
    );
    return true;
  }

  private findEvent(platform: Platform, id: string): { type: string; rendered: object } | undefined {
    const owner = this.db.find<{ account: string }>("select account from objects where kind = 'event' and id = ?", id);
    if (!owner) return undefined;
    const session = this.sessionFor(platform, owner.account);
    const row = session.get('event', id);
    return { type: row.body.type, rendered: renderEvent(session, row) };
  }

  private settle(platform: Platform, record: DeliveryRecord, problem: string | undefined): void {
    if (problem === undefined) {
      this.db.run(
        "update deliveries set status = 'succeeded', attempts = attempts + 1, last_error = null where id = ?",
        record.id,
      );
      return;
    }
    const {
      webhook_retry_delay_ms: firstMs,
      webhook_retry_delay_max_ms: maxMs,
      webhook_attempts_max: most,
    } = platform.settings;
    const attempts = record.attempts + 1;
    const pauseMs = Math.min(maxMs, firstMs * 2 ** (attempts - 1));
    this.db.run(
      'update deliveries set status = ?, attempts = ?, next_attempt_ms = ?, last_error = ? where id = ?',
      ...[attempts >= most ? 'failed' : 'pending', attempts, realNowMs() + pauseMs, problem, record.id],
    );
  }

  /** Resolves when nothing of the platform's waits to be delivered, or the time is up. */
  async untilIdle(platform: Platform, limitMs: number): Promise<boolean> {
    const isIdle = () =>
      this.db.find("select 1 from deliveries where platform = ? and status = 'pending' limit 1", platform.id) ===
      undefined;
    const endsAt = realNowMs() + limitMs;
    while (!isIdle()) {
      const leftMs = endsAt - realNowMs();
      if (leftMs <= 0 || this.stopped) return isIdle();
      await new Promise<void>((resolve) => {
        const done = () => {
          clearTimeout(timer);
          this.idleWaiters.delete(done);
          resolve();
        };
        const timer = setTimeout(done, leftMs);
        this.idleWaiters.add(done);
      });
    }
    return true;
  }

  stop(): void {
    this.stopped = true;
    clearTimeout(this.timer);
    for (const waiter of [...this.idleWaiters]) waiter();
  }
}
