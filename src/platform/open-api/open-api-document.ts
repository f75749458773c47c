import type { Type } from '@nestjs/common';
import { NestFastifyApplication } from '@nestjs/platform-fastify';
import { DocumentBuilder, OpenAPIObject, SwaggerModule } from '@nestjs/swagger';
import { exampleOf } from './open-api-examples';
import { idempotencyOf, problemSchema, refusal, refusalAnswers, sharedRefusals, thingIn } from './open-api-refusals';
import { JsonSchema, Operation, OperationMethod, operationMethods, Schemas } from './open-api.types';

/** What an outgoing event of each type carries as `data`, as a DTO class. Known above this floor only. */
export type EventPayloads = Readonly<Record<string, Type>>;

type Paths = Record<string, Partial<Record<OperationMethod, Operation>>>;

const about = `Pays a marketplace's sellers by single-use virtual cards on Stripe Issuing.

**Conventions.** JSON; names in snake_case; amounts are integers in minor units beside their \`currency\`; times are ISO 8601 in UTC. Ids are this service's own; Stripe's are in separate fields.

**Keys and roles.** \`Authorization: Bearer dsb_live_…\` (or \`dsb_test_…\`). Each operation lists under its security the roles that may call it; any one of them is enough. Everything not granted is 403 \`role_not_allowed\`.

**Idempotency.** Send \`Idempotency-Key\` with every POST and PATCH: the same key and body replays the stored answer (\`Idempotent-Replayed: true\`) and does nothing. Another body under that key is 422, a twin at the same moment 409. Keys are kept for 30 days. Secrets are shown once: a replay leaves them out and says \`secret_shown_once: true\`.

**Problems.** RFC 9457 problem details. \`code\` is stable; each operation lists the codes it may answer, by status. Fields that nobody declared are refused.

**Lists.** Newest first. \`limit\` is 1 to 100; give \`next_cursor\` as \`starting_after\` for the next page. Rows that come in meanwhile do not shift pages.

**Requests.** Every answer has an \`X-Request-Id\`: yours, if you sent one.

**Changes.** What may change within /v1 and how a deprecation is announced is written in docs/api-changes.md; what did change, in CHANGELOG.md.`;

const tags: Readonly<Record<string, string>> = {
  'Connected accounts': 'Sellers at Stripe: onboarding, requirements, capabilities, balances, and the kill switch.',
  Cardholders: 'Who may hold a card.',
  Payouts: 'The promise to pay: its progress, its card, its proof.',
  'Payout labels': 'Limits of what is paid under a label, such as one automated buyer.',
  'Payout batches': 'Many payouts in one request.',
  Approvals: 'Payouts that wait for a second pair of eyes.',
  Cards: 'The single-use cards of payouts. Never a number or CVC.',
  'Card links': 'The link with which a seller sees the card.',
  Authorizations: 'What merchants asked, what was answered and why, and what the network made of it.',
  'Card transactions': 'Captures and refunds; what came after close.',
  Aftercare: 'Card transactions that finance looks after.',
  Disputes: 'Disputes opened at Stripe, followed here.',
  Reconciliation: 'The ledger against Stripe: runs, breaks, corrections.',
  Reports: 'What finance reads: JSON and CSV, the same bytes for the same cut-off.',
  Analytics: 'Rates and durations.',
  Limits: 'How much may be paid out, by call, seller and key.',
  Events: 'What this service says about what happened.',
  'Webhook endpoints': 'Where events are sent, signed as Standard Webhooks.',
  'Webhook deliveries': 'Each event on its way to each endpoint, with every try.',
  'Dead letters': 'Stripe events that could not be handled.',
  'API keys': 'Keys, their roles, rotation and end.',
  'Audit log': 'Who did what, with which key, from where.',
  'Data retention': 'Erasure of personal data and what is kept how long.',
  Operations: 'What operators and orchestrators ask.',
};

