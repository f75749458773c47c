import { Injectable } from '@nestjs/common';
import { Interval } from '@nestjs/schedule';
import { ConnectedAccountUpdated } from '../connected-accounts/connected-account.events';
import type { Tx } from '../platform/database/database';
import { On } from '../platform/events/on.decorator';
import { Job } from '../platform/jobs/job.decorator';
import { Jobs } from '../platform/jobs/jobs.service';
import { OnStripeCall } from '../stripe/on-stripe-call.decorator';
import type { SettledStripeCall } from '../stripe/stripe-call.types';
import { CardIssuanceService } from './card-issuance.service';

const checkIntervalMs = 60_000;

@Injectable()
export class CardIssuanceJobs {
  constructor(
    private readonly cardIssuance: CardIssuanceService,
    private readonly jobs: Jobs,
  ) {}

  @OnStripeCall('card.create')
  async afterCreate(tx: Tx, call: SettledStripeCall<'card.create'>): Promise<void> {
    await this.cardIssuance.settleCreate(tx, call);
  }

  @OnStripeCall('card.update')
  async afterUpdate(tx: Tx, call: SettledStripeCall<'card.update'>): Promise<void> {
    await this.cardIssuance.settleUpdate(tx, call);
  }

  @On(ConnectedAccountUpdated)
  async afterAccountUpdate({ connectedAccountId }: ConnectedAccountUpdated): Promise<void> {
    await this.cardIssuance.followSuspension(connectedAccountId);
  }

  @Job('check-card')
  async check({ cardId }: { cardId: string }): Promise<void> {
    await this.cardIssuance.refresh(cardId);
  }

  @Job('check-overdue-cancels')
  async checkOverdueCancels(): Promise<void> {
    await this.cardIssuance.enqueueChecks();
  }

  @Interval(checkIntervalMs)
  async scheduleChecks(): Promise<void> {
    await this.jobs.enqueueSingleton('check-overdue-cancels');
  }
}
