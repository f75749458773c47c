import { randomBytes } from 'node:crypto';
import { isIP } from 'node:net';
import { AuditIpPolicy, auditIpPolicies } from '../audit-log/audit-log.types';
import { currencies, Currency } from '../../shared/money';

export type Role = 'api' | 'worker';

/**
 * `direct`: the verdict is in the response to `issuing_authorization.request`. `api`: it is given by the approve and decline calls, which
 * Stripe calls deprecated. https://docs.stripe.com/issuing/controls/real-time-authorizations/direct-webhook-migration
 */
export const authorizationResponses = ['direct', 'api'] as const;
export const unknownCardDecisions = ['decline', 'approve'] as const;
/** What is kept of the address a card link is opened from: nothing, its network (/24 or /48), or all of it. */
export const addressesKept = ['none', 'network', 'full'] as const;

/**
 * Everything the environment may set, read once at start and typed. Secrets are here and nowhere else; never log this object.
 * `.env.example` lists every variable with its default.
 */
export class Config {
  readonly environment: 'production' | 'development' | 'test';
  readonly host: string;
  readonly port: number;
  readonly publicUrl: string;
  readonly roles: ReadonlySet<Role>;
  readonly logLevel: string;
  /** Undefined: the embedded PostgreSQL in `dataDir`. */
  readonly databaseUrl: string | undefined;
  readonly databasePoolMax: number;
  readonly dataDir: string;
  /** Undefined: the bundled simulator. */
  readonly stripeApiKey: string | undefined;
  readonly stripeApiBase: string;
  readonly stripePublishableKey: string | undefined;
  /** Undefined: Stripe's own, or the simulator's. https://docs.stripe.com/sdks/stripejs-versioning */
  readonly stripeJsUrl: string | undefined;
  readonly stripeWebhookSecrets: readonly string[];
  readonly stripeAuthorizationWebhookSecrets: readonly string[];
  /** Stripe requests per second over all replicas: 100 live, 25 in Stripe's sandbox. https://docs.stripe.com/rate-limits */
  readonly stripeRequestsPerSecond: number;
  /** Live keys see live events only, and the other way round. */
  readonly isLiveMode: boolean;
  readonly simulatorPort: number;
  /** Base64, 32 bytes each: the first encrypts, all decrypt. */
  readonly dataEncryptionKeys: readonly Buffer[];
  readonly bootstrapAdminKey: string | undefined;
  /** Stripe's cap per authorization, minor units; 10,000.00 unless Stripe lifted it. https://docs.stripe.com/issuing/controls/spending-controls */
  readonly payoutAmountMinorMax: bigint;
  /** What one payout may be, by currency, minor units; a currency without an entry has no limit of its own. */
  readonly payoutLimitMinor: CurrencyAmounts;
  /** What may be promised to one seller in a UTC day. */
  readonly sellerDailyLimitMinor: CurrencyAmounts;
  /** What one API key, its successors included, may promise in a UTC day. */
  readonly keyDailyLimitMinor: CurrencyAmounts;
  /** Payouts above this wait until another key approves them. */
  readonly payoutApprovalAboveMinor: CurrencyAmounts;
  /** Calls a minute per API key and route, all replicas together; zero: without limit. */
  readonly rateLimits: Readonly<{ readsPerMinute: number; writesPerMinute: number; reportsPerMinute: number }>;
  /** Milliseconds within which an authorization request is answered; Stripe decides for us after 2,000. */
  readonly authorizationDeadlineMs: number;
  /** How Stripe is told the verdict. */
  readonly authorizationResponse: (typeof authorizationResponses)[number];
  /** What is answered for cards of the same Stripe account that were not made here. */
  readonly unknownCardDecision: (typeof unknownCardDecisions)[number];
  /** Marketplace's name on the seller's page. */
  readonly marketplaceName: string;
  /** Hosts (name or address) that outgoing webhooks may reach although they are private; development allows loopback. */
  readonly webhookAllowedHosts: readonly string[];
  /** Proxies whose `X-Forwarded-For` is believed: addresses or networks (CIDR), or how many stand in front. Empty: none. */
  readonly trustProxy: readonly string[] | number;
  /** Of one address to all card pages, and of everybody to one link, per minute. */
  readonly cardPageRequestsPerMinute: number;
  readonly cardLinkRequestsPerMinute: number;
  /** How often one link's card may be shown in an hour. */
  readonly cardRevealsPerHour: number;
  /** Ages, in hours since a link was made, at which the marketplace is told that its card was not looked at yet. */
  readonly cardLinkReminderHours: readonly number[];
  readonly cardLinkAddresses: (typeof addressesKept)[number];

