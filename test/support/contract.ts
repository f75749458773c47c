import { NestFastifyApplication } from '@nestjs/platform-fastify';
import { fastify } from 'fastify';
import { Database } from '../../src/platform/database/database';
import { openApiDocument, refusalCodesOf } from './open-api';

type Check = ((value: unknown) => boolean) & { errors?: { instancePath: string; message?: string; params: object }[] };

interface Contract {
  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- a document is JSON
  readonly document: any;
  /** Compares a value with the schema at a JSON pointer of the document. */
  readonly check: (pointer: string, value: unknown) => string | undefined;
}

let made: Promise<Contract> | undefined;

/**
 * Holds the OpenAPI document to what the service does: every answer of the API, and every event it says, is compared with what the
 * document promises, fields that it does not know included. What differs fails the file when its app stops.
 */
export function watchContract(app: NestFastifyApplication): { expectKept: (database: Database) => Promise<void> } {
  const answers: { method: string; route: string; status: number; body: unknown }[] = [];
  app
    .getHttpAdapter()
    .getInstance()
    .addHook('onSend', (request, reply, payload, done) => {
      const route = request.routeOptions.url;
      if (route?.startsWith('/v1/') && request.method !== 'HEAD' && answers.length < 20_000) {
        answers.push({ method: request.method, route, status: reply.statusCode, body: readable(payload) });
      }
      done(null, payload);
    });
  return {
    expectKept: async (database) => {
      const { document, check } = await (made ??= contractOf());
      const broken = new Set<string>();
      for (const { method, route, status, body } of answers) {
        const found = differenceOf({ document, check }, method, route, status, body);
        if (found) broken.add(`${method} ${route} answered ${status} ${found}`);
      }
      const events = await database.query<{ type: string; data: unknown }>(
        'select distinct type, data from outgoing_events',
      );
      for (const { type, data } of events) {
        const schema = document.webhooks[type]?.post.requestBody.content['application/json'].schema as { $ref: string };
        // Tests of the outbox say what they like.
        if (!schema) continue;
        const found = check(`${schema.$ref}/properties/data`, data);
        if (found) broken.add(`the event ${type} ${found}`);
      }
      if (broken.size > 0) {
        throw new Error(
          `The service does not keep to its OpenAPI document. Mend the view's DTO, or list the code with @Refuses on the route:\n${[...broken].slice(0, 20).join('\n')}`,
        );
      }
    },
  };
}

/** The document of the build, and a way to compare values with it. */
export async function contractOf(): Promise<Contract> {
  const document = openApiDocument();
  const validator = fastify({
    ajv: {
      customOptions: {
        coerceTypes: false,
        removeAdditional: false,
        useDefaults: false,
        strict: false,
        allErrors: true,
      },
    },
  });
  validator.addSchema({ $id: 'document', ...(closed(document) as object) });
  // Fastify makes its validator for the first route that has a schema.
  validator.get('/', { schema: { querystring: { type: 'object' } } }, () => undefined);
  await validator.ready();
  const checks = new Map<string, Check>();
  return {
    document,
    check: (pointer, value) => {
      let check = checks.get(pointer);
      if (!check) {
        const schema = { $ref: `document${pointer}` };
        check = validator.validatorCompiler!({ schema, method: 'GET', url: '/' }) as unknown as Check;
        checks.set(pointer, check);
      }
      if (check(value)) return undefined;
      return (check.errors ?? [])
        .slice(0, 5)
        .map(({ instancePath, message, params }) => `${instancePath || '/'} ${message ?? ''} ${JSON.stringify(params)}`)
        .join('; ');
    },
  };
}

function differenceOf(
  { document, check }: Contract,
  method: string,
  route: string,
  status: number,
  body: unknown,
): string | undefined {
  const path = route.replace(/:(\w+)/g, '{$1}');
  const operation = document.paths[path]?.[method.toLowerCase()];
  if (!operation) return 'and is not in the document';
  if (status >= 400) {
    const { code } = (body ?? {}) as { code?: string };
    const codes = refusalCodesOf(document, operation)[String(status)] ?? [];
    if (!codes.includes(code ?? '')) return `${code}, which is not among its codes (${codes.join(', ')})`;
    return check('#/components/schemas/Problem', body);
  }
  const content = operation.responses[String(status)]?.content;
  if (!content) return `, and its statuses are ${Object.keys(operation.responses as object).join(', ')}`;
  // A stream's text is not at hand here; tests of reports read it.
  if (body === undefined || !content['application/json']) return undefined;
  return check(
    `#/paths/${escaped(path)}/${method.toLowerCase()}/responses/${status}/content/application~1json/schema`,
    body,
  );
}

function readable(payload: unknown): unknown {
  if (typeof payload !== 'string') return undefined;
  try {
    return JSON.parse(payload) as unknown;
  } catch {
    return undefined;
  }
}

function escaped(path: string): string {
  return path.replaceAll('~', '~0').replaceAll('/', '~1').replace(/[{}]/g, encodeURIComponent);
}

/** Answers hold nothing that the document does not name. */
function closed(node: unknown, isPart = false): unknown {
  if (Array.isArray(node)) return node.map((each) => closed(each, isPart));
  if (typeof node !== 'object' || node === null) return node;
  const copy = Object.fromEntries(Object.entries(node).map(([key, value]) => [key, closed(value, key === 'allOf')]));
  const isObjectSchema = copy['type'] === 'object' || (Array.isArray(copy['type']) && copy['type'].includes('object'));
  if (isObjectSchema && copy['properties'] && copy['additionalProperties'] === undefined && !isPart)
    copy['additionalProperties'] = false;
  return copy;
}