const headers = {
  RequestId: {
    description: 'The id of the request: the one you sent, or a new one. Our log lines carry it.',
    schema: { type: 'string' },
    example: 'request_5f1c4a0e9d7b4c3f8a6e2d1b0c9f8e7d',
  },
  IdempotentReplayed: {
    description: '`true` when this answer was stored for this Idempotency-Key before, and nothing was done now.',
    schema: { type: 'string', enum: ['true'] },
  },
  RetryAfter: { description: 'Seconds after which to try again.', schema: { type: 'integer' }, example: 5 },
  RateLimit: {
    description:
      'What is left of the limit of this key, and when it is full again: draft-ietf-httpapi-ratelimit-headers.',
    schema: { type: 'string' },
    example: '"default";r=99;t=1',
  },
  RateLimitPolicy: {
    description: 'The limit itself: quota and window in seconds.',
    schema: { type: 'string' },
    example: '"default";q=100;w=1',
  },
  Deprecation: {
    description: 'Only on deprecated routes: since when, as `@` and Unix seconds (RFC 9745).',
    schema: { type: 'string' },
  },
  Sunset: {
    description: 'Only on deprecated routes: when it stops answering, an HTTP date (RFC 8594).',
    schema: { type: 'string' },
  },
};

/** The OpenAPI 3.1 document, made from controllers, DTOs and their comments. Needs no database: a previewed application is enough. */
export function makeOpenApiDocument(app: NestFastifyApplication, events: EventPayloads): OpenAPIObject {
  const settings = new DocumentBuilder()
    .setOpenAPIVersion('3.1.0')
    .setTitle('Disburse')
    .setDescription(about)
    .setVersion('1')
    .setLicense('Apache-2.0', 'https://www.apache.org/licenses/LICENSE-2.0')
    .addServer('/', 'Where this document is served.')
    .addBearerAuth({ type: 'http', scheme: 'bearer', description: 'An API key: `dsb_test_…` or `dsb_live_…`.' })
    .build();
  const generated = inDialect(
    SwaggerModule.createDocument(app, settings, {
      operationIdFactory: (controller, method) => `${controller.replace(/Controller$/, '')}.${method}`,
      extraModels: [...new Set(Object.values(events))],
    }),
  ) as OpenAPIObject;
  const paths = generated.paths as unknown as Paths;
  const schemas = generated.components!.schemas as unknown as Schemas;
  schemas['Problem'] = problemSchema;
  describeEvents(schemas, events);
  const usedTags = new Set<string>();
  for (const [path, item] of Object.entries(paths)) {
    for (const method of operationMethods) {
      const operation = item[method];
      if (!operation) continue;
      complete(operation, method, path, schemas);
      operation.tags?.forEach((tag) => usedTags.add(tag));
    }
  }
  const webhooks = describeWebhooks(events, schemas);
  return {
    ...generated,
    tags: Object.entries(tags)
      .filter(([name]) => usedTags.has(name))
      .map(([name, description]) => ({ name, description })),
    components: { ...generated.components, headers: usedHeaders(paths), responses: sharedRefusals() },
    webhooks,
  } as unknown as OpenAPIObject;
}

/** Headers of deprecated routes are described while there are any. */
function usedHeaders(paths: Paths): object {
  const { Deprecation, Sunset, ...always } = headers;
  const isAnyDeprecated = Object.values(paths).some((item) =>
    Object.values(item).some((operation) => operation.deprecated),
  );
  return isAnyDeprecated ? { ...always, Deprecation, Sunset } : always;
}

/** Serves the document at /openapi.json and a browser for it at /docs; every file comes from this server. */
export function serveOpenApi(app: NestFastifyApplication, make: () => OpenAPIObject): void {
  let document: OpenAPIObject | undefined;
  SwaggerModule.setup('docs', app, () => (document ??= make()), {
    jsonDocumentUrl: 'openapi.json',
    raw: ['json'],
    customSiteTitle: 'Disburse API',
    swaggerOptions: { persistAuthorization: false, validatorUrl: null },
  });
}

