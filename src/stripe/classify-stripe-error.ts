import Stripe from 'stripe';
import type { StripeCallFailure } from './stripe-call.types';

/**
 * What an error from Stripe means for the call that got it.
 * `retry`: repeat with the same key, later; `refused`: Stripe said no and nothing happened; `unknown`: the key will not tell us, look for the object.
 */
export type StripeErrorVerdict = Readonly<{
  verdict: 'retry' | 'refused' | 'unknown';
  /** Only for `retry`: a 5xx may be stored under the key, so the caller counts these and looks before the tenth. */
  isServerError: boolean;
  failure: StripeCallFailure;
  statusCode: number | null;
  requestId: string | null;
}>;

/**
 * The one place where Stripe's errors are classified. By status and code, not by the SDK's classes: it throws `StripeAPIError` for 409 and
 * 5xx alike. https://docs.stripe.com/error-low-level
 *
 * @returns undefined when the error did not come from Stripe at all: then it is a bug of ours and the caller rethrows it
 */
export function classifyStripeError(error: unknown): StripeErrorVerdict | undefined {
  if (!(error instanceof Stripe.errors.StripeError)) return undefined;
  const statusCode = error.statusCode ?? null;
  const answer = (verdict: StripeErrorVerdict['verdict'], fallbackCode: string): StripeErrorVerdict => ({
    verdict,
    isServerError: statusCode !== null && statusCode >= 500,
    failure: {
      code: error.code ?? error.decline_code ?? fallbackCode,
      detail: withoutPersonalData(error.message),
      param: error.param ?? null,
    },
    statusCode,
    requestId: error.requestId ?? null,
  });

  // The request may have been carried out; the same key finds out.
  if (error instanceof Stripe.errors.StripeConnectionError) return answer('retry', 'stripe_connection_failed');
  // No status: the body was no JSON, so a proxy answered, not the API.
  if (statusCode === null) return answer('retry', 'stripe_answer_unreadable');

  if (error.type === 'StripeIdempotencyError' || error.rawType === ('idempotency_error' as typeof error.rawType)) {
    // While the twin is running Stripe answers 409 with this type too, and the key will tell.
    if (error.code === 'idempotency_key_in_use' || statusCode === 409) return answer('retry', 'idempotency_key_in_use');
    // The same key with other parameters: rows never change their parameters, so this is our bug.
    return answer('refused', 'idempotency_key_reused');
  }
  if (statusCode === 409) return answer('retry', 'idempotency_key_in_use');
  if (statusCode === 429 || error.code === 'rate_limit' || error.code === 'lock_timeout')
    return answer('retry', 'rate_limit');
  // Nothing happened: a key that was rotated too early is the operator's slip, and must not end payouts for good.
  if (statusCode === 401) return answer('retry', 'stripe_authentication_failed');
  if (statusCode === 403) return answer('refused', 'stripe_permission_denied');
  if (statusCode >= 500) {
    // A stored 500 only replays: https://docs.stripe.com/error-low-level#idempotency
    const isStored =
      header(error, 'idempotent-replayed') === 'true' || header(error, 'stripe-should-retry') === 'false';
    return answer(isStored ? 'unknown' : 'retry', 'stripe_server_error');
  }
  return answer('refused', error.rawType ?? 'stripe_refused');
}

/** True for the 404 of an object that does not exist (or not on that account). */
export function isResourceMissing(error: unknown): boolean {
  return error instanceof Stripe.errors.StripeError && error.statusCode === 404;
}

function header(error: InstanceType<typeof Stripe.errors.StripeError>, name: string): string | undefined {
  return error.headers?.[name];
}

const personalData: readonly (readonly [RegExp, string])[] = [
  [/[^\s@'"<>()]+@[^\s@'"<>()]+\.[^\s@'"<>(),]+/g, '[e-mail]'],
  [/\b(?:sk|rk|whsec|ek)_[A-Za-z0-9_*]+/g, '[key]'],
  [/\b\d{1,3}(?:\.\d{1,3}){3}\b/g, '[address]'],
  // Telephone and tax numbers, and anything as long as a card number; Stripe's ids hold letters and stay.
  [/(?<![A-Za-z0-9_])\+?\d[\d\s().-]{7,}\d(?![A-Za-z0-9_])/g, '[number]'],
];

/** Stripe's sentences repeat what was sent. They are stored and shown, so what could name a person is cut out. */
export function withoutPersonalData(message: string, sent: readonly string[] = []): string {
  let text = message.slice(0, 500);
  for (const value of sent) text = text.replaceAll(value, '[redacted]');
  for (const [pattern, replacement] of personalData) text = text.replace(pattern, replacement);
  return text;
}
