import type Stripe from 'stripe';
import { createStripe, simulatorApiKey, stripeApiVersion } from './stripe-client';

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

/** Signing secrets of the endpoints made. Stripe says a secret once, when the endpoint is made: keep these. */
export type StripeWebhookSecrets = Readonly<{
  /** Of the account endpoint and of the Connect endpoint. */
  webhookSecrets: readonly string[];
  authorizationWebhookSecrets: readonly string[];
}>;

type EndpointRole = 'account' | 'connect' | 'authorization';

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
 * one that decides authorizations. Endpoints of an earlier start are kept, and moved when the address changed. When one is missing, or the
 * secrets of an earlier start are lost, all are made anew. Safe to repeat.
 *
 * @returns the secrets of what it made, to be stored; undefined when the endpoints of an earlier start serve on
 */
export async function ensureWebhookEndpoints(
  options: Readonly<{ apiBase: string; publicUrl: string; areSecretsKnown: boolean; apiKey?: string }>,
): Promise<StripeWebhookSecrets | undefined> {
  const stripe = createStripe(options.apiKey ?? simulatorApiKey, options.apiBase);
  const existing = new Map<string, Stripe.WebhookEndpoint>();
  for await (const endpoint of stripe.webhookEndpoints.list({ limit: 100 })) {
    const role = endpoint.metadata[roleMetadata];
    if (role !== undefined && role in wanted) existing.set(role, endpoint);
  }
  if (options.areSecretsKnown && existing.size === Object.keys(wanted).length) {
    for (const [role, endpoint] of existing) await correct(stripe, endpoint, role as EndpointRole, options.publicUrl);
    return undefined;
  }
  for (const endpoint of existing.values()) await stripe.webhookEndpoints.del(endpoint.id);
  const make = (role: EndpointRole): Promise<string> => create(stripe, role, options.publicUrl);
  return {
    webhookSecrets: [await make('account'), await make('connect')],
    authorizationWebhookSecrets: [await make('authorization')],
  };
}

async function correct(
  stripe: Stripe,
  endpoint: Stripe.WebhookEndpoint,
  role: EndpointRole,
  publicUrl: string,
): Promise<void> {
  const { path, events } = wanted[role];
  const url = `${publicUrl}${path}`;
  if (endpoint.url === url && endpoint.status === 'enabled' && isSame(endpoint.enabled_events, events)) return;
  await stripe.webhookEndpoints.update(endpoint.id, { url, enabled_events: [...events], disabled: false });
}

async function create(stripe: Stripe, role: EndpointRole, publicUrl: string): Promise<string> {
  const { path, isConnect, events, description } = wanted[role];
  const { secret } = await stripe.webhookEndpoints.create({
    url: `${publicUrl}${path}`,
    connect: isConnect,
    enabled_events: [...events],
    description,
    metadata: { [roleMetadata]: role },
    // Payloads come in the version the code was written against.
    api_version: stripeApiVersion,
  });
  if (!secret) throw new Error(`Stripe made the ${role} webhook endpoint without telling its secret.`);
  return secret;
}

function isSame(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((name) => b.includes(name));
}
