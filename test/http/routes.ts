import { RequestMethod } from '@nestjs/common';
import { DiscoveryService, MetadataScanner } from '@nestjs/core';
import { publicKey, rolesKey } from '../../src/platform/http/roles.decorator';
import { Role, TestApp } from '../support/app';

type Class = new () => object;

/** One route as its controller declares it. */
export interface Route {
  readonly method: string;
  /** `/v1/payouts/:id` */
  readonly path: string;
  /** Who may call it; `public` for everyone, undefined when nobody decided. */
  readonly roles: readonly Role[] | 'public' | undefined;
  readonly bodyType: Class | undefined;
  readonly queryType: Class | undefined;
  /** The source of the method that answers it. */
  readonly source: string;
}

const bodyParameter = 3;
const queryParameter = 4;

/** Every route of every controller, read from the running application and not from what somebody remembered. */
export function routesOf({ app }: TestApp): Route[] {
  const scanner = new MetadataScanner();
  return app
    .get(DiscoveryService, { strict: false })
    .getControllers()
    .flatMap(({ instance, metatype }) => {
      const prototype = Object.getPrototypeOf(instance) as Record<string, object>;
      return scanner.getAllMethodNames(prototype).flatMap((name): Route[] => {
        const handler = prototype[name]!;
        const method = Reflect.getMetadata('method', handler) as RequestMethod | undefined;
        if (method === undefined) return [];
        const meta = <Value>(key: string) =>
          (Reflect.getMetadata(key, handler) ?? Reflect.getMetadata(key, metatype!)) as Value | undefined;
        const roles = meta<Role[]>(rolesKey);
        const paths = [Reflect.getMetadata('path', handler) as string | string[]].flat();
        return paths.map((path) => ({
          method: RequestMethod[method],
          path: joined(Reflect.getMetadata('path', metatype!) as string, path),
          roles: roles ?? (meta<boolean>(publicKey) ? 'public' : undefined),
          bodyType: parameterType(metatype as Class, prototype, name, bodyParameter),
          queryType: parameterType(metatype as Class, prototype, name, queryParameter),
          source: Function.prototype.toString.call(handler),
        }));
      });
    })
    .sort((a, b) => (a.path + a.method < b.path + b.method ? -1 : 1));
}

/** The path with something in place of each parameter. */
export function filled(path: string, value: string): string {
  return path.replace(/:\w+/g, value);
}

function parameterType(metatype: Class, prototype: object, name: string, kind: number): Class | undefined {
  const used = (Reflect.getMetadata('__routeArguments__', metatype, name) ?? {}) as Record<
    string,
    { index: number; data?: unknown }
  >;
  const types = (Reflect.getMetadata('design:paramtypes', prototype, name) ?? []) as Class[];
  const entry = Object.entries(used).find(([key, { data }]) => key.startsWith(`${kind}:`) && data === undefined);
  return entry && types[entry[1].index];
}

function joined(...parts: string[]): string {
  return (
    '/' +
    parts
      .flatMap((part) => part.split('/'))
      .filter(Boolean)
      .join('/')
  );
}
