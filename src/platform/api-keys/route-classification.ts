import { Injectable, Logger, OnApplicationBootstrap, RequestMethod } from '@nestjs/common';
import { DiscoveryService, MetadataScanner, Reflector } from '@nestjs/core';
import { publicKey, rolesKey } from '../http/roles.decorator';

const methodKey = 'method';
const pathKey = 'path';

/** Finds routes that nobody has classified. They answer 403 to everyone; a test keeps the list empty. */
@Injectable()
export class RouteClassification implements OnApplicationBootstrap {
  private readonly logger = new Logger('api-keys');

  constructor(
    private readonly discovery: DiscoveryService,
    private readonly scanner: MetadataScanner,
    private readonly reflector: Reflector,
  ) {}

  onApplicationBootstrap(): void {
    const unclassified = this.listUnclassified();
    if (unclassified.length > 0)
      this.logger.error({ routes: unclassified }, 'Routes without @Roles or @Public are closed to everyone.');
  }

  /** `GET PayoutsController.list`, one per handler that has neither roles nor is public. */
  listUnclassified(): string[] {
    return this.discovery.getControllers().flatMap(({ instance, metatype }) => {
      const controller = instance as object | undefined;
      if (!controller || !metatype) return [];
      const prototype = Object.getPrototypeOf(controller) as object;
      return this.scanner.getAllMethodNames(prototype).flatMap((name) => {
        const handler = (prototype as Record<string, unknown>)[name] as () => unknown;
        if (this.reflector.get<unknown>(pathKey, handler) === undefined) return [];
        const isClassified = [rolesKey, publicKey].some(
          (key) => this.reflector.getAllAndOverride<unknown>(key, [handler, metatype]) !== undefined,
        );
        if (isClassified) return [];
        const method = RequestMethod[this.reflector.get<RequestMethod>(methodKey, handler)];
        return [`${method} ${controller.constructor.name}.${name}`];
      });
    });
  }
}