/** Fills in what every operation has and no controller should have to repeat. */
function complete(operation: Operation, method: OperationMethod, path: string, schemas: Schemas): void {
  splitSummary(operation);
  const roles = operation['x-roles'] as string[] | undefined;
  // A key with any one of the roles will do: the requirements are alternatives.
  operation.security = (roles ?? []).map((role) => ({ bearer: [role] }));
  if (path.startsWith('/v1/')) {
    const keyUse = idempotencyOf(operation, method);
    if (keyUse !== 'none') operation.parameters = [...(operation.parameters ?? []), idempotencyKey(keyUse)];
    for (const answer of Object.values(operation.responses)) {
      answer.headers = {
        'X-Request-Id': { $ref: '#/components/headers/RequestId' },
        RateLimit: { $ref: '#/components/headers/RateLimit' },
        'RateLimit-Policy': { $ref: '#/components/headers/RateLimitPolicy' },
        ...(keyUse === 'none' ? {} : { 'Idempotent-Replayed': { $ref: '#/components/headers/IdempotentReplayed' } }),
        ...(operation.deprecated
          ? {
              Deprecation: { $ref: '#/components/headers/Deprecation' },
              Sunset: { $ref: '#/components/headers/Sunset' },
            }
          : {}),
        ...answer.headers,
      };
      answer.description ||= 'Done.';
    }
    operation.responses = { ...operation.responses, ...refusalAnswers(operation, method, path) };
  } else operation.responses = { ...operation.responses, '400': refusal('400', ['malformed_request']) };
  const shown = (operation['x-body-examples'] ?? {}) as Record<string, string>;
  for (const [type, media] of Object.entries(operation.requestBody?.content ?? {})) {
    if (shown[type] !== undefined) media.example = shown[type];
  }
  for (const key of Object.keys(operation)) {
    if (key.startsWith('x-refuses-') || key === 'x-idempotency-key' || key === 'x-body-examples')
      delete operation[key as `x-${string}`];
  }
  showExamples(operation, path, schemas);
}

/** The first sentence is what lists show; the rest belongs under it. */
function splitSummary(operation: Operation): void {
  const text = [operation.summary, operation.description].filter(Boolean).join('\n');
  const [, first, rest] = /^([\s\S]+?[.:])(?:\s+([\s\S]+))?$/.exec(text) ?? [];
  if (first === undefined) return;
  operation.summary = first.replace(/\s+/g, ' ').replace(/[.:]$/, '');
  if (rest) operation.description = rest;
  else delete operation.description;
}

function showExamples(operation: Operation, path: string, schemas: Schemas): void {
  for (const parameter of operation.parameters ?? []) {
    if (parameter.in === 'path' && parameter.example === undefined && parameter.schema) {
      const owner = thingIn(path);
      parameter.example = exampleOf(parameter.schema, schemas, owner, parameter.name);
    }
  }
  const bodies = [operation.requestBody, ...Object.values(operation.responses)];
  for (const media of bodies.flatMap((body) => Object.values(body?.content ?? {}))) {
    if (!media.schema || media.example !== undefined || media.examples !== undefined) continue;
    media.example = exampleOf(media.schema, schemas);
  }
}

function idempotencyKey(use: 'required' | 'optional') {
  return {
    name: 'Idempotency-Key',
    in: 'header',
    required: use === 'required',
    description: 'Repeating a request with the same key gives the same answer and does nothing. Kept for 30 days.',
    schema: { type: 'string', minLength: 1, maxLength: 255 },
    example: 'order-1001-payout',
  };
}

/** One schema an event type, and the event of the API as any one of them. */
function describeEvents(schemas: Schemas, events: EventPayloads): void {
  const general = schemas['OutgoingEventView']!;
  for (const [type, payload] of Object.entries(events)) {
    schemas[eventSchemaName(type)] = {
      ...general,
      description: `\`${type}\``,
      properties: {
        ...general.properties,
        type: { type: 'string', const: type },
        data: { $ref: `#/components/schemas/${payload.name}` },
      },
    };
  }
  const variants = Object.keys(events).map((type): [string, string] => [
    type,
    `#/components/schemas/${eventSchemaName(type)}`,
  ]);
  schemas['OutgoingEventView'] = {
    description: general.description ?? '',
    oneOf: variants.map(([, $ref]) => ({ $ref })),
    discriminator: { propertyName: 'type', mapping: Object.fromEntries(variants) },
  };
}

