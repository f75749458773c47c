import type { Type } from '@nestjs/common';
import { CardholderView } from './cardholders/cardholder.dto';
import { ConnectedAccountView } from './connected-accounts/connected-account.dto';
import { ReconciliationBreakView } from './reconciliation/reconciliation.dto';
import type { Currency } from './shared/money';
import type { OutgoingEventType } from './webhook-outbox/outgoing-event.types';

// What outgoing events carry, for the OpenAPI document. The tests compare every event that the service ever says with these.

export class EventFailureData {
  code: string;
  detail: string;
}

/** A payout moved. */
export class PayoutEventData {
  payout: string;
  /** The marketplace's own name for it. */
  reference: string;
  connected_account: string;
  /** Minor units. */
  amount: number;
  currency: Currency;
  label?: string | null;
  purpose?: string | null;
  status: string;
  /** How it ended, or null. */
  outcome: string | null;
  failure: EventFailureData | null;
}

/** Another key must approve it before anything moves. */
export class PayoutApprovalRequiredEventData extends PayoutEventData {
  /** Payouts above this amount wait for approval; minor units. */
  above: number;
}

/** What is left of a payout is on its way back. */
export class ReclaimStartedEventData extends PayoutEventData {
  funding_transfer: string;
  /** What comes back of the payout; minor units. */
  declare amount: number;
  /** What comes back of the money beside it that pays for card checks. */
  probe_buffer: number;
  /** What comes back of money that came in after the payout was closed. */
  aftercare: number;
}

/** It arrived. */
export class ReclaimCompletedEventData extends PayoutEventData {
  funding_transfer: string;
  /** What came back of the payout, without the money beside it for card checks; minor units. */
  declare amount: number;
}

/** It is held up, and goes on by itself. */
export class ReclaimFailedEventData extends PayoutEventData {
  funding_transfer: string;
  code: string;
  detail: string;
  will_retry: boolean;
}

export class EventMerchantData {
  name?: string | null;
  category?: string | null;
  category_code?: string | null;
  city?: string | null;
  country?: string | null;
  network_id?: string | null;
}

/** A merchant asked for money, or let it go. */
export class AuthorizationEventData {
  authorization: string;
  stripe_authorization_id: string;
  payout: string;
  card: string;
  /** `purchase`, `probe` or `increment`. */
  kind: string;
  /** Stripe's own; absent in the event of the decision itself. */
  status?: string;
  approved: boolean;
  /** `approved`, or why not. */
  reason: string;
  /** Minor units. */
  amount: number;
  approved_amount?: number;
  held_amount?: number;
  currency: Currency;
  merchant: EventMerchantData;
  /** Who decided, when it was not this service: `stripe` or `network`. */
  decided_by?: string;
  /** What the merchant let go of; minor units. */
  released_amount?: number;
  /** The merchant let go of all of it. */
  is_whole?: boolean;
}

/** A merchant took money, or gave some back. */
export class CardTransactionEventData {
  card_transaction: string;
  stripe_transaction_id: string;
  payout: string;
  card: string;
  authorization: string | null;
  /** Stripe's own: `capture` or `refund`. */
  type: string;
  /** `capture, over_capture, force_capture, late_capture, refund, refund_reversal`. */
  kind: string;
  /** Minor units; below zero when money left the Issuing balance. */
  amount: number;
  currency: Currency;
  /** How it changed what the payout paid. */
  paid: number;
  /** How it changed what the seller owes the marketplace. */
  overspent: number;
  /** How it changed what came in after close and goes back. */
  aftercare: number;
  merchant: EventMerchantData;
  merchant_amount: number;
  merchant_currency: string;
  refund_match: string | null;
  refunded_card_transaction: string | null;
  is_after_close: boolean;
}

export class DisputeEventData {
  dispute: string;
  stripe_dispute_id: string;
  payout: string;
  connected_account: string;
  card: string;
  card_transaction: string;
  /** Stripe's own: `unsubmitted, submitted, won, lost, expired`. */
  status: string;
  reason: string | null;
  loss_reason: string | null;
  /** Disputed; minor units. */
  amount: number;
  currency: Currency;
  /** Credited for the time being; Stripe may take it back. */
  provisional: number;
  /** Came back for good. */
  returned: number;
  paid: number;
  overspent: number;
  aftercare: number;
  opened_at: string;
  closed_at: string | null;
  created_at: string;
  updated_at: string;
}

export class CardLinkEventData {
  /** The link's id; its address is never in an event. */
  id: string;
  payout: string;
  /** Of `card_link.opened`: when the card was first shown, and with what (`Safari on iPhone`). */
  opened_at?: string;
  client?: string;
  locked_at?: string;
  /** Of `card_link.reminder_due`: one of `CARD_LINK_REMINDER_HOURS`, and the link's own times. */
  age_hours?: number;
  created_at?: string;
  expires_at?: string;
}

/** An endpoint answered nothing good for three days. */
export class WebhookEndpointDisabledEventData {
  webhook_endpoint: string;
  reason: string;
  /** The event that was given up. */
  event: string;
}

/** Every row of a batch became a payout or was refused. */
export class PayoutBatchEventData {
  payout_batch: string;
  /** Rows that are payouts. */
  accepted: number;
  /** Rows that were refused; `GET /v1/payout-batches/:id/rows?status=failed` says why. */
  failed: number;
}

/** Asked for by hand, to see that it arrives. */
export class WebhookEndpointTestEventData {
  webhook_endpoint: string;
}

/** What an event of each type carries as `data`. */
export const outgoingEventPayloads: Readonly<Record<OutgoingEventType, Type>> = {
  'payout.created': PayoutEventData,
  'payout.approval_required': PayoutApprovalRequiredEventData,
  'payout.approved': PayoutEventData,
  'payout.funded': PayoutEventData,
  'payout.ready': PayoutEventData,
  'payout.authorized': PayoutEventData,
  'payout.settled': PayoutEventData,
  'payout.expired': PayoutEventData,
  'payout.canceled': PayoutEventData,
  'payout.failed': PayoutEventData,
  'payout.closed': PayoutEventData,
  'payout.overspent': CardTransactionEventData,
  'payout_batch.completed': PayoutBatchEventData,
  'authorization.approved': AuthorizationEventData,
  'authorization.declined': AuthorizationEventData,
  'authorization.reversed': AuthorizationEventData,
  'authorization.expired': AuthorizationEventData,
  'card_transaction.captured': CardTransactionEventData,
  'card_transaction.refunded': CardTransactionEventData,
  'reclaim.started': ReclaimStartedEventData,
  'reclaim.completed': ReclaimCompletedEventData,
  'reclaim.failed': ReclaimFailedEventData,
  'reconciliation_break.opened': ReconciliationBreakView,
  'dispute.opened': DisputeEventData,
  'dispute.closed': DisputeEventData,
  'card_link.opened': CardLinkEventData,
  'card_link.locked': CardLinkEventData,
  'card_link.reminder_due': CardLinkEventData,
  'connected_account.updated': ConnectedAccountView,
  'cardholder.updated': CardholderView,
  'webhook_endpoint.disabled': WebhookEndpointDisabledEventData,
  'webhook_endpoint.test': WebhookEndpointTestEventData,
};
