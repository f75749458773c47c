import type Stripe from 'stripe';
import { fullAddress } from './address';
import { currencyOf } from './countries';
import { badParameter, missing, noAccess, refused } from './errors';
import { emit } from './events';
import { bankAccountFor } from './bank-accounts';
import { newId } from './ids';
import type { AccountFacts, Row } from './kinds';
import { answerList, type ListAnswer } from './lists';
import { mergedMetadata } from './metadata';
import { buildPerson, personsOf } from './person-facts';
import { mergedFacts, requirementsFor } from './requirements';
import { schedule } from './schedule';
import { schedulePayouts } from './payouts';
import type { Session } from './session';

type Hash = Record<string, unknown>;

const noRequirements = {
  alternatives: [],
  current_deadline: null,
  currently_due: [],
  disabled_reason: null,
  errors: [],
  eventually_due: [],
  past_due: [],
  pending_verification: [],
};

export function createAccount(session: Session, params: Stripe.AccountCreateParams): Stripe.Account {
  requirePlatform(session);
  const country = params.country ?? 'US';
  const currency = currencyOf(country);
  if (currency === undefined)
    throw badParameter(
      `Country '${country}' is unknown. Try using a 2-character alphanumeric country code instead, such as 'US', 'EG', or 'GB'.`,
      'country',
      'country_unsupported',
    );
  if (params.type !== undefined && params.controller !== undefined) {
    throw badParameter('You may only specify one of these parameters: controller, type.', 'type');
  }
  const id = newId('acct').slice(0, 21);
  session.db.run('insert into accounts (id, platform) values (?, ?)', id, session.platform.id);
  const { body, hidden } = newAccount(id, country, currency, session.now, params);
  const row = session.as(session.platform.id).insert<'account'>(body, hidden);
  applyChange(session, row, params);
  assess(session, row);
  session.as(session.platform.id).save(row);
  schedulePayouts(session.as(id), row.body);
  return renderAccount(session, row);
}

/** The platform's own account: what `GET /v1/account` answers. It is on Issuing, as a platform must be. */
export function ensurePlatformAccount(session: Session): Row<'account'> {
  const own = session.as(session.platform.id);
  const known = own.find('account', session.platform.id);
  if (known) return known;
  const { body, hidden } = newAccount(session.platform.id, 'US', 'usd', session.now, { type: 'standard' });
  body.capabilities = { card_issuing: 'active', card_payments: 'active', transfers: 'active' };
  body.email = 'platform@example.com';
  return own.insert<'account'>(body, { ...hidden, is_platform: true });
}

function newAccount(
  id: string,
  country: string,
  currency: string,
  created: number,
  params: Stripe.AccountCreateParams,
): { body: Stripe.Account & { object: 'account' }; hidden: AccountFacts } {
  const collects = params.controller?.requirement_collection ?? (params.type === 'custom' ? 'application' : 'stripe');
  const dashboard = params.controller?.stripe_dashboard?.type ?? dashboardOf(params.type);
  const standard = dashboard === 'full';
  const body: Stripe.Account & { object: 'account' } = {
    id,
    object: 'account',
    business_profile: {
      annual_revenue: null,
      estimated_worker_count: null,
      mcc: null,
      minority_owned_business_designation: null,
      name: null,
      product_description: null,
      specified_commercial_transactions_act_url: null,
      support_address: null,
      support_email: null,
      support_phone: null,
      support_url: null,
      url: null,
    },
    business_type: null,
    // Accounts with a Stripe Dashboard of their own come with what Stripe gives them.
    capabilities: standard ? { card_payments: 'active', transfers: 'active' } : {},
    charges_enabled: standard,
    controller: {
      fees: { payer: params.controller?.fees?.payer ?? (standard ? 'account' : 'application') },
      is_controller: true,
      losses: { payments: params.controller?.losses?.payments ?? (standard ? 'stripe' : 'application') },
      requirement_collection: collects,
      stripe_dashboard: { type: dashboard },
      type: 'application',
    },
    country,
    created,
    default_currency: currency,
    details_submitted: standard,
    email: null,
    external_accounts: { object: 'list', data: [], has_more: false, url: `/v1/accounts/${id}/external_accounts` },
    future_requirements: noRequirements,
    metadata: {},
    payouts_enabled: standard,
    requirements: noRequirements,
    settings: newSettings(),
    tos_acceptance: { date: null, ip: null, user_agent: null },
    type: legacyType(dashboard, collects, params),
  };
  const hidden: AccountFacts = {
    forced: {},
    given: {},
    is_platform: false,
    links: {},
    requested_at: {},
    reviewed: standard,
  };
  return { body, hidden };
}

