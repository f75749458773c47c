import { Body, Controller, Get, HttpCode, Param, Post, Query, Req } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import type { FastifyRequest } from 'fastify';
import { Idempotency } from '../platform/http/idempotency.service';
import { toPage } from '../platform/http/page.dto';
import { MarkedRequest } from '../platform/http/request.types';
import { Refuses } from '../platform/http/refuses.decorator';
import { Roles } from '../platform/http/roles.decorator';
import { Clock } from '../shared/clock';
import {
  AftercareItemPage,
  AftercareItemsQuery,
  AftercareItemView,
  SettleAftercareItemDto,
  toAftercareItemView,
} from './aftercare.dto';
import { AftercareService } from './aftercare.service';

@ApiTags('Aftercare')
@Controller('v1/aftercare-items')
export class AftercareController {
  constructor(
    private readonly aftercare: AftercareService,
    private readonly idempotency: Idempotency,
    private readonly clock: Clock,
  ) {}

  /** What finance looks after: card transactions of closed payouts or beyond a payout, their refunds, and disputes that came after. */
  @Get()
  @Roles('finance', 'auditor')
  async list(@Query() query: AftercareItemsQuery): Promise<AftercareItemPage> {
    const items = await this.aftercare.list({
      payoutId: query.payout,
      connectedAccountId: query.connected_account,
      startingAfter: query.starting_after,
      limit: query.limit,
    });
    const settlements = await this.aftercare.settlementsOf(items.map((item) => item.id));
    const now = this.clock.now();
    return toPage(items, query.limit, (item) => toAftercareItemView(item, settlements.get(item.id), now));
  }

  /** Ends what the seller owes for an overspend: collected outside Stripe, or written off. */
  @Post(':id/settle')
  @HttpCode(200)
  @Roles('finance')
  @Refuses(409, 'nothing_to_settle', 'aftercare_item_already_settled', 'overspend_not_covered_yet')
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
