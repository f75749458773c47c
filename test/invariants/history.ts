import fc from 'fast-check';
import { Database } from '../../src/platform/database/database';
import { HttpFailure, Json } from '../support/http';
import { Scenario, Seller } from '../support/scenario';
import { waitFor } from '../support/wait-for';

export const rails = ['transfer', 'topup', 'prefunded'] as const;
export type Rail = (typeof rails)[number];

const disputeOutcomes = ['provisional_credit', 'provisional_credit_reversal', 'won', 'lost'] as const;
type DisputeOutcome = (typeof disputeOutcomes)[number];

/** `share`: percent of the payout's amount; over a hundred is too much. `which`: one of several, counted from the newest. */
export type Command =
  | Readonly<{ do: 'charge' | 'increment' | 'force_capture' | 'unlinked_refund'; share: number }>
  | Readonly<{ do: 'capture' | 'reverse' | 'refund'; share: number | null; which: number; isLast: boolean }>
  | Readonly<{ do: 'expire_authorization' | 'reverse_refund'; which: number }>
  | Readonly<{ do: 'dispute'; which: number; share: number | null; isSubmitted: boolean }>
  | Readonly<{ do: 'decide_dispute'; which: number; outcome: DisputeOutcome }>
  | Readonly<{ do: 'probe'; amount: 0 | 50 | 100 }>
  | Readonly<{ do: 'cancel' | 'freeze' | 'unfreeze' | 'replace' }>
  /** The marketplace cancels while a merchant asks. */
  | Readonly<{ do: 'race'; share: number }>
  | Readonly<{ do: 'settle_aftercare'; action: 'collected' | 'written_off' }>
  | Readonly<{ do: 'bank_refuses' }>
  | Readonly<{ do: 'webhook_fault'; action: string; type: string; times: number }>
  | Readonly<{ do: 'request_fault'; action: string; path: string; times: number }>
  | Readonly<{ do: 'authorization_fault' }>
  | Readonly<{ do: 'listen' }>
  | Readonly<{ do: 'rest' }>;

/** One payout's life, as the marketplace, a merchant, a bank and a bad network make it. */
export interface History {
  readonly rail: Rail;
  readonly amount: number;
  readonly expiresInSeconds: number | null;
  readonly commands: readonly Command[];
}

const which = fc.nat(2);
// Whole, nearly whole and too much are where the rules are.
const share = fc.oneof(fc.constantFrom(100, 100, 99, 101, 130), fc.integer({ min: 1, max: 100 }));
const part = fc.option(share, { freq: 2 });

const weighted: readonly (readonly [number, fc.Arbitrary<Command>])[] = [
  [6, fc.record({ do: fc.constant('charge'), share })],
  [5, fc.record({ do: fc.constant('capture'), share: part, which, isLast: fc.boolean() })],
  [2, fc.record({ do: fc.constant('reverse'), share: part, which, isLast: fc.boolean() })],
  [3, fc.record({ do: fc.constant('refund'), share: part, which, isLast: fc.boolean() })],
  [3, fc.record({ do: fc.constantFrom('increment', 'force_capture', 'unlinked_refund'), share })],
  [2, fc.record({ do: fc.constantFrom('expire_authorization', 'reverse_refund'), which })],
  [2, fc.record({ do: fc.constant('dispute'), which, share: part, isSubmitted: fc.boolean() })],
  [3, fc.record({ do: fc.constant('decide_dispute'), which, outcome: fc.constantFrom(...disputeOutcomes) })],
  [2, fc.record({ do: fc.constant('probe'), amount: fc.constantFrom(0, 50, 100) })],
  [3, fc.record({ do: fc.constantFrom('cancel', 'freeze', 'unfreeze', 'replace') })],
  [1, fc.record({ do: fc.constant('race'), share })],
  [1, fc.record({ do: fc.constant('settle_aftercare'), action: fc.constantFrom('collected', 'written_off') })],
  [1, fc.record({ do: fc.constant('bank_refuses') })],
  [
    1,
    fc.record({
      do: fc.constant('webhook_fault'),
      action: fc.constantFrom('duplicate', 'drop', 'delay', 'reorder', 'same_second'),
      type: fc.constantFrom('*', 'issuing_authorization.*', 'issuing_transaction.*', 'issuing_card.*', 'topup.*'),
      times: fc.integer({ min: 1, max: 4 }),
    }),
  ],
  [
    1,
    fc.record({
      do: fc.constant('request_fault'),
      // A reset request is repeated once by the client itself: the second loss is the one we see.
      action: fc.constantFrom('rate_limit', 'drop_before', 'drop_after', 'lock_timeout'),
      path: fc.constantFrom(
        '/v1/transfers',
        '/v1/transfers/*/reversals',
        '/v1/balance_transfers',
        '/v1/issuing/cards*',
        '/v1/topups',
        '/v1/payouts',
      ),
      times: fc.integer({ min: 1, max: 3 }),
    }),
  ],
  [1, fc.record({ do: fc.constant('authorization_fault') })],
  [3, fc.record({ do: fc.constant('listen') })],
  [1, fc.record({ do: fc.constant('rest') })],
];
const command: fc.Arbitrary<Command> = fc.oneof(...weighted.map(([weight, arbitrary]) => ({ weight, arbitrary })));

