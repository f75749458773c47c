import type { Answer } from './deferred';
import { refused } from './errors';
import type { Kind } from './kinds';
import type { Fields, Shape } from './shape';
import { parameterShapes, type ParameterTypes } from './parameters.generated';
import { renderers } from './renderers';
import type { Session } from './session';

export type Method = 'GET' | 'POST' | 'DELETE';

export interface Route {
  method: Method;
  /** With `:name` for what the caller fills in. */
  path: string;
  shape: Fields;
  handle: (session: Session, params: never, ...ids: string[]) => Answer;
  /** Decides whether the route exists for this request at all, before its parameters are read. */
  guard: (session: Session) => void;
  /** Only here may a card's number and CVC be expanded. */
  revealsCard: boolean;
}

interface RouteOptions {
  /** Parameters that Stripe documents and its package does not type. */
  also?: Record<string, Shape>;
  revealsCard?: boolean;
}

/** A route whose parameters are a type of the `stripe` package. */
export function route<N extends keyof ParameterTypes>(
  method: Method,
  path: string,
  params: N,
  handle: (session: Session, params: ParameterTypes[N], ...ids: string[]) => Answer,
  options: RouteOptions = {},
): Route {
  const shape: Shape = parameterShapes[params];
  if (typeof shape === 'string' || !('fields' in shape)) throw new Error(`${params} is not a set of parameters`);
  return {
    method,
    path,
    shape: { fields: { ...shape.fields, ...options.also } },
    handle,
    guard: () => undefined,
    revealsCard: options.revealsCard ?? false,
  };
}

/** A route that the package does not know, with parameters written by hand. */
export function untypedRoute<P extends object>(
  method: Method,
  path: string,
  shape: Fields,
  handle: (session: Session, params: P, ...ids: string[]) => Answer,
  guard: Route['guard'] = () => undefined,
): Route {
  return { method, path, shape, handle, guard, revealsCard: false };
}

/** `GET /…/:id` of a kind. */
export function retrieve<K extends Kind>(
  path: string,
  params: keyof ParameterTypes,
  kind: K,
  options: RouteOptions = {},
): Route {
  return route(
    'GET',
    path,
    params,
    (session, _params, id) => {
      if (id === undefined) throw refused('Missing id.');
      return renderers[kind](session, session.get(kind, id));
    },
    options,
  );
}

/** What cannot be decoded is no id either: the object is not found under it. */
function decodeId(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

interface CompiledRoute {
  route: Route;
  pattern: RegExp;
}

/** Finds the route of a request among those declared. */
export class Router {
  private readonly byMethod = new Map<string, CompiledRoute[]>();

  constructor(routes: readonly Route[]) {
    for (const one of routes) {
      const source = one.path.replaceAll(/:[a-z_]+/g, '([^/]+)').replaceAll('.', String.raw`\.`);
      const compiled = { route: one, pattern: new RegExp(`^${source}$`) };
      this.byMethod.set(one.method, [...(this.byMethod.get(one.method) ?? []), compiled]);
    }
  }

  find(method: string, path: string): { route: Route; ids: string[] } | undefined {
    for (const { route, pattern } of this.byMethod.get(method) ?? []) {
      const match = pattern.exec(path);
      if (match) return { route, ids: match.slice(1).map(decodeId) };
    }
    return undefined;
  }
}
