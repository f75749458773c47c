import { JsonSchema, Schemas } from './open-api.types';

/**
 * One story runs through every example of the document: Rocket Rides LLC is paid 250.00 USD by a card, uses 180.00 of it, and the rest
 * comes back. A field is shown as the story has it, by its schema, then by its own `@example`, then by its name; what the story does
 * not know is made from the type.
 */
const ulid = '01J9ZQ4M5N6P7R8S9T0V1W2X3Y';

const idPrefixes: Readonly<Record<string, string>> = {
  api_key: 'key',
  authorization: 'auth',
  card: 'card',
  card_link: 'cardlink',
  card_transaction: 'cardtx',
  cardholder: 'holder',
  connected_account: 'seller',
  dispute: 'dispute',
  endpoint: 'hook',
  event: 'event',
  funding_transfer: 'fund',
  payout: 'payout',
  payout_batch: 'batch',
  reconciliation_break: 'break',
  reconciliation_run: 'run',
  request: 'authreq',
  webhook_delivery: 'delivery',
  webhook_endpoint: 'hook',
};

const createdAt = '2026-11-20T09:30:00.000Z';
const occurredAt = '2026-11-21T14:05:07.000Z';
const endsAt = '2026-12-24T18:00:00.000Z';
const hash = '9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08';

const byName: Readonly<Record<string, unknown>> = {
  ...Object.fromEntries(Object.entries(idPrefixes).map(([name, prefix]) => [name, `${prefix}_${ulid}`])),
  id: `payout_${ulid}`,
  next_cursor: null,
  has_more: false,
  starting_after: `payout_${ulid}`,
  limit: 20,
  created_at: createdAt,
  requested_at: createdAt,
  started_at: createdAt,
  updated_at: occurredAt,
  occurred_at: occurredAt,
  timestamp: occurredAt,
  asked_at: occurredAt,
  opened_at: occurredAt,
  last_viewed_at: occurredAt,
  last_used_at: occurredAt,
  expires_at: endsAt,
  created_from: '2026-11-01T00:00:00Z',
  created_to: '2026-12-01T00:00:00Z',
  from: '2026-11-01T00:00:00Z',
  to: '2026-12-01T00:00:00Z',
  cutoff: '2026-12-01T00:00:00.000Z',
  at: '2026-11-21T15:00:00Z',
  amount: 25_000,
  accepted: 25_000,
  owed: 25_000,
  approved_amount: 18_000,
  currency: 'usd',
  merchant_currency: 'usd',
  country: 'US',
  reference: 'order-1001',
  external_reference: 'rocket-rides',
  description: 'November sales',
  name: 'Jenny Rosen',
  first_name: 'Jenny',
  last_name: 'Rosen',
  legal_name: 'Rocket Rides LLC',
  email: 'jenny.rosen@example.com',
  phone: '+14155550100',
  phone_number: '+14155550199',
  line1: '354 Oyster Point Blvd',
  city: 'South San Francisco',
  state: 'CA',
  postal_code: '94080',
  ip: '203.0.113.7',
  date: createdAt,
  day: 9,
  month: 12,
  year: 1985,
  stripe_account_id: 'acct_1QRocketRides0001',
  stripe_cardholder_id: 'ich_1QRocketRides0001',
  stripe_card_id: 'ic_1QRocketRides0001',
  stripe_authorization_id: 'iauth_1QRocketRides0001',
  stripe_transaction_id: 'ipi_1QRocketRides0001',
  stripe_dispute_id: 'idp_1QRocketRides0001',
  stripe_event_id: 'evt_1QRocketRides0001',
  stripe_event: 'evt_1QRocketRides0001',
  stripe_balance_transaction: 'txn_1QRocketRides0001',
  balance_transaction: 'txn_1QRocketRides0001',
  stripe_balance_transactions: ['txn_1QRocketRides0001'],
  category: 'book_stores',
  category_code: '5942',
  network_id: '1234567890',
  last4: '4242',
  brand: 'Visa',
  exp_month: 11,
  exp_year: 2028,
  latency_ms: 4,
  url: 'https://marketplace.example.com/webhooks/disburse',
  refresh_url: 'https://marketplace.example.com/onboarding/again',
  return_url: 'https://marketplace.example.com/onboarding/done',
  note: 'Checked with the bank on 1 December.',
  hash,
  head: hash,
  sha256: hash,
  report_sha256: hash,
  metadata: { order: '1001' },
  controls: { allowed_categories: ['book_stores'], amount_match: 'up_to' },
  failure: null,
  lifetime_seconds: 604_800,
  overlap_seconds: 86_400,
};

