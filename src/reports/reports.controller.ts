import { Readable } from 'node:stream';
import { Controller, Get, Param, Query, Res } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import { Roles } from '../platform/http/roles.decorator';
import { toCsv, toJson } from './report-format.policy';
import { ReportQuery } from './report.dto';
import { ReportsService } from './reports.service';

@ApiTags('Reports')
@Controller('v1/reports')
export class ReportsController {
  constructor(private readonly reports: ReportsService) {}

  /**
   * `settlement`, `unspent`, `reclaims`, `authorizations`, `ledger` or `funding`, as JSON (with totals and the ledger's own) or CSV.
   * Amounts are minor units. The same period and cut-off give the same bytes.
   */
  @Roles('finance', 'auditor')
  @Get(':name')
  async get(@Param('name') name: string, @Query() query: ReportQuery, @Res() reply: FastifyReply): Promise<void> {
    const report = await this.reports.open(name, {
      from: query.from ?? null,
      to: query.to ?? null,
      cutoff: query.cutoff ?? null,
      connectedAccountId: query.connected_account ?? null,
    });
    const isCsv = query.format === 'csv';
    if (isCsv) void reply.header('content-disposition', `attachment; filename="${report.name}.csv"`);
    await reply
      .header('content-type', isCsv ? 'text/csv; charset=utf-8; header=present' : 'application/json; charset=utf-8')
      .send(Readable.from(isCsv ? toCsv(report) : toJson(report)));
  }
}
