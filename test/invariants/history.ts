import fc from 'fast-check';
import { HttpFailure, Json } from '../support/http';
import { Scenario, Seller } from '../support/scenario';
import { waitFor } from '../support/wait-for';

/** `share`: percent of the payout's amount; over a hundred is too much. `which`: one of several, counted from the newest. */
export type Command =
  | Readonly<{ do: 'charge' | 'increment' | 'force_capture' | 'unlinked_refund'; payout: number; share: number }>
  | Readonly<{
      do: 'capture' | 'reverse' | 'refund';
      payout: number;
      share: number | null;
      which: number;
      isLast: boolean;
    }>
  | Readonly<{ do: 'expire_authorization' | 'reverse_refund'; payout: number; which: number }>
  | Readonly<{ do: 'probe'; payout: number; amount: 0 | 50 | 100 }>
  | Readonly<{ do: 'cancel' | 'freeze' | 'unfreeze' | 'replace'; payout: number }>
  | Readonly<{ do: 'webhook_fault'; action: string; type: string; times: number }>
  | Readonly<{ do: 'request_fault'; action: string; path: string; times: number }>
  | Readonly<{ do: 'listen' }>
  | Readonly<{ do: 'rest' }>;

export interface History {
  readonly payouts: readonly Readonly<{ amount: number; expiresInSeconds: number | null }>[];
  readonly commands: readonly Command[];
  /** Afterwards the marketplace cancels what it can and merchants let go of what they hold. */
  readonly isEnded: boolean;
}

const payoutsMax = 3;
const payout = fc.nat(payoutsMax - 1);
const which = fc.nat(2);
// Whole, nearly whole and too much are where the rules are.
const share = fc.oneof(fc.constantFrom(100, 100, 99, 101, 130), fc.integer({ min: 1, max: 100 }));
const moved = { payout, share: fc.option(share, { freq: 2 }), which, isLast: fc.boolean() };

const command: fc.Arbitrary<Command> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ do: fc.constant('charge'), payout, share }) },
  { weight: 5, arbitrary: fc.record({ do: fc.constant('capture'), ...moved }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('reverse'), ...moved }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('refund'), ...moved }) },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constantFrom('increment', 'force_capture', 'unlinked_refund'),
      payout,
      share,
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constantFrom('expire_authorization', 'reverse_refund'), payout, which }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('probe'), payout, amount: fc.constantFrom(0, 50, 100) }) },
  {
    weight: 3,
    arbitrary: fc.record({ do: fc.constantFrom('cancel', 'freeze', 'unfreeze', 'replace'), payout }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('webhook_fault'),
      action: fc.constantFrom('duplicate', 'drop', 'delay', 'reorder', 'same_second'),
      type: fc.constantFrom('*', 'issuing_authorization.*', 'issuing_transaction.*', 'issuing_card.*'),
      times: fc.integer({ min: 1, max: 4 }),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('request_fault'),
      // A reset request is repeated once by the client itself: the second loss is the one we see.
      action: fc.constantFrom('rate_limit', 'drop_before', 'drop_after', 'lock_timeout'),
      path: fc.constantFrom(
        '/v1/transfers',
        '/v1/transfers/*/reversals',
        '/v1/balance_transfers',
        '/v1/issuing/cards*',
      ),
      times: fc.integer({ min: 1, max: 3 }),
    }),
  },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('listen') }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('rest') }) },
);

export function histories(commandsMax: number): fc.Arbitrary<History> {
  return fc.record({
    payouts: fc.array(
      fc.record({
        amount: fc.oneof(fc.constantFrom(1_01, 2_00, 100_00), fc.integer({ min: 1_01, max: 400_00 })),
        expiresInSeconds: fc.option(fc.integer({ min: 3, max: 9 }), { freq: 4 }),
      }),
      { minLength: 1, maxLength: payoutsMax },
    ),
    commands: fc.array(command, {
      minLength: Math.ceil(commandsMax / 2),
      maxLength: commandsMax,
      size: 'max',
    }),
    isEnded: fc.boolean(),
  });
}

