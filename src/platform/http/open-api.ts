import { NestFastifyApplication } from '@nestjs/platform-fastify';
import { DocumentBuilder, OpenAPIObject, SwaggerModule } from '@nestjs/swagger';

type Operation = Record<string, unknown> & {
  parameters?: object[];
  responses: Record<string, unknown>;
  requestBody?: unknown;
};

const methods = ['get', 'post', 'put', 'patch', 'delete'] as const;

const problemSchema = {
  type: 'object',
  description: 'Problem details, RFC 9457.',
  required: ['type', 'title', 'status', 'detail', 'code', 'request_id'],
  properties: {
    type: {
      type: 'string',
      description: 'A name for this kind of problem.',
      example: 'urn:disburse:problem:payout_not_cancelable',
    },
    title: { type: 'string', example: 'Conflict' },
    status: { type: 'integer', example: 409 },
    detail: { type: 'string', description: 'A sentence for a person.' },
    code: { type: 'string', description: 'Stable; for programs.', example: 'payout_not_cancelable' },
    request_id: { type: 'string', description: 'Also in the `x-request-id` header; quote it when you ask.' },
    errors: {
      type: 'array',
      items: {
        type: 'object',
        required: ['pointer', 'detail'],
        properties: {
          pointer: {
            type: 'string',
            description: 'A JSON pointer into the body, or `?name` for a query parameter.',
            example: '/amount',
          },
          detail: { type: 'string', example: 'must not be less than 101' },
          code: { type: 'string', example: 'min' },
        },
      },
    },
  },
};

const problemResponse = (description: string) => ({
  description,
  content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } },
});

const idempotencyHeader = {
  name: 'Idempotency-Key',
  in: 'header',
  required: false,
  description: 'Repeating a request with the same key gives the same answer and does nothing. Kept for 30 days.',
  schema: { type: 'string', minLength: 1, maxLength: 255 },
};

/** The OpenAPI 3.1 document, made from the controllers and DTOs. */
export function makeOpenApiDocument(app: NestFastifyApplication): OpenAPIObject {
  const settings = new DocumentBuilder()
    .setOpenAPIVersion('3.1.0')
    .setTitle('Disburse')
    .setDescription(
      'Pays sellers by single-use virtual cards. Amounts are integers in minor units; times are ISO 8601 in UTC.',
    )
    .setVersion('1')
    .setLicense('Apache-2.0', 'https://www.apache.org/licenses/LICENSE-2.0')
    .addBearerAuth({ type: 'http', scheme: 'bearer', description: 'An API key: dsb_test_… or dsb_live_….' })
    .build();
  const document = SwaggerModule.createDocument(app, settings, {
    operationIdFactory: (controller, method) => `${controller.replace(/Controller$/, '')}.${method}`,
  });
  document.components = {
    ...document.components,
    schemas: { ...document.components?.schemas, Problem: problemSchema },
  };
  for (const [path, item] of Object.entries(document.paths)) {
    if (!path.startsWith('/v1/')) continue;
    for (const method of methods) {
      const operation = item[method] as unknown as Operation | undefined;
      if (operation) describeRefusals(operation, method, path);
    }
  }
  return inDialect(document) as OpenAPIObject;
}

/** Serves the document at /openapi.json and a browser for it at /docs; every file comes from this server. */
export function serveOpenApi(app: NestFastifyApplication): void {
  let document: OpenAPIObject | undefined;
  SwaggerModule.setup('docs', app, () => (document ??= makeOpenApiDocument(app)), {
    jsonDocumentUrl: 'openapi.json',
    raw: ['json'],
    customSiteTitle: 'Disburse API',
    swaggerOptions: { persistAuthorization: false, validatorUrl: null },
  });
}

function describeRefusals(operation: Operation, method: string, path: string): void {
  const refusals: Record<string, string> = {
    '400': 'Malformed: a field is missing, unknown or of the wrong shape.',
    '401': 'No key, or one that is unknown, revoked or expired.',
    '403': 'The role of this key may not do this.',
    '429': 'Too many requests.',
    '503': 'The database is away; see Retry-After.',
    ...(path.includes('{') ? { '404': 'There is nothing with this id.' } : {}),
    ...(method === 'get' ? {} : { '409': 'The state forbids it.', '415': 'Not JSON.', '422': 'A rule is broken.' }),
  };
  for (const [status, description] of Object.entries(refusals))
    operation.responses[status] ??= problemResponse(description);
  operation.responses['default'] = problemResponse('Any other problem.');
  if (method === 'post') operation.parameters = [...(operation.parameters ?? []), idempotencyHeader];
}

/**
 * What the generator says, in the words of OpenAPI 3.1 and of this API: `nullable` became a type, every number is whole unless it
 * has a format, and what has a default need not be given.
 */
function inDialect(node: unknown): unknown {
  if (Array.isArray(node)) return node.map(inDialect);
  if (typeof node !== 'object' || node === null) return node;
  const copy = Object.fromEntries(Object.entries(node).map(([key, value]) => [key, inDialect(value)]));
  if (copy['type'] === 'number' && copy['format'] === undefined) copy['type'] = 'integer';
  if (copy['in'] === 'query' && hasDefault(copy['schema'])) copy['required'] = false;
  if (Array.isArray(copy['required']) && isObject(copy['properties'])) {
    const properties = copy['properties'];
    copy['required'] = copy['required'].filter((name: string) => !hasDefault(properties[name]));
  }
  // A property may itself be called nullable; only the boolean is the keyword.
  if (typeof copy['nullable'] !== 'boolean') return copy;
  const { nullable, ...rest } = copy;
  if (!nullable) return rest;
  return typeof rest['type'] === 'string'
    ? { ...rest, type: [rest['type'], 'null'] }
    : { anyOf: [rest, { type: 'null' }] };
}

function hasDefault(schema: unknown): boolean {
  return isObject(schema) && schema['default'] !== undefined;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}