/** The name of the old account types, for controllers that amount to one of them; every other controller has none. */
function legacyType(
  dashboard: string,
  collects: string,
  { controller, type }: Stripe.AccountCreateParams,
): Stripe.Account.Type {
  if (!controller) return type ?? 'standard';
  const fees = controller.fees?.payer ?? 'account';
  const losses = controller.losses?.payments ?? 'stripe';
  const ours = fees === 'application' && losses === 'application';
  if (dashboard === 'none' && collects === 'application' && ours) return 'custom';
  if (dashboard === 'express' && collects === 'stripe' && ours) return 'express';
  if (dashboard === 'full' && collects === 'stripe' && fees === 'account' && losses === 'stripe') return 'standard';
  return 'none';
}

function dashboardOf(type: Stripe.AccountCreateParams['type']): 'full' | 'express' | 'none' {
  if (type === 'custom') return 'none';
  return type === 'express' ? 'express' : 'full';
}

function newSettings(): Stripe.Account.Settings {
  return {
    bacs_debit_payments: { display_name: null, service_user_number: null },
    branding: { icon: null, logo: null, primary_color: null, secondary_color: null },
    card_issuing: { tos_acceptance: { date: null, ip: null } },
    card_payments: {
      decline_on: { avs_failure: false, cvc_failure: false },
      statement_descriptor_prefix: null,
      statement_descriptor_prefix_kana: null,
      statement_descriptor_prefix_kanji: null,
    },
    dashboard: { display_name: null, timezone: 'Etc/UTC' },
    invoices: { default_account_tax_ids: null, hosted_payment_method_save: null },
    payments: {
      statement_descriptor: null,
      statement_descriptor_kana: null,
      statement_descriptor_kanji: null,
      statement_descriptor_prefix_kana: null,
      statement_descriptor_prefix_kanji: null,
    },
    payouts: {
      debit_negative_balances: true,
      schedule: { delay_days: 2, interval: 'daily' },
      statement_descriptor: null,
    },
    sepa_debit_payments: {},
  };
}

/** A platform reaches every account of its own, a connected account only itself. */
export function getAccount(session: Session, id: string): Row<'account'> {
  const own = session.isPlatform || id === session.account;
  const row = own ? session.as(session.platform.id).find('account', id) : undefined;
  if (!row) throw noAccess(session.platform, id);
  return row;
}

/** What only a platform may do: a connected account has no accounts below it. */
export function requirePlatform(session: Session): void {
  if (session.isPlatform) return;
  throw refused(
    'Only Stripe Connect platforms can work with other accounts. If you specified a client_id parameter, make sure it is correct. If you need to setup a Stripe Connect platform, you can do so at https://dashboard.stripe.com/account/applications/settings.',
    'platform_account_required',
  );
}

/** The account a transfer, a link or an expansion names in a parameter. */
export function findAccount(session: Session, id: string, param: string): Row<'account'> {
  const row = session.as(session.platform.id).find('account', id);
  if (!row) throw missing('destination', id, param);
  return row;
}

export function updateAccount(session: Session, params: Stripe.AccountUpdateParams, id: string): Stripe.Account {
  const row = getAccount(session, id);
  const intervalOf = () => row.body.settings?.payouts?.schedule.interval;
  const before = intervalOf();
  changeAccount(session, row, () => applyChange(session, row, params));
  if (intervalOf() !== before) schedulePayouts(session.as(id), row.body);
  return renderAccount(session, row);
}

/** Applies a change, looks again at what is due, and reports what became different. */
export function changeAccount(session: Session, row: Row<'account'>, change: () => void): void {
  const before = structuredClone(renderAccount(session, row));
  const capabilitiesBefore = capabilitiesOf(session, row);
  change();
  assess(session, row);
  session.as(session.platform.id).save(row);
  const own = session.as(row.body.id);
  for (const capability of capabilitiesOf(session, row)) {
    const old = capabilitiesBefore.find(({ id }) => id === capability.id);
    if (old && JSON.stringify(old) === JSON.stringify(capability)) continue;
    emit(own, 'capability.updated', capability, old);
  }
  const after = renderAccount(session, row);
  if (JSON.stringify(before) !== JSON.stringify(after)) emit(own, 'account.updated', after, before);
}

