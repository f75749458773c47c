import { Injectable } from '@nestjs/common';
import { Config } from '../platform/config/config';
import { Database, Tx } from '../platform/database/database';
import { Clock } from '../shared/clock';
import { add, Currency, Money, money } from '../shared/money';
import {
  KeyDailyLimitExceeded,
  LabelDailyLimitExceeded,
  LabelOpenLimitReached,
  LabelRetired,
  PayoutAmountLimitExceeded,
  PayoutLabelNotFound,
  SellerDailyLimitExceeded,
} from './payout-limit.errors';
import { dayOf } from './payout-limit.policy';
import { PayoutAdmission, PayoutLabel } from './payout-limit.types';
import { DailyLimit, PayoutLimitsRepository } from './payout-limits.repository';

// A marketplace pays with few keys: as many payouts of one may commit at a time as it has slots. Sellers and labels are many.
const keySlots = 16;
const keptDays = 7;

/**
 * How much may be promised: by one payout, to a seller, with a key, and under a label in one UTC day. What is promised counts, also when
 * it is canceled or rejected later: the limits are there for keys that leaked and loops that ran away.
 */
@Injectable()
export class PayoutLimitsService {
  constructor(
    private readonly repository: PayoutLimitsRepository,
    private readonly database: Database,
    private readonly config: Config,
    private readonly clock: Clock,
  ) {}

  /** @throws {PayoutAmountLimitExceeded} */
  assertAmount(amount: Money): void {
    const limitMinor = this.config.payoutLimitMinor[amount.currency];
    if (limitMinor !== undefined && amount.amountMinor > limitMinor) {
      throw new PayoutAmountLimitExceeded(money(limitMinor, amount.currency));
    }
  }

  /** Payouts above this wait for another key; undefined: none does. Minor units. */
  approvalThreshold(currency: Currency): bigint | undefined {
    return this.config.payoutApprovalAboveMinor[currency];
  }

  /**
   * Counts payouts against every limit in the caller's transaction: they are counted exactly when they commit, and where together they
   * are too much, none is admitted.
   * @param countOpenOfLabel payouts of a label that have not ended, these not counted; asked only where the label has such a limit, its
   *   row locked
   * @throws {PayoutAmountLimitExceeded | SellerDailyLimitExceeded | KeyDailyLimitExceeded}
   * @throws {LabelRetired | LabelOpenLimitReached | LabelDailyLimitExceeded}
   */
  async admit(
    tx: Tx,
    admissions: readonly PayoutAdmission[],
    countOpenOfLabel: (label: string) => Promise<number>,
  ): Promise<void> {
    const { day, renewsAt } = dayOf(this.clock.now());
    for (const { amount } of admissions) this.assertAmount(amount);
    // Sellers, keys, labels, each by name: everybody takes them in this order.
    for (const { subject, amount } of sumsBy(admissions, ({ connectedAccountId }) => connectedAccountId)) {
      await this.take(
        tx,
        { scope: 'seller', subject, slots: 1, day },
        this.config.sellerDailyLimitMinor[amount.currency],
        amount,
        (limit, remainingMinor) => new SellerDailyLimitExceeded(limit, remainingMinor, renewsAt),
      );
    }
    for (const { subject, amount } of sumsBy(admissions, ({ keyFamilyId }) => keyFamilyId)) {
      await this.take(
        tx,
        { scope: 'key', subject, slots: keySlots, day },
        this.config.keyDailyLimitMinor[amount.currency],
        amount,
        (limit, remainingMinor) => new KeyDailyLimitExceeded(limit, remainingMinor, renewsAt),
      );
    }
    const labeled = admissions.filter(({ label }) => label !== null);
    for (const [label, ofLabel] of groupedBy(labeled, (each) => each.label!)) {
      const { dailyLimitMinor } = await this.admitOpen(tx, label, ofLabel.length, countOpenOfLabel);
      for (const { subject, amount } of sumsBy(ofLabel, () => label)) {
        await this.take(
          tx,
          { scope: 'label', subject, slots: 1, day },
          dailyLimitMinor ?? undefined,
          amount,
          (limit, remainingMinor) => new LabelDailyLimitExceeded(limit, remainingMinor, renewsAt),
        );
      }
    }
  }

