import { Injectable } from '@nestjs/common';
import { Clock } from '../shared/clock';
import { newId } from '../shared/ids';
import { Config } from '../platform/config/config';
import type { Tx } from '../platform/database/database';
import { Encryption } from '../platform/encryption/encryption.service';
import { OutboxService } from './outbox.service';
import { WebhookEndpoint } from './webhook-endpoint.entity';
import {
  TooManyWebhookEndpoints,
  WebhookEndpointNotEnabled,
  WebhookEndpointNotFound,
  WebhookUrlRefused,
} from './webhook-endpoint.errors';
import { refusalOfUrl } from './webhook-address.policy';
import { ListedDelivery, WebhookOutboxRepository } from './webhook-outbox.repository';
import { makeSigningSecret } from './webhook-signature.policy';

const endpointsMax = 50;
const defaultOverlapSeconds = 24 * 3600;

export interface CreateWebhookEndpoint {
  readonly url: string;
  readonly eventTypes: readonly string[];
  readonly description: string | null;
}

/** An endpoint whose secret was just made: the only moment its text is known outside the encryption. */
export type MadeWebhookEndpoint = Readonly<{ endpoint: WebhookEndpoint; secret: string }>;

/** Where the marketplace listens, and the secrets it verifies us with. */
@Injectable()
export class WebhookEndpointsService {
  constructor(
    private readonly config: Config,
    private readonly clock: Clock,
    private readonly encryption: Encryption,
    private readonly outbox: OutboxService,
    private readonly repository: WebhookOutboxRepository,
  ) {}

  /** @throws {WebhookUrlRefused | TooManyWebhookEndpoints} */
  async create(tx: Tx, request: CreateWebhookEndpoint): Promise<MadeWebhookEndpoint> {
    const refusal = refusalOfUrl(request.url, this.config.webhookAllowedHosts);
    if (refusal) throw new WebhookUrlRefused(refusal);
    if ((await this.repository.countEndpoints(tx)) >= endpointsMax) throw new TooManyWebhookEndpoints(endpointsMax);
    const secret = makeSigningSecret();
    const endpoint: WebhookEndpoint = {
      id: newId('hook'),
      url: request.url,
      description: request.description,
      eventTypes: [...request.eventTypes],
      status: 'enabled',
      disabledReason: null,
      secretEncrypted: this.encryption.encrypt(secret),
      previousSecretEncrypted: null,
      previousSecretExpiresAt: null,
      createdAt: this.clock.now(),
      deletedAt: null,
    };
    await this.repository.insertEndpoint(tx, endpoint);
    return { endpoint, secret };
  }

  async list(limit: number, startingAfter?: string): Promise<WebhookEndpoint[]> {
    return this.repository.listEndpoints(limit, startingAfter);
  }

  /** @throws {WebhookEndpointNotFound} */
  async get(id: string): Promise<WebhookEndpoint> {
    const endpoint = await this.repository.findEndpoint(id);
    if (!endpoint) throw new WebhookEndpointNotFound(id);
    return endpoint;
  }

  /** Stops sending there; what still waits is canceled. @throws {WebhookEndpointNotFound} */
  async delete(tx: Tx, id: string): Promise<WebhookEndpoint> {
    const endpoint = await this.lock(tx, id);
    const deleted = { ...endpoint, deletedAt: this.clock.now() };
    await this.repository.saveEndpoint(tx, deleted);
    await this.repository.endPending(tx, id, 'canceled');
    return deleted;
  }

  /** Makes a new secret; the old one signs beside it for the overlap. @throws {WebhookEndpointNotFound} */
  async rotateSecret(tx: Tx, id: string, overlapSeconds = defaultOverlapSeconds): Promise<MadeWebhookEndpoint> {
    const endpoint = await this.lock(tx, id);
    const secret = makeSigningSecret();
    const rotated: WebhookEndpoint = {
      ...endpoint,
      secretEncrypted: this.encryption.encrypt(secret),
      previousSecretEncrypted: endpoint.secretEncrypted,
      previousSecretExpiresAt: new Date(this.clock.now().getTime() + overlapSeconds * 1_000),
    };
    await this.repository.saveEndpoint(tx, rotated);
    return { endpoint: rotated, secret };
  }

  /** Sends there again after it was disabled. What it missed is redelivered by hand. @throws {WebhookEndpointNotFound} */
  async enable(tx: Tx, id: string): Promise<WebhookEndpoint> {
    const endpoint: WebhookEndpoint = { ...(await this.lock(tx, id)), status: 'enabled', disabledReason: null };
    await this.repository.saveEndpoint(tx, endpoint);
    return endpoint;
  }

  /** Sends a harmless event there and nowhere else. @throws {WebhookEndpointNotFound | WebhookEndpointNotEnabled} */
  async sendTest(tx: Tx, id: string): Promise<ListedDelivery> {
    const endpoint = await this.lock(tx, id);
    if (endpoint.status !== 'enabled') throw new WebhookEndpointNotEnabled(id);
    const eventId = await this.outbox.append(tx, { type: 'webhook_endpoint.test', data: { webhook_endpoint: id } });
    const deliveryId = await this.repository.insertTestDelivery(tx, eventId, id, this.clock.now());
    return (await this.repository.findDelivery(deliveryId, tx))!;
  }

  private async lock(tx: Tx, id: string): Promise<WebhookEndpoint> {
    const endpoint = await this.repository.lockEndpoint(tx, id);
    if (!endpoint) throw new WebhookEndpointNotFound(id);
    return endpoint;
  }
}
