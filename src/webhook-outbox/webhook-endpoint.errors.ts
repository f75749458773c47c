import { DomainError, NotFoundError } from '../shared/domain-error';

export class WebhookEndpointNotFound extends NotFoundError {
  constructor(id: string) {
    super('webhook_endpoint', id);
  }
}

export class WebhookDeliveryNotFound extends NotFoundError {
  constructor(id: string) {
    super('webhook_delivery', id);
  }
}

export class OutgoingEventNotFound extends NotFoundError {
  constructor(id: string) {
    super('event', id);
  }
}

export class WebhookUrlRefused extends DomainError {
  readonly code = 'webhook_url_refused';
  readonly status = 422;

  constructor(detail: string) {
    super(`The URL ${detail}.`, [{ pointer: '/url', detail, code: 'url_refused' }]);
  }
}

export class WebhookEndpointNotEnabled extends DomainError {
  readonly code = 'webhook_endpoint_not_enabled';
  readonly status = 409;

  constructor(id: string) {
    super(`The webhook endpoint ${id} is disabled or deleted. Enable it first.`);
  }
}

export class TooManyWebhookEndpoints extends DomainError {
  readonly code = 'too_many_webhook_endpoints';
  readonly status = 422;

  constructor(most: number) {
    super(`There may be at most ${most} webhook endpoints. Delete one first.`);
  }
}
