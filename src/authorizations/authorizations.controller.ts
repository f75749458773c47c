import { Controller, Get, HttpCode, Param, Post, Query } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { toPage } from '../platform/http/page.dto';
import { ApiIdempotency, Refuses } from '../platform/http/refuses.decorator';
import { Roles } from '../platform/http/roles.decorator';
import {
  AuthorizationDetailView,
  AuthorizationPage,
  AuthorizationReplayView,
  AuthorizationsQuery,
  toAuthorizationDetailView,
  toAuthorizationView,
  toReplayView,
} from './authorization.dto';
import { AuthorizationsService } from './authorizations.service';

@ApiTags('Authorizations')
@Controller('v1/authorizations')
export class AuthorizationsController {
  constructor(private readonly authorizations: AuthorizationsService) {}

  /** Authorizations, newest first, declined ones too. */
  @Get()
  @Roles('marketplace', 'finance', 'auditor')
  async list(@Query() query: AuthorizationsQuery): Promise<AuthorizationPage> {
    const rows = await this.authorizations.list({
      payoutId: query.payout,
      cardId: query.card,
      connectedAccountId: query.connected_account,
      approved: query.approved,
      createdFrom: query.created_from === undefined ? undefined : new Date(query.created_from),
      createdTo: query.created_to === undefined ? undefined : new Date(query.created_to),
      startingAfter: query.starting_after,
      limit: query.limit,
    });
    return toPage(rows, query.limit, toAuthorizationView);
  }

  /** The receipt of a decision: what was asked, by which facts it was judged, our answer, the network's, and the milliseconds. */
  @Get(':id')
  @Roles('marketplace', 'finance', 'auditor')
  async get(@Param('id') id: string): Promise<AuthorizationDetailView> {
    return toAuthorizationDetailView(await this.authorizations.get(id));
  }

  /** Decides the newest request again by today's rules on the facts of then. Changes nothing. */
  @Post(':id/replay')
  @HttpCode(200)
  @Roles('marketplace', 'finance')
  @ApiIdempotency('none')
  @Refuses(409, 'authorization_not_replayable')
  async replay(@Param('id') id: string): Promise<AuthorizationReplayView> {
    return toReplayView(await this.authorizations.replay(id));
  }
}
