import helmet from '@fastify/helmet';
import { NestFastifyApplication } from '@nestjs/platform-fastify';
import { FastifyReply } from 'fastify';
import { Logger } from 'nestjs-pino';
import { AuditLog } from '../audit-log/audit-log.service';
import { LogContext } from '../logging/log-context';
import { Metrics } from '../metrics/metrics.service';
import { MarkedRequest } from './request.types';

/**
 * Prepares an application made with `createHttpAdapter()` and `{ bodyParser: false, bufferLogs: true }`: security headers, one log
 * line and one measurement per request. Call it before `listen`.
 */
export async function configureHttp(app: NestFastifyApplication): Promise<void> {
  app.useLogger(app.get(Logger));
  await app.register(helmet, {
    // Answers are data: nothing may be loaded or framed. Pages set their own policy.
    contentSecurityPolicy: { useDefaults: false, directives: { defaultSrc: ["'none'"], frameAncestors: ["'none'"] } },
    referrerPolicy: { policy: 'no-referrer' },
    xFrameOptions: { action: 'deny' },
  });
  allowDocsToLoad(app);
  observeRequests(app);
  auditEnds(app);
}

function allowDocsToLoad(app: NestFastifyApplication): void {
  app
    .getHttpAdapter()
    .getInstance()
    .addHook('onSend', (request, reply, payload, done) => {
      if (request.url === '/docs' || request.url.startsWith('/docs/')) {
        // Swagger's page has inline scripts and styles; all of it comes from this server.
        reply.header(
          'content-security-policy',
          "default-src 'self'; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; frame-ancestors 'none'",
        );
      }
      done(null, payload);
    });
}

/**
 * What no transaction has logged: requests that were refused, and the few that change something elsewhere and nothing here. Before the
 * answer is sent, so that whoever has the answer finds the entry.
 */
function auditEnds(app: NestFastifyApplication): void {
  const auditLog = app.get(AuditLog);
  const server = app.getHttpAdapter().getInstance();
  server.addHook('onSend', async (request: MarkedRequest, reply, payload) => {
    const { statusCode: status } = reply;
    const isChange = request.method !== 'GET' && request.method !== 'HEAD';
    const isDone = status < 400 && isChange && !request.isAudited && request.answerMarks?.isReplay !== true;
    // Unreadable requests and those beyond a limit tried nothing in particular; failures of ours are in the log.
    const isRefused = status === 401 || status === 403 || (isChange && [404, 409, 422].includes(status));
    if (request.routeOptions.url?.startsWith('/v1/') && (isDone || isRefused)) {
      await auditLog.recordEnd(request, isDone ? null : (request.refusalCode ?? String(status)));
    }
    return payload;
  });
}

function observeRequests(app: NestFastifyApplication): void {
  const logger = app.get(Logger);
  const context = app.get(LogContext);
  const durations = app
    .get(Metrics)
    .histogram('disburse_http_request_duration_seconds', 'Time from request to answer.', ['method', 'route', 'status']);
  const server = app.getHttpAdapter().getInstance();

  // After the body was read: reading it leaves the asynchronous chain that an earlier hook would have begun.
  server.addHook('preValidation', (request, _reply, done) => context.run({ request_id: request.id }, done));

  server.addHook('onResponse', (request: MarkedRequest, reply: FastifyReply, done) => {
    const ms = Math.round(reply.elapsedTime * 10) / 10;
    // The pattern, not the address: a card link's token is in the address.
    const route = request.is404 ? 'unknown' : (request.routeOptions.url ?? 'unknown');
    durations.observe({ method: request.method, route, status: String(reply.statusCode) }, reply.elapsedTime / 1_000);
    const line = {
      request_id: request.id,
      method: request.method,
      route,
      ...(request.url.startsWith('/v1/') ? { path: request.url.split('?', 1)[0] } : {}),
      ...payoutIn(request.params),
      status: reply.statusCode,
      ms,
      ...(request.apiKey ? { api_key_id: request.apiKey.id } : {}),
    };
    if (route.startsWith('/health') || route === '/metrics') logger.debug(line, 'request', 'http');
    else logger.log(line, 'request', 'http');
    done();
  });
}

/** Lines about one payout are found by its id, requests about it included. */
function payoutIn(parameters: unknown): { payout_id?: string } {
  const id = Object.values((parameters ?? {}) as Record<string, unknown>).find(
    (value) => typeof value === 'string' && /^payout_[0-9A-Z]{26}$/.test(value),
  );
  return id === undefined ? {} : { payout_id: id as string };
}
