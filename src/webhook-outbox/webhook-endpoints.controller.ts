import { Body, Controller, Delete, Get, HttpCode, Param, Post, Query, Req } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import type { FastifyRequest } from 'fastify';
import { Idempotency } from '../platform/http/idempotency.service';
import { ApiPage, Page, PageQuery, toPage } from '../platform/http/page.dto';
import { Refuses } from '../platform/http/refuses.decorator';
import { Roles } from '../platform/http/roles.decorator';
import { toWebhookDeliveryView, WebhookDeliveryView } from './webhook-delivery.dto';
import {
  CreateWebhookEndpointRequest,
  RotateSecretRequest,
  toWebhookEndpointView,
  WebhookEndpointView,
} from './webhook-endpoint.dto';
import { MadeWebhookEndpoint, WebhookEndpointsService } from './webhook-endpoints.service';

@ApiTags('Webhook endpoints')
@Controller('v1/webhook-endpoints')
export class WebhookEndpointsController {
  constructor(
    private readonly endpoints: WebhookEndpointsService,
    private readonly idempotency: Idempotency,
  ) {}

  /** Listens from now on. The answer shows the signing secret once. */
  @Post()
  @Roles('marketplace')
  @Refuses(422, 'webhook_url_refused', 'too_many_webhook_endpoints')
  async create(
    @Req() request: FastifyRequest,
    @Body() body: CreateWebhookEndpointRequest,
  ): Promise<WebhookEndpointView> {
    return this.idempotency.run(
      request,
      201,
      async (tx) =>
        withSecret(
          await this.endpoints.create(tx, {
            url: body.url,
            eventTypes: body.event_types ?? [],
            description: body.description ?? null,
          }),
        ),
      { secretFields: ['secret'] },
    );
  }

  /** All endpoints, newest first, without their secrets. */
  @Get()
  @ApiPage(WebhookEndpointView)
  @Roles('marketplace', 'finance', 'auditor')
  async list(@Query() query: PageQuery): Promise<Page<WebhookEndpointView>> {
    return toPage(await this.endpoints.list(query.limit, query.starting_after), query.limit, toWebhookEndpointView);
  }

  /** One endpoint, without its secret. */
  @Get(':id')
  @Roles('marketplace', 'finance', 'auditor')
  async get(@Param('id') id: string): Promise<WebhookEndpointView> {
    return toWebhookEndpointView(await this.endpoints.get(id));
  }

  /** Stops sending there. What still waits is canceled. */
  @Delete(':id')
  @Roles('marketplace')
  async delete(@Req() request: FastifyRequest, @Param('id') id: string): Promise<WebhookEndpointView> {
    return this.idempotency.run(request, 200, async (tx) => toWebhookEndpointView(await this.endpoints.delete(tx, id)));
  }

  /** Makes a new signing secret, shown once. The old one signs beside it for `overlap_seconds`. */
  @Post(':id/rotate-secret')
  @HttpCode(200)
  @Roles('marketplace')
  async rotateSecret(
    @Req() request: FastifyRequest,
    @Param('id') id: string,
    @Body() body: RotateSecretRequest,
  ): Promise<WebhookEndpointView> {
    return this.idempotency.run(
      request,
      200,
      async (tx) => withSecret(await this.endpoints.rotateSecret(tx, id, body.overlap_seconds)),
      { secretFields: ['secret'] },
    );
  }

  /** Sends there again after it was disabled. */
  @Post(':id/enable')
  @HttpCode(200)
  @Roles('marketplace')
  async enable(@Req() request: FastifyRequest, @Param('id') id: string): Promise<WebhookEndpointView> {
    return this.idempotency.run(request, 200, async (tx) => toWebhookEndpointView(await this.endpoints.enable(tx, id)));
  }

  /** Sends a `webhook_endpoint.test` event there and nowhere else. */
  @Post(':id/test')
  @HttpCode(202)
  @Roles('marketplace')
  @Refuses(409, 'webhook_endpoint_not_enabled')
  async test(@Req() request: FastifyRequest, @Param('id') id: string): Promise<WebhookDeliveryView> {
    return this.idempotency.run(request, 202, async (tx) =>
      toWebhookDeliveryView(await this.endpoints.sendTest(tx, id)),
    );
  }
}

function withSecret({ endpoint, secret }: MadeWebhookEndpoint): WebhookEndpointView {
  return { ...toWebhookEndpointView(endpoint), secret };
}
