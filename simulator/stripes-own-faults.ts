import { ApiError } from './errors';
import type { RequestFault } from './faults';

/** The two kinds of 429: by rate, with its reason, and by a lock, without. Neither reaches the idempotency layer. */
export function tooMany(fault: RequestFault): ApiError {
  if (fault.action === 'lock_timeout') {
    const message =
      'This object cannot be accessed right now because another API request or Stripe process is currently accessing it. If you see this error intermittently, retry the request. If you see this error frequently and are making multiple concurrent requests to a single object, make your requests serially or at a lower rate.';
    return new ApiError(
      429,
      { type: 'invalid_request_error', code: 'lock_timeout', message },
      { executed: false, headers: { 'Stripe-Should-Retry': 'true' } },
    );
  }
  const headers = { 'Stripe-Rate-Limited-Reason': fault.reason ?? 'global-rate', 'Stripe-Should-Retry': 'false' };
  const message = 'Request rate limit exceeded. Learn more about rate limits here https://stripe.com/docs/rate-limits.';
  return new ApiError(
    429,
    { type: 'invalid_request_error', code: 'rate_limit', message },
    { executed: false, headers },
  );
}

/** Stripe's own fault: executed as far as anyone knows, so the answer is kept under the key. */
export function stripesOwnFault(): ApiError {
  return new ApiError(500, { type: 'api_error', message: 'An unknown error occurred while processing your request.' });
}
