import type { AuditedAct } from './audit-log.types';

/** What of an object's row the log shows before and after: names here, SQL there. */
export interface AuditedObject {
  readonly type: string;
  readonly table?: string;
  /** The column that holds the id in the path; `id` unless said otherwise. */
  readonly key?: string;
  readonly columns?: Readonly<Record<string, string>>;
}

const same = (...columns: string[]): Readonly<Record<string, string>> =>
  Object.fromEntries(columns.map((column) => [column, column]));

/**
 * By the noun in the path. An allowlist, because the log is for ever: identifiers, states, amounts, limits and times; no names, no
 * free text, no secret and no hash of one. A noun that is missing here is logged without before and after.
 */
export const auditedObjects: Readonly<Record<string, AuditedObject>> = {
  'api-keys': { type: 'api_key', table: 'api_keys', columns: same('role', 'expires_at', 'revoked_at') },
  'connected-accounts': {
    type: 'connected_account',
    table: 'connected_accounts',
    columns: same(
      'status',
      'stripe_account_id',
      'country',
      'currency',
      'funding_rail',
      'is_suspended',
      'card_issuing_capability',
      'transfers_capability',
    ),
  },
  cardholders: {
    type: 'cardholder',
    table: 'cardholders',
    columns: {
      ...same('status', 'type', 'connected_account_id', 'stripe_cardholder_id', 'erased_at'),
      // Personal data is shown by a fingerprint of its ciphertext: that it changed, not what it was.
      personal_data: `left(encode(sha256(convert_to(personal_data_encrypted, 'UTF8')), 'hex'), 16)`,
    },
  },
  cards: { type: 'card', table: 'cards', columns: same('status', 'frozen', 'payout_id', 'cancel_reason') },
  'card-links': {
    type: 'card_link',
    table: 'card_links',
    columns: same('payout_id', 'expires_at', 'ended_at', 'ended_because'),
  },
  payouts: {
    type: 'payout',
    table: 'payouts',
    columns: {
      ...same(
        'status',
        'waiting_on',
        'outcome',
        'currency',
        'connected_account_id',
        'cardholder_id',
        'card_id',
        'label',
        'approval_decision',
        'approval_api_key_id',
      ),
      amount: 'amount_minor',
      expires_at: 'expires_at',
    },
  },
  'payout-batches': {
    type: 'payout_batch',
    table: 'payout_batches',
    columns: same('format', 'row_count', 'requested_by_api_key_id', 'completed_at'),
  },
  'payout-labels': {
    type: 'payout_label',
    table: 'payout_labels',
    key: 'label',
    columns: { ...same('open_payouts_limit', 'retired_at'), daily_limit: 'daily_limit_minor' },
  },
  authorizations: { type: 'authorization' },
  'aftercare-items': {
    type: 'aftercare_item',
    table: 'aftercare_settlements',
    key: 'item_id',
    columns: { ...same('action', 'currency', 'payout_id'), amount: 'amount_minor' },
  },
  'webhook-endpoints': {
    type: 'webhook_endpoint',
    table: 'webhook_endpoints',
    columns: {
      ...same('status', 'event_types', 'disabled_reason', 'previous_secret_expires_at', 'deleted_at'),
      // Not the whole address: receivers put tokens into it.
      host: `split_part(split_part(url, '://', 2), '/', 1)`,
      secret: `left(encode(sha256(convert_to(secret_encrypted, 'UTF8')), 'hex'), 16)`,
    },
  },
  'webhook-deliveries': {
    type: 'webhook_delivery',
    table: 'webhook_deliveries',
    columns: same('status', 'endpoint_id', 'event_id', 'attempts_count'),
  },
  'reconciliation-runs': {
    type: 'reconciliation_run',
    table: 'reconciliation_runs',
    columns: same('status', 'cutoff', 'connected_account_id'),
  },
  'reconciliation-breaks': {
    type: 'reconciliation_break',
    table: 'reconciliation_breaks',
    columns: same(
      'status',
      'type',
      'difference_minor',
      'currency',
      'connected_account_id',
      'payout_id',
      'correction_against',
      'correction_proposed_by',
      'correction_approved_by',
    ),
  },
  'dead-letters': {
    type: 'dead_letter',
    table: 'stripe_events',
    columns: { ...same('status', 'attempts', 'stripe_event_id'), event_type: 'type' },
  },
};

const verbs: Readonly<Record<string, string>> = {
  GET: 'read',
  POST: 'create',
  PUT: 'update',
  PATCH: 'update',
  DELETE: 'delete',
};

/** What a request does, read from its route alone, so that no route can forget to say: `POST /v1/payouts/:id/cancel` is `payout.cancel`. */
export function actOf(
  method: string,
  route: string,
  parameters: Readonly<Record<string, unknown>>,
): AuditedAct & { noun: string } {
  const segments = route.replace(/^\/v1\//, '').split('/');
  const [first = 'unknown', parameter, last] = segments;
  // A noun behind a parent (`payouts/:id/card-links`) is a new thing of its own; a verb is done to the parent.
  const isChild = last !== undefined && Object.hasOwn(auditedObjects, last);
  const noun = isChild ? last : first;
  const isNamed = !isChild && parameter?.startsWith(':') === true;
  const given = isNamed ? parameters[parameter.slice(1)] : undefined;
  const words = isChild || last === undefined ? (verbs[method] ?? method.toLowerCase()) : last;
  const objectType = auditedObjects[noun]?.type ?? snake(noun).replace(/s$/, '');
  return {
    noun,
    action: `${objectType}.${snake(words)}`,
    objectType,
    objectId: typeof given === 'string' ? given.slice(0, 255) : null,
  };
}

/** SQL for the shown part of one object, by its id in `$n`; null for a noun that shows nothing. */
export function snapshotSql(noun: string, parameter: string): string | null {
  const { table, key = 'id', columns } = auditedObjects[noun] ?? {};
  if (!table || !columns) return null;
  const fields = Object.entries(columns).map(([name, sql]) => `'${name}', ${sql}`);
  return `(select jsonb_build_object(${fields.join(', ')}) from ${table} where ${key} = ${parameter})`;
}

function snake(text: string): string {
  return text
    .replaceAll('-', '_')
    .replace(/[^a-z_]/gi, '')
    .toLowerCase();
}
