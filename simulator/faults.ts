import type { Database } from './database';
import { newId } from './ids';
import type { Platform } from './platforms';

export const requestActions = [
  'drop_before',
  'drop_after',
  'delay',
  'rate_limit',
  'lock_timeout',
  'error_500_before',
  'error_500_after',
] as const;
export const webhookActions = ['duplicate', 'drop', 'delay', 'reorder', 'same_second'] as const;
export const authorizationActions = ['slow', 'absent', 'decline', 'stand_in'] as const;
/** Stripe's reasons for a decline that no object and no parameter brings about. */
export const unprovokedReasons = [
  'insecure_authorization_method',
  'network_fallback',
  'not_allowed',
  'pin_blocked',
  'stripe_internal_error',
  'suspected_fraud',
] as const;

type RequestAction = (typeof requestActions)[number];
type WebhookAction = (typeof webhookActions)[number];
type AuthorizationAction = (typeof authorizationActions)[number];
type UnprovokedReason = (typeof unprovokedReasons)[number];

/** When a fault strikes: after `skip` matches, then `times` of them, each with `probability` from a seeded generator. */
interface Timing {
  skip?: number;
  times?: number;
  probability?: number;
  seed?: number;
}

export interface RequestFault extends Timing {
  on: 'request';
  action: RequestAction;
  method?: string;
  /** A path with `*` for anything, e.g. `/v1/transfers*`. */
  path?: string;
  account?: string;
  delay_ms?: number;
  /** What a 429 gives as its reason. */
  reason?: string;
}

export interface WebhookFault extends Timing {
  on: 'webhook';
  action: WebhookAction;
  /** Event type with `*`, e.g. `issuing_*`. */
  type?: string;
  delay_ms?: number;
}

export interface AuthorizationFault extends Timing {
  on: 'authorization';
  /** `slow` and `absent` are the endpoint's; `decline` is Stripe's own, `stand_in` an approval by the network alone. */
  action: AuthorizationAction;
  delay_ms?: number;
  /** Why a `decline`. */
  reason?: UnprovokedReason;
}

export type FaultRule = RequestFault | WebhookFault | AuthorizationFault;

interface FaultState {
  matched: number;
  struck: number;
  random: number;
}

interface FaultRecord {
  id: string;
  rule: string;
  state: string;
}

export interface Fault extends FaultState {
  id: string;
  rule: FaultRule;
}

/** Faults that a control asked for. They are rows: a restart does not forget how far they got. */
export class Faults {
  constructor(private readonly db: Database) {}

  add(platform: Platform, now: number, rule: FaultRule): Fault {
    const fault: Fault = { id: newId('fault'), rule, matched: 0, struck: 0, random: rule.seed ?? 1 };
    this.db.run(
      'insert into faults (id, platform, created, rule, state) values (?, ?, ?, ?, ?)',
      ...[fault.id, platform.id, now, JSON.stringify(rule), stateOf(fault)],
    );
    return fault;
  }

  list(platform: Platform): Fault[] {
    const records = this.db.all<FaultRecord>(
      'select id, rule, state from faults where platform = ? order by created, rowid',
      platform.id,
    );
    return records.map(({ id, rule, state }) => ({
      id,
      rule: JSON.parse(rule) as FaultRule,
      ...(JSON.parse(state) as FaultState),
    }));
  }

  remove(platform: Platform, id?: string): void {
    if (id === undefined) this.db.run('delete from faults where platform = ?', platform.id);
    else this.db.run('delete from faults where platform = ? and id = ?', platform.id, id);
  }

  takeRequest(platform: Platform, method: string, path: string, account: string): RequestFault | undefined {
    return this.take(
      platform,
      (rule): rule is RequestFault =>
        rule.on === 'request' &&
        (rule.method === undefined || rule.method.toUpperCase() === method) &&
        (rule.path === undefined || matches(rule.path, path)) &&
        (rule.account === undefined || rule.account === account),
    );
  }

  takeWebhook(platform: Platform, type: string): WebhookFault | undefined {
    return this.take(
      platform,
      (rule): rule is WebhookFault =>
        rule.on === 'webhook' && rule.action !== 'same_second' && (rule.type === undefined || matches(rule.type, type)),
    );
  }

  takeSameSecond(platform: Platform, type: string): WebhookFault | undefined {
    return this.take(
      platform,
      (rule): rule is WebhookFault =>
        rule.on === 'webhook' && rule.action === 'same_second' && (rule.type === undefined || matches(rule.type, type)),
    );
  }

  /** What becomes of the endpoint's answer. */
  takeAnswer(platform: Platform): AuthorizationFault | undefined {
    return this.take(
      platform,
      (rule): rule is AuthorizationFault =>
        rule.on === 'authorization' && (rule.action === 'slow' || rule.action === 'absent'),
    );
  }

  /** What happens to a request before any endpoint is asked. */
  takeNetwork(platform: Platform): AuthorizationFault | undefined {
    return this.take(
      platform,
      (rule): rule is AuthorizationFault =>
        rule.on === 'authorization' && (rule.action === 'decline' || rule.action === 'stand_in'),
    );
  }

  private take<R extends FaultRule>(platform: Platform, applies: (rule: FaultRule) => rule is R): R | undefined {
    for (const fault of this.list(platform)) {
      const { rule } = fault;
      if (!applies(rule)) continue;
      fault.matched += 1;
      const strikes =
        fault.matched > (rule.skip ?? 0) && fault.struck < (rule.times ?? 1) && chance(fault, rule.probability ?? 1);
      if (strikes) fault.struck += 1;
      this.db.run('update faults set state = ? where id = ?', stateOf(fault), fault.id);
      if (strikes) return rule;
    }
    return undefined;
  }
}

function stateOf({ matched, struck, random }: FaultState): string {
  return JSON.stringify({ matched, struck, random });
}

/** Mulberry32: small, seeded, and the same on every machine. */
function chance(fault: Fault, probability: number): boolean {
  fault.random = (fault.random + 0x6d2b79f5) | 0;
  let mixed = Math.imul(fault.random ^ (fault.random >>> 15), 1 | fault.random);
  mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
  return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32 < probability;
}

function matches(pattern: string, text: string): boolean {
  const source = pattern
    .split('*')
    .map((part) => part.replaceAll(/[.+?^${}()|[\]\\]/g, String.raw`\$&`))
    .join('.*');
  return new RegExp(`^${source}$`).test(text);
}
