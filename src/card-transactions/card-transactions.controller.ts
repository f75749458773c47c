import { Controller, Get, Param, Query } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { toPage } from '../platform/http/page.dto';
import { Roles } from '../platform/http/roles.decorator';
import {
  CardTransactionPage,
  CardTransactionsQuery,
  CardTransactionView,
  toCardTransactionView,
} from './card-transaction.dto';
import { CardTransactionsService } from './card-transactions.service';

@ApiTags('Card transactions')
@Controller('v1/card-transactions')
export class CardTransactionsController {
  constructor(private readonly cardTransactions: CardTransactionsService) {}

  /** Captures and refunds, newest first. */
  @Get()
  @Roles('marketplace', 'finance', 'auditor')
  async list(@Query() query: CardTransactionsQuery): Promise<CardTransactionPage> {
    const rows = await this.cardTransactions.list({
      payoutId: query.payout,
      cardId: query.card,
      authorizationId: query.authorization,
      connectedAccountId: query.connected_account,
      type: query.type,
      createdFrom: query.created_from === undefined ? undefined : new Date(query.created_from),
      createdTo: query.created_to === undefined ? undefined : new Date(query.created_to),
      startingAfter: query.starting_after,
      limit: query.limit,
    });
    return toPage(rows, query.limit, toCardTransactionView);
  }

  /** One capture or refund. */
  @Get(':id')
  @Roles('marketplace', 'finance', 'auditor')
  async get(@Param('id') id: string): Promise<CardTransactionView> {
    return toCardTransactionView(await this.cardTransactions.get(id));
  }
}
