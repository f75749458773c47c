/** Something that decides whether a card may be issued to the cardholder changed. Read the cardholder anew. */
export class CardholderUpdated {
  constructor(readonly cardholderId: string) {}
}
