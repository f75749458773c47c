import type { JsonObject, JsonValue, StripeEventRecord } from './stripe.types';

/**
 * What of an object is kept: `value` a plain value; `id` the id, though Stripe embeds the whole object; `texts` a list of words;
 * `statuses` a flat map of words; `ours` the metadata keys this service wrote.
 */
type Shape = 'value' | 'id' | 'texts' | 'statuses' | 'ours' | readonly [Shape] | { readonly [field: string]: Shape };

const merchantData: Shape = {
  category: 'value',
  category_code: 'value',
  city: 'value',
  country: 'value',
  name: 'value', // a business, on every statement
  network_id: 'value',
};

const amounts: readonly [Shape] = [{ amount: 'value', currency: 'value' }];

const requirements: Shape = {
  current_deadline: 'value',
  currently_due: 'texts',
  disabled_reason: 'value',
  past_due: 'texts',
  pending_verification: 'texts',
};

const always = { id: 'value', object: 'value', created: 'value', livemode: 'value' } as const;
const money = { amount: 'value', currency: 'value' } as const;

/** By `object`. Fields that are not listed do not reach the database: events carry names, addresses, telephone numbers and e-mails. */
const shapes: Readonly<Record<string, { readonly [field: string]: Shape }>> = {
  account: {
    ...always,
    capabilities: 'statuses',
    charges_enabled: 'value',
    country: 'value',
    default_currency: 'value',
    details_submitted: 'value',
    metadata: 'ours',
    payouts_enabled: 'value',
    requirements,
  },
  capability: { ...always, account: 'id', requested: 'value', requested_at: 'value', requirements, status: 'value' },
  balance: {
    object: 'value',
    available: amounts,
    pending: amounts,
    issuing: { available: amounts },
    livemode: 'value',
  },
  'issuing.authorization': {
    ...always,
    ...money,
    approved: 'value',
    authorization_method: 'value',
    balance_transactions: ['id'],
    card: 'id',
    cardholder: 'id',
    merchant_amount: 'value',
    merchant_currency: 'value',
    merchant_data: merchantData,
    metadata: 'ours',
    pending_request: {
      ...money,
      is_amount_controllable: 'value',
      merchant_amount: 'value',
      merchant_currency: 'value',
    },
    request_history: [
      {
        ...money,
        approved: 'value',
        created: 'value',
        merchant_amount: 'value',
        merchant_currency: 'value',
        reason: 'value',
        requested_at: 'value',
      },
    ],
    status: 'value',
    transactions: ['id'],
  },
  'issuing.card': {
    ...always,
    brand: 'value',
    cancellation_reason: 'value',
    cardholder: 'id',
    currency: 'value',
    exp_month: 'value',
    exp_year: 'value',
    last4: 'value',
    metadata: 'ours',
    replaced_by: 'id',
    replacement_for: 'id',
    status: 'value',
    type: 'value',
  },
  'issuing.cardholder': {
    ...always,
    metadata: 'ours',
    requirements: { disabled_reason: 'value', past_due: 'texts' },
    status: 'value',
    type: 'value',
  },
  'issuing.dispute': {
    ...always,
    ...money,
    balance_transactions: ['id'],
    loss_reason: 'value',
    metadata: 'ours',
    status: 'value',
    transaction: 'id',
  },
  'issuing.transaction': {
    ...always,
    ...money,
    authorization: 'id',
    balance_transaction: 'id',
    card: 'id',
    cardholder: 'id',
    dispute: 'id',
    merchant_amount: 'value',
    merchant_currency: 'value',
    merchant_data: merchantData,
    metadata: 'ours',
    type: 'value',
  },
  payout: {
    ...always,
    ...money,
    arrival_date: 'value',
    automatic: 'value',
    balance_transaction: 'id',
    failure_code: 'value',
    metadata: 'ours',
    status: 'value',
    type: 'value',
  },
  topup: {
    ...always,
    ...money,
    balance_transaction: 'id',
    destination_balance: 'value',
    expected_availability_date: 'value',
    failure_code: 'value',
    metadata: 'ours',
    status: 'value',
  },
  transfer: {
    ...always,
    ...money,
    amount_reversed: 'value',
    balance_transaction: 'id',
    destination: 'id',
    destination_payment: 'id',
    metadata: 'ours',
    reversed: 'value',
    transfer_group: 'value',
  },
};

