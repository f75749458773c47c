import { STATUS_CODES } from 'node:http';
import { HttpException } from '@nestjs/common';
import { DomainError, FieldError } from '../../shared/domain-error';
import { MethodNotAllowed, RateLimited } from './http.errors';

/** A refusal as the caller sees it, RFC 9457: https://www.rfc-editor.org/rfc/rfc9457. */
export interface Problem {
  type: string;
  title: string;
  status: number;
  detail: string;
  code: string;
  request_id: string;
  errors?: readonly FieldError[];
  /** Members of one kind of problem. */
  [extension: string]: unknown;
}

/** How to answer an exception: the problem, headers beside it, and whether it is our fault and must be logged with its stack. */
export interface ProblemAnswer {
  readonly problem: Problem;
  readonly headers: Readonly<Record<string, string>>;
  readonly isUnexpected: boolean;
}

/** Seconds after which a caller may try again when the database is away. */
const retryAfterSeconds = 5;

const codesByStatus: Readonly<Record<number, string>> = {
  400: 'malformed_request',
  401: 'unauthorized',
  403: 'forbidden',
  404: 'not_found',
  405: 'method_not_allowed',
  406: 'not_acceptable',
  408: 'request_timeout',
  409: 'conflict',
  410: 'gone',
  413: 'body_too_large',
  414: 'url_too_long',
  415: 'unsupported_media_type',
  422: 'unprocessable',
  429: 'rate_limited',
  503: 'service_unavailable',
};

// PostgreSQL's own codes: https://www.postgresql.org/docs/18/errcodes-appendix.html
const databaseAwayClasses = ['08', '53', '57P'];
const databaseBusyCodes = new Set(['40001', '40P01', '55P03', '57014']);
const textRefusedCodes = new Set(['22021', '22P05']);
const socketCodes = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'EPIPE',
  'ETIMEDOUT',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
]);
// The driver and the pool have no codes for these.
const databaseAwayMessages =
  /connection terminated|timeout exceeded when trying to connect|connection error and is not queryable|after calling end on the pool|connection is not established|driver not connected|connection timeout/i;

/** Chooses the answer to anything thrown. Never repeats a text that was not written for callers. */
export function toProblemAnswer(exception: unknown, requestId: string): ProblemAnswer {
  const answer = (
    status: number,
    code: string,
    detail: string,
    more: {
      errors?: readonly FieldError[] | undefined;
      details?: Readonly<Record<string, unknown>> | undefined;
      headers?: Record<string, string>;
      isUnexpected?: boolean;
    } = {},
  ): ProblemAnswer => ({
    problem: {
      ...more.details,
      type: `urn:disburse:problem:${code}`,
      title: STATUS_CODES[status] ?? 'Problem',
      status,
      detail,
      code,
      request_id: requestId,
      ...(more.errors && more.errors.length > 0 ? { errors: more.errors } : {}),
    },
    headers: more.headers ?? {},
    isUnexpected: more.isUnexpected ?? false,
  });

  if (exception instanceof DomainError) {
    const headers: Record<string, string> = {};
    if (exception instanceof MethodNotAllowed) headers['allow'] = exception.allowed.join(', ');
    if (exception instanceof RateLimited) headers['retry-after'] = String(exception.retryAfterSeconds);
    if (exception.status === 401) headers['www-authenticate'] = 'Bearer realm="disburse"';
    return answer(exception.status, exception.code, exception.message, {
      errors: exception.errors,
      details: exception.details,
      headers,
    });
  }

  const database = databaseTroubleOf(exception);
  if (database === 'away') {
    return answer(
      503,
      'database_unavailable',
      'The database cannot be reached at the moment. Nothing was done; try again.',
      {
        headers: { 'retry-after': String(retryAfterSeconds) },
        isUnexpected: true,
      },
    );
  }
  if (database === 'busy') {
    return answer(
      503,
      'database_busy',
      'Others are changing the same thing at the moment. Nothing was done; try again.',
      {
        headers: { 'retry-after': '1' },
        isUnexpected: true,
      },
    );
  }
  if (database === 'text_refused') {
    return answer(400, 'malformed_request', 'The request holds characters that cannot be stored.');
  }

  const status = httpStatusOf(exception);
  if (status !== undefined && status >= 400 && status < 500) {
    return answer(status, codesByStatus[status] ?? 'refused', sentenceOf(exception, status));
  }
  if (status === 503)
    return answer(503, 'service_unavailable', 'The service is not ready.', { headers: { 'retry-after': '5' } });
  return answer(500, 'internal_error', 'Something went wrong on our side. Quote the request id when you report it.', {
    isUnexpected: true,
  });
}

function databaseTroubleOf(exception: unknown): 'away' | 'busy' | 'text_refused' | undefined {
  if (!(exception instanceof Error)) return undefined;
  if (exception instanceof AggregateError) {
    // Several addresses of one host were tried.
    const errors: unknown[] = exception.errors;
    return errors.map(databaseTroubleOf).find((trouble) => trouble !== undefined);
  }
  const { driverError, code, severity } = exception as { driverError?: unknown; code?: unknown; severity?: unknown };
  if (driverError instanceof Error && driverError !== exception) return databaseTroubleOf(driverError);
  // The server ended or refused the whole connection, for whatever reason.
  if (severity === 'FATAL' || severity === 'PANIC') return 'away';
  if (typeof code === 'string') {
    if (databaseBusyCodes.has(code)) return 'busy';
    if (textRefusedCodes.has(code)) return 'text_refused';
    if (socketCodes.has(code) || (code.length === 5 && databaseAwayClasses.some((prefix) => code.startsWith(prefix))))
      return 'away';
  }
  return databaseAwayMessages.test(exception.message) ? 'away' : undefined;
}

function httpStatusOf(exception: unknown): number | undefined {
  if (exception instanceof HttpException) return exception.getStatus();
  const { statusCode } = (exception ?? {}) as { statusCode?: unknown };
  return typeof statusCode === 'number' ? statusCode : undefined;
}

function sentenceOf(exception: unknown, status: number): string {
  switch (status) {
    case 404:
      return 'There is nothing here.';
    case 413:
      return 'The body is larger than this service accepts.';
    case 414:
      return 'The address is longer than this service accepts.';
    case 415:
      return 'The body must be application/json in UTF-8, without content encoding.';
    case 429:
      return 'Too many requests; slow down.';
    default: {
      // Messages of the framework describe the request, never our insides.
      const message = exception instanceof Error ? exception.message : '';
      return message || (STATUS_CODES[status] ?? 'The request was refused.');
    }
  }
}
