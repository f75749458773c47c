import { Controller, Headers, HttpCode, Post, Req } from '@nestjs/common';
import { ApiExcludeController } from '@nestjs/swagger';
import type { MarkedRequest } from '../platform/http/request.types';
import { Public } from '../platform/http/roles.decorator';
import { StripeEventMalformed } from './webhook-inbox.errors';
import { WebhookInboxService } from './webhook-inbox.service';

@Controller('webhooks/stripe')
@ApiExcludeController()
export class WebhookInboxController {
  constructor(private readonly inbox: WebhookInboxService) {}

  /** All events of the account and Connect endpoints. Answers as soon as the event is stored. */
  @Post()
  @Public()
  @HttpCode(200)
  async receive(
    @Req() request: MarkedRequest,
    @Headers('stripe-signature') signature: string | undefined,
  ): Promise<{ received: true }> {
    const { rawBody } = request;
    if (!rawBody) throw new StripeEventMalformed();
    await this.inbox.receive(rawBody, signature);
    return { received: true };
  }
}
