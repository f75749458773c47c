import { Injectable } from '@nestjs/common';
import { CardNotReplaceable } from '../card-issuance/card.errors';
import { CardIssuanceService } from '../card-issuance/card-issuance.service';
import { PayoutLabel } from '../payout-limits/payout-limit.types';
import { PayoutLimitsService } from '../payout-limits/payout-limits.service';
import { PayoutNotCancelable } from '../payouts/payout.errors';
import { PayoutsService } from '../payouts/payouts.service';
import { Database, Tx } from '../platform/database/database';
import { Jobs } from '../platform/jobs/jobs.service';
import { newId } from '../shared/ids';

const perJob = 100;

/** What is done to all payouts of a label: one call, then payout by payout behind the answer. */
@Injectable()
export class PayoutLabelActsService {
  constructor(
    private readonly limits: PayoutLimitsService,
    private readonly payouts: PayoutsService,
    private readonly cardIssuance: CardIssuanceService,
    private readonly database: Database,
    private readonly jobs: Jobs,
  ) {}

  /**
   * Ends a label: nothing new is paid under it from the commit on, and every payout of it that can be canceled is. One that is
   * authorized stays: its money is at a merchant.
   * @throws {PayoutLabelNotFound}
   */
  async retire(tx: Tx, label: string): Promise<PayoutLabel> {
    const retired = await this.limits.retireLabel(tx, label);
    await this.jobs.enqueue(tx, 'cancel-payouts-of-label', { label, after: '' });
    return retired;
  }

  /**
   * Replaces the unused card of every ready payout of a label, so that numbers that were seen are worth nothing.
   * @throws {PayoutLabelNotFound}
   */
  async rotate(tx: Tx, label: string): Promise<PayoutLabel> {
    const found = await this.limits.getLabel(label, tx);
    // Ids sort by the time they were made: a card that comes while this goes on is new already.
    await this.jobs.enqueue(tx, 'rotate-cards-of-label', { label, after: '', until: newId('card') });
    return found;
  }

  async cancelFrom(label: string, after: string): Promise<void> {
    const payouts = await this.payouts.listOpenOfLabel(label, perJob, after);
    for (const { id } of payouts) {
      try {
        await this.database.transaction((tx) => this.payouts.cancel(tx, id));
      } catch (error) {
        // It ended, or was used, a moment ago.
        if (!(error instanceof PayoutNotCancelable)) throw error;
      }
    }
    await this.goOn('cancel-payouts-of-label', { label }, payouts);
  }

  async rotateFrom(label: string, after: string, until: string): Promise<void> {
    const payouts = await this.payouts.listOpenOfLabel(label, perJob, after);
    for (const { cardId, status } of payouts) {
      if (status !== 'ready' || cardId === null || cardId > until) continue;
      try {
        await this.database.transaction((tx) => this.cardIssuance.replace(tx, cardId));
      } catch (error) {
        // It was used, canceled or replaced a moment ago.
        if (!(error instanceof CardNotReplaceable)) throw error;
      }
    }
    await this.goOn('rotate-cards-of-label', { label, until }, payouts);
  }

  private async goOn(job: string, data: object, payouts: readonly { id: string }[]): Promise<void> {
    const last = payouts.at(-1);
    if (payouts.length < perJob || !last) return;
    await this.database.transaction((tx) => this.jobs.enqueue(tx, job, { ...data, after: last.id }));
  }
}