export function histories(commandsMax: number, railsOf: readonly Rail[]): fc.Arbitrary<History> {
  return fc.record({
    rail: fc.constantFrom(...railsOf),
    amount: fc.oneof(fc.constantFrom(1_01, 2_00, 100_00), fc.integer({ min: 1_01, max: 400_00 })),
    // On a busy machine some seconds pass before the request is even read.
    expiresInSeconds: fc.option(fc.integer({ min: 8, max: 16 }), { freq: 4 }),
    commands: fc.array(command, { minLength: Math.ceil(commandsMax / 3), maxLength: commandsMax, size: 'max' }),
  });
}

export interface Stage {
  readonly scenario: Scenario;
  readonly database: Database;
  readonly now: () => Date;
}

/** Plays one history, and writes down what each command was answered. Looks at our rows, not at our API: it looks often. */
export class Player {
  readonly log: string[] = [];
  readonly authorizations: string[] = [];
  id = '';

  constructor(
    private readonly stage: Stage,
    readonly seller: Seller,
    readonly history: History,
  ) {}

  get amount(): number {
    return this.history.amount;
  }

  async play(): Promise<void> {
    const { amount, expiresInSeconds, commands } = this.history;
    const expiry =
      expiresInSeconds === null
        ? {}
        : { expires_at: new Date(this.stage.now().getTime() + expiresInSeconds * 1_000).toISOString() };
    this.id = String((await this.stage.scenario.requestPayout(this.seller, amount, expiry)).id);
    this.log.push(`${this.id} ${this.history.rail} ${amount} ${JSON.stringify(expiry)}`);
    for (const command of commands) {
      const answer = await this.take(command).catch((error: unknown) => `refused: ${refusalOf(error)}`);
      this.log.push(`${JSON.stringify(command)} -> ${answer}`);
    }
  }

  /** Merchants let go of every open hold, and the marketplace cancels. */
  async end(): Promise<void> {
    for (const authorization of this.authorizations) {
      await this.issuing(`authorizations/${authorization}/reverse`, {}).catch(refusalOf);
    }
    await this.rest();
    await this.stage.scenario.marketplace.post(`/v1/payouts/${this.id}/cancel`).catch(refusalOf);
    this.log.push('ended');
  }

