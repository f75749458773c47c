export interface ErrorFields {
  type: 'api_error' | 'card_error' | 'idempotency_error' | 'invalid_request_error';
  message: string;
  code?: string;
  param?: string;
}

interface ErrorOptions {
  /** Whether a POST that fails so had begun to execute: only then its answer is kept under the idempotency key. */
  executed?: boolean;
  headers?: Record<string, string>;
}

/** An answer in Stripe's error shape. */
export class ApiError extends Error {
  readonly executed: boolean;
  readonly headers: Record<string, string>;

  constructor(
    readonly status: number,
    readonly fields: ErrorFields,
    options: ErrorOptions = {},
  ) {
    super(fields.message);
    this.executed = options.executed ?? true;
    this.headers = options.headers ?? {};
  }
}

/** The request broke a rule of the resource it reached. */
export function refused(message: string, code?: string, param?: string): ApiError {
  return new ApiError(400, fields(message, code, param));
}

/** The parameters themselves are wrong: nothing was executed, so nothing is kept under the key. */
export function badParameter(message: string, param: string, code?: string): ApiError {
  return new ApiError(400, fields(message, code, param), { executed: false });
}

/** `param` says which parameter named it; Stripe answers 404 only for the object in the URL. */
export function missing(noun: string, id: string, param?: string): ApiError {
  const message = `No such ${noun}: '${id}'`;
  return param
    ? new ApiError(400, fields(message, 'resource_missing', param))
    : new ApiError(404, fields(message, 'resource_missing', 'id'));
}

/** Said of an account that is not there and of one that is somebody else's: nobody learns which. */
export function noAccess({ secretKey }: { secretKey: string }, account: string): ApiError {
  const message = `The provided key '${secretKey.slice(0, 11)}***' does not have access to account '${account}' (or that account does not exist). Application access may have been revoked.`;
  return new ApiError(403, { type: 'invalid_request_error', code: 'account_invalid', message }, { executed: false });
}

export function insufficientFunds(): ApiError {
  return refused(
    'You have insufficient available funds in your Stripe account. One likely reason you have insufficient funds is that your funds are automatically being paid out; try enabling manual payouts by going to https://dashboard.stripe.com/account/payouts.',
    'balance_insufficient',
  );
}

export function unrecognizedUrl(method: string, path: string): ApiError {
  return new ApiError(404, {
    type: 'invalid_request_error',
    message: `Unrecognized request URL (${method}: ${path}). Please see https://stripe.com/docs or we can help at https://support.stripe.com/.`,
  });
}

function fields(message: string, code?: string, param?: string): ErrorFields {
  return {
    type: 'invalid_request_error',
    message,
    ...(code === undefined ? {} : { code }),
    ...(param === undefined ? {} : { param }),
  };
}
