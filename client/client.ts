import { randomUUID } from 'node:crypto';
import createClient from 'openapi-fetch';
import type { Client, Middleware } from 'openapi-fetch';
import type { components, paths } from './schema';

/** The shapes of requests and answers, by their names in the OpenAPI document: `Schemas['PayoutView']`. */
export type Schemas = components['schemas'];

export type DisburseClient = Client<paths>;

/** The service refused. `code` is stable and for programs; quote `requestId` when you ask about it. */
export class DisburseProblem extends Error {
  readonly code: string;
  readonly requestId: string;

  constructor(
    what: string,
    readonly status: number,
    /** Problem details, RFC 9457. */
    readonly problem: Partial<Schemas['Problem']>,
  ) {
    super(`${what} answered ${status}: ${JSON.stringify(problem)}`);
    this.code = problem.code ?? '';
    this.requestId = problem.request_id ?? '';
  }
}

/**
 * Disburse's API with one key: paths, parameters, bodies and answers are checked by the compiler. A change without an
 * Idempotency-Key gets one of its own; give one made from your own records where a crash may repeat the call.
 */
export function createDisburseClient({ url, key }: { url: string; key: string }): DisburseClient {
  const client = createClient<paths>({ baseUrl: url, headers: { authorization: `Bearer ${key}` } });
  client.use(middleware);
  return client;
}

/** The answer's data. @throws {DisburseProblem} when the service refused */
export async function answerOf<Data>(
  call: Promise<{ data?: Data | undefined; response: Response }>,
): Promise<NonNullable<Data>> {
  const { data, response } = await call;
  if (data === undefined || data === null)
    throw new Error(`${response.url} answered ${response.status} without a body.`);
  return data;
}

const middleware: Middleware = {
  onRequest({ request }) {
    if (request.method !== 'GET' && !request.headers.has('idempotency-key'))
      request.headers.set('idempotency-key', randomUUID());
    return request;
  },
  async onResponse({ request, response }) {
    if (response.ok) return;
    const text = await response.text();
    const isJson = (response.headers.get('content-type') ?? '').includes('json');
    const problem = isJson ? (JSON.parse(text) as Partial<Schemas['Problem']>) : { detail: text };
    throw new DisburseProblem(`${request.method} ${new URL(request.url).pathname}`, response.status, problem);
  },
};
