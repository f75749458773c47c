import { Body, Controller, Get, HttpCode, Param, Post, Query, Req } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { Idempotency } from '../platform/http/idempotency.service';
import { ApiPage, Page, toPage } from '../platform/http/page.dto';
import { ApiIdempotency, Refuses } from '../platform/http/refuses.decorator';
import type { MarkedRequest } from '../platform/http/request.types';
import { Roles } from '../platform/http/roles.decorator';
import { Clock } from '../shared/clock';
import {
  ApprovePayoutDto,
  CreatePayoutDto,
  PayoutsQuery,
  PayoutView,
  RejectPayoutDto,
  StatementQuery,
  StatementView,
  TimelineView,
  toPayoutRequest,
  toPayoutView,
  toStatementView,
  toTimelineView,
} from './payout.dto';
import { PayoutFilter } from './payout.types';
import { PayoutsService } from './payouts.service';

@ApiTags('Payouts')
@Controller('v1/payouts')
export class PayoutsController {
  constructor(
    private readonly payouts: PayoutsService,
    private readonly idempotency: Idempotency,
    private readonly clock: Clock,
  ) {}

  /** Accepts a payout. Money moves behind the answer: follow `status`, the timeline, or the events. */
  @Post()
  @Roles('marketplace')
  @ApiIdempotency('required')
  @Refuses(404, 'connected_account_not_found', 'cardholder_not_found')
  @Refuses(409, 'payout_reference_taken', 'connected_account_not_payable')
  @Refuses(
    422,
    'invalid_fields',
    'invalid_controls',
    'amount_too_large',
    'card_expiry_too_far',
    'payout_amount_limit_exceeded',
    'seller_daily_limit_exceeded',
    'key_daily_limit_exceeded',
    'label_daily_limit_exceeded',
    'label_open_limit_reached',
    'label_retired',
  )
  async create(@Req() request: MarkedRequest, @Body() body: CreatePayoutDto): Promise<PayoutView> {
    const wanted = toPayoutRequest(body, this.clock.now());
    return this.idempotency.run(
      request,
      201,
      async (tx) => toPayoutView(await this.payouts.request(tx, wanted, request.apiKey!), undefined),
      { required: true },
    );
  }

  /** Payouts, newest first. */
  @Get()
  @ApiPage(PayoutView)
  @Roles('marketplace', 'finance', 'auditor')
  async list(@Query() query: PayoutsQuery): Promise<Page<PayoutView>> {
    const rows = await this.payouts.list(toFilter(query), query.limit, query.starting_after);
    const terms = await this.payouts.termsOf(rows.map((row) => row.id));
    return toPage(rows, query.limit, (row) => toPayoutView(row, terms.get(row.id)));
  }

  /** One payout. */
  @Get(':id')
  @Roles('marketplace', 'finance', 'auditor')
  async get(@Param('id') id: string): Promise<PayoutView> {
    const payout = await this.payouts.get(id);
    return toPayoutView(payout, (await this.payouts.termsOf([id])).get(id));
  }

  /** Stops a payout that was not used, and brings back what moved. */
  @Post(':id/cancel')
  @HttpCode(200)
  @Roles('marketplace')
  @Refuses(409, 'payout_not_cancelable')
  async cancel(@Req() request: MarkedRequest, @Param('id') id: string): Promise<PayoutView> {
    await this.payouts.get(id);
    return this.idempotency.run(request, 200, async (tx) => {
      const payout = await this.payouts.cancel(tx, id);
      return toPayoutView(payout, (await this.payouts.termsOf([id], tx)).get(id));
    });
  }

  /**
   * Lets a payout that waits for approval go on. Another key has to say so than the one that asked for it, its successors, and those it
   * made.
   */
  @Post(':id/approve')
  @HttpCode(200)
  @Roles('finance')
  @Refuses(403, 'approval_needs_another_key')
  @Refuses(409, 'payout_not_awaiting_approval')
  async approve(
    @Req() request: MarkedRequest,
    @Param('id') id: string,
    @Body() body: ApprovePayoutDto,
  ): Promise<PayoutView> {
    await this.payouts.get(id);
    return this.idempotency.run(request, 200, async (tx) => {
      const payout = await this.payouts.approve(tx, id, request.apiKey!, body.note ?? null);
      return toPayoutView(payout, (await this.payouts.termsOf([id], tx)).get(id));
    });
  }

  /** Ends a payout that waits for approval before anything moved. The same rule about keys as for approving. */
  @Post(':id/reject')
  @HttpCode(200)
  @Roles('finance')
  @Refuses(403, 'approval_needs_another_key')
  @Refuses(409, 'payout_not_awaiting_approval')
  async reject(
    @Req() request: MarkedRequest,
    @Param('id') id: string,
    @Body() body: RejectPayoutDto,
  ): Promise<PayoutView> {
    await this.payouts.get(id);
    return this.idempotency.run(request, 200, async (tx) => {
      const payout = await this.payouts.reject(tx, id, request.apiKey!, body.note);
      return toPayoutView(payout, (await this.payouts.termsOf([id], tx)).get(id));
    });
  }

  /** Every move, funding transfer, Stripe call and network fact, in order. */
  @Get(':id/timeline')
  @Roles('marketplace', 'finance', 'auditor')
  async timeline(@Param('id') id: string): Promise<TimelineView> {
    return { data: (await this.payouts.timeline(id)).map(toTimelineView) };
  }

  /** Postings, hash chain and the proof that nothing was lost, as of any moment. */
  @Get(':id/statement')
  @Roles('marketplace', 'finance', 'auditor')
  async statement(@Param('id') id: string, @Query() query: StatementQuery): Promise<StatementView> {
    const at = query.at ? new Date(query.at) : null;
    const { payout, statement } = await this.payouts.statement(id, at ?? undefined);
    return toStatementView(payout, statement, at);
  }
}

function toFilter(query: PayoutsQuery): PayoutFilter {
  return {
    ...(query.status ? { status: query.status } : {}),
    ...(query.connected_account ? { connectedAccountId: query.connected_account } : {}),
    ...(query.reference ? { reference: query.reference } : {}),
    ...(query.label ? { label: query.label } : {}),
    ...(query.purpose ? { purpose: query.purpose } : {}),
    ...(query.waiting_on ? { waitingOn: query.waiting_on } : {}),
    ...(query.created_from ? { createdFrom: new Date(query.created_from) } : {}),
    ...(query.created_to ? { createdTo: new Date(query.created_to) } : {}),
  };
}
