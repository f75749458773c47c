/** Everything the marketplace may hear from us. A name here is a promise: add, never rename. */
export const outgoingEventTypes = [
  'payout.created',
  'payout.approval_required',
  'payout.approved',
  'payout.funded',
  'payout.ready',
  'payout.authorized',
  'payout.settled',
  'payout.expired',
  'payout.canceled',
  'payout.failed',
  'payout.closed',
  'payout.overspent',
  'payout_batch.completed',
  'authorization.approved',
  'authorization.declined',
  'authorization.reversed',
  'authorization.expired',
  'card_transaction.captured',
  'card_transaction.refunded',
  'reclaim.started',
  'reclaim.completed',
  'reclaim.failed',
  'reconciliation_break.opened',
  'dispute.opened',
  'dispute.closed',
  'card_link.opened',
  'card_link.locked',
  'card_link.reminder_due',
  'connected_account.updated',
  'cardholder.updated',
  'webhook_endpoint.disabled',
  'webhook_endpoint.test',
] as const;

export type OutgoingEventType = (typeof outgoingEventTypes)[number];

/** What a module says; the outbox adds id and time. `data` is what a GET of the thing shows: never a secret, never a card number. */
export interface OutgoingEventDraft {
  readonly type: OutgoingEventType;
  readonly connectedAccountId?: string | undefined;
  readonly payoutId?: string | undefined;
  readonly data: object;
  /** When it happened; now when absent. */
  readonly occurredAt?: Date | undefined;
}

export const webhookDeliveryStatuses = ['pending', 'delivered', 'failed', 'canceled'] as const;
/** `pending`: will be tried (again); `failed`: given up; `canceled`: the endpoint was removed first. */
export type WebhookDeliveryStatus = (typeof webhookDeliveryStatuses)[number];

export type WebhookEndpointStatus = 'enabled' | 'disabled';
