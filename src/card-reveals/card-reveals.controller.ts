import { Body, Controller, HttpCode, Param, Post, Req } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import type { MarkedRequest } from '../platform/http/request.types';
import { ApiIdempotency, Refuses } from '../platform/http/refuses.decorator';
import { Roles } from '../platform/http/roles.decorator';
import { RevealCardBody, RevealedCardView } from './card-reveal.dto';
import { CardRevealsService } from './card-reveals.service';

@ApiTags('Cards')
@Controller('v1/cards')
export class CardRevealsController {
  constructor(private readonly reveals: CardRevealsService) {}

  /**
   * The card's number and CVC, sealed for the public key in the body. For backends that are in the PCI scope, where the operator has set
   * `PCI_REVEAL=enabled`. Each call reveals anew and is in the audit log; an `Idempotency-Key` is not looked at.
   */
  @Post(':id/reveal')
  @HttpCode(200)
  @Roles('pci')
  @ApiIdempotency('none')
  @Refuses(404, 'card_reveal_disabled', 'card_not_found')
  @Refuses(409, 'card_not_revealable')
  @Refuses(422, 'recipient_key_refused', 'stripe_refused')
  @Refuses(503, 'stripe_unavailable')
  async reveal(
    @Req() request: MarkedRequest,
    @Param('id') id: string,
    @Body() body: RevealCardBody,
  ): Promise<RevealedCardView> {
    return { card: id, jwe: await this.reveals.reveal(request, id, { ...body }) };
  }
}
