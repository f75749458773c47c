import { isUtf8 } from 'node:buffer';
import { randomUUID } from 'node:crypto';
import { IncomingMessage, STATUS_CODES } from 'node:http';
import { Socket } from 'node:net';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Config } from '../config/config';
import { findUnstorable } from './body.policy';
import { MalformedRequest, UnsupportedMediaType } from './http.errors';
import { toProblemAnswer } from './problem.policy';
import { MarkedRequest } from './request.types';

/** The largest body, in bytes. Stripe's largest events and our largest requests are far below. */
export const bodyBytesMax = 1024 * 1024;

const requestIdShape = /^[\w.:+/=-]{1,128}$/;
const routesKey = Symbol('disburse:routes');

interface KnownRoute {
  readonly methods: readonly string[];
  readonly segments: readonly string[];
}

/**
 * Fastify as this service runs it: strict about bodies, a request id on everything, problem details even where no handler is reached.
 * Create the Nest application with `{ bodyParser: false }` on it, then call `configureHttp`.
 */
export function createHttpAdapter({ trustProxy = [] }: Partial<Pick<Config, 'trustProxy'>> = {}): FastifyAdapter {
  const adapter = new FastifyAdapter({
    logger: false,
    // Only a proxy that is ours may say on whose behalf it asks.
    trustProxy:
      typeof trustProxy === 'number'
        ? (_address: string, hop: number) => hop < trustProxy
        : trustProxy.length > 0 && [...trustProxy],
    bodyLimit: bodyBytesMax,
    requestTimeout: 60_000,
    requestIdHeader: false,
    genReqId: (request: IncomingMessage) => requestIdOf(request.headers['x-request-id']),
    routerOptions: { maxParamLength: 1_024 },
    frameworkErrors: (error: FastifyError, request: FastifyRequest, reply: FastifyReply) => {
      // The router refused the address itself; no hook has run and no filter will.
      const { problem } = toProblemAnswer(error, request.id);
      void reply
        .status(problem.status)
        .header('x-request-id', request.id)
        .header('content-type', 'application/problem+json; charset=utf-8')
        .send(JSON.stringify(problem));
    },
    clientErrorHandler: answerBrokenHttp,
  });
  const server = adapter.getInstance();
  rememberRoutes(server);
  addBodyParsers(server);
  addStreamParsers(server);
  addHooks(server);
  return adapter;
}

/** Methods that some route answers at this path; empty when no route does. */
export function allowedMethods(server: FastifyInstance, url: string): string[] {
  const routes = (server as unknown as { [routesKey]?: KnownRoute[] })[routesKey] ?? [];
  const segments = pathOf(url).split('/');
  const methods = new Set<string>();
  for (const route of routes) {
    const matches =
      route.segments.length === segments.length &&
      route.segments.every((segment, index) =>
        segment.startsWith(':') ? segments[index] !== '' : segment === segments[index],
      );
    if (matches) route.methods.forEach((method) => methods.add(method));
  }
  return [...methods].sort();
}

function rememberRoutes(server: FastifyInstance): void {
  const routes: KnownRoute[] = [];
  // Decorated, so that encapsulated contexts see it too.
  server.decorate(routesKey, routes);
  server.addHook('onRoute', (route) => {
    // Wildcards match everything: they would make every unknown path "known".
    if (route.url.includes('*')) return;
    routes.push({ methods: [route.method].flat(), segments: route.url.split('/') });
  });
}

