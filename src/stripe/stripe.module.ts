import { Module } from '@nestjs/common';
import { StripeCallsService } from './stripe-calls.service';
import { StripeGateway } from './stripe-gateway.service';

/** The one door to Stripe. */
@Module({
  providers: [StripeCallsService, StripeGateway],
  exports: [StripeCallsService, StripeGateway],
})
export class StripeModule {}