  /** Days after which the content of stored Stripe events is removed; longer than Stripe itself lists them. */
  readonly retentionStripeEventsDays: number;
  /** Days after which outgoing events and their deliveries are removed. */
  readonly retentionWebhooksDays: number;
  /** Days after which stored answers of repeated requests are removed. */
  readonly retentionIdempotencyDays: number;
  /** How much of a caller's address the audit log keeps. */
  readonly auditIp: AuditIpPolicy;

  /** Whether backends inside the PCI scope may have cards revealed to them as JWE. */
  readonly isPciRevealEnabled: boolean;
  /** How many cards one key may have revealed in an hour. */
  readonly pciRevealsPerHour: number;

  constructor(fields: ConfigFields) {
    Object.assign(this, fields);
  }

  /** The same configuration with some fields changed: the embedded defaults fill in what they made. */
  with(changes: Partial<ConfigFields>): Config {
    return new Config({ ...this, ...changes });
  }
}

/** Minor units by currency. */
export type CurrencyAmounts = Readonly<Partial<Record<Currency, bigint>>>;

export type ConfigFields = { [Field in Exclude<keyof Config, 'with'>]: Config[Field] };

/** Every problem found in the environment, so that one start names them all. */
export class ConfigInvalid extends Error {
  constructor(readonly problems: readonly string[]) {
    super(`The configuration is not valid:\n${problems.map((problem) => `  - ${problem}`).join('\n')}`);
    this.name = 'ConfigInvalid';
  }
}

type Environment = Readonly<Record<string, string | undefined>>;

