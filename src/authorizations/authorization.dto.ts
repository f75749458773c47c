import { ApiProperty } from '@nestjs/swagger';
import { Transform } from 'class-transformer';
import { IsBoolean, IsOptional, IsString, MaxLength } from 'class-validator';
import { IsMoment } from '../platform/http/is-moment.decorator';
import { PageQuery } from '../platform/http/page.dto';
import { explainReason, rulesOf } from '../authorization-decisions/authorization-reason.types';
import { Authorization, AuthorizationReplay, AuthorizationRequest, Merchant } from './authorization.types';

/** Which authorizations to list. */
export class AuthorizationsQuery extends PageQuery {
  @IsOptional()
  @IsString()
  @MaxLength(255)
  payout?: string;

  @IsOptional()
  @IsString()
  @MaxLength(255)
  card?: string;

  @IsOptional()
  @IsString()
  @MaxLength(255)
  connected_account?: string;

  /** Only those that were approved, or only those that were not. */
  @IsOptional()
  @Transform(({ value }: { value: unknown }) => (value === 'true' ? true : value === 'false' ? false : value))
  @IsBoolean()
  approved?: boolean;

  /** Asked at or after: ISO 8601. */
  @IsOptional()
  @IsMoment()
  created_from?: string;

  /** Asked before: ISO 8601. */
  @IsOptional()
  @IsMoment()
  created_to?: string;
}

export class MerchantView {
  name: string | null;
  category: string | null;
  category_code: string | null;
  city: string | null;
  country: string | null;
  network_id: string | null;
}

export class AuthorizationView {
  id: string;
  stripe_authorization_id: string;
  payout: string;
  connected_account: string;
  card: string;
  /** `purchase` uses the card's one use; `probe` is an account check of at most one major unit. */
  kind: string;
  /** Stripe's own: `pending, closed, reversed, expired`. */
  status: string;
  approved: boolean;
  /** `approved`, or why not. */
  reason: string;
  /** The reason in plain words. */
  explanation: string;
  /** What the seller or the marketplace can do about it. */
  next_step: string;
  /** Minor units: approved, or asked for when declined. */
  amount: number;
  /** On hold now; minor units. */
  held_amount: number;
  currency: string;
  merchant: MerchantView;
  /** In the merchant's own currency and its minor units. */
  merchant_amount: number | null;
  merchant_currency: string | null;
  authorization_method: string | null;
  /** From the receipt of the first request to its answer, in milliseconds. */
  latency_ms: number | null;
  /** What the network recorded: `approved`, `declined`, or null while that is not known. */
  network_outcome: string | null;
  network_reason: string | null;
  created_at: string;
  ended_at: string | null;
}

export class AuthorizationRuleView {
  /** The reason it would give. */
  rule: string;
  /** `passed`, `refused`, or `not_asked` because one before it refused, or because an account check is exempt. */
  result: string;
}

/** One question, our answer and the network's. */
export class AuthorizationRequestView {
  id: string;
  /** 0 is the first request, n the n-th increment. */
  sequence: number;
  kind: string;
  stripe_event_id: string | null;
  amount: number;
  approved: boolean;
  approved_amount: number;
  reason: string;
  explanation: string;
  next_step: string;
  /** The question and the facts it was judged by; null when Stripe never asked us. */
  inputs: Record<string, unknown> | null;
  /** Each rule, in the order they are asked, and what it said; null when Stripe never asked us. */
  rules: AuthorizationRuleView[] | null;
  latency_ms: number | null;
  /** Milliseconds by stage. */
  @ApiProperty({ type: 'object', nullable: true, additionalProperties: { type: 'number', format: 'double' } })
  stages: Record<string, number> | null;
  network_outcome: string | null;
  network_reason: string | null;
  /** Where the network disagrees with our answer, or null. */
  difference: string | null;
  balance_transaction: string | null;
  asked_at: string;
}

export class AuthorizationDetailView extends AuthorizationView {
  requests: AuthorizationRequestView[];
}

export class AuthorizationPage {
  data: AuthorizationView[];
  has_more: boolean;
  next_cursor: string | null;
}

export class AuthorizationVerdictView {
  approved: boolean;
  reason: string;
  rules: AuthorizationRuleView[];
}

export class AuthorizationReplayView {
  request: string;
  then: AuthorizationVerdictView;
  now: AuthorizationVerdictView;
  /** Today's rules would have answered otherwise. */
  differs: boolean;
}

export function toAuthorizationView(authorization: Authorization): AuthorizationView {
  const { explanation, nextStep } = explainReason(authorization.reason);
  return {
    id: authorization.id,
    stripe_authorization_id: authorization.stripeAuthorizationId,
    payout: authorization.payoutId,
    connected_account: authorization.connectedAccountId,
    card: authorization.cardId,
    kind: authorization.kind,
    status: authorization.status,
    approved: authorization.approved,
    reason: authorization.reason,
    explanation,
    next_step: nextStep,
    amount: Number(authorization.amountMinor),
    held_amount: Number(authorization.heldMinor),
    currency: authorization.currency,
    merchant: toMerchantView(authorization.merchant),
    merchant_amount: authorization.merchantAmountMinor === null ? null : Number(authorization.merchantAmountMinor),
    merchant_currency: authorization.merchantCurrency,
    authorization_method: authorization.authorizationMethod,
    latency_ms: authorization.latencyMs,
    network_outcome: authorization.networkOutcome,
    network_reason: authorization.networkReason,
    created_at: authorization.createdAt.toISOString(),
    ended_at: authorization.endedAt?.toISOString() ?? null,
  };
}

export function toAuthorizationDetailView({
  authorization,
  requests,
}: {
  authorization: Authorization;
  requests: readonly AuthorizationRequest[];
}): AuthorizationDetailView {
  return { ...toAuthorizationView(authorization), requests: requests.map(toRequestView) };
}

export function toReplayView(replay: AuthorizationReplay): AuthorizationReplayView {
  const differs = replay.then.approved !== replay.now.approved || replay.then.reason !== replay.now.reason;
  const view = ({ approved, reason, verdict }: AuthorizationReplay['now']): AuthorizationVerdictView => ({
    approved,
    reason,
    rules: rulesOf(verdict),
  });
  return { request: replay.requestId, then: view(replay.then), now: view(replay.now), differs };
}

function toRequestView(request: AuthorizationRequest): AuthorizationRequestView {
  const { explanation, nextStep } = explainReason(request.reason);
  return {
    id: request.id,
    sequence: request.sequence,
    kind: request.kind,
    stripe_event_id: request.stripeEventId,
    amount: Number(request.amountMinor),
    approved: request.approved,
    approved_amount: Number(request.approvedMinor),
    reason: request.reason,
    explanation,
    next_step: nextStep,
    inputs: request.inputs,
    rules: request.inputs && rulesOf(request.inputs.verdict),
    latency_ms: request.latencyMs,
    stages: request.stages,
    network_outcome: request.networkOutcome,
    network_reason: request.networkReason,
    difference: request.difference,
    balance_transaction: request.balanceTransactionId,
    asked_at: request.askedAt.toISOString(),
  };
}

function toMerchantView(merchant: Merchant): MerchantView {
  return {
    name: merchant.name,
    category: merchant.category,
    category_code: merchant.categoryCode,
    city: merchant.city,
    country: merchant.country,
    network_id: merchant.networkId,
  };
}
