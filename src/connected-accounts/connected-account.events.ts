/** Something that decides whether the account may receive payouts changed. Read the account anew; several may be merged. */
export class ConnectedAccountUpdated {
  constructor(readonly connectedAccountId: string) {}
}
