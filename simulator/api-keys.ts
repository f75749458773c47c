import { ApiError } from './errors';

/** The key of a request: a bearer token, or the user name of Basic authentication. */
export function readKey(header: string | undefined): string {
  const key = keyFrom(header);
  if (key !== undefined) return key;
  throw unauthorized(
    "You did not provide an API key. You need to provide your API key in the Authorization header, using Bearer auth (e.g. 'Authorization: Bearer YOUR_SECRET_KEY'). See https://stripe.com/docs/api#authentication for details, or we can help at https://support.stripe.com/.",
  );
}

/** Test keys only: this is not Stripe, and a live key has no business here. */
export function refuseUnlessTestKey(key: string): void {
  if (/^sk_test_[A-Za-z0-9_]{4,}$/.test(key)) return;
  if (key.startsWith('pk_')) {
    const message =
      'This API call cannot be made with a publishable API key. Please use a secret API key. You can find a list of your API keys at https://dashboard.stripe.com/account/apikeys.';
    throw new ApiError(
      403,
      { type: 'invalid_request_error', code: 'secret_key_required', message },
      { executed: false },
    );
  }
  throw unauthorized(`Invalid API Key provided: ${key.slice(0, 8)}****${key.slice(-4)}`);
}

function keyFrom(header: string | undefined): string | undefined {
  const [scheme, value] = (header ?? '').split(' ');
  if (value === undefined || value === '') return undefined;
  if (scheme?.toLowerCase() === 'bearer') return value;
  if (scheme?.toLowerCase() !== 'basic') return undefined;
  return Buffer.from(value, 'base64').toString('utf8').split(':')[0];
}

function unauthorized(message: string): ApiError {
  return new ApiError(
    401,
    { type: 'invalid_request_error', message },
    { executed: false, headers: { 'WWW-Authenticate': 'Bearer realm="Stripe"' } },
  );
}
