import { Injectable } from '@nestjs/common';
import { CardCanceled, CardIssued } from '../card-issuance/card.events';
import { On } from '../platform/events/on.decorator';
import { AuthorizationsService } from './authorizations.service';

/** A card's own life tells of authorizations that nobody told us of. */
@Injectable()
export class AuthorizationsJobs {
  constructor(private readonly authorizations: AuthorizationsService) {}

  @On(CardCanceled)
  async afterCancel({ cardId }: CardCanceled): Promise<void> {
    await this.authorizations.syncCard(cardId);
  }

  @On(CardIssued)
  async afterIssue({ payoutId }: CardIssued): Promise<void> {
    await this.authorizations.recallUse(payoutId);
  }
}
