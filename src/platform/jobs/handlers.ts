import { DiscoveryService, MetadataScanner, Reflector } from '@nestjs/core';

export interface FoundMethod<Metadata> {
  readonly metadata: Metadata;
  /** `PayoutsJobs.issueCard` */
  readonly label: string;
  readonly call: (...parameters: unknown[]) => Promise<unknown>;
}

/** Finds every provider method that a decorator marked with metadata under `key`. */
export function findMethods<Metadata>(
  discovery: DiscoveryService,
  scanner: MetadataScanner,
  reflector: Reflector,
  key: string,
): FoundMethod<Metadata>[] {
  const found: FoundMethod<Metadata>[] = [];
  for (const wrapper of discovery.getProviders()) {
    const instance: unknown = wrapper.instance;
    if (typeof instance !== 'object' || instance === null || !wrapper.isDependencyTreeStatic()) continue;
    const prototype = Object.getPrototypeOf(instance) as object | null;
    if (!prototype) continue;
    for (const methodName of scanner.getAllMethodNames(prototype)) {
      const method = (instance as Record<string, unknown>)[methodName];
      if (typeof method !== 'function') continue;
      const metadata = reflector.get<Metadata | undefined>(key, method);
      if (metadata === undefined) continue;
      found.push({
        metadata,
        label: `${instance.constructor.name}.${methodName}`,
        call: (...parameters) => Promise.resolve(method.apply(instance, parameters)),
      });
    }
  }
  return found;
}
