import type Stripe from 'stripe';
import { createStripe, stripeApiVersion } from './stripe-client';

/** Everything the service listens to. `issuing_authorization.request` has an endpoint of its own. */
export const webhookEventTypes = [
  'account.application.deauthorized',
  'account.updated',
  'balance.available',
  'capability.updated',
  'issuing_authorization.created',
  'issuing_authorization.updated',
  'issuing_card.created',
  'issuing_card.updated',
  'issuing_cardholder.created',
  'issuing_cardholder.updated',
  'issuing_dispute.closed',
  'issuing_dispute.created',
  'issuing_dispute.funds_reinstated',
  'issuing_dispute.funds_rescinded',
  'issuing_dispute.submitted',
  'issuing_dispute.updated',
  'issuing_transaction.created',
  'issuing_transaction.updated',
  'payout.canceled',
  'payout.created',
  'payout.failed',
  'payout.paid',
  'topup.canceled',
  'topup.created',
  'topup.failed',
  'topup.reversed',
  'topup.succeeded',
  'transfer.created',
  'transfer.reversed',
  'transfer.updated',
] as const satisfies readonly Stripe.WebhookEndpointCreateParams.EnabledEvent[];

/** The signing secret of each endpoint. Stripe says a secret once, when the endpoint is made: keep these. */
export type StripeWebhookSecrets = Readonly<{ account: string; connect: string; authorization: string }>;

type EndpointRole = keyof StripeWebhookSecrets;

type WantedEndpoint = Readonly<{
  path: string;
  isConnect: boolean;
  events: readonly Stripe.WebhookEndpointCreateParams.EnabledEvent[];
  description: string;
}>;

const wanted: Readonly<Record<EndpointRole, WantedEndpoint>> = {
  account: {
    path: '/webhooks/stripe',
    isConnect: false,
    events: webhookEventTypes,
    description: 'Disburse: events of the platform',
  },
  connect: {
    path: '/webhooks/stripe',
    isConnect: true,
    events: webhookEventTypes,
    description: 'Disburse: events of connected accounts',
  },
  authorization: {
    path: '/webhooks/stripe/authorizations',
    isConnect: true,
    events: ['issuing_authorization.request'],
    description: 'Disburse: decides authorizations in real time',
  },
};

const roleMetadata = 'disburse_endpoint';

/**
 * Sees to it that Stripe (the bundled simulator, as a rule) tells this service what happens: an account endpoint, a Connect endpoint and the
 * one that decides authorizations. Endpoints of an earlier start are kept, and moved when the address changed; one whose secret is not known
 * any more is made anew. Safe to repeat.
 *
 * @param options.known the secrets of an earlier start, as this function answered them
 * @returns the secrets to check signatures with; store them
 */
export async function ensureStripeWebhookEndpoints(
  options: Readonly<{ apiKey: string; apiBase: string; publicUrl: string; known?: Partial<StripeWebhookSecrets> }>,
): Promise<StripeWebhookSecrets> {
  const stripe = createStripe(options.apiKey, options.apiBase);
  const existing: Stripe.WebhookEndpoint[] = [];
  for await (const endpoint of stripe.webhookEndpoints.list({ limit: 100 })) existing.push(endpoint);
  const ensure = (role: EndpointRole): Promise<string> =>
    ensureEndpoint(stripe, existing, role, options.publicUrl, options.known?.[role]);
  return {
    account: await ensure('account'),
    connect: await ensure('connect'),
    authorization: await ensure('authorization'),
  };
}

async function ensureEndpoint(
  stripe: Stripe,
  existing: readonly Stripe.WebhookEndpoint[],
  role: EndpointRole,
  publicUrl: string,
  secret: string | undefined,
): Promise<string> {
  const { path, isConnect, events, description } = wanted[role];
  const url = `${publicUrl}${path}`;
  const mine = existing.filter((endpoint) => endpoint.metadata[roleMetadata] === role);
  const kept = secret === undefined ? undefined : mine[0];
  for (const endpoint of mine) if (endpoint !== kept) await stripe.webhookEndpoints.del(endpoint.id);
  if (kept && secret !== undefined) {
    const isRight = kept.url === url && kept.status === 'enabled' && isSame(kept.enabled_events, events);
    if (!isRight) await stripe.webhookEndpoints.update(kept.id, { url, enabled_events: [...events], disabled: false });
    return secret;
  }
  const created = await stripe.webhookEndpoints.create({
    url,
    connect: isConnect,
    enabled_events: [...events],
    description,
    metadata: { [roleMetadata]: role },
    // Payloads come in the version the code was written against.
    api_version: stripeApiVersion,
  });
  if (!created.secret) throw new Error(`Stripe made the ${role} webhook endpoint without telling its secret.`);
  return created.secret;
}

function isSame(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((name) => b.includes(name));
}
