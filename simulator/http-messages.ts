import type { IncomingMessage, ServerResponse } from 'node:http';
import { ApiError, badParameter, type ErrorFields } from './errors';
import { apiVersion } from './events';

/** One request as it came, before anyone believed it. */
export interface Incoming {
  method: string;
  path: string;
  query: string;
  body: string;
  id: string;
  header(name: string): string | undefined;
}

export interface Outgoing {
  status: number;
  body: string;
  headers: Record<string, string>;
}

const bodyBytesMax = 2_000_000;

export async function readIncoming(request: IncomingMessage, id: string): Promise<Incoming> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > bodyBytesMax) throw new ApiError(413, { type: 'invalid_request_error', message: 'Request too large.' });
    chunks.push(chunk);
  }
  const url = request.url ?? '/';
  const mark = url.indexOf('?');
  return {
    method: request.method ?? 'GET',
    path: mark < 0 ? url : url.slice(0, mark),
    query: mark < 0 ? '' : url.slice(mark + 1),
    body: Buffer.concat(chunks).toString('utf8'),
    id,
    header: (name) => {
      const value = request.headers[name];
      return Array.isArray(value) ? value[0] : value;
    },
  };
}

/** Whatever came of it, the caller's own headers come back with the answer. */
export function send(request: IncomingMessage, response: ServerResponse, id: string, outgoing: Outgoing): void {
  const { 'stripe-version': version, 'stripe-account': account, 'idempotency-key': key } = request.headers;
  response.writeHead(outgoing.status, {
    'Content-Type': 'application/json',
    'Request-Id': id,
    'Stripe-Version': version ?? apiVersion,
    ...(account === undefined ? {} : { 'Stripe-Account': account }),
    ...(key === undefined ? {} : { 'Idempotency-Key': key }),
    ...outgoing.headers,
  });
  response.end(outgoing.body);
}

/** What went wrong, in Stripe's words. */
export function failureFrom(error: unknown, requestId: string): Outgoing {
  if (!(error instanceof ApiError)) {
    return {
      status: 500,
      body: errorBody({ type: 'api_error', message: 'An unknown error occurred' }, requestId),
      headers: {},
    };
  }
  return { status: error.status, body: errorBody(error.fields, requestId), headers: error.headers };
}

function errorBody(fields: ErrorFields, requestId: string): string {
  const { code } = fields;
  const error = {
    ...(code === undefined
      ? {}
      : { code, doc_url: `https://stripe.com/docs/error-codes/${code.replaceAll('_', '-')}` }),
    ...fields,
    request_log_url: `https://dashboard.stripe.com/test/logs/${requestId}`,
  };
  return JSON.stringify({ error }, null, 2);
}

export function jsonFrom(body: string): Record<string, unknown> {
  if (body === '') return {};
  try {
    const value: unknown = JSON.parse(body);
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  } catch {
    // Said below.
  }
  throw badParameter('The body must be a JSON object.', 'body');
}
