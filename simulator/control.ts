import { changeAccount, getAccount } from './accounts';
import { completeOnboarding, createAccountLink, openOnboarding } from './account-links';
import { readBooks } from './books';
import { reverseRefund } from './captures';
import { changeCardholder } from './cardholders';
import { decideDispute, type DisputeOutcome } from './disputes';
import type { Dispatcher } from './dispatcher';
import { badParameter, missing, unrecognizedUrl } from './errors';
import {
  authorizationActions,
  type FaultRule,
  type Faults,
  requestActions,
  unprovokedReasons,
  webhookActions,
} from './faults';
import { settlePayout } from './payouts';
import type { Platforms } from './platforms';
import type { Session } from './session';
import { findSettingsProblem } from './settings';
import type { Timekeeper } from './timekeeper';
import { reverseTopup, settleTopup } from './topups';
import { rotateSecret } from './webhook-endpoints';

type Body = Record<string, unknown>;

export interface Controls {
  platforms: Platforms;
  faults: Faults;
  timekeeper: Timekeeper;
  dispatcher: Dispatcher;
}

const advanceMax = 10 * 366 * 24 * 60 * 60;

type Control = (
  controls: Controls,
  session: Session,
  body: Body,
  id: string,
  query: URLSearchParams,
) => object | Promise<object>;

/** What Stripe's Dashboard, its network and the passing of time would do. JSON in, JSON out, with the platform's key. */
const table: Record<string, Control> = {
  'GET /_simulator/platform': ({ timekeeper: _timekeeper }, session) => describePlatform(session),
  'PATCH /_simulator/settings': ({ platforms }, session, body) => {
    const problem = findSettingsProblem(body);
    if (problem !== undefined) throw badParameter(problem, 'settings');
    platforms.changeSettings(session.platform, body);
    return describePlatform(session);
  },
  'POST /_simulator/clock/advance': ({ timekeeper }, session, body) => {
    const seconds = numberFrom(body, 'seconds');
    if (seconds < 0) throw badParameter('The clock cannot be turned back.', 'seconds');
    if (seconds > advanceMax) throw badParameter('The clock can be moved ten years at once.', 'seconds');
    const jobs = timekeeper.advance(session.platform, seconds);
    return { clock: clockOf(session), jobs_run: jobs };
  },
  'GET /_simulator/books': (_controls, session) => readBooks(session),
  'POST /_simulator/reset': ({ platforms }, session) => {
    platforms.reset(session.platform);
    return describePlatform(session);
  },
  'GET /_simulator/faults': ({ faults }, session) => ({ faults: faults.list(session.platform) }),
  'POST /_simulator/faults': ({ faults }, session, body) => faults.add(session.platform, session.now, faultFrom(body)),
  'DELETE /_simulator/faults': ({ faults }, session) => {
    faults.remove(session.platform);
    return { faults: [] };
  },
  'DELETE /_simulator/faults/:id': ({ faults }, session, _body, id) => {
    faults.remove(session.platform, id);
    return { faults: faults.list(session.platform) };
  },
  'GET /_simulator/deliveries': async ({ dispatcher }, session, _body, _id, query) => {
    const waitSeconds = Number(query.get('wait_seconds') ?? 0);
    if (waitSeconds > 0) await dispatcher.untilIdle(session.platform, waitSeconds * 1000);
    return deliveriesOf(session);
  },
  'POST /_simulator/accounts/:id/requirements': (_controls, session, body, id) => changeRequirements(session, body, id),
  'POST /_simulator/accounts/:id/complete': (_controls, session, _body, id) => {
    const link = createAccountLink(session, { account: id, type: 'account_onboarding' });
    const token = link.url.slice(link.url.lastIndexOf('/') + 1);
    const page = openOnboarding(session, id, token);
    if ('row' in page) completeOnboarding(session, page, token);
    return getAccount(session, id).body;
  },
  'POST /_simulator/topups/:id/succeed': (_controls, session, _body, id) => settleTopup(session, id),
  'POST /_simulator/topups/:id/fail': (_controls, session, body, id) =>
    settleTopup(session, id, {
      code: textFrom(body, 'code', 'could_not_process'),
      message: textFrom(body, 'message', 'The bank refused.'),
    }),
  'POST /_simulator/topups/:id/reverse': (_controls, session, _body, id) => reverseTopup(session, id),
  'POST /_simulator/payouts/:id/pay': (_controls, session, _body, id) => settlePayout(session, id, false),
  'POST /_simulator/payouts/:id/fail': (_controls, session, _body, id) => settlePayout(session, id, true),
  'POST /_simulator/transactions/:id/reverse_refund': (_controls, session, body, id) =>
    reverseRefund(session, id, body['amount'] === undefined ? undefined : integerFrom(body, 'amount')),
  'POST /_simulator/disputes/:id/outcome': (_controls, session, body, id) => {
    const outcome = textFrom(body, 'outcome', '');
    const outcomes = ['provisional_credit', 'provisional_credit_reversal', 'won', 'lost'];
    if (!outcomes.includes(outcome)) throw badParameter(`outcome must be one of ${outcomes.join(', ')}`, 'outcome');
    return decideDispute(session, id, outcome as DisputeOutcome, body['loss_reason'] as string | undefined);
  },
  'POST /_simulator/webhook_endpoints/:id/rotate': (_controls, session, body, id) =>
    rotateSecret(session, id, body['keep_seconds'] === undefined ? undefined : numberFrom(body, 'keep_seconds')),
};

