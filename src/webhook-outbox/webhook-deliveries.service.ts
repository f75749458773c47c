import { Injectable, Logger } from '@nestjs/common';
import { Clock } from '../shared/clock';
import { Database, Tx } from '../platform/database/database';
import { Encryption } from '../platform/encryption/encryption.service';
import { Jobs } from '../platform/jobs/jobs.service';
import { OutboxService } from './outbox.service';
import { toOutgoingEventView } from './outgoing-event.dto';
import { WebhookDelivery } from './webhook-delivery.entity';
import { nextAttemptAt } from './webhook-delivery.policy';
import { WebhookEndpoint } from './webhook-endpoint.entity';
import { WebhookDeliveryNotFound, WebhookEndpointNotEnabled } from './webhook-endpoint.errors';
import { DeliveryFilter, DeliveryJourney, ListedDelivery, WebhookOutboxRepository } from './webhook-outbox.repository';
import { SendResult, WebhookSender } from './webhook-sender';
import { signedHeaders } from './webhook-signature.policy';

export const attemptDeliveryJob = 'attempt-webhook-delivery';

const fanOutBatch = 500;
const inFlightPerEndpointMax = 20;
// Longer than an attempt can take: who holds it longer has died, and the delivery is taken up by another.
const leaseMs = 60_000;

/** Brings events to endpoints: at least once, in order within a payout, patiently for three days. */
@Injectable()
export class WebhookDeliveriesService {
  private readonly logger = new Logger('webhook-outbox');

  constructor(
    private readonly clock: Clock,
    private readonly database: Database,
    private readonly encryption: Encryption,
    private readonly jobs: Jobs,
    private readonly sender: WebhookSender,
    private readonly outbox: OutboxService,
    private readonly repository: WebhookOutboxRepository,
  ) {}

  /** Makes deliveries of new events and hands out those that are due. Asked for every second; the database knows what is left to do. */
  async sweep(): Promise<void> {
    for (let looked = fanOutBatch; looked === fanOutBatch;) {
      looked = await this.database.transaction(async (tx) => {
        if (!(await this.repository.tryLockSweep(tx))) return 0;
        const now = this.clock.now();
        const events = await this.repository.fanOut(tx, now, fanOutBatch);
        const due = await this.repository.leaseDue(tx, now, this.leaseEnd(now), inFlightPerEndpointMax);
        for (const id of due) await this.enqueueAttempt(tx, id);
        return events;
      });
    }
  }

  /** Sends one delivery once and writes down what came back. Sent twice when we die in between: receivers go by `webhook-id`. */
  async attempt(id: string): Promise<void> {
    const journey = await this.repository.findJourney(id);
    if (!journey || journey.delivery.status !== 'pending' || !isOpen(journey.endpoint)) return;
    const attemptedAt = this.clock.now();
    const result = await this.send(journey, attemptedAt);
    await this.database.transaction((tx) => this.record(tx, journey, attemptedAt, result));
  }

  async list(filter: DeliveryFilter, limit: number, startingAfter?: string): Promise<ListedDelivery[]> {
    return this.repository.listDeliveries(filter, limit, startingAfter);
  }

  /** @throws {WebhookDeliveryNotFound} */
  async get(id: string): Promise<ListedDelivery> {
    const delivery = await this.repository.findDelivery(id);
    if (!delivery) throw new WebhookDeliveryNotFound(id);
    return delivery;
  }

  /** Sends it again, delivered or not; three days begin anew. @throws {WebhookDeliveryNotFound | WebhookEndpointNotEnabled} */
  async redeliver(tx: Tx, id: string): Promise<ListedDelivery> {
    const delivery = await this.repository.lockDelivery(tx, id);
    if (!delivery) throw new WebhookDeliveryNotFound(id);
    const endpoint = await this.repository.lockEndpoint(tx, delivery.endpointId);
    if (!endpoint || !isOpen(endpoint)) throw new WebhookEndpointNotEnabled(delivery.endpointId);
    const now = this.clock.now();
    await this.repository.saveDelivery(tx, {
      ...delivery,
      status: 'pending',
      firstAttemptAt: null,
      nextAttemptAt: now,
      leasedUntil: null,
      deliveredAt: null,
    });
    return (await this.repository.findDelivery(id, tx))!;
  }

  private async send({ event, endpoint }: DeliveryJourney, sentAt: Date): Promise<SendResult> {
    const body = JSON.stringify(toOutgoingEventView(event));
    return this.sender.post(
      endpoint.url,
      signedHeaders(event.id, sentAt, body, this.secretsOf(endpoint, sentAt)),
      body,
    );
  }

