import { Injectable } from '@nestjs/common';
import { Interval } from '@nestjs/schedule';
import { ConnectedAccountUpdated } from '../connected-accounts/connected-account.events';
import type { Tx } from '../platform/database/database';
import { On } from '../platform/events/on.decorator';
import { Job } from '../platform/jobs/job.decorator';
import { Jobs } from '../platform/jobs/jobs.service';
import { OnStripeCall } from '../stripe/on-stripe-call.decorator';
import type { SettledStripeCall } from '../stripe/stripe-call.types';
import { CardholdersService } from './cardholders.service';

const checkIntervalMs = 60_000;

@Injectable()
export class CardholdersJobs {
  constructor(
    private readonly cardholders: CardholdersService,
    private readonly jobs: Jobs,
  ) {}

  @OnStripeCall('cardholder.create')
  async afterCreate(tx: Tx, call: SettledStripeCall<'cardholder.create'>): Promise<void> {
    await this.cardholders.settleCreate(tx, call);
  }

  @OnStripeCall('cardholder.update')
  async afterUpdate(tx: Tx, call: SettledStripeCall<'cardholder.update'>): Promise<void> {
    await this.cardholders.settleUpdate(tx, call);
  }

  @On(ConnectedAccountUpdated)
  async createWaiting(event: ConnectedAccountUpdated): Promise<void> {
    await this.cardholders.createWaiting(event.connectedAccountId);
  }

  @Job('check-cardholder')
  async check({ cardholderId }: { cardholderId: string }): Promise<void> {
    await this.cardholders.refresh(cardholderId);
  }

  @Job('check-cardholders')
  async checkWaiting(): Promise<void> {
    await this.cardholders.enqueueChecks();
  }

  @Interval(checkIntervalMs)
  async scheduleChecks(): Promise<void> {
    await this.jobs.enqueueSingleton('check-cardholders');
  }
}