/** Reads and checks the environment. @throws {ConfigInvalid} naming each bad or missing variable */
export function readConfig(environment: Environment): Config {
  const problems: string[] = [];
  const text = (name: string): string | undefined => environment[name]?.trim() || undefined;
  const integer = (name: string, fallback: number, least: number, most: number): number => {
    const value = text(name);
    if (value === undefined) return fallback;
    const number = Number(value);
    if (/^\d+$/.test(value) && number >= least && number <= most) return number;
    problems.push(`${name} must be a whole number from ${least} to ${most}, not "${value}".`);
    return fallback;
  };
  const list = (name: string): string[] =>
    (text(name) ?? '')
      .split(',')
      .map((part) => part.trim())
      .filter((part) => part !== '');
  const url = (name: string, protocols: readonly string[], { keepsPath = false } = {}): string | undefined => {
    const value = text(name);
    if (value === undefined) return undefined;
    if (URL.canParse(value) && protocols.includes(new URL(value).protocol)) {
      // A script's address is taken to the letter: a slash less is another file.
      return keepsPath ? value : value.replace(/\/+$/, '');
    }
    // The value itself may hold a password: name the variable, never repeat it.
    problems.push(`${name} must be a URL starting with ${protocols.map((protocol) => `${protocol}//`).join(' or ')}.`);
    return undefined;
  };
  const oneOf = <Value extends string>(name: string, allowed: readonly Value[], fallback: Value): Value => {
    const value = text(name);
    if (value === undefined) return fallback;
    if ((allowed as readonly string[]).includes(value)) return value as Value;
    problems.push(`${name} must be one of ${allowed.join(', ')}, not "${value}".`);
    return fallback;
  };

  const amounts = (name: string): CurrencyAmounts => readAmounts(name, list(name), problems);

  const isProduction = text('NODE_ENV') === 'production';
  const host = text('HOST') ?? (isProduction ? '0.0.0.0' : '127.0.0.1');
  const stripeApiKey = readStripeKey(text('STRIPE_API_KEY'), problems);
  const roles = readRoles(text('ROLE'), problems);
  // A worker alone listens only where it is told to: for /health and /metrics.
  const port = integer('PORT', roles.has('api') ? 3000 : 0, 0, 65_535);
  const dataEncryptionKeys = list('DATA_ENCRYPTION_KEYS').map((key, index) => readKey(key, index, problems));
  const simulatorPort = integer('SIMULATOR_PORT', 12111, 0, 65_535);

  const config = new Config({
    environment: oneOf('NODE_ENV', ['production', 'development', 'test'], 'development'),
    host,
    port,
    publicUrl: url('PUBLIC_URL', ['http:', 'https:']) ?? `http://127.0.0.1:${port}`,
    roles,
    logLevel: oneOf('LOG_LEVEL', ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'], 'info'),
    databaseUrl: url('DATABASE_URL', ['postgres:', 'postgresql:']),
    databasePoolMax: integer('DATABASE_POOL_MAX', 20, 2, 500),
    dataDir: text('DATA_DIR') ?? '.disburse',
    stripeApiKey,
    stripeApiBase:
      url('STRIPE_API_BASE', ['http:', 'https:']) ??
      (stripeApiKey ? 'https://api.stripe.com' : `http://127.0.0.1:${simulatorPort}`),
    stripePublishableKey: text('STRIPE_PUBLISHABLE_KEY'),
    stripeJsUrl: url('STRIPE_JS_URL', ['http:', 'https:'], { keepsPath: true }),
    stripeWebhookSecrets: list('STRIPE_WEBHOOK_SECRETS'),
    stripeAuthorizationWebhookSecrets: list('STRIPE_AUTHORIZATION_WEBHOOK_SECRETS'),
    stripeRequestsPerSecond: integer(
      'STRIPE_REQUESTS_PER_SECOND',
      stripeApiKey === undefined ? 500 : stripeApiKey.includes('_live_') ? 100 : 25,
      1,
      10_000,
    ),
    isLiveMode: stripeApiKey?.includes('_live_') ?? false,
    simulatorPort,
    dataEncryptionKeys,
    bootstrapAdminKey: text('BOOTSTRAP_ADMIN_KEY'),
    payoutAmountMinorMax: BigInt(integer('PAYOUT_AMOUNT_MINOR_MAX', 1_000_000, 101, 100_000_000)),
    payoutLimitMinor: amounts('PAYOUT_LIMIT_MINOR'),
    sellerDailyLimitMinor: amounts('SELLER_DAILY_LIMIT_MINOR'),
    keyDailyLimitMinor: amounts('KEY_DAILY_LIMIT_MINOR'),
    payoutApprovalAboveMinor: amounts('PAYOUT_APPROVAL_ABOVE_MINOR'),
    rateLimits: {
      readsPerMinute: integer('RATE_LIMIT_READS_PER_MINUTE', 6_000, 0, 1_000_000),
      writesPerMinute: integer('RATE_LIMIT_WRITES_PER_MINUTE', 3_000, 0, 1_000_000),
      reportsPerMinute: integer('RATE_LIMIT_REPORTS_PER_MINUTE', 600, 0, 1_000_000),
    },
    authorizationDeadlineMs: integer('AUTHORIZATION_DEADLINE_MS', 1_500, 100, 1_900),
    authorizationResponse: oneOf('AUTHORIZATION_RESPONSE', authorizationResponses, 'direct'),
    unknownCardDecision: oneOf('UNKNOWN_CARD_DECISION', unknownCardDecisions, 'decline'),
    marketplaceName: text('MARKETPLACE_NAME') ?? 'Your marketplace',
    webhookAllowedHosts:
      environment['WEBHOOK_ALLOWED_HOSTS'] === undefined && !isProduction
        ? ['127.0.0.1', 'localhost', '::1']
        : list('WEBHOOK_ALLOWED_HOSTS'),
    trustProxy: readTrustProxy(list('TRUST_PROXY'), problems),
    cardPageRequestsPerMinute: integer('CARD_PAGE_REQUESTS_PER_MINUTE', 120, 1, 1_000_000),
    cardLinkRequestsPerMinute: integer('CARD_LINK_REQUESTS_PER_MINUTE', 60, 1, 1_000_000),
    cardRevealsPerHour: integer('CARD_REVEALS_PER_HOUR', 30, 1, 1_000_000),
    cardLinkReminderHours: readHours('CARD_LINK_REMINDER_HOURS', text('CARD_LINK_REMINDER_HOURS') ?? '24,72', problems),
    cardLinkAddresses: oneOf('CARD_LINK_ADDRESSES', addressesKept, 'none'),
    retentionStripeEventsDays: integer('RETENTION_STRIPE_EVENTS_DAYS', 90, 35, 3_650),
    retentionWebhooksDays: integer('RETENTION_WEBHOOKS_DAYS', 90, 7, 3_650),
    retentionIdempotencyDays: integer('RETENTION_IDEMPOTENCY_DAYS', 30, 30, 3_650),
    isPciRevealEnabled: oneOf('PCI_REVEAL', ['enabled', 'disabled'], 'disabled') === 'enabled',
    pciRevealsPerHour: integer('PCI_REVEALS_PER_HOUR', 600, 1, 1_000_000),
    auditIp: oneOf('AUDIT_IP', auditIpPolicies, 'truncated'),
  });

  if (isProduction) problems.push(...missingInProduction(config));
  if (stripeApiKey && config.stripeWebhookSecrets.length === 0) {
    problems.push(
      'STRIPE_WEBHOOK_SECRETS is missing: with STRIPE_API_KEY set, give the signing secret of each endpoint.',
    );
  }
  if (stripeApiKey && config.stripeAuthorizationWebhookSecrets.length === 0) {
    problems.push(
      'STRIPE_AUTHORIZATION_WEBHOOK_SECRETS is missing: give the signing secret of the endpoint that gets issuing_authorization.request.',
    );
  }
  if (problems.length > 0) throw new ConfigInvalid(problems);
  return config;
}

/** `500000` for every currency, or `usd:500000,eur:450000`. */
function readAmounts(name: string, parts: readonly string[], problems: string[]): CurrencyAmounts {
  const amounts: Partial<Record<Currency, bigint>> = {};
  for (const part of parts) {
    const [, currency, digits] = /^(?:([a-z]{3}):)?(\d{1,15})$/.exec(part) ?? [];
    const named = currencies.filter((each) => currency === undefined || each === currency);
    if (digits === undefined || named.length === 0) {
      problems.push(
        `${name} must be minor units, like 500000, or by currency, like usd:500000,eur:450000, not "${part}".`,
      );
      continue;
    }
    for (const each of named) amounts[each] = BigInt(digits);
  }
  return amounts;
}

function missingInProduction(config: Config): string[] {
  const problems: string[] = [];
  if (!config.databaseUrl) {
    problems.push('DATABASE_URL is missing: in production the embedded PostgreSQL is refused.');
  }
  if (!config.stripeApiKey) problems.push('STRIPE_API_KEY is missing: in production the simulator is refused.');
  if (config.dataEncryptionKeys.length === 0) {
    problems.push(
      'DATA_ENCRYPTION_KEYS is missing: give at least one base64 key of 32 bytes (openssl rand -base64 32).',
    );
  }
  if (config.stripeApiKey && !config.stripePublishableKey) {
    problems.push('STRIPE_PUBLISHABLE_KEY is missing: with it the page of a card link shows the card (pk_live_…).');
  }
  if (config.bootstrapAdminKey) {
    problems.push(
      'BOOTSTRAP_ADMIN_KEY is refused in production: make keys with `node dist/src/cli.js create-api-key`.',
    );
  }
  if (!config.publicUrl.startsWith('https://')) {
    problems.push('PUBLIC_URL must be the https:// address sellers reach: links to cards are made from it.');
  }
  return problems;
}

function readStripeKey(value: string | undefined, problems: string[]): string | undefined {
  if (value !== undefined && !/^(sk|rk)_(test|live)_\w+$/.test(value)) {
    problems.push('STRIPE_API_KEY must be a secret or restricted key: sk_test_…, sk_live_…, rk_test_… or rk_live_….');
    return undefined;
  }
  return value;
}

function readRoles(value: string | undefined, problems: string[]): ReadonlySet<Role> {
  const roles = new Set<Role>();
  for (const part of (value ?? 'api,worker').split(',').map((role) => role.trim())) {
    if (part === 'api' || part === 'worker') roles.add(part);
    else problems.push(`ROLE must be api, worker or api,worker, not "${value}".`);
  }
  return roles;
}

/** One number is a count of proxies; anything else is their addresses. */
function readTrustProxy(parts: readonly string[], problems: string[]): readonly string[] | number {
  const [only] = parts;
  if (parts.length === 1 && /^\d{1,2}$/.test(only!)) return Number(only);
  for (const part of parts) {
    const [address, bits, ...rest] = part.split('/');
    const bitsMax = isIP(address ?? '') === 4 ? 32 : 128;
    const isNetwork = bits === undefined || (/^\d{1,3}$/.test(bits) && Number(bits) <= bitsMax);
    if (isIP(address ?? '') === 0 || !isNetwork || rest.length > 0) {
      problems.push(
        `TRUST_PROXY must be a number of proxies, or their addresses or networks, comma-separated, not "${part}".`,
      );
      return [];
    }
  }
  return parts;
}

/** `none`, or ages in whole hours, each once and ascending. */
function readHours(name: string, value: string, problems: string[]): readonly number[] {
  if (value === 'none') return [];
  const hours = value.split(',').map((part) => part.trim());
  if (hours.every((part) => /^\d{1,4}$/.test(part) && Number(part) > 0)) {
    return [...new Set(hours.map(Number))].sort((a, b) => a - b);
  }
  problems.push(`${name} must be whole hours above 0, comma-separated, or none, not "${value}".`);
  return [];
}

function readKey(base64: string, index: number, problems: string[]): Buffer {
  const key = Buffer.from(base64, 'base64');
  if (key.length === 32) return key;
  problems.push(`DATA_ENCRYPTION_KEYS: key ${index + 1} must be base64 of exactly 32 bytes (openssl rand -base64 32).`);
  return randomBytes(32);
}