export interface PlayedPayout {
  readonly id: string;
  readonly amount: number;
  readonly authorizations: string[];
}

/** Plays a history to one seller's card, and writes down what each command was answered. */
export class Player {
  readonly played: PlayedPayout[] = [];
  readonly log: string[] = [];

  constructor(
    private readonly scenario: Scenario,
    readonly seller: Seller,
    private readonly rest: () => Promise<void>,
    private readonly now: () => Date,
  ) {}

  async play(history: History): Promise<void> {
    for (const { amount, expiresInSeconds } of history.payouts) {
      const expiry =
        expiresInSeconds === null
          ? {}
          : { expires_at: new Date(this.now().getTime() + expiresInSeconds * 1_000).toISOString() };
      const { id } = await this.scenario.requestPayout(this.seller, amount, expiry);
      this.played.push({ id, amount, authorizations: [] });
    }
    for (const command of history.commands) {
      const answer = await this.take(command).catch((error: unknown) => {
        // Nonsense is refused, by Stripe or by us; anything else is a finding.
        if (error instanceof HttpFailure && error.status >= 400 && error.status < 500) {
          return `refused: ${String(error.answer?.error?.message ?? error.answer?.code ?? error.answer?.detail)}`;
        }
        throw error;
      });
      this.log.push(`${JSON.stringify(command)} -> ${answer}`);
    }
  }

  /** The marketplace cancels what it can, and merchants let go of every open hold. */
  async end(): Promise<void> {
    await this.scenario.stripe.control('DELETE', '/faults');
    for (const { id, authorizations } of this.played) {
      for (const authorization of authorizations) {
        await this.issuing(`authorizations/${authorization}/reverse`, {}).catch(ignoreRefusal);
      }
      await this.rest();
      await this.scenario.marketplace.post(`/v1/payouts/${id}/cancel`).catch(ignoreRefusal);
    }
    this.log.push('ended');
  }

  async cardsOf(payoutId: string): Promise<Json[]> {
    return (await this.scenario.marketplace.get(`/v1/cards?payout=${payoutId}&limit=100`)).data;
  }

  private async take(command: Command): Promise<string> {
    const { scenario } = this;
    switch (command.do) {
      case 'listen':
        await scenario.untilTold();
        return 'told';
      case 'rest':
        await this.rest();
        return this.statuses();
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
      default:
        return this.takeWith(command, this.played[command.payout % this.played.length]!);
    }
  }

