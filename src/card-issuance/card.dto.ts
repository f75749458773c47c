import { IsIn, IsString, MaxLength, ValidateIf } from 'class-validator';
import { PageQuery } from '../platform/http/page.dto';
import type { Currency } from '../shared/money';
import { cardStatuses } from './card.types';
import type { AmountMatch, Card, CardStatus } from './card.types';

/** May be left out. Null is not "left out": it is refused like any other wrong value. */
const Optional = () => ValidateIf((_body, value) => value !== undefined);

export class CardsQuery extends PageQuery {
  /** Cards of this payout, its replaced ones included. */
  @Optional()
  @IsString()
  @MaxLength(255)
  payout?: string;

  @Optional()
  @IsString()
  @MaxLength(255)
  connected_account?: string;

  @Optional()
  @IsIn(cardStatuses)
  status?: CardStatus;
}

export class CardControlsView {
  /** @example ["computer_software_stores"] */
  allowed_categories: string[];
  blocked_categories: string[];
  /** @example ["US"] */
  allowed_merchant_countries: string[];
  blocked_merchant_countries: string[];
  amount_match: AmountMatch;
}

export class CardFailureView {
  code: string;
  detail: string;
}

/** A single-use virtual card. Its number and CVC are never here. */
export class CardView {
  /** @example "card_01KAJ0G6W1M4Q8V0T5R2N7XYZA" */
  id: string;
  payout: string;
  connected_account: string;
  cardholder: string;
  /** Null until Stripe has made the card. */
  stripe_card_id: string | null;
  /** @example "4242" */
  last4: string | null;
  /** @example "Visa" */
  brand: string | null;
  exp_month: number;
  exp_year: number;
  /** `requested` until Stripe made it, `failed` when Stripe refused to; else Stripe's own. */
  status: CardStatus;
  /** Our own lock: while it is true every authorization is declined, whatever the status. */
  frozen: boolean;
  /** A cancel was asked for and Stripe has not confirmed it yet. */
  canceling: boolean;
  /** Minor units. */
  amount: number;
  currency: Currency;
  controls: CardControlsView;
  /** What Stripe last refused to do with it. */
  failure: CardFailureView | null;
  created_at: string;
  updated_at: string;
}

export class CardPage {
  data: CardView[];
  has_more: boolean;
  next_cursor: string | null;
}

export function toCardView(card: Card): CardView {
  const { controls } = card;
  return {
    id: card.id,
    payout: card.payoutId,
    connected_account: card.connectedAccountId,
    cardholder: card.cardholderId,
    stripe_card_id: card.stripeCardId,
    last4: card.last4,
    brand: card.brand,
    exp_month: card.expMonth,
    exp_year: card.expYear,
    status: card.status,
    frozen: card.frozen,
    canceling: card.cancelRequestedAt !== null && card.status !== 'canceled' && card.status !== 'failed',
    amount: Number(card.amountMinor),
    currency: card.currency,
    controls: {
      allowed_categories: [...(controls.allowed_categories ?? [])],
      blocked_categories: [...(controls.blocked_categories ?? [])],
      allowed_merchant_countries: [...(controls.allowed_merchant_countries ?? [])],
      blocked_merchant_countries: [...(controls.blocked_merchant_countries ?? [])],
      amount_match: controls.amount_match ?? 'up_to',
    },
    failure: card.failure && { ...card.failure },
    created_at: card.createdAt.toISOString(),
    updated_at: card.updatedAt.toISOString(),
  };
}
