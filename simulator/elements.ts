import type { Platforms } from './platforms';
import type { Session } from './session';

interface PageRequest {
  method: string;
  path: string;
}

interface PageAnswer {
  status: number;
  body: string;
  headers: Record<string, string>;
}

export function answerElements(
  _sessionOf: (account: string) => Session | undefined,
  _platforms: Platforms,
  _request: PageRequest,
): PageAnswer | undefined {
  return undefined;
}