  private async takeWith(command: Extract<Command, { payout: number }>, target: PlayedPayout): Promise<string> {
    const minor = (share: number) => Math.max(1, Math.floor((target.amount * share) / 100));
    switch (command.do) {
      case 'charge':
        return this.charge(target, minor(command.share));
      case 'probe':
        return this.charge(target, command.amount);
      case 'force_capture':
      case 'unlinked_refund': {
        const card = await this.card(target);
        const { amount } = await this.issuing(`transactions/create_${command.do}`, {
          card,
          amount: minor(command.share),
          currency: this.seller.currency,
          'merchant_data[name]': 'Paper & Ink',
          'merchant_data[category]': 'book_stores',
        });
        return String(amount);
      }
      case 'increment': {
        const authorization = newest(target.authorizations, 0);
        const { approved, amount } = await this.issuing(`authorizations/${authorization}/increment`, {
          increment_amount: minor(command.share),
        });
        return `${approved ? 'approved' : 'declined'}, now ${amount}`;
      }
      case 'capture': {
        const authorization = newest(target.authorizations, command.which);
        const { status } = await this.issuing(`authorizations/${authorization}/capture`, {
          ...(command.share === null ? {} : { capture_amount: minor(command.share) }),
          close_authorization: command.isLast,
        });
        return status;
      }
      case 'reverse': {
        const authorization = newest(target.authorizations, command.which);
        const { status } = await this.issuing(
          `authorizations/${authorization}/reverse`,
          command.share === null ? {} : { reverse_amount: minor(command.share) },
        );
        return status;
      }
      case 'expire_authorization': {
        const { status } = await this.issuing(
          `authorizations/${newest(target.authorizations, command.which)}/expire`,
          {},
        );
        return status;
      }
      case 'refund': {
        const capture = newest(await this.transactions(target, 'capture'), command.which);
        const { amount } = await this.issuing(
          `transactions/${capture}/refund`,
          command.share === null ? {} : { refund_amount: minor(command.share) },
        );
        return String(amount);
      }
      case 'reverse_refund': {
        const refund = newest(await this.transactions(target, 'refund'), command.which);
        const { amount } = await this.scenario.stripe.control(
          'POST',
          `/transactions/${refund}/reverse_refund`,
          {},
          this.seller.stripeAccount,
        );
        return String(amount);
      }
      case 'cancel':
        return (await this.scenario.marketplace.post(`/v1/payouts/${target.id}/cancel`)).status;
      case 'freeze':
      case 'unfreeze':
      case 'replace': {
        const [card] = await this.cardsOf(target.id);
        if (!card) return 'no card yet';
        return (await this.scenario.marketplace.post(`/v1/cards/${card.id}/${command.do}`)).status;
      }
    }
  }

  private async charge(target: PlayedPayout, amount: number): Promise<string> {
    const card = await this.card(target);
    const authorization = await this.scenario.charge(
      { id: target.id, amount: target.amount, seller: this.seller, cardId: '', stripeCardId: card },
      amount,
    );
    if (authorization.approved) target.authorizations.push(authorization.id);
    const decision = authorization.request_history.at(-1);
    return `${amount} ${authorization.approved ? 'approved' : `declined (${decision?.reason})`}`;
  }

  /** The payout's newest card, once it has one that Stripe knows. */
  private async card({ id }: PlayedPayout): Promise<string> {
    const look = async () => {
      const { status } = await this.scenario.payout(id);
      const cards = await this.cardsOf(id);
      const card = cards.find((each) => each.stripe_card_id);
      const isComing = ['pending', 'funding', 'issuing'].includes(status);
      return isComing ? false : { stripeCardId: String(card?.stripe_card_id ?? 'none') };
    };
    const what = `${id} to have a card`;
    // Where no bank is asked, a day at Stripe would only make it forget the keys of calls that are still being repeated.
    const found = await (this.seller.country === 'US'
      ? waitFor(what, look, 60_000)
      : this.scenario.acrossBankDays(this.seller, what, look));
    return found.stripeCardId;
  }

  private async transactions(target: PlayedPayout, type: string): Promise<string[]> {
    const found: string[] = [];
    for (const card of await this.cardsOf(target.id)) {
      if (!card.stripe_card_id) continue;
      const path = `/v1/issuing/transactions?card=${card.stripe_card_id}&type=${type}&limit=100`;
      for (const each of (await this.scenario.stripe.get(path, this.seller.stripeAccount)).data) found.push(each.id);
    }
    return found.toReversed();
  }

  private issuing(path: string, params: Record<string, string | number | boolean>): Promise<Json> {
    return this.scenario.stripe.post(`/v1/test_helpers/issuing/${path}`, params, this.seller.stripeAccount);
  }

  private async statuses(): Promise<string> {
    const all = await Promise.all(this.played.map(({ id }) => this.scenario.payout(id)));
    return all.map(({ status }) => status).join(', ');
  }
}

function newest(ids: readonly string[], which: number): string {
  return ids.at(-1 - (which % Math.max(1, ids.length))) ?? 'none';
}

function ignoreRefusal(error: unknown): void {
  if (!(error instanceof HttpFailure && error.status >= 400 && error.status < 500)) throw error;
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
  );
}
