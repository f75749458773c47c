import { STATUS_CODES } from 'node:http';
import { Answer, JsonSchema, Operation, OperationMethod } from './open-api.types';

/** Problem details as a caller sees them; `code` is narrowed by each answer. */
export const problemSchema: JsonSchema = {
  type: 'object',
  description: 'Problem details, RFC 9457.',
  required: ['type', 'title', 'status', 'detail', 'code', 'request_id'],
  properties: {
    type: { type: 'string', description: 'A name for this kind of problem.' },
    title: { type: 'string', description: 'The status in words.' },
    status: { type: 'integer', description: 'The HTTP status.' },
    detail: { type: 'string', description: 'A sentence for a person.' },
    code: { type: 'string', description: 'Stable; for programs.' },
    request_id: { type: 'string', description: 'Also in the `X-Request-Id` header; quote it when you ask.' },
    limit: {
      type: 'object',
      description: 'Which limit was reached, when the problem is one of amounts.',
      required: ['scope', 'currency', 'limit', 'remaining', 'renews_at'],
      properties: {
        scope: { type: 'string', enum: ['payout', 'seller', 'key', 'label'] },
        currency: { type: 'string' },
        limit: { type: 'integer', description: 'Minor units.' },
        remaining: { type: 'integer', description: 'Minor units.' },
        renews_at: { type: ['string', 'null'], description: 'Null: it does not renew.' },
      },
    },
    error_count: { type: 'integer', description: 'How much is wrong with a batch; `errors` has the first hundred.' },
    row_count: { type: 'integer', description: 'How many rows a batch has.' },
    errors: {
      type: 'array',
      description: 'Every bad field, when the problem is in fields.',
      items: {
        type: 'object',
        required: ['pointer', 'detail'],
        properties: {
          row: { type: 'integer', description: 'Which row of a batch, from one.' },
          pointer: { type: 'string', description: 'A JSON pointer into the body, or `?name` for a query parameter.' },
          detail: { type: 'string' },
          code: { type: 'string', description: 'The rule that was broken.' },
        },
      },
    },
  },
};

const shape = ['malformed_request', 'validation_failed'];

/** What any route may answer, whatever it does. */
const everywhere: Readonly<Record<string, readonly string[]>> = {
  '401': ['api_key_missing', 'api_key_invalid', 'api_key_revoked', 'api_key_expired'],
  '403': ['role_not_allowed'],
  '413': ['body_too_large'],
  '415': ['unsupported_media_type'],
  '429': ['rate_limited'],
  '500': ['internal_error'],
  '503': ['database_unavailable', 'database_busy'],
};

const reasons: Readonly<Record<string, string>> = {
  '400': 'Malformed: the request cannot be read, or a field is missing, unknown or of the wrong shape.',
  '401': 'No key, or one that is unknown, revoked or expired.',
  '403': 'The role of this key may not do this.',
  '404': 'There is nothing with this id.',
  '409': 'The state forbids it.',
  '413': 'The body is too large.',
  '415': 'The body is not of a kind that is taken here.',
  '422': 'A rule is broken that the shape alone does not show.',
  '429': 'Too many requests; see Retry-After.',
  '500': 'A fault of ours. Quote the request id.',
  '503': 'Something that is needed is away; nothing was done. See Retry-After.',
};

const retried = new Set(['429', '503']);

/** Components that the answers of all operations point at. */
export function sharedRefusals(): Record<string, Answer> {
  return Object.fromEntries(
    Object.entries(everywhere).map(([status, codes]) => [nameOf(status), refusal(status, codes)]),
  );
}

/** Every status and code with which an operation may refuse, declared on it or common to all. */
export function refusalsOf(operation: Operation, method: OperationMethod, path: string): Record<string, string[]> {
  const declared = (status: string) => (operation[`x-refuses-${status}`] as string[] | undefined) ?? [];
  const keyUse = idempotencyOf(operation, method);
  const found: Record<string, string[]> = {
    '400': [
      ...shape,
      ...(keyUse === 'none' ? [] : ['idempotency_key_invalid']),
      ...(keyUse === 'required' ? ['idempotency_key_required'] : []),
    ],
    '404': path.includes('{') && declared('404').length === 0 ? [`${thingIn(path)}_not_found`] : [],
    '409': keyUse === 'none' ? [] : ['idempotency_key_in_use'],
    '422': keyUse === 'none' ? [] : ['idempotency_key_reused'],
  };
  for (const [status, codes] of Object.entries(everywhere)) found[status] = [...codes];
  for (const [status, codes] of Object.entries(found)) found[status] = [...codes, ...declared(status)];
  return Object.fromEntries(Object.entries(found).filter(([, codes]) => codes.length > 0));
}

/** The answers of an operation for its refusals: shared ones by reference, its own in full. */
export function refusalAnswers(operation: Operation, method: OperationMethod, path: string): Record<string, Answer> {
  return Object.fromEntries(
    Object.entries(refusalsOf(operation, method, path)).map(([status, codes]) => [
      status,
      codes.length === everywhere[status]?.length
        ? { $ref: `#/components/responses/${nameOf(status)}` }
        : refusal(status, codes),
    ]),
  );
}

/** Whether `Idempotency-Key` is required, optional or without meaning here. */
export function idempotencyOf(operation: Operation, method: OperationMethod): 'required' | 'optional' | 'none' {
  const said = operation['x-idempotency-key'] as 'required' | 'none' | undefined;
  return said ?? (method === 'get' ? 'none' : 'optional');
}

export function refusal(status: string, codes: readonly string[]): Answer {
  return {
    description: `${reasons[status] ?? STATUS_CODES[status] ?? ''} \`code\`: ${codes.map((code) => `\`${code}\``).join(', ')}.`,
    headers: {
      'X-Request-Id': { $ref: '#/components/headers/RequestId' },
      ...(retried.has(status) ? { 'Retry-After': { $ref: '#/components/headers/RetryAfter' } } : {}),
    },
    content: {
      'application/problem+json': {
        schema: {
          allOf: [
            { $ref: '#/components/schemas/Problem' },
            { type: 'object', required: ['code'], properties: { code: { type: 'string', enum: codes } } },
          ],
        },
        example: {
          type: `urn:disburse:problem:${codes[0]}`,
          title: STATUS_CODES[status],
          status: Number(status),
          detail: reasons[status],
          code: codes[0],
          request_id: 'request_5f1c4a0e9d7b4c3f8a6e2d1b0c9f8e7d',
          ...(codes[0] === shape[0] && codes.includes(shape[1]!)
            ? { errors: [{ pointer: '/amount', detail: 'must not be less than 1', code: 'min' }] }
            : {}),
        },
      },
    },
  };
}

/** `Unauthorized`, `TooManyRequests` … */
function nameOf(status: string): string {
  return (STATUS_CODES[status] ?? status).replace(/[^A-Za-z]/g, '');
}

/** `/v1/reconciliation-breaks/{id}/resolve` is about a `reconciliation_break`. */
export function thingIn(path: string): string {
  const plural = path.split('/{')[0]!.split('/').at(-1)!;
  return plural
    .replace(/ies$/, 'y')
    .replace(/(?<=ch|sh|s|x)es$|s$/, '')
    .replaceAll('-', '_');
}