/** Takes new facts about an account, from its platform or from the onboarding page. */
export function applyChange(session: Session, row: Row<'account'>, params: object): void {
  const { body, hidden } = row;
  const { capabilities, metadata, external_account: externalAccount, ...facts } = params as Stripe.AccountUpdateParams;
  hidden.given = mergedFacts(hidden.given, facts);
  const given = hidden.given;
  body.metadata = mergedMetadata(body.metadata ?? {}, metadata);
  if (typeof given['email'] === 'string') body.email = given['email'];
  if (given['business_type'] !== undefined) body.business_type = given['business_type'] as Stripe.Account.BusinessType;
  if (typeof given['default_currency'] === 'string') body.default_currency = given['default_currency'];
  body.business_profile = overlay(body.business_profile ?? null, given['business_profile']);
  body.settings = overlay(body.settings ?? null, given['settings']);
  // Nobody says how many days a manual payout waits.
  if (body.settings?.payouts)
    body.settings.payouts.schedule.delay_days = Number(body.settings.payouts.schedule.delay_days) || 2;
  body.tos_acceptance = overlay(body.tos_acceptance ?? {}, given['tos_acceptance']);
  if (given['company'] !== undefined) body.company = companyFrom(given['company'] as Hash);
  if (given['individual'] !== undefined) body.individual = individualFrom(session, body, given['individual'] as Hash);
  if (externalAccount !== undefined) {
    const bank = bankAccountFor(session.as(body.id), body, externalAccount);
    body.external_accounts?.data.unshift(bank);
  }
  for (const [name, wish] of Object.entries((capabilities ?? {}) as Record<string, { requested?: boolean }>)) {
    if (wish.requested === true) requestCapability(session, row, name);
    if (wish.requested === false) delete (body.capabilities as Hash)[name];
  }
}

export function requestCapability(session: Session, row: Row<'account'>, name: string): void {
  row.hidden.requested_at[name] ??= session.now;
  const statuses = row.body.capabilities as Record<string, string>;
  if (statuses[name] !== undefined) return;
  if (name === 'card_issuing') refuseUnlessCustom(row.body);
  statuses[name] = row.hidden.reviewed ? 'active' : 'inactive';
}

function refuseUnlessCustom(account: Stripe.Account): void {
  const { controller } = account;
  const custom =
    controller?.stripe_dashboard?.type === 'none' &&
    controller.requirement_collection === 'application' &&
    controller.losses?.payments === 'application' &&
    controller.fees?.payer !== 'account';
  if (custom) return;
  throw refused(
    'The card_issuing capability can only be requested for accounts whose platform pays fees, covers losses and collects requirements, and which have no Stripe Dashboard.',
    undefined,
    'capabilities[card_issuing]',
  );
}

function overlay<T>(base: T, facts: unknown): T {
  if (typeof facts !== 'object' || facts === null) return base;
  const cleaned = Object.fromEntries(
    Object.entries(facts).map(([key, value]) => [key, value === '' ? null : (value as unknown)]),
  );
  return mergedFacts(base ?? {}, cleaned) as T;
}

function companyFrom(given: Hash): Stripe.Account.Company {
  const {
    tax_id: taxId,
    vat_id: vatId,
    address,
    registration_number: _number,
    verification: _verification,
    ...rest
  } = given;
  return {
    ...(rest as Stripe.Account.Company),
    ...(address === undefined ? {} : { address: fullAddress(address as Partial<Stripe.Address>) }),
    owners_provided: given['owners_provided'] === true,
    tax_id_provided: typeof taxId === 'string' && taxId !== '',
    vat_id_provided: typeof vatId === 'string' && vatId !== '',
  };
}

function individualFrom(session: Session, body: Stripe.Account, given: Hash): Stripe.Person {
  const id = body.individual?.id ?? newId('person');
  return buildPerson({ id, account: body.id, created: body.individual?.created ?? session.now }, given);
}

