import { Controller, HttpCode, Param, Post, Req } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import type { FastifyRequest } from 'fastify';
import { PayoutLabel } from '../payout-limits/payout-limit.types';
import { Idempotency } from '../platform/http/idempotency.service';
import { Roles } from '../platform/http/roles.decorator';
import { LabelActView } from './payout-batch.dto';
import { PayoutLabelActsService } from './payout-label-acts.service';

@ApiTags('Payout labels')
@Controller('v1/payout-labels')
export class PayoutLabelActsController {
  constructor(
    private readonly acts: PayoutLabelActsService,
    private readonly idempotency: Idempotency,
  ) {}

  /** Ends a label for good: new payouts are refused at once, and those that can be canceled are, behind the answer. */
  @Post(':label/retire')
  @HttpCode(202)
  @Roles('marketplace', 'finance')
  async retire(@Req() request: FastifyRequest, @Param('label') label: string): Promise<LabelActView> {
    return this.idempotency.run(request, 202, async (tx) => toView(await this.acts.retire(tx, label)));
  }

  /** Replaces the unused cards of the label's ready payouts, behind the answer. Sellers open their links again and see the new ones. */
  @Post(':label/rotate')
  @HttpCode(202)
  @Roles('marketplace', 'finance')
  async rotate(@Req() request: FastifyRequest, @Param('label') label: string): Promise<LabelActView> {
    return this.idempotency.run(request, 202, async (tx) => toView(await this.acts.rotate(tx, label)));
  }
}

function toView({ label, retiredAt }: PayoutLabel): LabelActView {
  return { label, retired_at: retiredAt?.toISOString() ?? null };
}