  /** @throws {PayoutLabelNotFound} */
  async getLabel(label: string, tx: Tx = this.database.reader): Promise<PayoutLabel> {
    const found = await this.repository.findLabel(tx, label);
    if (!found) throw new PayoutLabelNotFound(label);
    return found;
  }

  /** Alphabetical, one more than `limit` when there are more. */
  async listLabels(limit: number, startingAfter?: string): Promise<PayoutLabel[]> {
    return this.repository.listLabels(this.database.reader, limit, startingAfter);
  }

  /** Makes or changes a label; what is null has no limit. Says nothing about payouts that are open already. */
  async putLabel(
    tx: Tx,
    label: string,
    limits: { dailyLimitMinor: bigint | null; openPayoutsLimit: number | null },
  ): Promise<PayoutLabel> {
    const now = this.clock.now();
    const before = await this.repository.lockLabelAlone(tx, label, now);
    await this.repository.updateLabel(tx, label, { ...limits, updatedAt: now });
    return { ...before, ...limits, updatedAt: now };
  }

  /**
   * From the commit on nothing new is paid under the label: payouts that were being accepted are there by now, later ones are refused.
   * A second time changes nothing.
   * @throws {PayoutLabelNotFound}
   */
  async retireLabel(tx: Tx, label: string): Promise<PayoutLabel> {
    const now = this.clock.now();
    if (!(await this.repository.findLabel(tx, label))) throw new PayoutLabelNotFound(label);
    const before = await this.repository.lockLabelAlone(tx, label, now);
    if (before.retiredAt) return before;
    await this.repository.updateLabel(tx, label, { retiredAt: now, updatedAt: now });
    return { ...before, retiredAt: now, updatedAt: now };
  }

  /** Forgets the counts of days long over. */
  async purge(): Promise<void> {
    const before = new Date(this.clock.now().getTime() - keptDays * 24 * 60 * 60_000);
    await this.repository.forgetBefore(this.database.reader, dayOf(before).day);
  }

  private async admitOpen(
    tx: Tx,
    name: string,
    more: number,
    countOpen: (label: string) => Promise<number>,
  ): Promise<PayoutLabel> {
    const now = this.clock.now();
    // Looked at first, since a lock cannot be made stronger: two that tried would wait for each other. A limit that is set in this very
    // moment counts from the next payout on.
    const isLimited = (await this.repository.findLabel(tx, name))?.openPayoutsLimit != null;
    const label = isLimited
      ? await this.repository.lockLabelAlone(tx, name, now)
      : await this.repository.lockLabel(tx, name, now);
    if (label.retiredAt) throw new LabelRetired(name);
    if (isLimited && label.openPayoutsLimit !== null && (await countOpen(name)) + more > label.openPayoutsLimit) {
      throw new LabelOpenLimitReached(name, label.openPayoutsLimit);
    }
    return label;
  }

  private async take(
    tx: Tx,
    whose: Omit<DailyLimit, 'limitMinor'>,
    limitMinor: bigint | undefined,
    amount: Money,
    refusal: (limit: Money, remainingMinor: bigint) => Error,
  ): Promise<void> {
    if (limitMinor === undefined) return;
    const remainingMinor = await this.repository.take(tx, { ...whose, limitMinor }, amount);
    if (remainingMinor !== null) throw refusal(money(limitMinor, amount.currency), remainingMinor);
  }
}

/** By name, in the order of names. */
function groupedBy<Each>(all: readonly Each[], nameOf: (each: Each) => string): [string, Each[]][] {
  return [...Map.groupBy(all, nameOf)].sort(([a], [b]) => (a < b ? -1 : 1));
}

/** What is asked for of each subject, by currency, in the order of their names. */
function sumsBy(
  admissions: readonly PayoutAdmission[],
  subjectOf: (admission: PayoutAdmission) => string,
): { subject: string; amount: Money }[] {
  return groupedBy(admissions, (each) => `${subjectOf(each)} ${each.amount.currency}`).map(([, group]) => ({
    subject: subjectOf(group[0]!),
    amount: group.map(({ amount }) => amount).reduce(add),
  }));
}