const otherObjects = { ...always, status: 'value' } as const;

// Whatever a shape says, these never pass.
const neverKept: ReadonlySet<string> = new Set(['number', 'cvc', 'pin', 'secret']);

function shapeOf(objectType: string): Shape {
  // Own names only: `__proto__` is a shape of nothing.
  return (Object.hasOwn(shapes, objectType) ? shapes[objectType] : undefined) ?? otherObjects;
}

/** An event's object, cut down to the fields that its type is allowed. */
export function redactStripeObject(object: unknown): JsonObject {
  const type = isRecord(object) && typeof object['object'] === 'string' ? object['object'] : '';
  return asObject(keep(object, shapeOf(type))) ?? {};
}

/**
 * Reads a Stripe event (as parsed JSON) into the form we keep.
 * @returns undefined when it is no event at all
 */
export function toStripeEventRecord(event: unknown): StripeEventRecord | undefined {
  if (!isRecord(event) || event['object'] !== 'event') return undefined;
  const { id, type, account, created, livemode, api_version: apiVersion, data } = event;
  if (typeof id !== 'string' || typeof type !== 'string' || typeof created !== 'number' || !isRecord(data))
    return undefined;
  if (id.length > 255 || type.length > 255 || !Number.isSafeInteger(created) || created < 0) return undefined;
  const object = redactStripeObject(data['object']);
  const objectType = textOrNull(object['object']);
  const shape = shapeOf(objectType ?? '');
  return {
    id,
    type,
    stripeAccount: textOrNull(account),
    createdAt: new Date(created * 1_000),
    isLive: livemode === true,
    apiVersion: textOrNull(apiVersion),
    objectId: textOrNull(object['id']),
    objectType,
    object,
    previousAttributes: isRecord(data['previous_attributes'])
      ? (asObject(keep(data['previous_attributes'], shape)) ?? {})
      : null,
  };
}

function keep(value: unknown, shape: Shape): JsonValue | undefined {
  if (value === null) return null;
  switch (shape) {
    case 'value':
      return typeof value === 'string' ? storable(value) : isPlain(value) ? value : undefined;
    case 'id':
      return typeof value === 'string' ? storable(value) : isRecord(value) ? textOrNull(value['id']) : undefined;
    case 'texts':
      return Array.isArray(value) ? value.filter((word) => typeof word === 'string').map(storable) : undefined;
    case 'statuses':
      return isRecord(value)
        ? pick(value, (word) => (typeof word === 'string' ? storable(word) : undefined))
        : undefined;
    case 'ours':
      return isRecord(value)
        ? pick(value, (word, key) =>
            key.startsWith('disburse_') && typeof word === 'string' ? storable(word) : undefined,
          )
        : undefined;
    default:
      return keepNested(value, shape);
  }
}

function keepNested(
  value: unknown,
  shape: readonly [Shape] | { readonly [field: string]: Shape },
): JsonValue | undefined {
  if (isList(shape)) {
    if (!Array.isArray(value)) return undefined;
    return value.map((item) => keep(item, shape[0])).filter((item) => item !== undefined);
  }
  if (!isRecord(value)) return undefined;
  return pick(value, (field, key) => {
    const fieldShape = Object.hasOwn(shape, key) ? shape[key] : undefined;
    return fieldShape === undefined ? undefined : keep(field, fieldShape);
  });
}

function pick(
  value: Record<string, unknown>,
  kept: (field: unknown, key: string) => JsonValue | undefined,
): JsonObject {
  const picked: Record<string, JsonValue> = {};
  for (const [key, field] of Object.entries(value)) {
    const keptField = neverKept.has(key) ? undefined : kept(field, key);
    if (keptField !== undefined) picked[key] = keptField;
  }
  return picked;
}

function isList(shape: readonly [Shape] | { readonly [field: string]: Shape }): shape is readonly [Shape] {
  return Array.isArray(shape);
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isPlain(value: unknown): value is string | number | boolean {
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean';
}

function asObject(value: JsonValue | undefined): JsonObject | undefined {
  return isRecord(value) ? value : undefined;
}

function textOrNull(value: unknown): string | null {
  return typeof value === 'string' ? storable(value) : null;
}

/** PostgreSQL stores neither NUL nor half a surrogate pair, and a merchant's name may hold anything. */
function storable(text: string): string {
  return text.replaceAll('\0', '').toWellFormed();
}
