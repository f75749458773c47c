import { Controller, Get, Param, Query } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { ApiPage, Page, toPage } from '../platform/http/page.dto';
import { Roles } from '../platform/http/roles.decorator';
import { OutboxService } from './outbox.service';
import { ListEventsQuery, OutgoingEventView, toOutgoingEventView } from './outgoing-event.dto';

@ApiTags('Events')
@Controller('v1/events')
export class EventsController {
  constructor(private readonly outbox: OutboxService) {}

  /** What we said, newest first, whether or not anybody listened. */
  @Get()
  @Roles('marketplace', 'finance', 'auditor')
  @ApiPage(OutgoingEventView)
  async list(@Query() query: ListEventsQuery): Promise<Page<OutgoingEventView>> {
    const filter = { type: query.type, payoutId: query.payout, connectedAccountId: query.connected_account };
    return toPage(await this.outbox.list(filter, query.limit, query.starting_after), query.limit, toOutgoingEventView);
  }

  /** One event, as it was or will be delivered. */
  @Get(':id')
  @Roles('marketplace', 'finance', 'auditor')
  async get(@Param('id') id: string): Promise<OutgoingEventView> {
    return toOutgoingEventView(await this.outbox.get(id));
  }
}
