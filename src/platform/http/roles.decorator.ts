import { applyDecorators, SetMetadata } from '@nestjs/common';
import { ApiBearerAuth, ApiExtension } from '@nestjs/swagger';
import { ApiKeyRole } from './request.types';

export const rolesKey = 'disburse:roles';
export const publicKey = 'disburse:public';

/** Who may call a route. `admin` may always, so it need not be listed. A route with neither this nor `@Public()` is refused to everyone. */
export const Roles = (...roles: ApiKeyRole[]): MethodDecorator & ClassDecorator => {
  const granted: ApiKeyRole[] = [...new Set<ApiKeyRole>([...roles, 'admin'])];
  return applyDecorators(SetMetadata(rolesKey, granted), ApiBearerAuth(), ApiExtension('x-roles', granted));
};

/** Needs no key: health, documents, Stripe's signed webhooks, the seller's page. */
export const Public = (): MethodDecorator & ClassDecorator =>
  applyDecorators(SetMetadata(publicKey, true), ApiExtension('x-roles', []));
