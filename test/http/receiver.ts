import { createServer, IncomingHttpHeaders, Server } from 'node:http';
import { AddressInfo } from 'node:net';
import { Webhook, WebhookVerificationError } from 'standardwebhooks';

export interface Received {
  readonly id: string;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- whatever arrived
  readonly event: any;
}

export interface ReceiverAnswer {
  readonly status: number;
  readonly body?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** A marketplace's server: keeps what arrives and answers as the test says. */
export class Receiver {
  readonly received: Received[] = [];
  /** What to answer; 200 unless a test says otherwise. */
  answer: (received: Received) => ReceiverAnswer = () => ({ status: 200 });

  private constructor(private readonly server: Server) {}

  static async start(): Promise<Receiver> {
    const server = createServer();
    const receiver = new Receiver(server);
    server.on('request', (request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        const text = Buffer.concat(chunks).toString('utf8');
        const received: Received = {
          id: String(request.headers['webhook-id']),
          headers: request.headers,
          text,
          event: JSON.parse(text),
        };
        receiver.received.push(received);
        const answer = receiver.answer(received);
        response.writeHead(answer.status, answer.headers).end(answer.body ?? '');
      });
    });
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
    return receiver;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}/hooks`;
  }

  get types(): string[] {
    return this.received.map(({ event }) => event.type as string);
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((done) => this.server.close(done));
  }
}

/** What a receiver does: asks the reference library of Standard Webhooks. True when one of the signatures is by this secret. */
export function verifies({ headers, text }: Received, secret: string): boolean {
  // The library compares with the machine's clock; the service's is moved by the tests. Received as it was sent.
  const now = jest.spyOn(Date, 'now').mockReturnValue(Number(headers['webhook-timestamp']) * 1_000);
  try {
    new Webhook(secret).verify(text, headers as Record<string, string>);
    return true;
  } catch (error) {
    if (error instanceof WebhookVerificationError) return false;
    throw error;
  } finally {
    now.mockRestore();
  }
}
