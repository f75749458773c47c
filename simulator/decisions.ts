import type { Metadata } from './metadata';
import { postJson, TimeoutError } from './outgoing';
import type { EndpointFacts } from './kinds';
import { signatureHeader } from './signature';

/** What came back from the real-time endpoint, or why nothing usable did. */
export type Decision =
  | { kind: 'answered'; approved: boolean; amount?: number; metadata?: Metadata }
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

  /** False when nobody is being asked about this authorization. */
  answerByCall(authorization: string, decision: Decision): boolean {
    const resolve = this.open.get(authorization);
    resolve?.(decision);
    return resolve !== undefined;
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
  const { approved, amount, metadata } = body as Record<string, unknown>;
  if (typeof approved !== 'boolean') return wrong('The webhook response is missing the boolean `approved`.');
  if (metadata !== undefined && !isMetadata(metadata)) return wrong('The webhook response has an invalid `metadata`.');
  const kept = metadata === undefined ? {} : { metadata };
  if (amount === undefined || !approved) return { kind: 'answered', approved, ...kept };
  if (!question.amountControllable)
    return wrong('The webhook response has an `amount`, but this amount is not controllable.');
  if (typeof amount !== 'number' || !Number.isInteger(amount) || amount <= 0)
    return wrong('`amount` must be a positive integer.');
  if (amount > question.amountMax) return wrong('`amount` is larger than the amount requested.');
  if (amount < question.amountMin) return wrong('`amount` is smaller than the cashback amount.');
  return { kind: 'answered', approved, amount, ...kept };
}

function isMetadata(value: unknown): value is Metadata {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
  return Object.entries(value).every(
    ([key, text]) => key.length <= 40 && typeof text === 'string' && text.length <= 500,
  );
}
