import { connect, Socket } from 'node:net';
import { performance } from 'node:perf_hooks';

export interface HttpAnswer {
  readonly status: number;
  readonly body: string;
}

interface Connection {
  readonly socket: Socket;
  received: Buffer;
  done: ((answer: HttpAnswer) => void) | undefined;
  failed: ((error: Error) => void) | undefined;
}

const headEnd = Buffer.from('\r\n\r\n');

/**
 * A fixed number of kept-alive connections, one request at a time on each. Speaks only as much HTTP/1.1 as the service's answers
 * need: what the generator of the load costs is taken from what it measures, on a machine that both share.
 */
export class HttpConnections {
  private readonly free: Connection[] = [];

  private constructor(private readonly all: readonly Connection[]) {
    this.free.push(...all);
  }

  static async open(port: number, count: number): Promise<HttpConnections> {
    return new HttpConnections(await Promise.all(Array.from({ length: count }, () => openOne(port))));
  }

  get freeCount(): number {
    return this.free.length;
  }

  /** Sends one request on a free connection; there must be one. */
  send(request: Buffer): Promise<HttpAnswer> {
    const connection = this.free.pop();
    if (!connection) throw new Error('Every connection is busy.');
    return new Promise((done, fail) => {
      connection.done = (answer) => {
        this.free.push(connection);
        done(answer);
      };
      connection.failed = fail;
      connection.socket.write(request);
    });
  }

  close(): void {
    for (const { socket } of this.all) socket.destroy();
  }
}

function openOne(port: number): Promise<Connection> {
  return new Promise((opened, fail) => {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true });
    const connection: Connection = { socket, received: Buffer.alloc(0), done: undefined, failed: undefined };
    socket.once('connect', () => opened(connection));
    socket.on('error', (error) => {
      fail(error);
      connection.failed?.(error);
    });
    socket.on('close', () => connection.failed?.(new Error('The service closed a connection.')));
    socket.on('data', (chunk) => take(connection, chunk));
  });
}

function take(connection: Connection, chunk: Buffer): void {
  connection.received = connection.received.length === 0 ? chunk : Buffer.concat([connection.received, chunk]);
  const headLength = connection.received.indexOf(headEnd);
  if (headLength < 0) return;
  const head = connection.received.toString('latin1', 0, headLength);
  const length = Number(/\r\ncontent-length: (\d+)/i.exec(head)?.[1] ?? 0);
  const end = headLength + headEnd.length + length;
  if (connection.received.length < end) return;
  const body = connection.received.toString('utf8', headLength + headEnd.length, end);
  connection.received = Buffer.alloc(0);
  const { done } = connection;
  connection.done = undefined;
  connection.failed = undefined;
  done?.({ status: Number(head.slice(9, 12)), body });
}

export interface Timed {
  readonly answer: HttpAnswer;
  readonly ms: number;
}

/** Every request as soon as a connection is free; two that belong together start together, on two connections. */
export async function sendAll(
  connections: HttpConnections,
  groups: readonly (readonly Buffer[])[],
  take: (group: number, member: number, timed: Timed) => void,
): Promise<void> {
  let next = 0;
  let open = 0;
  await new Promise<void>((done, fail) => {
    const pump = () => {
      for (; next < groups.length && groups[next]!.length <= connections.freeCount; next += 1) {
        const group = next;
        groups[group]!.forEach((request, member) => {
          const begun = performance.now();
          open += 1;
          connections.send(request).then((answer) => {
            take(group, member, { answer, ms: performance.now() - begun });
            open -= 1;
            if (next === groups.length && open === 0) done();
            else pump();
          }, fail);
        });
      }
    };
    pump();
  });
}

/**
 * So many requests a second whether or not the service keeps up; a request's time counts from the moment it was due, so that one
 * slow answer is felt by all that wait behind it.
 */
export async function sendPaced(
  connections: HttpConnections,
  requests: readonly Buffer[],
  perSecond: number,
  take: (index: number, timed: Timed) => void,
): Promise<void> {
  const begun = performance.now();
  let next = 0;
  let answered = 0;
  await new Promise<void>((done, fail) => {
    const pump = () => {
      while (next < requests.length && connections.freeCount > 0) {
        const due = begun + (next * 1_000) / perSecond;
        if (due > performance.now()) break;
        const index = next++;
        connections.send(requests[index]!).then((answer) => {
          take(index, { answer, ms: performance.now() - due });
          answered += 1;
          if (answered === requests.length) done();
          else pump();
        }, fail);
      }
    };
    const timer = setInterval(() => (next < requests.length ? pump() : clearInterval(timer)), 1);
    pump();
  });
}
