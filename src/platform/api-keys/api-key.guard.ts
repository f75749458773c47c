import { CanActivate, ExecutionContext, Injectable } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import { LogContext } from '../logging/log-context';
import { ApiKeyRole, MarkedRequest } from '../http/request.types';
import { publicKey, rolesKey } from '../http/roles.decorator';
import { ApiKeyInvalid, ApiKeyMissing, RoleNotAllowed, RouteNotClassified } from './api-key.errors';
import { ApiKeysService } from './api-keys.service';

const bearer = /^Bearer +([\x21-\x7e]+)$/i;

/** Lets in who may: every route is public by name, or granted to roles, or closed. */
@Injectable()
export class ApiKeyGuard implements CanActivate {
  constructor(
    private readonly reflector: Reflector,
    private readonly apiKeys: ApiKeysService,
    private readonly logContext: LogContext,
  ) {}

  async canActivate(context: ExecutionContext): Promise<boolean> {
    const targets = [context.getHandler(), context.getClass()];
    const roles = this.reflector.getAllAndOverride<ApiKeyRole[] | undefined>(rolesKey, targets);
    if (!roles) {
      if (this.reflector.getAllAndOverride<boolean | undefined>(publicKey, targets)) return true;
      throw new RouteNotClassified();
    }
    const request = context.switchToHttp().getRequest<MarkedRequest>();
    const { authorization } = request.headers;
    if (authorization === undefined) throw new ApiKeyMissing();
    const [, key] = bearer.exec(authorization) ?? [];
    if (key === undefined) throw new ApiKeyInvalid();
    const apiKey = await this.apiKeys.authenticate(key);
    request.apiKey = apiKey;
    this.logContext.add({ api_key_id: apiKey.id });
    if (!roles.includes(apiKey.role)) throw new RoleNotAllowed(apiKey.role, roles);
    return true;
  }
}
