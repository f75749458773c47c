import { CanActivate, ExecutionContext, Injectable } from '@nestjs/common';
import { FastifyReply } from 'fastify';
import { Config } from '../config/config';
import { RateLimited } from '../http/http.errors';
import { MarkedRequest } from '../http/request.types';
import { limitOf, rateLimitHeaders } from './rate-limit.policy';
import { RateLimitsService } from './rate-limits.service';

/** Counts each call of an API key per route, after the key was checked. A key and its successor count as one. */
@Injectable()
export class RateLimitGuard implements CanActivate {
  constructor(
    private readonly rateLimits: RateLimitsService,
    private readonly config: Config,
  ) {}

  async canActivate(context: ExecutionContext): Promise<boolean> {
    const request = context.switchToHttp().getRequest<MarkedRequest>();
    if (!request.apiKey) return true;
    const route = request.routeOptions.url ?? '';
    const limit = limitOf(request.method, route, this.config.rateLimits);
    if (!limit) return true;
    const verdict = await this.rateLimits.consume(limit, `${request.apiKey.familyId}:${request.method} ${route}`);
    void context.switchToHttp().getResponse<FastifyReply>().headers(rateLimitHeaders(limit, verdict));
    if (!verdict.isAllowed) throw new RateLimited(limit.name, verdict.resetSeconds);
    return true;
  }
}
