import { Body, Controller, Get, HttpCode, Param, Post, Query, Req } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import type { FastifyRequest } from 'fastify';
import { Idempotency } from '../platform/http/idempotency.service';
import { toPage } from '../platform/http/page.dto';
import { MarkedRequest } from '../platform/http/request.types';
import { Roles } from '../platform/http/roles.decorator';
import { Clock } from '../shared/clock';
import { AftercareService } from './aftercare.service';
import {
  AftercareItemPage,
  AftercareItemsQuery,
  AftercareItemView,
  CardTransactionPage,
  CardTransactionsQuery,
  CardTransactionView,
  SettleAftercareItemDto,
  toAftercareItemView,
  toCardTransactionView,
} from './card-transaction.dto';
import { CardTransactionsService } from './card-transactions.service';

@ApiTags('Card transactions')
@Controller('v1')
export class CardTransactionsController {
  constructor(
    private readonly cardTransactions: CardTransactionsService,
    private readonly aftercare: AftercareService,
    private readonly idempotency: Idempotency,
    private readonly clock: Clock,
  ) {}

  @Get('card-transactions')
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

  @Get('card-transactions/:id')
  @Roles('marketplace', 'finance', 'auditor')
  async get(@Param('id') id: string): Promise<CardTransactionView> {
    return toCardTransactionView(await this.cardTransactions.get(id));
  }

  /** Card transactions that finance looks after: those of closed payouts, those beyond the payout, and their refunds. */
  @Get('aftercare-items')
  @Roles('finance', 'auditor')
  async listAftercare(@Query() query: AftercareItemsQuery): Promise<AftercareItemPage> {
    const rows = await this.cardTransactions.list({
      isAftercare: true,
      payoutId: query.payout,
      connectedAccountId: query.connected_account,
      startingAfter: query.starting_after,
      limit: query.limit,
    });
    const settlements = await this.aftercare.settlementsOf(rows.map((row) => row.id));
    const now = this.clock.now();
    return toPage(rows, query.limit, (row) => toAftercareItemView(row, settlements.get(row.id), now));
  }

  /** Ends what the seller owes for an overspend: collected outside Stripe, or written off. */
  @Post('aftercare-items/:id/settle')
  @HttpCode(200)
  @Roles('finance')
  async settle(
    @Req() request: FastifyRequest,
    @Param('id') id: string,
    @Body() body: SettleAftercareItemDto,
  ): Promise<AftercareItemView> {
    const apiKeyId = (request as MarkedRequest).apiKey!.id;
    return this.idempotency.run(request, 200, async (tx) => {
      const { item, settlement } = await this.aftercare.settle(tx, id, { ...body, apiKeyId });
      return toAftercareItemView(item, settlement, this.clock.now());
    });
  }
}