/** Method and path of every control. */
export const controlRoutes: readonly string[] = Object.keys(table);

interface CompiledControl {
  pattern: RegExp;
  control: Control;
}

const compiled = Object.entries(table).map(([key, control]): CompiledControl => ({
  pattern: new RegExp(`^${key.replace(':id', '([^/]+)')}$`),
  control,
}));

export function findControl(method: string, path: string): { control: Control; id: string } {
  for (const { pattern, control } of compiled) {
    const match = pattern.exec(`${method} ${path}`);
    if (match) return { control, id: match[1] ?? '' };
  }
  throw unrecognizedUrl(method, path);
}

function describePlatform(session: Session): object {
  const { id, publishableKey, settings } = session.platform;
  return { account: id, publishable_key: publishableKey, clock: clockOf(session), settings };
}

function clockOf(session: Session): object {
  return {
    now: session.now,
    iso: new Date(session.nowMs).toISOString(),
    offset_seconds: Math.round(session.platform.clockOffsetMs / 1000),
  };
}

interface DeliveryRow {
  event: string;
  endpoint: string;
  url: string;
  status: string;
  attempts: number;
  last_error: string | null;
}

function deliveriesOf(session: Session): object {
  const counts = session.db.all<{ status: string; count: number }>(
    'select status, count(*) as count from deliveries where platform = ? group by status',
    session.platform.id,
  );
  const count = (status: string) => counts.find((one) => one.status === status)?.count ?? 0;
  const waiting = session.db.all<DeliveryRow>(
    `select event, endpoint, url, status, attempts, last_error from deliveries
     where platform = ? and status in ('pending', 'failed') order by id limit 100`,
    session.platform.id,
  );
  return {
    idle: count('pending') === 0,
    pending: count('pending'),
    failed: count('failed'),
    dropped: count('dropped'),
    succeeded: count('succeeded'),
    deliveries: waiting,
  };
}

const cardholderStatuses: readonly string[] = ['active', 'inactive', 'blocked'];

function changeRequirements(session: Session, body: Body, account: string): object {
  const { capability, cardholder } = body;
  const reason = (body['disabled_reason'] ?? null) as string | null;
  const row = getAccount(session, account);
  if (typeof capability === 'string') {
    if (!Object.hasOwn(row.body.capabilities ?? {}, capability)) throw missing('capability', capability, 'capability');
    const requirements = textsFrom(body, 'requirements');
    changeAccount(session, row, () => {
      if (requirements.length === 0 && reason === null) delete row.hidden.forced[capability];
      else row.hidden.forced[capability] = { requirements, disabled_reason: reason };
    });
    return getAccount(session, account).body;
  }
  if (typeof cardholder !== 'string')
    throw badParameter('Name a capability or a cardholder.', 'capability', 'parameter_missing');
  const { status } = body;
  if (status !== undefined && (typeof status !== 'string' || !cardholderStatuses.includes(status)))
    throw badParameter(`status must be one of ${cardholderStatuses.join(', ')}`, 'status');
  const own = session.as(account);
  const holder = own.get('issuing.cardholder', cardholder, 'cardholder');
  return changeCardholder(own, holder, ({ body: changed, hidden }) => {
    hidden.forced_past_due = textsFrom(body, 'past_due');
    hidden.forced_reason = reason;
    if (status !== undefined) changed.status = status;
  });
}

const faultTexts: readonly string[] = ['on', 'action', 'method', 'path', 'account', 'type', 'reason'];
const faultNumbers: readonly string[] = ['delay_ms', 'skip', 'times', 'probability', 'seed'];

function faultFrom(body: Body): FaultRule {
  const actions: Record<string, readonly string[]> = {
    request: requestActions,
    webhook: webhookActions,
    authorization: authorizationActions,
  };
  const { on, action } = body;
  const known = actions[String(on)];
  if (!known) throw badParameter('on must be one of request, webhook, authorization', 'on');
  if (!known.includes(String(action))) throw badParameter(`action must be one of ${known.join(', ')}`, 'action');
  const { reason } = body;
  if (on === 'authorization' && reason !== undefined && !unprovokedReasons.some((one) => one === reason))
    throw badParameter(`reason must be one of ${unprovokedReasons.join(', ')}`, 'reason');
  for (const [name, value] of Object.entries(body)) {
    if (faultTexts.includes(name)) {
      if (typeof value !== 'string') throw badParameter(`${name} must be a string`, name);
    } else if (!faultNumbers.includes(name)) {
      throw badParameter(`Received unknown parameter: ${name}`, name, 'parameter_unknown');
    } else if (numberFrom(body, name) < 0) throw badParameter(`${name} must not be negative`, name);
  }
  return body as unknown as FaultRule;
}

function numberFrom(body: Body, name: string): number {
  const value = body[name];
  if (typeof value !== 'number' || !Number.isFinite(value)) throw badParameter(`${name} must be a number`, name);
  return value;
}

function integerFrom(body: Body, name: string): number {
  const value = numberFrom(body, name);
  if (!Number.isSafeInteger(value)) throw badParameter(`${name} must be an integer`, name);
  return value;
}

function textFrom(body: Body, name: string, otherwise: string): string {
  const value = body[name];
  return typeof value === 'string' ? value : otherwise;
}

function textsFrom(body: Body, name: string): string[] {
  const value = body[name];
  return Array.isArray(value) ? value.map(String) : [];
}
