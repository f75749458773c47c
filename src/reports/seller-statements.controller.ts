import { Controller, Get, Param, Query, Res } from '@nestjs/common';
import { ApiExtraModels, ApiOkResponse, ApiTags, getSchemaPath } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import { Roles } from '../platform/http/roles.decorator';
import { statementToJson, toCsv } from './report-format.policy';
import { SellerStatementView, StatementQuery, toMonth } from './report.dto';
import { sendReport } from './reports.controller';
import { SellerStatementsService } from './seller-statements.service';

@ApiTags('Reports')
@Controller('v1/connected-accounts')
export class SellerStatementsController {
  constructor(private readonly statements: SellerStatementsService) {}

  /**
   * A seller's month.
   * What was promised to the seller, paid and taken back in a month, from its opening to its closing balance, as JSON (with every
   * ledger account of the seller) or CSV. Amounts are minor units.
   */
  @Roles('finance', 'auditor')
  @Get(':id/statements')
  @ApiExtraModels(SellerStatementView)
  @ApiOkResponse({
    content: {
      'application/json': { schema: { $ref: getSchemaPath(SellerStatementView) } },
      'text/csv': { schema: { type: 'string' }, example: 'payout,reference,currency,amount\r\n' },
    },
  })
  async get(@Param('id') id: string, @Query() query: StatementQuery, @Res() reply: FastifyReply): Promise<void> {
    const isCsv = query.format === 'csv';
    const month = { name: query.month, ...toMonth(query.month), cutoff: query.cutoff ?? null };
    const statement = await this.statements.open(id, month, !isCsv);
    await sendReport(
      reply,
      isCsv ? toCsv(statement) : statementToJson(statement),
      isCsv ? `${id}-${query.month}.csv` : null,
    );
  }
}
