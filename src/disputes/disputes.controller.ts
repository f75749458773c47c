import { Controller, Get, Param, Query } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { toPage } from '../platform/http/page.dto';
import { Roles } from '../platform/http/roles.decorator';
import { DisputePage, DisputesQuery, DisputeView, toDisputeView } from './dispute.dto';
import { DisputesService } from './disputes.service';

/** Disputes are opened at Stripe; here they are followed. */
@ApiTags('Disputes')
@Controller('v1/disputes')
export class DisputesController {
  constructor(private readonly disputes: DisputesService) {}

  /** Disputes, newest first. */
  @Get()
  @Roles('marketplace', 'finance', 'auditor')
  async list(@Query() query: DisputesQuery): Promise<DisputePage> {
    const rows = await this.disputes.list({
      payoutId: query.payout,
      connectedAccountId: query.connected_account,
      status: query.status,
      startingAfter: query.starting_after,
      limit: query.limit,
    });
    return toPage(rows, query.limit, toDisputeView);
  }

  /** One dispute. */
  @Get(':id')
  @Roles('marketplace', 'finance', 'auditor')
  async get(@Param('id') id: string): Promise<DisputeView> {
    return toDisputeView(await this.disputes.get(id));
  }
}
