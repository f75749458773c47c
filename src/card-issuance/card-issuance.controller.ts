import { Controller, Get, HttpCode, Param, Post, Query, Req } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import type { FastifyRequest } from 'fastify';
import { Idempotency } from '../platform/http/idempotency.service';
import { toPage } from '../platform/http/page.dto';
import { Refuses } from '../platform/http/refuses.decorator';
import { Roles } from '../platform/http/roles.decorator';
import { CardPage, CardsQuery, CardView, toCardView } from './card.dto';
import { CardIssuanceService } from './card-issuance.service';

@ApiTags('Cards')
@Controller('v1/cards')
export class CardIssuanceController {
  constructor(
    private readonly cardIssuance: CardIssuanceService,
    private readonly idempotency: Idempotency,
  ) {}

  /** Cards, newest first; dead ones too. */
  @Get()
  @Roles('marketplace', 'finance', 'auditor')
  async list(@Query() query: CardsQuery): Promise<CardPage> {
    const rows = await this.cardIssuance.list({
      payoutId: query.payout,
      connectedAccountId: query.connected_account,
      status: query.status,
      startingAfter: query.starting_after,
      limit: query.limit,
    });
    return toPage(rows, query.limit, toCardView);
  }

  /** One card. Its number and CVC are never here. */
  @Get(':id')
  @Roles('marketplace', 'finance', 'auditor')
  async get(@Param('id') id: string): Promise<CardView> {
    return toCardView(await this.cardIssuance.get(id));
  }

  /** Declines every authorization from now on, and makes the card inactive at Stripe. Can be taken back. */
  @Post(':id/freeze')
  @HttpCode(200)
  @Roles('marketplace')
  @Refuses(409, 'card_not_freezable')
  async freeze(@Req() request: FastifyRequest, @Param('id') id: string): Promise<CardView> {
    return this.idempotency.run(request, 200, async (tx) => toCardView(await this.cardIssuance.freeze(tx, id)));
  }

  /** Takes a freeze back. The card may be used again once its status is `active`. */
  @Post(':id/unfreeze')
  @HttpCode(200)
  @Roles('marketplace')
  @Refuses(409, 'card_not_unfreezable')
  async unfreeze(@Req() request: FastifyRequest, @Param('id') id: string): Promise<CardView> {
    return this.idempotency.run(request, 200, async (tx) => toCardView(await this.cardIssuance.unfreeze(tx, id)));
  }

  /** Cancels the card for good and gives its payout a new one, under a new id, as soon as Stripe has confirmed the cancel. */
  @Post(':id/replace')
  @HttpCode(200)
  @Roles('marketplace')
  @Refuses(409, 'card_not_replaceable')
  async replace(@Req() request: FastifyRequest, @Param('id') id: string): Promise<CardView> {
    return this.idempotency.run(request, 200, async (tx) => toCardView(await this.cardIssuance.replace(tx, id)));
  }
}
