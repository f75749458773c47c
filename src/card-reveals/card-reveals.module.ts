import { Module } from '@nestjs/common';
import { CardIssuanceModule } from '../card-issuance/card-issuance.module';
import { ConnectedAccountsModule } from '../connected-accounts/connected-accounts.module';
import { PayoutsModule } from '../payouts/payouts.module';
import { StripeModule } from '../stripe/stripe.module';
import { CardRevealsController } from './card-reveals.controller';
import { CardRevealsService } from './card-reveals.service';

/** Cards shown to backends in the PCI scope, as JWE. Off unless the operator says so. */
@Module({
  imports: [StripeModule, ConnectedAccountsModule, CardIssuanceModule, PayoutsModule],
  controllers: [CardRevealsController],
  providers: [CardRevealsService],
})
export class CardRevealsModule {}