  private async take(command: Command): Promise<string> {
    const { scenario } = this.stage;
    const minor = (percent: number) => Math.max(1, Math.floor((this.amount * percent) / 100));
    switch (command.do) {
      case 'charge':
        return this.charge(minor(command.share));
      case 'probe':
        return this.charge(command.amount);
      case 'race': {
        const card = await this.card();
        const [canceled, charged] = await Promise.allSettled([
          scenario.marketplace.post(`/v1/payouts/${this.id}/cancel`),
          this.chargeCard(card, minor(command.share)),
        ]);
        return `${canceled.status === 'fulfilled' ? 'canceled' : refusalOf(canceled.reason)}; ${
          charged.status === 'fulfilled' ? charged.value : refusalOf(charged.reason)
        }`;
      }
      case 'force_capture':
      case 'unlinked_refund': {
        const { amount } = await this.issuing(`transactions/create_${command.do}`, {
          card: await this.card(),
          amount: minor(command.share),
          currency: this.seller.currency,
          'merchant_data[name]': 'Paper & Ink',
          'merchant_data[category]': 'book_stores',
        });
        return String(amount);
      }
      case 'increment': {
        const { approved, amount } = await this.issuing(`authorizations/${newest(this.authorizations, 0)}/increment`, {
          increment_amount: minor(command.share),
        });
        return `${approved ? 'approved' : 'declined'}, now ${amount}`;
      }
      case 'capture': {
        const { status } = await this.issuing(`authorizations/${newest(this.authorizations, command.which)}/capture`, {
          ...(command.share === null ? {} : { capture_amount: minor(command.share) }),
          close_authorization: command.isLast,
        });
        return status;
      }
      case 'reverse': {
        const { status } = await this.issuing(
          `authorizations/${newest(this.authorizations, command.which)}/reverse`,
          command.share === null ? {} : { reverse_amount: minor(command.share) },
        );
        return status;
      }
      case 'expire_authorization': {
        const path = `authorizations/${newest(this.authorizations, command.which)}/expire`;
        return (await this.issuing(path, {})).status;
      }
      case 'refund': {
        const capture = newest(await this.transactions('capture'), command.which);
        const params = command.share === null ? {} : { refund_amount: minor(command.share) };
        return String((await this.issuing(`transactions/${capture}/refund`, params)).amount);
      }
      case 'reverse_refund': {
        const refund = newest(await this.transactions('refund'), command.which);
        const path = `/transactions/${refund}/reverse_refund`;
        return String((await scenario.stripe.control('POST', path, {}, this.seller.stripeAccount)).amount);
      }
      case 'dispute': {
        const { stripe } = scenario;
        const { id } = await stripe.post(
          '/v1/issuing/disputes',
          {
            transaction: newest(await this.transactions('capture'), command.which),
            ...(command.share === null ? {} : { amount: minor(Math.min(100, command.share)) }),
            'evidence[reason]': 'not_received',
            'evidence[not_received][explanation]': 'It never came.',
          },
          this.seller.stripeAccount,
        );
        if (!command.isSubmitted) return `${id} not submitted`;
        await stripe.post(`/v1/issuing/disputes/${id}/submit`, {}, this.seller.stripeAccount);
        return String(id);
      }
      case 'decide_dispute': {
        const { data } = await scenario.stripe.get('/v1/issuing/disputes?limit=100', this.seller.stripeAccount);
        const mine = new Set(await this.transactions('capture'));
        const ids = data.filter((each: Json) => mine.has(each.transaction)).map((each: Json) => String(each.id));
        const dispute = newest(ids.toReversed(), command.which);
        const body = { outcome: command.outcome };
        await scenario.stripe.control('POST', `/disputes/${dispute}/outcome`, body, this.seller.stripeAccount);
        return `${dispute} ${command.outcome}`;
      }
      case 'settle_aftercare': {
        const { data } = await scenario.finance.get(`/v1/aftercare-items?payout=${this.id}`);
        const [item] = data;
        if (!item) return 'nothing to settle';
        const body = { action: command.action, note: 'Agreed by telephone.' };
        return JSON.stringify((await scenario.finance.post(`/v1/aftercare-items/${item.id}/settle`, body)).settlement);
      }
      case 'bank_refuses':
        return this.refuseAtTheBank();
      case 'cancel':
        return (await scenario.marketplace.post(`/v1/payouts/${this.id}/cancel`)).status;
      case 'freeze':
      case 'unfreeze':
      case 'replace': {
        const [card] = (await scenario.marketplace.get(`/v1/cards?payout=${this.id}&limit=1`)).data;
        if (!card) return 'no card yet';
        return (await scenario.marketplace.post(`/v1/cards/${card.id}/${command.do}`)).status;
      }
      case 'webhook_fault': {
        const { action, type, times } = command;
        const account = this.seller.stripeAccount;
        const more = { account, type, times, ...(action === 'delay' ? { delay_ms: 1_500 } : {}) };
        await scenario.stripe.control('POST', '/faults', { on: 'webhook', action, ...more });
        return 'set';
      }
      case 'request_fault': {
        const { action, path, times } = command;
        // Days pass at Stripe and not for us: a repeated call would find its key forgotten.
        if (this.seller.country !== 'US') return 'left out';
        await scenario.stripe.control('POST', '/faults', { on: 'request', method: 'POST', action, path, times });
        return 'set';
      }
      case 'authorization_fault': {
        const { stripeAccount: account } = this.seller;
        await scenario.stripe.control('POST', '/faults', { on: 'authorization', action: 'absent', account, times: 1 });
        return 'set';
      }
      case 'listen':
        await scenario.stripe.control('GET', '/deliveries?wait_seconds=2');
        return 'told';
      case 'rest':
        return this.rest();
    }
  }

  private async charge(amount: number): Promise<string> {
    return this.chargeCard(await this.card(), amount);
  }

