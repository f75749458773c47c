import type Stripe from 'stripe';
import { badParameter } from './errors';
import { Faults } from './faults';
import { newId } from './ids';
import type { Row, StoredEvent } from './kinds';
import { answerList, type ListAnswer } from './lists';
import type { Condition, Filter } from './objects';
import type { Session } from './session';
import { enqueueDeliveries } from './deliveries';

export const apiVersion = '2026-10-28.endive';

type EventType = Stripe.Event['type'];

/** Writes an event and its deliveries in the transaction of the change it reports. */
export function emit(session: Session, type: EventType, object: object, before?: object): Row<'event'> {
  const previous = before && previousAttributes(before, object);
  // Two events in one second: nobody may order by `created`, and a fault can insist on it.
  const tied = new Faults(session.db).takeSameSecond(session.platform, type);
  const created = (tied && newestEvent(session)?.created) ?? session.now;
  const event: StoredEvent & { object: 'event' } = {
    id: newId('evt'),
    object: 'event',
    ...(session.isPlatform ? {} : { account: session.account }),
    api_version: apiVersion,
    created,
    data: { object, ...(previous ? { previous_attributes: previous } : {}) },
    livemode: false,
    request: { id: session.request?.id ?? null, idempotency_key: session.request?.idempotencyKey ?? null },
    type,
  };
  const row = session.objects.insert<'event'>(session.account, created, event, {});
  enqueueDeliveries(session, event);
  return row;
}

function newestEvent(session: Session): Row<'event'> | undefined {
  return session.objects.page(session.account, 'event', { limit: 1 }).rows[0];
}

type Hash = Record<string, unknown>;

function isHash(value: unknown): value is Hash {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The old values of what changed, hashes reduced to their changed keys, lists whole. */
export function previousAttributes(before: object, after: object): Hash {
  const changed: Hash = {};
  const old = before as Hash;
  const now = after as Hash;
  for (const key of new Set([...Object.keys(old), ...Object.keys(now)])) {
    if (JSON.stringify(old[key]) === JSON.stringify(now[key])) continue;
    const [from, to] = [old[key], now[key]];
    changed[key] = isHash(from) && isHash(to) ? previousAttributes(from, to) : (from ?? null);
  }
  return changed;
}

export function renderEvent(session: Session, row: Row<'event'>): object {
  const counted = session.db.find<{ pending: number }>(
    "select count(*) as pending from deliveries where event = ? and status <> 'succeeded'",
    row.body.id,
  );
  return { ...row.body, pending_webhooks: counted?.pending ?? 0 };
}

const retentionSeconds = 30 * 24 * 60 * 60;

export function listEvents(session: Session, params: Stripe.EventListParams): ListAnswer {
  if (params.type !== undefined && params.types !== undefined) {
    throw badParameter('You may only specify one of these parameters: type, types.', 'types');
  }
  if (params.types && params.types.length > 20) throw badParameter('You may pass up to 20 types.', 'types');
  const types = params.type === undefined ? params.types : [params.type];
  const filters: Filter[] = types && types.length > 0 ? [{ field: 'type', values: types.flatMap(expandWildcard) }] : [];
  // Stripe forgets events after thirty days.
  const sql = ['o.created > ?'];
  if (params.delivery_success !== undefined) {
    const undelivered = "exists (select 1 from deliveries d where d.event = o.id and d.status <> 'succeeded')";
    sql.push(params.delivery_success ? `not ${undelivered}` : undelivered);
  }
  const condition: Condition = { sql: sql.join(' and '), values: [session.now - retentionSeconds] };
  return answerList(session, 'event', '/v1/events', params, renderEvent, filters, condition);
}

const wildcards: Record<string, EventType[]> = {
  'issuing_authorization.*': [
    'issuing_authorization.created',
    'issuing_authorization.updated',
    'issuing_authorization.request',
  ],
  'issuing_card.*': ['issuing_card.created', 'issuing_card.updated'],
  'issuing_transaction.*': ['issuing_transaction.created', 'issuing_transaction.updated'],
  'topup.*': ['topup.created', 'topup.succeeded', 'topup.failed', 'topup.canceled', 'topup.reversed'],
  'transfer.*': ['transfer.created', 'transfer.updated', 'transfer.reversed'],
};

function expandWildcard(type: string): string[] {
  return wildcards[type] ?? [type];
}
