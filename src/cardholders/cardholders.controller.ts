import { Body, Controller, Get, Param, Patch, Post, Query, Req } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import type { FastifyRequest } from 'fastify';
import { Idempotency } from '../platform/http/idempotency.service';
import { toPage } from '../platform/http/page.dto';
import type { MarkedRequest } from '../platform/http/request.types';
import { Refuses } from '../platform/http/refuses.decorator';
import { Roles } from '../platform/http/roles.decorator';
import {
  CardholderDetailView,
  CardholderPage,
  CardholdersQuery,
  CardholderView,
  CreateCardholderBody,
  toAddress,
  toCardholderDetailView,
  toCardholderView,
  toProfileChanges,
  UpdateCardholderBody,
} from './cardholder.dto';
import { CardholdersService } from './cardholders.service';

@ApiTags('Cardholders')
@Controller('v1/cardholders')
export class CardholdersController {
  constructor(
    private readonly cardholders: CardholdersService,
    private readonly idempotency: Idempotency,
  ) {}

  /**
   * Takes a cardholder on. Answers at once with `requested`; Stripe makes it as soon as the account may issue cards, and
   * `cardholder.updated` tells of each change.
   */
  @Post()
  @Roles('marketplace')
  @Refuses(404, 'connected_account_not_found')
  @Refuses(422, 'invalid_fields')
  async create(@Req() request: FastifyRequest, @Body() body: CreateCardholderBody): Promise<CardholderView> {
    return this.idempotency.run(request, 201, async (tx) => {
      const cardholder = await this.cardholders.create(tx, {
        connectedAccountId: body.connected_account,
        type: body.type,
        profile: { ...toProfileChanges(body), name: body.name, billingAddress: toAddress(body.billing_address) },
      });
      return toCardholderView(cardholder);
    });
  }

  /** Cardholders, newest first, without personal data. */
  @Get()
  @Roles('marketplace', 'finance', 'auditor')
  async list(@Query() query: CardholdersQuery): Promise<CardholderPage> {
    const rows = await this.cardholders.list({
      connectedAccountId: query.connected_account,
      status: query.status,
      startingAfter: query.starting_after,
      limit: query.limit,
    });
    return toPage(rows, query.limit, toCardholderView);
  }

  /** Personal data is shown to the roles marketplace and admin; finance and auditors see how the cardholder stands. */
  @Get(':id')
  @Roles('marketplace', 'finance', 'auditor')
  async get(@Req() request: FastifyRequest, @Param('id') id: string): Promise<CardholderDetailView> {
    const role = (request as MarkedRequest).apiKey?.role;
    if (role !== 'marketplace' && role !== 'admin') return toCardholderView(await this.cardholders.get(id));
    const { cardholder, profile } = await this.cardholders.getWithProfile(id);
    return profile ? toCardholderDetailView(cardholder, profile) : toCardholderView(cardholder);
  }

  /** Changes what is given and leaves the rest. How requirements are met: what `requirements.past_due` names goes in here. */
  @Patch(':id')
  @Refuses(409, 'cardholder_erased')
  @Roles('marketplace')
  @Refuses(422, 'invalid_fields')
  async update(
    @Req() request: FastifyRequest,
    @Param('id') id: string,
    @Body() body: UpdateCardholderBody,
  ): Promise<CardholderView> {
    return this.idempotency.run(request, 200, async (tx) =>
      toCardholderView(await this.cardholders.update(tx, id, toProfileChanges(body))),
    );
  }
}
