import { Readable } from 'node:stream';
import { Body, Controller, Get, HttpCode, Param, Post, Query, Req, Res } from '@nestjs/common';
import { ApiOkResponse, ApiTags } from '@nestjs/swagger';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { Idempotency } from '../platform/http/idempotency.service';
import { ApiPage, Page, PageQuery, toPage } from '../platform/http/page.dto';
import { MarkedRequest } from '../platform/http/request.types';
import { Refuses } from '../platform/http/refuses.decorator';
import { Roles } from '../platform/http/roles.decorator';
import { Clock } from '../shared/clock';
import {
  ReconciliationBreaksQuery,
  ReconciliationBreakView,
  ReconciliationRunDetailView,
  ReconciliationRunView,
  ResolveReconciliationBreakDto,
  StartReconciliationRunDto,
  toReconciliationBreakView,
  toReconciliationRunView,
  toRunAccountView,
} from './reconciliation.dto';
import { ReconciliationService } from './reconciliation.service';

@ApiTags('Reconciliation')
@Controller('v1')
export class ReconciliationController {
  constructor(
    private readonly reconciliation: ReconciliationService,
    private readonly idempotency: Idempotency,
    private readonly clock: Clock,
  ) {}

  /** Compares the ledger with Stripe, per account, up to a cut-off. Goes on behind the answer: follow `status`. */
  @Roles('finance')
  @Post('reconciliation-runs')
  @HttpCode(202)
  @Refuses(404, 'connected_account_not_found')
  @Refuses(422, 'cutoff_in_future')
  async start(@Req() request: FastifyRequest, @Body() body: StartReconciliationRunDto): Promise<ReconciliationRunView> {
    return this.idempotency.run(request, 202, async (tx) =>
      toReconciliationRunView(
        await this.reconciliation.start(tx, {
          // A POST without a body arrives as undefined.
          connectedAccountId: (body as StartReconciliationRunDto | undefined)?.connected_account ?? null,
          cutoff: (body as StartReconciliationRunDto | undefined)?.cutoff ?? null,
        }),
      ),
    );
  }

  /** Runs, newest first. */
  @Roles('finance', 'auditor')
  @Get('reconciliation-runs')
  @ApiPage(ReconciliationRunView)
  async list(@Query() query: PageQuery): Promise<Page<ReconciliationRunView>> {
    const runs = await this.reconciliation.list(query.limit, query.starting_after);
    return toPage(runs, query.limit, toReconciliationRunView);
  }

  /** One run, and how each account came out. */
  @Roles('finance', 'auditor')
  @Get('reconciliation-runs/:id')
  async get(@Param('id') id: string): Promise<ReconciliationRunDetailView> {
    const run = toReconciliationRunView(await this.reconciliation.get(id));
    return { ...run, accounts: (await this.reconciliation.accountsOf(id)).map(toRunAccountView) };
  }

  /** The report whose SHA-256 the run names: JSON lines, the same bytes for the same cut-off. */
  @Roles('finance', 'auditor')
  @Get('reconciliation-runs/:id/report')
  @ApiOkResponse({
    content: {
      'application/x-ndjson': { schema: { type: 'string' }, example: '{"object":"reconciliation_report"}\n' },
    },
  })
  @Refuses(409, 'reconciliation_run_unfinished')
  async report(@Param('id') id: string, @Res() reply: FastifyReply): Promise<void> {
    const pieces = await this.reconciliation.report(id);
    await reply.header('content-type', 'application/x-ndjson; charset=utf-8').send(Readable.from(pieces));
  }

  /** Differences that nobody has explained, newest first; resolved ones too. */
  @Roles('finance', 'auditor')
  @Get('reconciliation-breaks')
  @ApiPage(ReconciliationBreakView)
  async listBreaks(@Query() query: ReconciliationBreaksQuery): Promise<Page<ReconciliationBreakView>> {
    const now = this.clock.now();
    const breaks = await this.reconciliation.listBreaks(
      { status: query.status, type: query.type, connectedAccountId: query.connected_account, payoutId: query.payout },
      query.limit,
      query.starting_after,
    );
    return toPage(breaks, query.limit, (found) => toReconciliationBreakView(found, now));
  }

  /** One break, with what was found on either side. */
  @Roles('finance', 'auditor')
  @Get('reconciliation-breaks/:id')
  async getBreak(@Param('id') id: string): Promise<ReconciliationBreakView> {
    return toReconciliationBreakView(await this.reconciliation.getBreak(id), this.clock.now());
  }

  /** Closes a break with a note. With `correct_against` a correcting entry is proposed instead, which another key must approve. */
  @Roles('finance')
  @Post('reconciliation-breaks/:id/resolve')
  @HttpCode(200)
  @Refuses(409, 'reconciliation_break_not_open', 'correction_not_possible')
  async resolve(
    @Req() request: FastifyRequest,
    @Param('id') id: string,
    @Body() body: ResolveReconciliationBreakDto,
  ): Promise<ReconciliationBreakView> {
    const apiKeyId = apiKeyOf(request);
    const { note, correct_against: against } = body;
    return this.idempotency.run(request, 200, async (tx) =>
      toReconciliationBreakView(
        against === undefined
          ? await this.reconciliation.resolveBreak(tx, id, note, apiKeyId)
          : await this.reconciliation.proposeCorrection(tx, id, against, note, apiKeyId),
        this.clock.now(),
      ),
    );
  }

  /** Posts the correcting entry that another key proposed, and closes the break. */
  @Roles('finance')
  @Post('reconciliation-breaks/:id/approve')
  @HttpCode(200)
  @Refuses(
    409,
    'reconciliation_break_not_open',
    'correction_not_possible',
    'correction_not_proposed',
    'correction_needs_another_key',
  )
  async approve(@Req() request: FastifyRequest, @Param('id') id: string): Promise<ReconciliationBreakView> {
    return this.idempotency.run(request, 200, async (tx) =>
      toReconciliationBreakView(
        await this.reconciliation.approveCorrection(tx, id, apiKeyOf(request)),
        this.clock.now(),
      ),
    );
  }
}

function apiKeyOf(request: FastifyRequest): string {
  return (request as MarkedRequest).apiKey?.id ?? 'unknown';
}