/** https://www.standardwebhooks.com: the headers are what the signature is checked with. */
const webhookHeaders = [
  ['webhook-id', 'The event’s id: handle each id once.', 'event_01J9ZQ4M5N6P7R8S9T0V1W2X3Y'],
  ['webhook-timestamp', 'When it was sent, Unix seconds.', '1795269907'],
  [
    'webhook-signature',
    'One or more signatures, `v1,<base64>`, separated by spaces.',
    'v1,K5oZfzN95Z9UVu1EsfQmfVNQhnkZ2pj9o9NDN/H/pI4=',
  ],
].map(([name, description, example]) => ({
  name,
  in: 'header',
  required: true,
  description,
  schema: { type: 'string' },
  example,
}));

function describeWebhooks(events: EventPayloads, schemas: Schemas): Record<string, object> {
  return Object.fromEntries(
    Object.keys(events).map((type) => {
      const name = eventSchemaName(type);
      const schema: JsonSchema = { $ref: `#/components/schemas/${name}` };
      return [
        type,
        {
          post: {
            operationId: `on${name}`,
            summary: `${type} happened`,
            description:
              'At least once, in order per payout; tried again for three days. Answer 2xx within 10 seconds, after the signature was checked and the event stored.',
            tags: ['Events'],
            security: [],
            parameters: webhookHeaders,
            requestBody: {
              required: true,
              content: { 'application/json': { schema, example: exampleOf(schema, schemas) } },
            },
            responses: {
              '2XX': { description: 'Received.' },
              '4XX': { description: 'Not received: it is sent again later, as after any other answer.' },
            },
          },
        },
      ];
    }),
  );
}

/** `card_transaction.captured` is a `CardTransactionCapturedEvent`. */
function eventSchemaName(type: string): string {
  return `${type.replace(/(^|[._])(\w)/g, (_all, _separator, letter: string) => letter.toUpperCase())}Event`;
}

/**
 * What the generator says, in the words of OpenAPI 3.1 and of this API: `nullable` became a type, `example` a list, every number is
 * whole unless it has a format, and what has a default need not be given.
 */
function inDialect(node: unknown): unknown {
  if (Array.isArray(node)) return node.map(inDialect);
  if (!isObject(node)) return node;
  const copy = Object.fromEntries(Object.entries(node).map(([key, value]) => [key, inDialect(value)]));
  if (copy['type'] === 'number' && copy['format'] === undefined) copy['type'] = 'integer';
  if (copy['in'] === 'query' && hasDefault(copy['schema'])) copy['required'] = false;
  if (Array.isArray(copy['required']) && isObject(copy['properties'])) {
    const properties = copy['properties'];
    copy['required'] = copy['required'].filter((name: string) => !hasDefault(properties[name]));
  }
  // In a schema only; parameters and media types keep theirs.
  if (typeof copy['type'] === 'string' && copy['example'] !== undefined && copy['in'] === undefined) {
    copy['examples'] = [copy['example']];
    delete copy['example'];
  }
  // A property may itself be called nullable; only the boolean is the keyword.
  if (typeof copy['nullable'] !== 'boolean') return copy;
  const { nullable, ...rest } = copy;
  if (!nullable) return rest;
  return typeof rest['type'] === 'string'
    ? {
        ...rest,
        type: [rest['type'], 'null'],
        ...(rest['enum'] ? { enum: [...(rest['enum'] as unknown[]), null] } : {}),
      }
    : { anyOf: [rest, { type: 'null' }] };
}

function hasDefault(schema: unknown): boolean {
  return isObject(schema) && schema['default'] !== undefined;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
