import { applyDecorators, Header } from '@nestjs/common';
import { ApiOperation } from '@nestjs/swagger';

/** Since when, until when, and where to read what replaces it. Days: `2026-12-01`. */
export interface Deprecation {
  readonly since: string;
  readonly sunset: string;
  readonly link: string;
}

/**
 * Marks a route that will go, in the document and on every good answer of it: `Deprecation` (RFC 9745), `Sunset` (RFC 8594) and a link
 * (docs/api-changes.md says how long it stays). Write it above the other decorators of the handler.
 * @throws {Error} at start, when there is less than a year between the two days
 */
export const Deprecated = ({ since, sunset, link }: Deprecation): MethodDecorator => {
  const [from, until] = [new Date(`${since}T00:00:00Z`), new Date(`${sunset}T00:00:00Z`)];
  const least = new Date(from);
  least.setUTCFullYear(least.getUTCFullYear() + 1);
  if (!(until >= least))
    throw new Error(`A route deprecated on ${since} stays for a year at least, not until ${sunset}.`);
  return applyDecorators(
    Header('Deprecation', `@${from.getTime() / 1_000}`),
    Header('Sunset', until.toUTCString()),
    Header('Link', `<${link}>; rel="deprecation"; type="text/html"`),
    ApiOperation({ deprecated: true }, { overrideExisting: false }),
  );
};
