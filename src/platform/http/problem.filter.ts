import { ArgumentsHost, Catch, ExceptionFilter, HttpException, Injectable, Logger } from '@nestjs/common';
import { FastifyReply, FastifyRequest } from 'fastify';
import { MethodNotAllowed, RouteNotFound } from './http.errors';
import { allowedMethods } from './http-adapter';
import { toProblemAnswer } from './problem.policy';
import type { MarkedRequest } from './request.types';

/** Turns whatever was thrown into problem details. What nobody foresaw is logged with its stack and answers 500 without a word of it. */
@Catch()
@Injectable()
export class ProblemFilter implements ExceptionFilter {
  private readonly logger = new Logger('http');

  catch(exception: unknown, host: ArgumentsHost): void {
    const request = host.switchToHttp().getRequest<FastifyRequest>();
    const reply = host.switchToHttp().getResponse<FastifyReply>();
    const answer = toProblemAnswer(
      this.isUnknownRoute(exception, request) ? unknownRoute(request) : exception,
      request.id,
    );
    if (answer.isUnexpected) {
      this.logger.error(
        { err: exception, request_id: request.id },
        `${request.method} ${request.routeOptions?.url ?? ''} failed.`,
      );
    }
    (request as MarkedRequest).refusalCode = answer.problem.code;
    // The answer had begun: it can only be cut off.
    if (reply.sent) return;
    void reply
      .status(answer.problem.status)
      .headers(answer.headers)
      .header('content-type', 'application/problem+json; charset=utf-8')
      .header('cache-control', 'no-store')
      .send(JSON.stringify(answer.problem));
  }

  private isUnknownRoute(exception: unknown, request: FastifyRequest): boolean {
    return request.is404 && exception instanceof HttpException && exception.getStatus() === 404;
  }
}

function unknownRoute(request: FastifyRequest): RouteNotFound | MethodNotAllowed {
  const allowed = allowedMethods(request.server, request.url);
  return allowed.length > 0 ? new MethodNotAllowed(request.method, allowed) : new RouteNotFound(request.method);
}