function addBodyParsers(server: FastifyInstance): void {
  const parseJson = server.getDefaultJsonParser('error', 'error');
  server.removeAllContentTypeParsers();

  server.addContentTypeParser('application/json', { parseAs: 'buffer' }, (request, bytes: Buffer, done) => {
    const charset = /charset\s*=\s*"?([^";\s]+)/i.exec(request.headers['content-type'] ?? '')?.[1];
    if (charset && !/^utf-?8$/i.test(charset)) return done(new UnsupportedMediaType());
    if (isWebhook(request.url)) {
      // Its signature comes first; whoever verifies it also parses it.
      (request as MarkedRequest).rawBody = bytes;
      return done(null, undefined);
    }
    // Clients often announce JSON on a POST without a body.
    if (bytes.length === 0) return done(null, undefined);
    if (!isUtf8(bytes)) return done(new MalformedRequest('The body is not valid UTF-8.'));
    void parseJson(request, bytes.toString('utf8'), (error, value) => {
      if (error) return done(new MalformedRequest('The body is not valid JSON.'));
      const unstorable = findUnstorable(value);
      if (unstorable) return done(new MalformedRequest('The body holds a value that cannot be stored.', [unstorable]));
      done(null, value);
    });
  });

  server.addContentTypeParser(
    'application/x-www-form-urlencoded',
    { parseAs: 'buffer' },
    (request, bytes: Buffer, done) => {
      // Only pages have forms; the API speaks JSON.
      if (!isPage(request.url)) return done(new UnsupportedMediaType());
      if (!isUtf8(bytes)) return done(new MalformedRequest('The form is not valid UTF-8.'));
      const form: Record<string, string> = Object.fromEntries(new URLSearchParams(bytes.toString('utf8')));
      const unstorable = findUnstorable(form);
      if (unstorable) return done(new MalformedRequest('The form holds a value that cannot be stored.', [unstorable]));
      done(null, form);
    },
  );
}

/** Long lists are read by their route, after it is known who sends them; everywhere else only JSON is taken. */
function addStreamParsers(server: FastifyInstance): void {
  server.addContentTypeParser(['application/x-ndjson', 'text/csv'], (request, payload, done) => {
    const charset = /charset\s*=\s*"?([^";\s]+)/i.exec(request.headers['content-type'] ?? '')?.[1];
    if (!takesStreams(request.url)) return done(new UnsupportedMediaType());
    if (charset && !/^utf-?8$/i.test(charset)) return done(new UnsupportedMediaType('The body must be in UTF-8.'));
    done(null, payload);
  });
}

function addHooks(server: FastifyInstance): void {
  server.addHook('onRequest', (request, reply, done) => {
    reply.header('x-request-id', request.id);
    if (request.url.startsWith('/v1/')) reply.header('cache-control', 'no-store');
    const encoding = request.headers['content-encoding'];
    if (encoding !== undefined && encoding !== 'identity') return done(new UnsupportedMediaType());
    done(findBadText(request));
  });

  server.addHook('onSend', (request: MarkedRequest, reply, payload, done) => {
    const marks = request.answerMarks;
    // A refusal after the work (a failing view, say) keeps its own status.
    if (marks && reply.statusCode < 400) {
      reply.status(marks.status);
      if (marks.isReplay) reply.header('idempotent-replayed', 'true');
    }
    done(null, payload);
  });
}

function findBadText(request: FastifyRequest): MalformedRequest | undefined {
  if (!request.url.includes('%')) return undefined;
  try {
    if (!decodeURIComponent(request.url.replaceAll('+', ' ')).includes('\0')) return undefined;
    return new MalformedRequest('The address holds a NUL character.');
  } catch {
    return new MalformedRequest('The address is not valid UTF-8.');
  }
}

function requestIdOf(given: string | string[] | undefined): string {
  return typeof given === 'string' && requestIdShape.test(given)
    ? given
    : `request_${randomUUID().replaceAll('-', '')}`;
}

function pathOf(url: string): string {
  return url.split('?', 1)[0] ?? url;
}

function isWebhook(url: string): boolean {
  return url.startsWith('/webhooks/');
}

function takesStreams(url: string): boolean {
  return pathOf(url) === '/v1/payout-batches';
}

function isPage(url: string): boolean {
  return url.startsWith('/c/') || url.startsWith('/console');
}

/** What arrived is not HTTP, or its headers are too large: there is no request to answer through. */
function answerBrokenHttp(error: NodeJS.ErrnoException, socket: Socket): void {
  if (error.code === 'ECONNRESET' || !socket.writable) return;
  const status = error.code === 'HPE_HEADER_OVERFLOW' ? 431 : error.code === 'ERR_HTTP_REQUEST_TIMEOUT' ? 408 : 400;
  const { problem } = toProblemAnswer(
    new MalformedRequest('This is not a valid HTTP request.'),
    requestIdOf(undefined),
  );
  const body = JSON.stringify({ ...problem, status, title: STATUS_CODES[status] });
  socket.end(
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\nContent-Type: application/problem+json\r\nX-Request-Id: ${problem.request_id}\r\nContent-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`,
  );
}