/** Looks at what is missing now and moves each capability: nothing due means a short review, then active. */
function assess(session: Session, row: Row<'account'>): void {
  const { body, hidden } = row;
  const statuses = body.capabilities as Record<string, string>;
  const persons = personsOf(session.as(body.id), body.id);
  const due = new Set<string>();
  for (const [name, status] of Object.entries(statuses)) {
    const missingNow = dueFor(name, row, persons);
    for (const item of missingNow) due.add(item);
    const disabled = missingNow.length > 0 || (hidden.forced[name]?.disabled_reason ?? null) !== null;
    if (disabled) statuses[name] = 'inactive';
    else if (status === 'inactive') {
      statuses[name] = 'pending';
      schedule(session.as(body.id), session.nowMs + session.settings.capability_delay_ms, 'activate_capabilities', {});
    }
  }
  const currentlyDue = [...due].sort();
  const inactive = Object.values(statuses).some((status) => status !== 'active');
  body.details_submitted = hidden.reviewed || currentlyDue.length === 0;
  body.charges_enabled = statuses['card_payments'] === 'active';
  body.payouts_enabled = statuses['transfers'] === 'active';
  body.requirements = {
    ...noRequirements,
    currently_due: currentlyDue,
    eventually_due: currentlyDue,
    past_due: currentlyDue,
    disabled_reason: disabledReason(row, currentlyDue, inactive),
    pending_verification: [],
  };
}

function disabledReason(
  row: Row<'account'>,
  due: string[],
  inactive: boolean,
): Stripe.Account.Requirements.DisabledReason | null {
  const forced = Object.values(row.hidden.forced).find((one) => one.disabled_reason !== null);
  if (forced) return forced.disabled_reason as Stripe.Account.Requirements.DisabledReason;
  if (due.length > 0) return 'requirements.past_due';
  return inactive ? 'requirements.pending_verification' : null;
}

function dueFor(name: string, row: Row<'account'>, persons: Row<'person'>[]): string[] {
  if (row.hidden.reviewed) return row.hidden.forced[name]?.requirements ?? [];
  return requirementsFor(name, row, persons);
}

/** The end of the review: everything that still owes nothing becomes active. */
export function activateCapabilities(session: Session): void {
  const row = session.as(session.platform.id).find('account', session.account);
  if (!row) return;
  changeAccount(session, row, () => {
    const statuses = row.body.capabilities as Record<string, string>;
    for (const [name, status] of Object.entries(statuses)) if (status === 'pending') statuses[name] = 'active';
  });
}

export function isActive(session: Session, capability: string, account = session.account): boolean {
  if (account === session.platform.id) return true;
  const row = session.as(session.platform.id).find('account', account);
  return (row?.body.capabilities as Record<string, string> | undefined)?.[capability] === 'active';
}

export function capabilitiesOf(session: Session, row: Row<'account'>): Stripe.Capability[] {
  const persons = personsOf(session.as(row.body.id), row.body.id);
  return Object.entries(row.body.capabilities as Record<string, Stripe.Capability.Status>).map(([id, status]) => {
    const due = dueFor(id, row, persons);
    const reason = row.hidden.forced[id]?.disabled_reason ?? (due.length > 0 ? 'requirements.fields_needed' : null);
    return {
      id,
      object: 'capability',
      account: row.body.id,
      future_requirements: noRequirements,
      requested: true,
      requested_at: row.hidden.requested_at[id] ?? row.created,
      requirements: {
        ...noRequirements,
        currently_due: due,
        eventually_due: due,
        past_due: due,
        disabled_reason: status === 'pending' ? 'pending.review' : reason,
      },
      status,
    };
  });
}

export function renderAccount(_session: Session, row: Row<'account'>): Stripe.Account {
  return row.body;
}

export function listAccounts(session: Session, params: Stripe.AccountListParams): ListAnswer {
  requirePlatform(session);
  const connected = { sql: "json_extract(o.hidden, '$.is_platform') = 0", values: [] };
  return answerList(session, 'account', '/v1/accounts', params, renderAccount, [], connected);
}

/** A deleted account keeps its books, as the platform's history needs them; only the object goes. */
export function deleteAccount(session: Session, id: string): Stripe.DeletedAccount {
  const row = getAccount(session, id);
  const rest = session.db.find<{ amount: number }>(
    'select coalesce(sum(abs(available) + abs(pending)), 0) as amount from balances where account = ?',
    id,
  );
  if (rest && rest.amount !== 0)
    throw refused('This account cannot be deleted because it still has a balance.', 'account_closed');
  session.objects.remove(session.platform.id, 'account', row.body.id);
  return { id, object: 'account', deleted: true };
}
