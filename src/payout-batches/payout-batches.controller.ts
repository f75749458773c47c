import { Readable } from 'node:stream';
import { Body, Controller, Get, HttpCode, Param, Post, Query, Req } from '@nestjs/common';
import { ApiBody, ApiConsumes, ApiTags } from '@nestjs/swagger';
import { UnsupportedMediaType } from '../platform/http/http.errors';
import { Idempotency } from '../platform/http/idempotency.service';
import { ApiPage, Page, PageQuery, toPage } from '../platform/http/page.dto';
import type { MarkedRequest } from '../platform/http/request.types';
import { ApiBodyExamples, ApiIdempotency, Refuses } from '../platform/http/refuses.decorator';
import { Roles } from '../platform/http/roles.decorator';
import {
  BatchRowsQuery,
  PayoutBatchRowView,
  PayoutBatchSummaryView,
  PayoutBatchView,
  toBatchRowView,
  toBatchSummaryView,
  toBatchView,
} from './payout-batch.dto';
import { BatchFormat } from './payout-batch.types';
import { CheckedFile, PayoutBatchesService } from './payout-batches.service';

@ApiTags('Payout batches')
@Controller('v1/payout-batches')
export class PayoutBatchesController {
  constructor(
    private readonly batches: PayoutBatchesService,
    private readonly idempotency: Idempotency,
  ) {}

  /**
   * Asks for up to 10,000 payouts at once: one JSON object a line, each like the body of `POST /v1/payouts`, or CSV with a header. All
   * rows are accepted, or none and each refused row is named. Rows then become payouts behind the answer.
   */
  @Post()
  @HttpCode(202)
  @ApiConsumes('application/x-ndjson', 'text/csv')
  @ApiBody({ schema: { type: 'string' } })
  @ApiBodyExamples({
    'application/x-ndjson':
      '{"connected_account":"seller_01J9ZQ4M5N6P7R8S9T0V1W2X3Y","cardholder":"holder_01J9ZQ4M5N6P7R8S9T0V1W2X3Y","amount":25000,"currency":"usd","reference":"order-1001"}\n',
    'text/csv':
      'connected_account,cardholder,amount,currency,reference\nseller_01J9ZQ4M5N6P7R8S9T0V1W2X3Y,holder_01J9ZQ4M5N6P7R8S9T0V1W2X3Y,25000,usd,order-1001\n',
  })
  @Roles('marketplace')
  @ApiIdempotency('required')
  @Refuses(400, 'batch_malformed')
  @Refuses(422, 'batch_empty', 'batch_invalid', 'batch_too_long')
  async create(@Req() request: MarkedRequest, @Body() body: unknown): Promise<PayoutBatchView> {
    this.idempotency.assertKey(request);
    const file = await this.readFile(request, body);
    return this.idempotency.run(
      request,
      202,
      async (tx) => {
        const batch = await this.batches.accept(tx, file, request.apiKey!);
        return toBatchView(batch, await this.batches.progress(batch.id, tx));
      },
      { required: true },
    );
  }

  /** Batches, newest first. */
  @Get()
  @ApiPage(PayoutBatchSummaryView)
  @Roles('marketplace', 'finance', 'auditor')
  async list(@Query() query: PageQuery): Promise<Page<PayoutBatchSummaryView>> {
    const batches = await this.batches.list(query.limit, query.starting_after);
    return toPage(batches, query.limit, toBatchSummaryView);
  }

  /** How far a batch is: its rows and the payouts they became, counted by status. */
  @Get(':id')
  @Roles('marketplace', 'finance', 'auditor')
  async get(@Param('id') id: string): Promise<PayoutBatchView> {
    return toBatchView(await this.batches.get(id), await this.batches.progress(id));
  }

  /** Rows in the order of the file. */
  @Get(':id/rows')
  @ApiPage(PayoutBatchRowView)
  @Roles('marketplace', 'finance', 'auditor')
  async rows(@Param('id') id: string, @Query() query: BatchRowsQuery): Promise<Page<PayoutBatchRowView>> {
    const filter = { status: query.status, after: Number(query.starting_after ?? 0) };
    const rows = await this.batches.listRows(id, filter, query.limit);
    return toPage(
      rows.map((row) => ({ ...row, id: String(row.number) })),
      query.limit,
      toBatchRowView,
    );
  }

  private async readFile(request: MarkedRequest, body: unknown): Promise<CheckedFile> {
    const format = formatOf(request.headers['content-type']);
    if (format === undefined || !(body instanceof Readable)) {
      throw new UnsupportedMediaType('A batch must be application/x-ndjson or text/csv, in UTF-8.');
    }
    try {
      // Not destroyed when reading ends early: the answer goes over the same connection.
      const file = await this.batches.read(body.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>, format);
      // What makes the request the same one when it comes again.
      request.body = { format, sha256: file.sha256.toString('hex') };
      return file;
    } finally {
      body.resume();
    }
  }
}

function formatOf(contentType: string | undefined): BatchFormat | undefined {
  const type = contentType?.split(';', 1)[0]?.trim().toLowerCase();
  if (type === 'application/x-ndjson') return 'ndjson';
  return type === 'text/csv' ? 'csv' : undefined;
}