/** Where the name alone would tell another story. */
const bySchema: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
  ApiKeyView: { name: 'Backend', prefix: 'dsb_test_4f', status: 'active', revoked_at: null, expires_at: null },
  CreateApiKeyRequest: { name: 'Backend', role: 'marketplace' },
  CreatePayoutDto: { controls: { allowed_categories: ['book_stores'], amount_match: 'up_to' } },
  MintedCardLinkView: {
    url: 'https://pay.example.com/c/3q2-7wAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA',
    passcode: '493027',
  },
  OnboardingLinkView: { url: 'https://connect.stripe.com/setup/e/acct_1QRocketRides0001/abc' },
  CardLinkView: { status: 'active', views: 1, last_viewed_with: 'phone', ended_at: null },
  MerchantView: { name: 'Paper & Ink' },
  CardTransactionMerchantView: { name: 'Paper & Ink' },
};

/** What a field called `id` holds in the schema of that name. */
function idIn(schemaName: string): string {
  const thing = schemaName
    .replace(/(Detail)?(View|Dto|Body|Request|Page|Data)$/, '')
    .replace(/^Minted/, '')
    .replace(/(?<=[a-z])([A-Z])/g, '_$1')
    .toLowerCase();
  const prefix = idPrefixes[thing] ?? idPrefixes[thing.split('_').slice(1).join('_')] ?? thing.split('_').at(-1)!;
  return `${prefix}_${ulid}`;
}

/** An example that fits the schema. */
export function exampleOf(schema: JsonSchema, schemas: Schemas, owner = '', name = ''): unknown {
  const told = bySchema[owner]?.[name];
  if (told !== undefined) return told;
  if (schema.examples?.length) return schema.examples[0];
  if (schema.const !== undefined) return schema.const;
  if (schema.$ref) {
    const target = schema.$ref.split('/').at(-1)!;
    return exampleOf(schemas[target] ?? {}, schemas, target);
  }
  if (name === 'id') return idIn(owner);
  if (schema.enum?.length) return schema.enum.includes(byName[name]) ? byName[name] : schema.enum[0];
  const named = byName[name];
  if (named !== undefined && fits(named, schema)) return named;
  return made(schema, schemas, owner);
}

function made(schema: JsonSchema, schemas: Schemas, owner: string): unknown {
  if (schema.allOf) {
    const parts = schema.allOf.map((part) => exampleOf(part, schemas, owner));
    return parts.every(isObject) ? Object.assign({}, ...parts) : parts[0];
  }
  const alternative = (schema.anyOf ?? schema.oneOf)?.[0];
  if (alternative) return exampleOf(alternative, schemas, owner);
  if (schema.properties) {
    return Object.fromEntries(
      Object.entries(schema.properties).map(([name, property]) => [name, exampleOf(property, schemas, owner, name)]),
    );
  }
  if (schema.default !== undefined) return schema.default;
  switch (kindOf(schema)) {
    case 'array':
      return schema.items ? [exampleOf(schema.items, schemas, owner)] : [];
    case 'object':
      return {};
    case 'boolean':
      return false;
    case 'integer':
    case 'number':
      return schema.minimum ?? 0;
    case 'string':
      return schema.format === 'date-time' ? occurredAt : schema.format === 'uri' ? byName['url'] : 'text';
    default:
      return null;
  }
}

function kindOf(schema: JsonSchema): string | undefined {
  return [schema.type ?? []].flat()[0];
}

/** A name may mean another kind of thing elsewhere: the type decides. */
function fits(value: unknown, schema: JsonSchema): boolean {
  const types: readonly string[] = [schema.type ?? []].flat();
  if (value === null) return types.includes('null') || (schema.anyOf ?? []).some(({ type }) => type === 'null');
  if (Array.isArray(value)) return types.includes('array') && schema.items?.type === 'string';
  if (isObject(value)) return types.includes('object') && !schema.properties;
  if (typeof value === 'number') return types.includes('integer') || types.includes('number');
  return types.includes(typeof value);
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
