import { CanActivate, ExecutionContext, Injectable } from '@nestjs/common';
import { RouteParamtypes } from '@nestjs/common/enums/route-paramtypes.enum';
import { FastifyRequest } from 'fastify';
import { escapePointer } from './body.policy';
import { ValidationFailed } from './http.errors';

const routeArgumentsKey = '__routeArguments__';

/** Refuses body fields and query parameters on routes that take none; where they are taken, the DTO says which. */
@Injectable()
export class StrictInputGuard implements CanActivate {
  canActivate(context: ExecutionContext): boolean {
    const request = context.switchToHttp().getRequest<FastifyRequest>();
    if (!request.url.startsWith('/v1/')) return true;
    const taken = this.takenBy(context);
    const unknown = [
      ...(taken.has(RouteParamtypes.BODY) ? [] : fieldsOf(request.body).map((name) => `/${escapePointer(name)}`)),
      ...(taken.has(RouteParamtypes.QUERY) ? [] : fieldsOf(request.query).map((name) => `?${escapePointer(name)}`)),
    ];
    if (unknown.length === 0) return true;
    throw new ValidationFailed(
      unknown.map((pointer) => ({ pointer, detail: 'is not a field of this request', code: 'unknown_field' })),
    );
  }

  private takenBy(context: ExecutionContext): Set<number> {
    const routeArguments = (Reflect.getMetadata(routeArgumentsKey, context.getClass(), context.getHandler().name) ??
      {}) as object;
    return new Set(Object.keys(routeArguments).map((key) => Number(key.split(':')[0])));
  }
}

function fieldsOf(value: unknown): string[] {
  if (value === undefined) return [];
  // A body that is no object is one unknown thing at the root.
  return typeof value === 'object' && value !== null ? Object.keys(value) : [''];
}
