import { randomUUID } from 'node:crypto';
import type { paths } from '../../client/schema';

/** Any JSON answer; a test reads it as a stranger would. */
// eslint-disable-next-line @typescript-eslint/no-explicit-any -- a stranger's client has no types
export type Json = any;

/** A running Disburse and the Stripe it talks to: a `TestApp`, or a process of its own. */
export interface World {
  readonly url: string;
  readonly keys: Readonly<Record<string, string>>;
  readonly simulator: Readonly<{ url: string; key: string }>;
}

export class HttpFailure extends Error {
  constructor(
    what: string,
    readonly status: number,
    readonly answer: Json,
  ) {
    super(`${what} answered ${status}: ${JSON.stringify(answer)}`);
  }
}

/** Hears every answer's text, headers included. */
export type Overhears = (text: string) => void;

/** `/v1/payouts/{id}/cancel` as a request has it, with something in place of the id. */
type Filled<Path extends string> = Path extends `${infer Head}{${string}}${infer Tail}`
  ? `${Head}${string}${Filled<Tail>}`
  : Path;

type PathWith<Method extends string> = {
  [Path in keyof paths]: paths[Path] extends Record<Method, { responses: unknown }> ? Filled<Path> : never;
}[keyof paths];

type JsonBody<Operation> = Operation extends { requestBody?: { content: { 'application/json': infer Body } } }
  ? Body
  : object;

/** The body that the document wants at this path. */
type PostBody<Given extends string> = {
  [Path in keyof paths]: Given extends Filled<Path>
    ? paths[Path] extends { post: infer Operation extends { responses: unknown } }
      ? JsonBody<Operation>
      : never
    : never;
}[keyof paths];

type JsonAnswer<Operation> = Operation extends { responses: infer Answers }
  ? {
      [Status in keyof Answers & (200 | 201 | 202)]: Answers[Status] extends {
        content: { 'application/json': infer Body };
      }
        ? Body
        : never;
    }[keyof Answers & (200 | 201 | 202)]
  : never;

/** What the document answers at this path. A longer path may look like a shorter one with a slash in its id: the last match is it. */
type AnswerOf<Method extends string, Given extends string> = {
  [Path in keyof paths]: Given extends Filled<Path>
    ? Segments<Given> extends Segments<Path>
      ? paths[Path] extends Record<Method, infer Operation>
        ? JsonAnswer<Operation>
        : never
      : never
    : never;
}[keyof paths];

type WithoutQuery<Path extends string> = Path extends `${infer Bare}?${string}` ? Bare : Path;

/** How many slashes: `/v1/payouts/x/timeline` is no `/v1/payouts/{id}`. */
type Segments<Path> = Path extends `${string}/${infer Rest}` ? [...Segments<Rest>, 0] : [];

/** Disburse's public API with the key of one role. The compiler holds paths and bodies to the OpenAPI document. */
export class ApiClient {
  constructor(
    private readonly world: World,
    private readonly role = 'admin',
    private readonly overhears: Overhears = () => undefined,
  ) {}

  get<Path extends PathWith<'get'> | `${PathWith<'get'>}?${string}`>(
    path: Path,
  ): Promise<AnswerOf<'get', WithoutQuery<Path>>> {
    return this.send('GET', path);
  }

  post<Path extends PathWith<'post'>>(path: Path, body?: PostBody<Path>): Promise<AnswerOf<'post', Path>> {
    return this.send('POST', path, body ?? {});
  }

  delete(path: PathWith<'delete'>): Promise<Json> {
    return this.send('DELETE', path);
  }

  private async send(method: string, path: string, body?: object): Promise<Json> {
    const response = await fetch(`${this.world.url}${path}`, {
      method,
      headers: {
        authorization: `Bearer ${this.world.keys[this.role]}`,
        ...(body === undefined ? {} : { 'content-type': 'application/json', 'idempotency-key': randomUUID() }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    return read(`${method} ${path}`, response, this.overhears);
  }
}

/** The simulator's API with the platform's key: what merchants, sellers, banks and Stripe's Dashboard do. */
export class StripeClient {
  constructor(private readonly world: World) {}

  get(path: string, account?: string): Promise<Json> {
    return this.send('GET', path, account);
  }

  /** `params`: Stripe's form fields, nested ones written `merchant_data[name]`. */
  post(path: string, params: Record<string, string | number | boolean> = {}, account?: string): Promise<Json> {
    const form = Object.entries(params).map(([name, value]): [string, string] => [name, String(value)]);
    return this.send('POST', path, account, new URLSearchParams(form));
  }

  /** The simulator's own controls: JSON, under /_simulator. */
  control(method: string, path: string, body?: object, account?: string): Promise<Json> {
    return this.send(method, `/_simulator${path}`, account, body === undefined ? undefined : JSON.stringify(body));
  }

  private async send(
    method: string,
    path: string,
    account: string | undefined,
    body?: string | URLSearchParams,
  ): Promise<Json> {
    const { url, key } = this.world.simulator;
    const response = await fetch(`${url}${path}`, {
      method,
      headers: { authorization: `Bearer ${key}`, ...(account === undefined ? {} : { 'stripe-account': account }) },
      ...(body === undefined ? {} : { body }),
    });
    return read(`${method} ${path}`, response);
  }
}

async function read(what: string, response: Response, overhears: Overhears = () => undefined): Promise<Json> {
  const text = await response.text();
  overhears([...[...response.headers].map(([name, value]) => `${name}: ${value}`), text].join('\n'));
  const isJson = (response.headers.get('content-type') ?? '').includes('json');
  const answer: Json = isJson && text !== '' ? JSON.parse(text) : text;
  if (!response.ok) throw new HttpFailure(what, response.status, answer);
  return answer;
}