  private async chargeCard(card: string, amount: number): Promise<string> {
    const authorization = await this.stage.scenario.charge(
      { id: this.id, amount: this.amount, seller: this.seller, cardId: '', stripeCardId: card },
      amount,
    );
    if (authorization.approved) this.authorizations.push(authorization.id);
    const decision = authorization.request_history.at(-1);
    return `${amount} ${authorization.approved ? 'approved' : `declined (${decision?.reason})`}`;
  }

  /** The bank refuses what it was asked for last, a top-up or a bank payout, if it still can. */
  private async refuseAtTheBank(): Promise<string> {
    const [hop] = await this.stage.database.query<{ kind: string; object: string }>(
      `select h.kind, h.stripe_object_id as object from funding_transfer_hops h
         join funding_transfers t on t.id = h.funding_transfer_id
        where t.reference = $1 and h.kind in ('topup', 'bank_payout') and h.status = 'accepted' order by h.id desc limit 1`,
      [this.id],
    );
    if (!hop) return 'nothing at the bank';
    const path = hop.kind === 'topup' ? `/topups/${hop.object}/fail` : `/payouts/${hop.object}/fail`;
    return String((await this.stage.scenario.stripe.control('POST', path, {}, this.seller.stripeAccount)).status);
  }

  /** The payout's newest card that Stripe knows, once none is on its way. */
  private async card(): Promise<string> {
    const look = async () => {
      const [row] = await this.stage.database.query<{ status: string; card: string | null }>(
        `select p.status, (select c.stripe_card_id from cards c where c.payout_id = p.id and c.stripe_card_id is not null
                            order by c.id desc limit 1) as card
           from payouts p where p.id = $1`,
        [this.id],
      );
      return ['pending', 'funding', 'issuing'].includes(row!.status) ? false : { id: row!.card ?? 'none' };
    };
    const found = await waitFor(`${this.id} to have a card`, look, 120_000, 100);
    return found.id;
  }

  private async transactions(type: 'capture' | 'refund'): Promise<string[]> {
    const cards = await this.stage.database.query<{ id: string }>(
      'select stripe_card_id as id from cards where payout_id = $1 and stripe_card_id is not null order by cards.id desc',
      [this.id],
    );
    const found: string[] = [];
    for (const { id } of cards) {
      const path = `/v1/issuing/transactions?card=${id}&type=${type}&limit=100`;
      const { data } = await this.stage.scenario.stripe.get(path, this.seller.stripeAccount);
      found.push(...data.map((each: Json) => String(each.id)));
    }
    return found.toReversed();
  }

  private issuing(path: string, params: Record<string, string | number | boolean>): Promise<Json> {
    const { stripe } = this.stage.scenario;
    return stripe.post(`/v1/test_helpers/issuing/${path}`, params, this.seller.stripeAccount);
  }

  /** Until nothing of this payout is under way, or some seconds have passed: a matter of order, nothing hangs on it. */
  private async rest(): Promise<string> {
    const look = async () => {
      const [row] = await this.stage.database.query<{ status: string; open: boolean }>(
        `select p.status, (exists (select 1 from stripe_calls c where c.payout_id = p.id and c.status in ('intended', 'sent', 'unknown'))
                or exists (select 1 from funding_transfers t where t.reference = p.id and t.is_unsettled)
                or exists (select 1 from stripe_events e where e.stripe_account_id = $2 and e.status not in ('handled', 'ignored'))) as open
           from payouts p where p.id = $1`,
        [this.id, this.seller.stripeAccount],
      );
      return row!.open ? false : row!.status;
    };
    return waitFor('the payout to rest', look, 5_000, 100).catch(() => 'restless');
  }
}

function newest(ids: readonly string[], which: number): string {
  return ids.at(-1 - (which % Math.max(1, ids.length))) ?? 'none';
}

/** What was refused, by Stripe or by us. Nonsense is; anything else is a finding. */
function refusalOf(error: unknown): string {
  if (!(error instanceof HttpFailure && error.status >= 400 && error.status < 500)) throw error;
  return String(error.answer?.error?.message ?? error.answer?.code ?? error.answer?.detail);
}

/** Waits until `isQuiet` has said so twice in a row: what one look misses, the job behind it shows. */
export async function untilStill(what: string, isQuiet: () => Promise<boolean>, timeoutMs: number): Promise<void> {
  let streak = 0;
  await waitFor(
    what,
    async () => {
      streak = (await isQuiet()) ? streak + 1 : 0;
      return streak >= 2;
    },
    timeoutMs,
    100,
  );
}
