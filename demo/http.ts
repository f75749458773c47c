/** Any answer of Stripe's; the demo reads it as a stranger would. */
// eslint-disable-next-line @typescript-eslint/no-explicit-any -- this client has no types
export type Json = any;

export class HttpFailure extends Error {
  constructor(
    what: string,
    readonly status: number,
    readonly answer: Json,
  ) {
    super(`${what} answered ${status}: ${JSON.stringify(answer)}`);
  }
}

async function send(what: string, url: string, init: RequestInit): Promise<Json> {
  const response = await fetch(url, init);
  const text = await response.text();
  const isJson = (response.headers.get('content-type') ?? '').includes('json');
  const answer: Json = isJson && text !== '' ? JSON.parse(text) : text;
  if (!response.ok) throw new HttpFailure(what, response.status, answer);
  return answer;
}

/** Stripe's API (here: the simulator's) with the platform's key, for what merchants, sellers and banks do. */
export class StripeClient {
  constructor(
    private readonly url: string,
    private readonly key: string,
  ) {}

  get(path: string, account?: string): Promise<Json> {
    return send(`GET ${path}`, `${this.url}${path}`, { headers: this.headers(account) });
  }

  /** `params`: Stripe's form fields, nested ones written `merchant_data[name]`. */
  post(path: string, params: Record<string, string | number | boolean> = {}, account?: string): Promise<Json> {
    const form = new URLSearchParams(
      Object.entries(params).map(([name, value]): [string, string] => [name, String(value)]),
    );
    return send(`POST ${path}`, `${this.url}${path}`, { method: 'POST', headers: this.headers(account), body: form });
  }

  /** The simulator's own controls: JSON, under /_simulator. */
  control(path: string, body: object = {}): Promise<Json> {
    return send(`POST /_simulator${path}`, `${this.url}/_simulator${path}`, {
      method: 'POST',
      headers: { ...this.headers(), 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
  }

  private headers(account?: string): Record<string, string> {
    return { authorization: `Bearer ${this.key}`, ...(account ? { 'stripe-account': account } : {}) };
  }
}
