import type Stripe from 'stripe';
import { dayMs, realNowMs } from './clock';
import { badParameter } from './errors';
import { newId, newSecret } from './ids';
import type { Row } from './kinds';
import { answerList, type ListAnswer } from './lists';
import { mergedMetadata } from './metadata';
import type { Session } from './session';

type Endpoint = Stripe.WebhookEndpoint;

export function createEndpoint(session: Session, params: Stripe.WebhookEndpointCreateParams): Endpoint {
  checkUrl(params.url);
  if (params.enabled_events.length === 0) {
    throw badParameter('Missing required param: enabled_events.', 'enabled_events', 'parameter_missing');
  }
  const endpoint: Endpoint & { object: 'webhook_endpoint' } = {
    id: newId('we'),
    object: 'webhook_endpoint',
    api_version: params.api_version ?? null,
    application: null,
    created: session.now,
    description: params.description || null,
    enabled_events: params.enabled_events,
    livemode: false,
    metadata: mergedMetadata({}, params.metadata),
    status: 'enabled',
    url: params.url,
  };
  const secret = newSecret('whsec');
  session.insert<'webhook_endpoint'>(endpoint, {
    connect: params.connect ?? false,
    secrets: [{ secret, until: null }],
  });
  // Said once, here, and never again.
  return { ...endpoint, secret };
}

function checkUrl(url: string): void {
  if (!URL.canParse(url) || !/^https?:$/.test(new URL(url).protocol)) {
    throw badParameter('Invalid URL: An explicit scheme (such as https) must be provided.', 'url', 'url_invalid');
  }
}

export function updateEndpoint(session: Session, params: Stripe.WebhookEndpointUpdateParams, id: string): Endpoint {
  const row = session.get('webhook_endpoint', id);
  const { body } = row;
  if (params.url !== undefined) {
    checkUrl(params.url);
    body.url = params.url;
  }
  if (params.description !== undefined) body.description = params.description || null;
  if (params.disabled !== undefined) body.status = params.disabled ? 'disabled' : 'enabled';
  if (params.enabled_events !== undefined) body.enabled_events = params.enabled_events;
  body.metadata = mergedMetadata(body.metadata, params.metadata);
  session.save(row);
  return body;
}

export function deleteEndpoint(session: Session, id: string): Stripe.DeletedWebhookEndpoint {
  session.get('webhook_endpoint', id);
  session.objects.remove(session.account, 'webhook_endpoint', id);
  session.db.run("delete from deliveries where endpoint = ? and status <> 'succeeded'", id);
  return { id, object: 'webhook_endpoint', deleted: true };
}

export function listEndpoints(session: Session, params: Stripe.WebhookEndpointListParams): ListAnswer {
  return answerList(session, 'webhook_endpoint', '/v1/webhook_endpoints', params, renderEndpoint);
}

export function renderEndpoint(_session: Session, row: Row<'webhook_endpoint'>): Endpoint {
  return row.body;
}

/** The Dashboard's "roll secret": the old one signs along until it expires. */
export function rotateSecret(session: Session, id: string, keepSeconds = dayMs / 1000): { id: string; secret: string } {
  const row = session.get('webhook_endpoint', id);
  const secret = newSecret('whsec');
  const until = realNowMs() + keepSeconds * 1000;
  const older = row.hidden.secrets.map((one) => ({ ...one, until: one.until ?? until }));
  row.hidden.secrets = [{ secret, until: null }, ...older];
  session.save(row);
  return { id, secret };
}
