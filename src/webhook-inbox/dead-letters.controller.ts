import { Controller, Get, HttpCode, Param, Post, Query, Req } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import type { FastifyRequest } from 'fastify';
import { Idempotency } from '../platform/http/idempotency.service';
import { PageQuery, toPage } from '../platform/http/page.dto';
import { Refuses } from '../platform/http/refuses.decorator';
import { Roles } from '../platform/http/roles.decorator';
import { DeadLetterPage, DeadLetterView, toDeadLetterView } from './dead-letter.dto';
import { WebhookInboxService } from './webhook-inbox.service';

@Controller('v1/dead-letters')
@ApiTags('Dead letters')
export class DeadLettersController {
  constructor(
    private readonly inbox: WebhookInboxService,
    private readonly idempotency: Idempotency,
  ) {}

  /** Stripe events that could not be handled, newest first. */
  @Get()
  @Roles('finance', 'auditor')
  async list(@Query() query: PageQuery): Promise<DeadLetterPage> {
    const rows = await this.inbox.listDeadLetters(query.limit + 1, query.starting_after);
    return toPage(rows, query.limit, toDeadLetterView);
  }

  /** Hands the event to its handlers again, with all its attempts. */
  @Post(':id/retry')
  @Roles('finance')
  @HttpCode(202)
  @Refuses(409, 'dead_letter_not_retryable')
  async retry(@Req() request: FastifyRequest, @Param('id') id: string): Promise<DeadLetterView> {
    return this.idempotency.run(request, 202, async (tx) => toDeadLetterView(await this.inbox.retryDeadLetter(tx, id)));
  }
}
