/** A reason in plain words: what happened, and what the seller or the marketplace can do about it. */
export type Explanation = Readonly<{ explanation: string; nextStep: string }>;

/** Our own refusals, in the order the ladder of `evaluate_authorization` asks them. */
export const declineReasons = [
  'unknown_card',
  'authorization_not_open',
  'payout_not_ready',
  'payout_canceled',
  'payout_expired',
  'already_used',
  'card_canceled',
  'account_restricted',
  'card_frozen',
  'currency_mismatch',
  'category_blocked',
  'category_not_allowed',
  'merchant_country_blocked',
  'merchant_country_not_allowed',
  'probe_limit',
  'amount_not_exact',
  'increment_exceeds_amount',
  'amount_exceeds_remaining',
] as const;
export type DeclineReason = (typeof declineReasons)[number];

/** What `evaluate_authorization` answers, in its own names. */
export type AuthorizationVerdict = Readonly<{
  approved: boolean;
  reason: string;
  backed_minor: number;
  rules_version?: number;
  /** Set when a refusal had been sent before: what the ladder itself came to. */
  would_have_been?: string;
}>;

/** One rung of the ladder. The first that refuses is the reason; those behind it were not asked. */
export type RuleResult = Readonly<{ rule: DeclineReason; result: 'passed' | 'refused' | 'not_asked' }>;

/** An account check is approved before its amount is looked at: it is exempt from these. */
const amountRules: readonly DeclineReason[] = [
  'amount_not_exact',
  'increment_exceeds_amount',
  'amount_exceeds_remaining',
];

/** Each rule of the ladder, in order, and what it said. */
export function rulesOf(verdict: AuthorizationVerdict): RuleResult[] {
  const refusedAt = declineReasons.findIndex((rule) => rule === (verdict.would_have_been ?? verdict.reason));
  const isExempt = verdict.approved && verdict.backed_minor === 0;
  return declineReasons.map((rule, at) => {
    if (at === refusedAt) return { rule, result: 'refused' };
    const isAsked = refusedAt < 0 ? !(isExempt && amountRules.includes(rule)) : at < refusedAt;
    return { rule, result: isAsked ? 'passed' : 'not_asked' };
  });
}

/** Refusals given without a decision, because none could be made in time. */
export const undecidedReasons = ['deadline_exceeded', 'database_unavailable', 'internal_error'] as const;
export type UndecidedReason = (typeof undecidedReasons)[number];

const ours: Readonly<Record<DeclineReason | UndecidedReason | 'approved', Explanation>> = {
  approved: { explanation: 'The charge was approved and its amount is on hold.', nextStep: 'Nothing to do.' },
  unknown_card: {
    explanation: 'The card was not issued by this service.',
    nextStep: 'Check which system owns the card; this one declines what it does not know.',
  },
  authorization_not_open: {
    explanation: 'The merchant asked for more on a charge that is no longer open.',
    nextStep: 'The merchant has to charge again; the card works if its one charge was not used.',
  },
  payout_not_ready: {
    explanation: 'The payout is still being funded or its card is being made.',
    nextStep: 'Wait until the payout is ready, then try again.',
  },
  payout_canceled: {
    explanation: 'The payout was canceled or failed, so its card cannot be used.',
    nextStep: 'Ask the marketplace for a new payout.',
  },
  payout_expired: {
    explanation: 'The payout has expired and its money went back to the marketplace.',
    nextStep: 'Ask the marketplace for a new payout.',
  },
  already_used: {
    explanation: 'The card allows one charge, and that charge has been made.',
    nextStep: 'If the first charge was a mistake, ask that merchant to void it: a new card is then issued by itself.',
  },
  card_canceled: {
    explanation: 'This card was canceled; the payout may have a newer one.',
    nextStep: 'Open the newest card link and use the card shown there.',
  },
  account_restricted: {
    explanation: "The seller's account is restricted or suspended.",
    nextStep: 'The marketplace should look at the account and what Stripe requires of it.',
  },
  card_frozen: {
    explanation: 'The card is frozen.',
    nextStep: 'The marketplace can unfreeze it; then the charge can be tried again.',
  },
  currency_mismatch: {
    explanation: "The charge is not in the card's currency.",
    nextStep: "Ask the merchant to charge in the card's currency.",
  },
  category_blocked: {
    explanation: "This kind of merchant is blocked by the payout's controls.",
    nextStep: 'Use the card at another kind of merchant, or ask the marketplace for other controls.',
  },
  category_not_allowed: {
    explanation: "This kind of merchant is not among those the payout's controls allow.",
    nextStep: 'Use the card at a merchant of an allowed kind, or ask the marketplace for other controls.',
  },
  merchant_country_blocked: {
    explanation: "Merchants of this country are blocked by the payout's controls.",
    nextStep: 'Use the card at a merchant of another country, or ask the marketplace for other controls.',
  },
  merchant_country_not_allowed: {
    explanation: "This merchant's country is not among those the payout's controls allow.",
    nextStep: 'Use the card at a merchant of an allowed country, or ask the marketplace for other controls.',
  },
  probe_limit: {
    explanation: 'The card was checked once already; a second check of it is refused.',
    nextStep: 'Make the payment itself: the card still allows it.',
  },
  amount_not_exact: {
    explanation: 'The payout may only be spent in one charge of exactly its amount.',
    nextStep: "Ask the merchant to charge exactly the payout's amount.",
  },
  increment_exceeds_amount: {
    explanation: 'The merchant asked for more than is left of the payout.',
    nextStep: 'What was approved before stays approved; pay the rest by other means.',
  },
  amount_exceeds_remaining: {
    explanation: 'The charge is above the amount of the payout.',
    nextStep: 'Ask the merchant to split the bill, with at most the amount of the payout on this card.',
  },
  deadline_exceeded: {
    explanation: 'The decision was not ready in time, so the charge was declined to be safe.',
    nextStep: 'Try again; if it happens often, the operator should look at the database.',
  },
  database_unavailable: {
    explanation: 'The service could not reach its database, so the charge was declined to be safe.',
    nextStep: 'Try again in a few minutes; the operator has been alerted by the log.',
  },
  internal_error: {
    explanation: 'The service failed to decide, so the charge was declined to be safe.',
    nextStep: 'Try again; the operator finds the cause in the log.',
  },
};

