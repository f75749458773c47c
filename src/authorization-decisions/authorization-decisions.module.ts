import { Module } from '@nestjs/common';
import { StripeModule } from '../stripe/stripe.module';
import { AuthorizationDecisionsRepository } from './authorization-decisions.repository';
import { AuthorizationDecisionsService } from './authorization-decisions.service';
import { AuthorizationRequestsController } from './authorization-requests.controller';

/** Answers Stripe in time: one question, one round trip to the database, one answer. */
@Module({
  imports: [StripeModule],
  controllers: [AuthorizationRequestsController],
  providers: [AuthorizationDecisionsService, AuthorizationDecisionsRepository],
  exports: [AuthorizationDecisionsService],
})
export class AuthorizationDecisionsModule {}
