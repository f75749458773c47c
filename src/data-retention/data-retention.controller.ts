import { Controller, HttpCode, Param, Post, Req } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import type { FastifyRequest } from 'fastify';
import { Idempotency } from '../platform/http/idempotency.service';
import { Refuses } from '../platform/http/refuses.decorator';
import { Roles } from '../platform/http/roles.decorator';
import { CardholderErasureView, toCardholderErasureView } from './data-retention.dto';
import { DataRetentionService } from './data-retention.service';

@ApiTags('Cardholders')
@Controller('v1/cardholders')
export class DataRetentionController {
  constructor(
    private readonly retention: DataRetentionService,
    private readonly idempotency: Idempotency,
  ) {}

  /**
   * Erases the cardholder's personal data here, for good, and makes the cardholder inactive at Stripe, which deletes none. Refused while
   * a payout of the cardholder is not closed. Ids, states and the books stay.
   */
  @Post(':id/erase')
  @HttpCode(200)
  @Refuses(409, 'cardholder_has_open_payouts', 'cardholder_busy')
  @Roles('admin')
  async erase(@Req() request: FastifyRequest, @Param('id') id: string): Promise<CardholderErasureView> {
    return this.idempotency.run(request, 200, async (tx) =>
      toCardholderErasureView(await this.retention.eraseCardholder(tx, id)),
    );
  }
}
