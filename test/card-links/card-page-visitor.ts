/** A browser without a screen: keeps cookies, names itself, and can do what the page's script does. */
export class Visitor {
  private readonly cookies = new Map<string, string>();
  readonly setCookies: string[] = [];
  private pageToken = '';

  constructor(
    readonly url: string,
    private readonly headers: Record<string, string> = {},
  ) {}

  /** Loads the page, as somebody who typed the address. */
  async load(
    query = '',
    headers: Record<string, string> = {},
  ): Promise<{ status: number; html: string; headers: Headers }> {
    const answer = await this.fetch(query, { headers: { 'sec-fetch-site': 'none', ...headers } });
    const html = await answer.text();
    this.pageToken = /"page":"([\w.-]+)"/.exec(html)?.[1] ?? /name="page" value="([\w.-]+)"/.exec(html)?.[1] ?? '';
    return { status: answer.status, html, headers: answer.headers };
  }

  get token(): string {
    return this.pageToken;
  }

  /** Submits the passcode's form of the page that was loaded. */
  async enter(passcode: string, page = this.pageToken): Promise<Response> {
    return this.fetch('', {
      method: 'POST',
      headers: { 'sec-fetch-site': 'same-origin' },
      body: new URLSearchParams({ passcode, page }),
      redirect: 'manual',
    });
  }

  /** What the script posts when the button was held. */
  async reveal(
    change: Record<string, unknown> = {},
    headers: Record<string, string> = {},
  ): Promise<{ status: number; body: { code?: string; ephemeral_key_secret?: string }; headers: Headers }> {
    const body = { page: this.pageToken, nonce: 'ephkn_0123456789', gesture: { way: 'hold', ms: 1_010 }, ...change };
    const answer = await this.fetch('/reveals', {
      method: 'POST',
      headers: { 'sec-fetch-site': 'same-origin', 'content-type': 'application/json', ...headers },
      body: JSON.stringify(body),
    });
    return { status: answer.status, body: (await answer.json()) as { code?: string }, headers: answer.headers };
  }

  async view(): Promise<Response> {
    return this.fetch('/views', {
      method: 'POST',
      headers: { 'sec-fetch-site': 'same-origin', 'content-type': 'application/json' },
      body: JSON.stringify({ page: this.pageToken }),
    });
  }

  /** The same browser at another link. */
  at(url: string): Visitor {
    const other = new Visitor(url, this.headers);
    for (const [name, value] of this.cookies) other.cookies.set(name, value);
    return other;
  }

  async fetch(path: string, init: RequestInit = {}): Promise<Response> {
    const cookie = [...this.cookies].map(([name, value]) => `${name}=${value}`).join('; ');
    const answer = await fetch(`${this.url}${path}`, {
      ...init,
      headers: { ...this.headers, ...(cookie === '' ? {} : { cookie }), ...(init.headers as Record<string, string>) },
    });
    for (const line of answer.headers.getSetCookie()) {
      this.setCookies.push(line);
      const [name = '', value = ''] = line.split(';')[0]!.split('=');
      this.cookies.set(name, value);
    }
    return answer;
  }
}
