import { Module } from '@nestjs/common';
import { ConnectedAccountsModule } from '../connected-accounts/connected-accounts.module';
import { ReportsController } from './reports.controller';
import { ReportsRepository } from './reports.repository';
import { ReportsService } from './reports.service';
import { SellerStatementsController } from './seller-statements.controller';
import { SellerStatementsRepository } from './seller-statements.repository';
import { SellerStatementsService } from './seller-statements.service';

/** What finance reads: JSON and CSV from views over the ledger. */
@Module({
  imports: [ConnectedAccountsModule],
  controllers: [ReportsController, SellerStatementsController],
  providers: [ReportsService, ReportsRepository, SellerStatementsService, SellerStatementsRepository],
  exports: [ReportsService],
})
export class ReportsModule {}
