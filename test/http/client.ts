/** An answer as a test looks at it. `body` is parsed JSON, or the text when it is none. */
export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- whatever the service answered
  readonly body: any;
}

export interface CallOptions {
  readonly key?: string | undefined;
  /** Sent as JSON. */
  readonly body?: unknown;
  /** Sent as it is; a Content-Type header is the test's business. */
  readonly rawBody?: string | Uint8Array<ArrayBuffer> | undefined;
  readonly headers?: Readonly<Record<string, string>>;
}

/** One HTTP request, as any client would make it. */
export async function call(
  app: { readonly url: string },
  method: string,
  path: string,
  options: CallOptions = {},
): Promise<Answer> {
  const body = options.rawBody ?? (options.body === undefined ? undefined : JSON.stringify(options.body));
  const response = await fetch(app.url + path, {
    method,
    redirect: 'manual',
    headers: {
      ...(options.key ? { authorization: `Bearer ${options.key}` } : {}),
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      ...options.headers,
    },
    ...(body === undefined ? {} : { body }),
  });
  const text = await response.text();
  return { status: response.status, headers: response.headers, body: parsed(text) };
}

/** What every refusal must look like: problem details with a request id, and nothing of our insides. */
export function expectProblem(answer: Answer, status?: number, code?: string): void {
  expect(answer.headers.get('content-type')).toMatch(/^application\/problem\+json/);
  expect(answer.body).toMatchObject({
    type: expect.stringMatching(/^urn:disburse:problem:/),
    title: expect.any(String),
    status: answer.status,
    detail: expect.any(String),
    code: expect.stringMatching(/^[a-z][a-z0-9_]*$/),
    request_id: answer.headers.get('x-request-id'),
  });
  expect(JSON.stringify(answer.body)).not.toMatch(
    /node_modules|\.ts:\d|\.js:\d|\n\s+at |\(\S+:\d+:\d+\)|QueryFailedError|TypeError/,
  );
  if (status !== undefined)
    expect({ status: answer.status, code: answer.body.code }).toEqual({ status, code: code ?? answer.body.code });
}

/** Says what came instead, when a request that should be good is not. */
export function expectAccepted(label: string, answer: Answer, statuses: readonly number[] = [200, 201, 202]): void {
  if (!statuses.includes(answer.status)) throw new Error(`${label}: ${answer.status} ${JSON.stringify(answer.body)}`);
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return text;
  }
}
