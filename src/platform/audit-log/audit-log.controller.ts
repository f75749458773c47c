import { Readable } from 'node:stream';
import { Controller, Get, Query, Res } from '@nestjs/common';
import { ApiOkResponse, ApiTags } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import { ApiPage, Page, toPage } from '../http/page.dto';
import { Roles } from '../http/roles.decorator';
import { AuditEntryView, AuditLogExportQuery, AuditLogQuery, toAuditEntryView, toAuditFilter } from './audit-log.dto';
import { toCsv, toJsonLines } from './audit-log-format.policy';
import { AuditLog } from './audit-log.service';

@ApiTags('Audit log')
@Controller('v1/audit-log')
export class AuditLogController {
  constructor(private readonly auditLog: AuditLog) {}

  /** Who did what, newest first: every change by the API or the command line, and attempts that were refused. */
  @Get()
  @ApiPage(AuditEntryView)
  @Roles('auditor')
  async list(@Query() query: AuditLogQuery): Promise<Page<AuditEntryView>> {
    const rows = await this.auditLog.list(toAuditFilter(query), query.limit + 1, query.starting_after);
    return toPage(rows, query.limit, toAuditEntryView);
  }

  /** The same as a stream, whole: JSON lines or CSV. */
  @Get('export')
  @ApiOkResponse({
    content: {
      'application/jsonl': { schema: { type: 'string' }, example: '{"action":"payout.cancel"}\n' },
      'text/csv': { schema: { type: 'string' }, example: 'id,occurred_at,action\r\n' },
    },
  })
  @Roles('auditor')
  async export(@Query() query: AuditLogExportQuery, @Res() reply: FastifyReply): Promise<void> {
    const isCsv = query.format === 'csv';
    const pages = this.views(query);
    await reply
      .header('content-type', isCsv ? 'text/csv; charset=utf-8; header=present' : 'application/jsonl; charset=utf-8')
      .header('content-disposition', `attachment; filename="audit-log.${isCsv ? 'csv' : 'jsonl'}"`)
      .send(Readable.from(isCsv ? toCsv(pages) : toJsonLines(pages)));
  }

  private async *views(query: AuditLogQuery): AsyncGenerator<AuditEntryView[]> {
    for await (const page of this.auditLog.pages(toAuditFilter(query))) yield page.map(toAuditEntryView);
  }
}
