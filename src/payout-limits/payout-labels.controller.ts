import { Body, Controller, Get, Param, Put, Query, Req } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import type { FastifyRequest } from 'fastify';
import { Idempotency } from '../platform/http/idempotency.service';
import { ApiPage, Page, PageQuery, toPage } from '../platform/http/page.dto';
import { Roles } from '../platform/http/roles.decorator';
import { PayoutLabelView, PutPayoutLabelDto, toPayoutLabelView } from './payout-label.dto';
import { PayoutLabelNotFound } from './payout-limit.errors';
import { labelShape } from './payout-limit.types';
import { PayoutLimitsService } from './payout-limits.service';

@ApiTags('Payout labels')
@Controller('v1/payout-labels')
export class PayoutLabelsController {
  constructor(
    private readonly limits: PayoutLimitsService,
    private readonly idempotency: Idempotency,
  ) {}

  /** Labels in alphabetical order, those that payouts brought with them included. */
  @Get()
  @ApiPage(PayoutLabelView)
  @Roles('marketplace', 'finance', 'auditor')
  async list(@Query() query: PageQuery): Promise<Page<PayoutLabelView>> {
    const labels = await this.limits.listLabels(query.limit, query.starting_after);
    return toPage(
      labels.map((each) => ({ ...each, id: each.label })),
      query.limit,
      toPayoutLabelView,
    );
  }

  /** One label. */
  @Get(':label')
  @Roles('marketplace', 'finance', 'auditor')
  async get(@Param('label') label: string): Promise<PayoutLabelView> {
    return toPayoutLabelView(await this.limits.getLabel(label));
  }

  /** Makes a label, or sets its limits anew. They hold from the next payout on. */
  @Put(':label')
  @Roles('marketplace', 'finance')
  async put(
    @Req() request: FastifyRequest,
    @Param('label') label: string,
    @Body() body: PutPayoutLabelDto,
  ): Promise<PayoutLabelView> {
    // A name that no payout can carry is no label.
    if (!labelShape.test(label)) throw new PayoutLabelNotFound(label);
    const limits = {
      dailyLimitMinor: body.daily_limit === undefined ? null : BigInt(body.daily_limit),
      openPayoutsLimit: body.open_payouts_limit ?? null,
    };
    return this.idempotency.run(request, 200, async (tx) =>
      toPayoutLabelView(await this.limits.putLabel(tx, label, limits)),
    );
  }
}
