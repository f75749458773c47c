import Stripe from 'stripe';
import { classifyStripeError, isResourceMissing, withoutPersonalData } from './classify-stripe-error';

type Raw = { type?: string; code?: string; message?: string; param?: string; decline_code?: string };

/** As the SDK makes it from an answer. */
function answered(statusCode: number, raw: Raw, headers: Record<string, string> = {}): Error {
  return Stripe.errors.generateV1Error({
    message: 'No.',
    ...raw,
    type: (raw.type ?? 'invalid_request_error') as 'invalid_request_error',
    statusCode,
    headers,
    requestId: 'req_1',
  });
}

describe('classifying what Stripe says', () => {
  it.each([
    ['a lost connection', new Stripe.errors.StripeConnectionError({ type: 'api_error', message: 'gone' }), 'retry'],
    [
      'an answer that is no JSON',
      new Stripe.errors.StripeAPIError({ type: 'api_error', message: 'Invalid JSON' }),
      'retry',
    ],
    ['409 while the twin runs', answered(409, { type: 'idempotency_error', code: 'idempotency_key_in_use' }), 'retry'],
    ['any other 409', answered(409, { type: 'api_error' }), 'retry'],
    ['429', answered(429, { code: 'rate_limit' }, { 'stripe-rate-limited-reason': 'global-rate' }), 'retry'],
    ['lock_timeout', answered(429, { code: 'lock_timeout' }), 'retry'],
    ['400 that means a rate limit', answered(400, { code: 'rate_limit' }), 'retry'],
    ['401', answered(401, {}), 'retry'],
    ['a first 500', answered(500, { type: 'api_error' }), 'retry'],
    ['503', answered(503, { type: 'api_error' }), 'retry'],
    ['a replayed 500', answered(500, { type: 'api_error' }, { 'idempotent-replayed': 'true' }), 'unknown'],
    ['a 500 not to be repeated', answered(500, { type: 'api_error' }, { 'stripe-should-retry': 'false' }), 'unknown'],
    ['a key with other parameters', answered(400, { type: 'idempotency_error' }), 'refused'],
    ['400', answered(400, { code: 'balance_insufficient' }), 'refused'],
    ['a replayed 400', answered(400, { code: 'balance_insufficient' }, { 'idempotent-replayed': 'true' }), 'refused'],
    ['402', answered(402, { type: 'card_error', decline_code: 'insufficient_funds' }), 'refused'],
    ['403', answered(403, {}), 'refused'],
    ['404', answered(404, { code: 'resource_missing', param: 'cardholder' }), 'refused'],
  ])('%s → %s', (_what, error, verdict) => {
    expect(classifyStripeError(error)?.verdict).toBe(verdict);
  });

  it('keeps the code, the sentence and the field', () => {
    const verdict = classifyStripeError(
      answered(400, {
        code: 'parameter_unknown',
        message: 'Received unknown parameter: single_use',
        param: 'single_use',
      }),
    );

    expect(verdict).toMatchObject({
      failure: { code: 'parameter_unknown', detail: 'Received unknown parameter: single_use', param: 'single_use' },
      statusCode: 400,
      requestId: 'req_1',
    });
  });

  it.each([
    [401, 'stripe_authentication_failed'],
    [403, 'stripe_permission_denied'],
    [500, 'stripe_server_error'],
  ])('names %i when Stripe gives no code', (statusCode, code) => {
    expect(classifyStripeError(answered(statusCode, { type: 'api_error' }))?.failure.code).toBe(code);
  });

  it('knows our own bug from a twin', () => {
    expect(classifyStripeError(answered(400, { type: 'idempotency_error' }))?.failure.code).toBe(
      'idempotency_key_reused',
    );
  });

  it('counts only 5xx as server errors', () => {
    expect(classifyStripeError(answered(500, { type: 'api_error' }))?.isServerError).toBe(true);
    expect(classifyStripeError(answered(429, { code: 'rate_limit' }))?.isServerError).toBe(false);
  });

  it('leaves errors that are not Stripe’s to the caller', () => {
    expect(classifyStripeError(new TypeError('a bug'))).toBeUndefined();
    expect(isResourceMissing(new TypeError('a bug'))).toBe(false);
    expect(isResourceMissing(answered(404, { code: 'resource_missing' }))).toBe(true);
  });
});

describe('what is kept of Stripe’s sentences', () => {
  it.each([
    ['Invalid email: jenny.rosen@example.com', 'Invalid email: [e-mail]'],
    ['"+1 (800) 867-5309" is not a valid phone number', '"[number]" is not a valid phone number'],
    ['Invalid API Key provided: sk_test_abc123', 'Invalid API Key provided: [key]'],
    ['The IP 203.0.113.7 is not allowed', 'The IP [address] is not allowed'],
    ['4000056655665556 is not a card', '[number] is not a card'],
  ])('%s', (message, kept) => {
    expect(withoutPersonalData(message)).toBe(kept);
  });

  it('keeps ids and amounts', () => {
    const message = "No such transfer: 'tr_1Pgaxg00112233445566'; amount 25000 exceeds 10000";
    expect(withoutPersonalData(message)).toBe(message);
  });

  it('cuts out what the call itself sent', () => {
    expect(withoutPersonalData('Jenny Rosen is too long a name', ['Jenny Rosen'])).toBe(
      '[redacted] is too long a name',
    );
  });
});