  private secretsOf(endpoint: WebhookEndpoint, now: Date): string[] {
    const { previousSecretEncrypted: previous, previousSecretExpiresAt: expiresAt } = endpoint;
    const isOverlapping = previous !== null && expiresAt !== null && expiresAt > now;
    return [endpoint.secretEncrypted, ...(isOverlapping ? [previous] : [])].map((secret) =>
      this.encryption.decrypt(secret),
    );
  }

  private async record(
    tx: Tx,
    { delivery: { id }, endpoint, event }: DeliveryJourney,
    attemptedAt: Date,
    result: SendResult,
  ): Promise<void> {
    const delivery = await this.repository.lockDelivery(tx, id);
    // Settled by another while we waited for the answer.
    if (!delivery || delivery.status !== 'pending') return;
    const now = this.clock.now();
    const attempt = delivery.attemptsCount + 1;
    const firstAttemptAt = delivery.firstAttemptAt ?? attemptedAt;
    await this.repository.insertAttempt(tx, {
      deliveryId: id,
      attempt,
      attemptedAt,
      durationMs: result.durationMs,
      responseStatus: result.status,
      responseStart: result.responseStart,
      error: result.error,
    });
    const tried: WebhookDelivery = { ...delivery, attemptsCount: attempt, firstAttemptAt, leasedUntil: null };

    if (result.status !== null && result.status >= 200 && result.status < 300) {
      await this.repository.saveDelivery(tx, { ...tried, status: 'delivered', nextAttemptAt: null, deliveredAt: now });
      await this.goOnWith(tx, delivery, now);
      return;
    }

    const next = nextAttemptAt({ attempts: await this.attemptsOfRound(tx, tried), firstAttemptAt }, now, Math.random());
    if (next) {
      await this.repository.saveDelivery(tx, { ...tried, nextAttemptAt: next });
      return;
    }
    await this.repository.saveDelivery(tx, { ...tried, status: 'failed', nextAttemptAt: null });
    // An endpoint that takes everything but this one event is not dead: the event is given up, and those behind it go on.
    if (await this.repository.hasDeliveredSince(tx, endpoint.id, firstAttemptAt))
      await this.goOnWith(tx, delivery, now);
    else await this.disable(tx, endpoint.id, event.id);
  }

  /** The next event of the payout need not wait for the sweep. */
  private async goOnWith(tx: Tx, settled: WebhookDelivery, now: Date): Promise<void> {
    const next = await this.repository.leaseNextOfLane(tx, settled, now, this.leaseEnd(now));
    if (next !== undefined) await this.enqueueAttempt(tx, next);
  }

  /** Attempts since the delivery was made, or redelivered by hand; the one just written down included. */
  private async attemptsOfRound(tx: Tx, delivery: WebhookDelivery): Promise<number> {
    const listed = await this.repository.findDelivery(delivery.id, tx);
    return listed?.attempts.filter((attempt) => attempt.attemptedAt >= delivery.firstAttemptAt!).length ?? 1;
  }

  /** Nobody has answered there for three days: stop, and tell the other endpoints. */
  private async disable(tx: Tx, endpointId: string, eventId: string): Promise<void> {
    const endpoint = await this.repository.lockEndpoint(tx, endpointId);
    if (!endpoint || endpoint.status === 'disabled') return;
    await this.repository.saveEndpoint(tx, {
      ...endpoint,
      status: 'disabled',
      disabledReason: 'no_success_for_three_days',
    });
    await this.repository.endPending(tx, endpointId, 'failed');
    await this.outbox.append(tx, {
      type: 'webhook_endpoint.disabled',
      data: { webhook_endpoint: endpointId, reason: 'no_success_for_three_days', event: eventId },
    });
    this.logger.error(
      { webhook_endpoint: endpointId },
      'A webhook endpoint was disabled: it has not answered for three days.',
    );
  }

  private leaseEnd(now: Date): Date {
    return new Date(now.getTime() + leaseMs);
  }

  private async enqueueAttempt(tx: Tx, deliveryId: string): Promise<void> {
    await this.jobs.enqueue(tx, attemptDeliveryJob, { deliveryId }, { singletonKey: deliveryId });
  }
}

function isOpen(endpoint: WebhookEndpoint): boolean {
  return endpoint.status === 'enabled' && endpoint.deletedAt === null;
}
