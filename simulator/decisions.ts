import type { Metadata } from './metadata';
import { postJson, TimeoutError } from './outgoing';
import type { EndpointFacts } from './kinds';
import { signatureHeader } from './signature';

/** What came back from the real-time endpoint, or why nothing usable did. */
export type Decision =
  | { kind: 'answered'; approved: boolean; amount?: number; metadata?: Metadata; challenges?: boolean }
  /** A call has concluded the request already. */
  | { kind: 'concluded' }
  | { kind: 'timeout' }
  | { kind: 'error'; message: string };

export interface Question {
  authorization: string;
  url: string;
  secrets: EndpointFacts['secrets'];
  body: string;
  timeoutMs: number;
  amountMax: number;
  amountMin: number;
  amountControllable: boolean;
}

/** Asks the endpoint that decides. The deprecated approve and decline calls may answer first, and then they win. */
export class DecisionDesk {
  private readonly open = new Map<string, (decision: Decision) => void>();

  async ask(question: Question): Promise<Decision> {
    const byCall = new Promise<Decision>((resolve) => this.open.set(question.authorization, resolve));
    try {
      return await Promise.race([byCall, byWebhook(question)]);
    } finally {
      this.open.delete(question.authorization);
    }
  }

  /** Whether an endpoint is being asked about this authorization now. */
  isOpen(authorization: string): boolean {
    return this.open.has(authorization);
  }

  /** A call has decided: nobody waits for the endpoint any more. */
  close(authorization: string): void {
    this.open.get(authorization)?.({ kind: 'concluded' });
  }
}

async function byWebhook(question: Question): Promise<Decision> {
  try {
    const headers = { 'Stripe-Signature': signatureHeader(question.body, question.secrets) };
    const answer = await postJson(question.url, question.body, headers, question.timeoutMs);
    return readDecision(question, answer);
  } catch (error) {
    if (error instanceof TimeoutError) return { kind: 'timeout' };
    return { kind: 'error', message: `The webhook endpoint could not be reached: ${(error as Error).message}` };
  }
}

function readDecision(question: Question, answer: Awaited<ReturnType<typeof postJson>>): Decision {
  const wrong = (message: string): Decision => ({ kind: 'error', message });
  if (answer.status !== 200) return wrong(`The webhook response has status ${answer.status} instead of 200.`);
  const type = String(answer.headers['content-type'] ?? '');
  if (!type.startsWith('application/json'))
    return wrong('The webhook response is missing the Content-Type application/json.');
  if (!answer.headers['stripe-version']) return wrong('The webhook response is missing the Stripe-Version header.');
  let body: unknown;
  try {
    body = JSON.parse(answer.body);
  } catch {
    return wrong('The webhook response is not valid JSON.');
  }
  if (typeof body !== 'object' || body === null) return wrong('The webhook response is not a JSON object.');
  const { approved, amount, metadata, send_fraud_challenges: channels } = body as Record<string, unknown>;
  if (typeof approved !== 'boolean') return wrong('The webhook response is missing the boolean `approved`.');
  if (metadata !== undefined && !isMetadata(metadata)) return wrong('The webhook response has an invalid `metadata`.');
  if (channels !== undefined && !(Array.isArray(channels) && channels.every((channel) => channel === 'sms')))
    return wrong('The webhook response has an invalid `send_fraud_challenges`.');
  const kept = { ...(metadata === undefined ? {} : { metadata }), challenges: !approved && channels?.length === 1 };
  if (amount === undefined || !approved) return { kind: 'answered', approved, ...kept };
  const problem = findAmountProblem(question, amount);
  if (problem !== undefined) return wrong(problem);
  return { kind: 'answered', approved, amount: amount as number, ...kept };
}

/** What may be chosen where a request lets the amount be controlled. */
export type AmountBounds = Pick<Question, 'amountMax' | 'amountMin' | 'amountControllable'>;

/** Why an approval may not name this amount, or nothing. The same rules bind the webhook's answer and the call. */
export function findAmountProblem(bounds: AmountBounds, amount: unknown): string | undefined {
  if (!bounds.amountControllable) return 'An `amount` was given, but the amount of this request is not controllable.';
  if (typeof amount !== 'number' || !Number.isInteger(amount) || amount <= 0)
    return '`amount` must be a positive integer.';
  if (amount > bounds.amountMax) return '`amount` is larger than the amount requested.';
  if (amount < bounds.amountMin) return '`amount` is smaller than the cashback amount.';
  return undefined;
}

function isMetadata(value: unknown): value is Metadata {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
  return Object.entries(value).every(
    ([key, text]) => key.length <= 40 && typeof text === 'string' && text.length <= 500,
  );
}
