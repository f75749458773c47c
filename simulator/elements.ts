import { frameHtml, frameScript, stripeScript } from './elements-scripts';
import type { Platforms } from './platforms';
import type { Session } from './session';

interface PageRequest {
  method: string;
  path: string;
  query: string;
  header(name: string): string | undefined;
}

interface PageAnswer {
  status: number;
  body: string;
  headers: Record<string, string>;
}

const cardPath = /^\/v3\/issuing_cards\/(ic_\w+)(\/secrets)?$/;

/**
 * Stripe.js as far as Issuing Elements need it. The page gets the script and a card without its secrets; the secrets go
 * only to frames of this origin, which the page cannot read.
 */
export function answerElements(
  sessionOf: (account: string) => Session | undefined,
  platforms: Platforms,
  request: PageRequest,
): PageAnswer | undefined {
  const { method, path } = request;
  if (path === '/v3' || path === '/v3/' || path === '/stripe.js') return script(stripeScript);
  if (path === '/v3/element.js') return script(frameScript);
  if (path === '/v3/element') return frame();
  const [, card, secrets] = cardPath.exec(path) ?? [];
  if (card === undefined) return undefined;
  if (method === 'OPTIONS') return { status: 204, body: '', headers: secrets ? {} : crossOrigin };
  // No cross-origin header on the secrets: only a frame of this origin can fetch them.
  const headers = secrets ? {} : crossOrigin;
  const answer = readCard(sessionOf, platforms, request, card, secrets !== undefined);
  return {
    status: answer.status,
    body: JSON.stringify(answer.json),
    headers: { ...headers, 'Cache-Control': 'no-store' },
  };
}

const crossOrigin = {
  'Access-Control-Allow-Origin': '*',
  'Access-Control-Allow-Headers': 'authorization, stripe-account, stripe-nonce, stripe-publishable-key',
};

function readCard(
  sessionOf: (account: string) => Session | undefined,
  platforms: Platforms,
  request: PageRequest,
  card: string,
  withSecrets: boolean,
): { status: number; json: object } {
  const refused = (message: string) => ({ status: 401, json: { error: { type: 'invalid_request_error', message } } });
  const platform = platforms.findByPublishableKey(request.header('stripe-publishable-key') ?? '');
  if (!platform) return refused('Invalid publishable key.');
  const account = request.header('stripe-account') ?? platform.id;
  const session = platforms.findOwner(account) === platform.id ? sessionOf(account) : undefined;
  if (!session) return refused('This key does not have access to this account.');
  const secret = (request.header('authorization') ?? '').replace('Bearer ', '');
  const [key] = session.objects.page(account, 'ephemeral_key', { limit: 1 }, [
    { field: 'secret', values: [secret] },
  ]).rows;
  if (!key) return refused('Invalid ephemeral key.');
  if (key.body.expires <= session.now) return refused('This ephemeral key has expired.');
  if (key.hidden.issuing_card !== card) return refused('This ephemeral key is for another card.');
  if (key.hidden.nonce !== request.header('stripe-nonce'))
    return refused('The nonce does not belong to this ephemeral key.');
  const { body, hidden } = session.get('issuing.card', card);
  const shown = {
    id: body.id,
    object: body.object,
    brand: body.brand,
    exp_month: body.exp_month,
    exp_year: body.exp_year,
    last4: body.last4,
    livemode: false,
    status: body.status,
    type: body.type,
  };
  return { status: 200, json: withSecrets ? { ...shown, number: hidden.number, cvc: hidden.cvc } : shown };
}

function script(body: string): PageAnswer {
  const headers = { 'Content-Type': 'text/javascript; charset=utf-8', 'Cross-Origin-Resource-Policy': 'cross-origin' };
  return { status: 200, body, headers };
}

function frame(): PageAnswer {
  return {
    status: 200,
    body: frameHtml,
    headers: {
      'Content-Type': 'text/html; charset=utf-8',
      'Content-Security-Policy': "default-src 'none'; script-src 'self'; style-src 'unsafe-inline'; connect-src 'self'",
      'Cross-Origin-Resource-Policy': 'cross-origin',
      'Cache-Control': 'no-store',
      'Referrer-Policy': 'no-referrer',
    },
  };
}
