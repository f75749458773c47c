import { Module } from '@nestjs/common';
import { DiscoveryModule } from '@nestjs/core';
import { TypeOrmModule } from '@nestjs/typeorm';
import { StripeBudget } from './stripe-budget';
import { StripeCallFinder } from './stripe-call-finder';
import { StripeCallHandlers } from './stripe-call-handlers';
import { StripeCallMetrics } from './stripe-call-metrics';
import { StripeCallPerformer } from './stripe-call-performer';
import { StripeCallSender } from './stripe-call-sender';
import { StripeCall } from './stripe-call.entity';
import { StripeCallsJobs } from './stripe-calls.jobs';
import { StripeCallsRepository } from './stripe-calls.repository';
import { StripeCallsService } from './stripe-calls.service';
import { StripeCardReveal } from './stripe-card-reveal';
import { StripeClient } from './stripe-client';
import { StripeGateway } from './stripe-gateway.service';

/** The one door to Stripe. */
@Module({
  imports: [DiscoveryModule, TypeOrmModule.forFeature([StripeCall])],
  providers: [
    StripeBudget,
    StripeClient,
    StripeCallsRepository,
    StripeCallSender,
    StripeCallFinder,
    StripeCallHandlers,
    StripeCallPerformer,
    StripeCallsJobs,
    StripeCallMetrics,
    StripeCallsService,
    StripeGateway,
    StripeCardReveal,
  ],
  exports: [StripeCallsService, StripeGateway, StripeCardReveal],
})
export class StripeModule {}
