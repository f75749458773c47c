import { readFileSync } from 'node:fs';
import { join } from 'node:path';

// eslint-disable-next-line @typescript-eslint/no-explicit-any -- a document is JSON
type Json = any;

/**
 * The document as `npm run build` wrote it. Compiling the tests leaves out the plugin that reads DTOs, so an application made in a test
 * serves less of it.
 */
export function openApiDocument(): Json {
  return JSON.parse(readFileSync(join(__dirname, '../../client/openapi.json'), 'utf8'));
}

/** The codes with which an operation says it may refuse, by status. */
export function refusalCodesOf(document: Json, operation: Json): Record<string, string[]> {
  return Object.fromEntries(
    Object.entries(operation.responses as Record<string, Json>)
      .filter(([status]) => Number(status) >= 400)
      .map(([status, answer]) => {
        const { content } = answer.$ref ? document.components.responses[answer.$ref.split('/').at(-1)] : answer;
        return [status, content['application/problem+json'].schema.allOf[1].properties.code.enum as string[]];
      }),
  );
}

/** Every operation of the document: `GET /v1/payouts/{id}` and what it says. */
export function operationsOf(document: Json): { method: string; path: string; operation: Json }[] {
  return Object.entries(document.paths as Record<string, Record<string, Json>>).flatMap(([path, item]) =>
    Object.entries(item).map(([method, operation]) => ({ method: method.toUpperCase(), path, operation })),
  );
}
