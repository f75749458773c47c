import { Body, Controller, Get, HttpCode, Param, Post, Query, Req } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import type { FastifyRequest } from 'fastify';
import { Idempotency } from '../platform/http/idempotency.service';
import { toPage } from '../platform/http/page.dto';
import { ApiIdempotency, Refuses } from '../platform/http/refuses.decorator';
import { Roles } from '../platform/http/roles.decorator';
import { InvalidFields } from '../shared/domain-error';
import {
  adoptionFields,
  ConnectedAccountBalanceView,
  ConnectedAccountPage,
  ConnectedAccountsQuery,
  ConnectedAccountView,
  CreateConnectedAccountBody,
  OnboardingLinkBody,
  OnboardingLinkView,
  toBalanceView,
  toConnectedAccountView,
} from './connected-account.dto';
import { SellerProfile } from './connected-account.policy';
import { ConnectedAccountsService } from './connected-accounts.service';

@ApiTags('Connected accounts')
@Controller('v1/connected-accounts')
export class ConnectedAccountsController {
  constructor(
    private readonly connectedAccounts: ConnectedAccountsService,
    private readonly idempotency: Idempotency,
  ) {}

  /**
   * Onboards a seller. Answers at once with `onboarding`; `stripe_account_id`, capabilities and requirements follow, and
   * `connected_account.updated` tells of each change.
   */
  @Post()
  @Roles('marketplace')
  @Refuses(409, 'external_reference_taken', 'stripe_account_taken')
  @Refuses(
    422,
    'invalid_fields',
    'stripe_account_unknown',
    'stripe_account_controller_unsuitable',
    'stripe_account_rejected',
    'country_not_supported',
    'automatic_stripe_payouts',
    'card_issuing_not_requested',
    'stripe_refused',
  )
  @Refuses(503, 'stripe_unavailable')
  async create(
    @Req() request: FastifyRequest,
    @Body() body: CreateConnectedAccountBody,
  ): Promise<ConnectedAccountView> {
    if (body.stripe_account_id !== undefined) return this.adopt(request, body, body.stripe_account_id);
    const profile = toProfile(body);
    return this.idempotency.run(request, 201, async (tx) => {
      const account = await this.connectedAccounts.onboard(tx, {
        externalReference: body.external_reference,
        fundingRail: body.funding_rail,
        currency: body.currency,
        profile,
      });
      return toConnectedAccountView(account);
    });
  }

  /** Sellers, newest first. */
  @Get()
  @Roles('marketplace', 'finance', 'auditor')
  async list(@Query() query: ConnectedAccountsQuery): Promise<ConnectedAccountPage> {
    const rows = await this.connectedAccounts.list({
      status: query.status,
      externalReference: query.external_reference,
      startingAfter: query.starting_after,
      limit: query.limit,
    });
    return toPage(rows, query.limit, toConnectedAccountView);
  }

  /** How a seller stands: status, capabilities, what is due, and whether it may receive payouts now. */
  @Get(':id')
  @Roles('marketplace', 'finance', 'auditor')
  async get(@Param('id') id: string): Promise<ConnectedAccountView> {
    return toConnectedAccountView(await this.connectedAccounts.get(id));
  }

  /**
   * Makes a link to Stripe's hosted onboarding, where the seller fills in what is due. It works once and for minutes, so make it when
   * the seller clicks. Repeating the request makes another link and changes nothing else.
   */
  @Post(':id/onboarding-links')
  @Roles('marketplace')
  @ApiIdempotency('none')
  @Refuses(409, 'stripe_account_not_ready')
  @Refuses(422, 'stripe_refused')
  @Refuses(503, 'stripe_unavailable')
  async createOnboardingLink(@Param('id') id: string, @Body() body: OnboardingLinkBody): Promise<OnboardingLinkView> {
    const link = await this.connectedAccounts.createOnboardingLink(id, {
      refreshUrl: body.refresh_url,
      returnUrl: body.return_url,
    });
    return { url: link.url, expires_at: link.expiresAt.toISOString() };
  }

  /** Stripe's figures, asked just now, beside the ledger's. They differ while an event is on its way. */
  @Get(':id/balance')
  @Roles('marketplace', 'finance', 'auditor')
  @Refuses(409, 'stripe_account_not_ready')
  @Refuses(422, 'stripe_refused')
  @Refuses(503, 'stripe_unavailable')
  async balance(@Param('id') id: string): Promise<ConnectedAccountBalanceView> {
    return toBalanceView(await this.connectedAccounts.compareBalances(id));
  }

  /**
   * The kill switch: from now on no payout is started for the seller and every authorization on its cards is declined. Behind the answer
   * they become inactive at Stripe too.
   */
  @Post(':id/suspend')
  @HttpCode(200)
  @Roles('marketplace', 'finance')
  async suspend(@Req() request: FastifyRequest, @Param('id') id: string): Promise<ConnectedAccountView> {
    return this.idempotency.run(request, 200, async (tx) =>
      toConnectedAccountView(await this.connectedAccounts.suspend(tx, id)),
    );
  }

  /** Takes the kill switch back. Cards that were frozen by hand stay so. */
  @Post(':id/resume')
  @HttpCode(200)
  @Roles('marketplace', 'finance')
  async resume(@Req() request: FastifyRequest, @Param('id') id: string): Promise<ConnectedAccountView> {
    return this.idempotency.run(request, 200, async (tx) =>
      toConnectedAccountView(await this.connectedAccounts.resume(tx, id)),
    );
  }

  private async adopt(
    request: FastifyRequest,
    body: CreateConnectedAccountBody,
    stripeAccountId: string,
  ): Promise<ConnectedAccountView> {
    const superfluous = Object.entries(body).filter(
      ([field, value]) => value !== undefined && !adoptionFields.includes(field),
    );
    if (superfluous.length > 0) {
      throw new InvalidFields(
        superfluous.map(([field]) => ({
          pointer: `/${field}`,
          detail: 'is not taken together with stripe_account_id',
        })),
      );
    }
    // Stripe is asked before the transaction opens; the network has no place inside one.
    const inspected = await this.connectedAccounts.inspectForAdoption(stripeAccountId);
    return this.idempotency.run(request, 201, async (tx) => {
      const account = await this.connectedAccounts.adopt(tx, {
        externalReference: body.external_reference,
        fundingRail: body.funding_rail,
        displayName: body.legal_name,
        ...inspected,
      });
      return toConnectedAccountView(account);
    });
  }
}

function toProfile(body: CreateConnectedAccountBody): SellerProfile {
  const { representative, business_profile: business, terms_acceptance: terms } = body;
  return {
    country: body.country!,
    businessType: body.business_type!,
    email: body.email!,
    legalName: body.legal_name!,
    address: body.address && { ...body.address },
    phone: body.phone,
    taxId: body.tax_id,
    representative: representative && {
      firstName: representative.first_name,
      lastName: representative.last_name,
      email: representative.email,
      phone: representative.phone,
      dob: representative.dob && { ...representative.dob },
      address: representative.address && { ...representative.address, country: body.country! },
    },
    businessProfile: business && {
      mcc: business.mcc,
      url: business.url,
      productDescription: business.product_description,
      estimatedWorkerCount: business.estimated_worker_count,
    },
    termsAcceptance: terms && { ip: terms.ip, date: new Date(terms.date), userAgent: terms.user_agent },
  };
}