/** Stripe's own reasons in `request_history`. https://docs.stripe.com/api/issuing/authorizations/object */
const stripes: Readonly<Record<string, Explanation>> = {
  account_disabled: {
    explanation: "Stripe has disabled the seller's account.",
    nextStep: 'The marketplace should look at what Stripe requires of the account.',
  },
  card_active: { explanation: 'Stripe approved the charge by itself.', nextStep: 'Nothing to do.' },
  card_canceled: {
    explanation: 'The card is canceled: it was used, replaced, or its payout ended.',
    nextStep: 'See the payout; if it is ready, the newest card link shows the card to use.',
  },
  card_expired: {
    explanation: 'The card is past its printed date.',
    nextStep: 'Ask the marketplace for a new payout.',
  },
  card_inactive: { explanation: 'The card is frozen at Stripe.', nextStep: 'The marketplace can unfreeze it.' },
  cardholder_blocked: {
    explanation: 'Stripe has blocked the cardholder.',
    nextStep: 'The marketplace should contact Stripe.',
  },
  cardholder_inactive: {
    explanation: 'The cardholder is inactive at Stripe.',
    nextStep: 'The marketplace can activate the cardholder.',
  },
  cardholder_verification_required: {
    explanation: 'Stripe wants to know more about the cardholder before the card can be used.',
    nextStep: "Complete the cardholder's requirements, then try again.",
  },
  insecure_authorization_method: {
    explanation: 'The merchant used a way of paying that Stripe refuses as insecure.',
    nextStep: 'Pay another way at this merchant, for instance online.',
  },
  insufficient_funds: {
    explanation: "The seller's Issuing balance did not cover the charge.",
    nextStep: 'Finance should compare the balance with the ledger; try again when it is funded.',
  },
  network_fallback: {
    explanation: 'The card network decided by itself because nobody could be asked.',
    nextStep: 'Nothing to do; the hold was booked as the network recorded it.',
  },
  not_allowed: {
    explanation: 'Stripe does not allow this charge.',
    nextStep: 'The marketplace should contact Stripe.',
  },
  pin_blocked: { explanation: 'The PIN of the card is blocked.', nextStep: 'Pay online or without PIN.' },
  spending_controls: {
    explanation: "The charge breaks the card's spending controls: its amount, its one use, or where it may be used.",
    nextStep: 'Charge at most the amount of the payout, at a merchant the controls allow.',
  },
  stripe_internal_error: { explanation: 'Stripe failed to handle the charge.', nextStep: 'Try again.' },
  suspected_fraud: {
    explanation: 'Stripe suspects fraud.',
    nextStep: 'If the charge was genuine, the marketplace should contact Stripe.',
  },
  verification_failed: {
    explanation: 'The address or security code given to the merchant was wrong.',
    nextStep: 'Check the card details and the billing address, then try again.',
  },
  webhook_approved: { explanation: 'This service approved the charge.', nextStep: 'Nothing to do.' },
  webhook_declined: {
    explanation: 'This service declined the charge but could not record why at that moment.',
    nextStep: 'Try again; the operator finds the cause in the log.',
  },
  webhook_error: {
    explanation: 'Stripe could not read our answer and decided by its default.',
    nextStep: 'The operator should look at the log of that moment.',
  },
  webhook_timeout: {
    explanation: 'Our answer did not reach Stripe in time and its default was used.',
    nextStep: 'Try again; if it happens often, the operator should look at the service.',
  },
};

/** Those of Stripe's reasons that we have words for. */
export const stripeReasons: readonly string[] = Object.keys(stripes);

/** Says a reason, ours or Stripe's, in plain words. */
export function explainReason(reason: string): Explanation {
  const known = reason in ours ? ours[reason as keyof typeof ours] : stripes[reason];
  return (
    known ?? {
      explanation: `Stripe's reason is ${reason}.`,
      nextStep: 'The marketplace should contact Stripe if it goes on.',
    }
  );
}
