import { Controller, Get, HttpCode, Param, Post, Query, Req } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import type { FastifyRequest } from 'fastify';
import { Idempotency } from '../platform/http/idempotency.service';
import { ApiPage, Page, toPage } from '../platform/http/page.dto';
import { Refuses } from '../platform/http/refuses.decorator';
import { Roles } from '../platform/http/roles.decorator';
import { WebhookDeliveriesService } from './webhook-deliveries.service';
import { ListWebhookDeliveriesQuery, toWebhookDeliveryView, WebhookDeliveryView } from './webhook-delivery.dto';

@ApiTags('Webhook deliveries')
@Controller('v1/webhook-deliveries')
export class WebhookDeliveriesController {
  constructor(
    private readonly deliveries: WebhookDeliveriesService,
    private readonly idempotency: Idempotency,
  ) {}

  /** Each event on its way to each endpoint, with every try. */
  @Get()
  @ApiPage(WebhookDeliveryView)
  @Roles('marketplace', 'finance', 'auditor')
  async list(@Query() query: ListWebhookDeliveriesQuery): Promise<Page<WebhookDeliveryView>> {
    const filter = { endpointId: query.endpoint, eventId: query.event, status: query.status };
    return toPage(
      await this.deliveries.list(filter, query.limit, query.starting_after),
      query.limit,
      toWebhookDeliveryView,
    );
  }

  /** One event on its way to one endpoint. */
  @Get(':id')
  @Roles('marketplace', 'finance', 'auditor')
  async get(@Param('id') id: string): Promise<WebhookDeliveryView> {
    return toWebhookDeliveryView(await this.deliveries.get(id));
  }

  /** Sends it again, whatever became of it. */
  @Post(':id/redeliver')
  @HttpCode(202)
  @Roles('marketplace')
  @Refuses(409, 'webhook_endpoint_not_enabled')
  async redeliver(@Req() request: FastifyRequest, @Param('id') id: string): Promise<WebhookDeliveryView> {
    return this.idempotency.run(request, 202, async (tx) =>
      toWebhookDeliveryView(await this.deliveries.redeliver(tx, id)),
    );
  }
}
