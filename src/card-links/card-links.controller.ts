import { Body, Controller, Delete, Get, Param, Post, Query, Req } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import type { FastifyRequest } from 'fastify';
import { Idempotency } from '../platform/http/idempotency.service';
import { ApiPage, PageQuery, toPage } from '../platform/http/page.dto';
import type { Page } from '../platform/http/page.dto';
import { Refuses } from '../platform/http/refuses.decorator';
import { Roles } from '../platform/http/roles.decorator';
import {
  CardLinkDetailView,
  CardLinkView,
  CreateCardLinkDto,
  MintedCardLinkView,
  toCardLinkDetailView,
  toCardLinkView,
  toMintedCardLinkView,
} from './card-link.dto';
import { CardLinksService } from './card-links.service';

@ApiTags('Card links')
@Controller('v1')
export class CardLinksController {
  constructor(
    private readonly cardLinks: CardLinksService,
    private readonly idempotency: Idempotency,
  ) {}

  /** Makes the payout's link; the one before it stops working. The URL is in this answer and nowhere else. */
  @Roles('marketplace')
  @Post('payouts/:id/card-links')
  @Refuses(409, 'payout_has_ended')
  async create(
    @Req() request: FastifyRequest,
    @Param('id') payoutId: string,
    @Body() body: CreateCardLinkDto,
  ): Promise<MintedCardLinkView> {
    return this.idempotency.run(
      request,
      201,
      async (tx) =>
        toMintedCardLinkView(
          await this.cardLinks.mint(tx, payoutId, {
            // A POST without a body arrives as undefined.
            lifetimeSeconds: (body as CreateCardLinkDto | undefined)?.lifetime_seconds,
            requirePasscode: (body as CreateCardLinkDto | undefined)?.require_passcode,
          }),
        ),
      { secretFields: ['url', 'passcode'] },
    );
  }

  /** The links of a payout, newest first, with their views. */
  @Roles('marketplace', 'finance', 'auditor')
  @Get('payouts/:id/card-links')
  @ApiPage(CardLinkView)
  async list(@Param('id') payoutId: string, @Query() query: PageQuery): Promise<Page<CardLinkView>> {
    const links = await this.cardLinks.list(payoutId, query.limit, query.starting_after);
    return toPage(links, query.limit, toCardLinkView);
  }

  /** One link and what was done with it. */
  @Roles('marketplace', 'finance', 'auditor')
  @Get('card-links/:id')
  async get(@Param('id') id: string): Promise<CardLinkDetailView> {
    const { link, views } = await this.cardLinks.get(id);
    return toCardLinkDetailView(link, views);
  }

  /** Ends a link at once. */
  @Roles('marketplace')
  @Delete('card-links/:id')
  async revoke(@Req() request: FastifyRequest, @Param('id') id: string): Promise<CardLinkView> {
    return this.idempotency.run(request, 200, async (tx) => toCardLinkView(await this.cardLinks.revoke(tx, id)));
  }
}
