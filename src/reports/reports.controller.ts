import { Readable } from 'node:stream';
import { Controller, Get, Param, Query, Res } from '@nestjs/common';
import { ApiExtraModels, ApiOkResponse, ApiParam, ApiTags, getSchemaPath } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import { Refuses } from '../platform/http/refuses.decorator';
import { Roles } from '../platform/http/roles.decorator';
import { toCsv, toJson } from './report-format.policy';
import { ReportQuery, ReportView } from './report.dto';
import { reportNames } from './report.types';
import { ReportsService } from './reports.service';

@ApiTags('Reports')
@Controller('v1/reports')
export class ReportsController {
  constructor(private readonly reports: ReportsService) {}

  /**
   * A report, as JSON or CSV.
   * `settlement`, `unspent`, `reclaims`, `authorizations`, `ledger`, `funding` or `journal`, as JSON (with totals and the ledger's own)
   * or CSV. Amounts are minor units. The same period and cut-off give the same bytes.
   */
  @Roles('finance', 'auditor')
  @Get(':name')
  @ApiParam({ name: 'name', schema: { type: 'string', enum: [...reportNames] } })
  @Refuses(404, 'report_not_found', 'connected_account_not_found')
  @ApiExtraModels(ReportView)
  @ApiOkResponse({
    content: {
      'application/json': { schema: { $ref: getSchemaPath(ReportView) } },
      'text/csv': { schema: { type: 'string' }, example: 'payout,reference,currency,amount\r\n' },
    },
  })
  async get(@Param('name') name: string, @Query() query: ReportQuery, @Res() reply: FastifyReply): Promise<void> {
    const isCsv = query.format === 'csv';
    const period = {
      from: query.from ?? null,
      to: query.to ?? null,
      cutoff: query.cutoff ?? null,
      connectedAccountId: query.connected_account ?? null,
      payoutStatus: query.status ?? null,
      label: query.label ?? null,
    };
    const report = await this.reports.open(name, period, !isCsv);
    await sendReport(reply, isCsv ? toCsv(report) : toJson(report), isCsv ? `${report.name}.csv` : null);
  }
}

/** Sends the pieces as they come, CSV under its file name. The answer begins with the first rows: what fails before them is an error. */
export async function sendReport(
  reply: FastifyReply,
  pieces: AsyncGenerator<string>,
  csvFile: string | null,
): Promise<void> {
  const first = await pieces.next();
  const all = async function* (): AsyncGenerator<string> {
    // Ends the pieces, and with them their database snapshot, also when the reader goes away.
    try {
      if (!first.done) yield first.value;
      yield* pieces;
    } finally {
      await pieces.return(undefined);
    }
  };
  if (csvFile !== null) void reply.header('content-disposition', `attachment; filename="${csvFile}"`);
  await reply
    .header(
      'content-type',
      csvFile === null ? 'application/json; charset=utf-8' : 'text/csv; charset=utf-8; header=present',
    )
    .send(Readable.from(all()));
}
