/** What Stripe lets you choose in its Dashboard, and what its documentation leaves open. Changed by `PATCH /_simulator/settings`. */
export interface Settings {
  /** What happens to an authorization that the real-time endpoint did not answer in time or correctly. */
  authorization_default: 'approve' | 'decline';
  authorization_timeout_ms: number;
  authorization_expiry_days: number;
  /** Hotels, airlines and car rental. */
  authorization_expiry_days_travel: number;
  /** How long Stripe looks at an account that owes nothing before its capabilities become active. */
  capability_delay_ms: number;
  /** `us_individuals`: connected accounts in the US owe the user terms of individual cardholders, as Celtic Bank's program asks. */
  cardholder_requirements: 'us_individuals' | 'none';
  /** Used where neither the card nor its cardholder has a spending limit: 500.00 a day. Zero turns it off. */
  default_daily_limit: number;
  per_authorization_limit: number;
  /** What a fuel pump's status check holds. */
  fuel_hold: number;
  /** Open in Stripe's documentation: may a card that its count canceled still take an increment of the authorization counted? */
  increment_after_lifecycle_cancel: 'allow' | 'decline';
  /** Open: does a reversed or expired authorization give its amount back to the spending limits? */
  reversal_restores_limits: boolean;
  /** Approved authorizations this young are not yet seen by spending limits, in simulated time. */
  limit_lag_ms: number;
  /** Whether Stripe asks cardholders by message about purchases declined for fraud. Off until the platform turns it on. */
  fraud_challenges: 'off' | 'sms';
  /** Not published: how long a message waits for its answer, and how long a confirmed purchase may be tried again. */
  fraud_challenge_seconds: number;
  /** Stripe blocks "above a certain risk level": the lowest `risk_assessment[fraud_risk][level]` that it declines. */
  fraud_risk_blocked_from: 'elevated' | 'highest' | 'never';
  topup_delay_seconds: number;
  topup_outcome: 'succeed' | 'fail';
  payout_delay_seconds: number;
  payout_outcome: 'pay' | 'fail';
  /** `fund_balance` is refused on US accounts, as third parties report. Off, because tests need it. */
  fund_balance_refused_in_us: boolean;
  /** `balance_transfers` is a preview: without a preview `Stripe-Version` its URL is unknown. */
  balance_transfers_need_preview: boolean;
  balance_transfers_enabled: boolean;
  automatic_payouts: boolean;
  webhook_retry_delay_ms: number;
  webhook_retry_delay_max_ms: number;
  webhook_attempts_max: number;
  /** How many units of the card's currency one unit of the merchant's is worth, e.g. `{ "eur_usd": 1.1 }`. */
  exchange_rates: Record<string, number>;
}

export const defaultSettings: Settings = {
  authorization_default: 'decline',
  authorization_timeout_ms: 2000,
  authorization_expiry_days: 7,
  authorization_expiry_days_travel: 31,
  capability_delay_ms: 300,
  cardholder_requirements: 'us_individuals',
  default_daily_limit: 500_00,
  per_authorization_limit: 10_000_00,
  fuel_hold: 100_00,
  increment_after_lifecycle_cancel: 'allow',
  reversal_restores_limits: false,
  limit_lag_ms: 0,
  fraud_challenges: 'off',
  fraud_challenge_seconds: 60 * 60,
  fraud_risk_blocked_from: 'highest',
  topup_delay_seconds: 5 * 24 * 60 * 60,
  topup_outcome: 'succeed',
  payout_delay_seconds: 2 * 24 * 60 * 60,
  payout_outcome: 'pay',
  fund_balance_refused_in_us: false,
  balance_transfers_need_preview: true,
  balance_transfers_enabled: true,
  automatic_payouts: true,
  webhook_retry_delay_ms: 1000,
  webhook_retry_delay_max_ms: 60_000,
  webhook_attempts_max: 20,
  exchange_rates: {
    eur_usd: 1.1,
    gbp_usd: 1.25,
    usd_eur: 0.9,
    gbp_eur: 1.15,
    usd_gbp: 0.8,
    eur_gbp: 0.87,
    jpy_usd: 0.0067,
  },
};

const choices: Partial<Record<keyof Settings, readonly string[]>> = {
  authorization_default: ['approve', 'decline'],
  cardholder_requirements: ['us_individuals', 'none'],
  increment_after_lifecycle_cancel: ['allow', 'decline'],
  fraud_challenges: ['off', 'sms'],
  fraud_risk_blocked_from: ['elevated', 'highest', 'never'],
  topup_outcome: ['succeed', 'fail'],
  payout_outcome: ['pay', 'fail'],
};

function isRate(value: unknown): boolean {
  return typeof value === 'number' && Number.isFinite(value) && value > 0;
}

/** Says what is wrong with a change of settings, or nothing. */
export function findSettingsProblem(change: Record<string, unknown>): string | undefined {
  for (const [name, value] of Object.entries(change)) {
    if (!(name in defaultSettings)) return `Unknown setting: ${name}`;
    const known = name as keyof Settings;
    if (typeof value !== typeof defaultSettings[known] || value === null) {
      return `${name} must be a ${typeof defaultSettings[known]}`;
    }
    const options = choices[known];
    if (options && !options.includes(value as string)) return `${name} must be one of ${options.join(', ')}`;
    if (typeof value === 'number' && !Number.isSafeInteger(value)) return `${name} must be an integer`;
    if (typeof value === 'number' && value < 0) return `${name} must not be negative`;
    if (known === 'exchange_rates' && !Object.values(value as object).every(isRate))
      return 'exchange_rates must be positive numbers';
  }
  return undefined;
}
